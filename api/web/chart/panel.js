// One quantity over time: a uPlot whose axes, lines and cursor are its own, and whose marks are ours.

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { colour, lineColour, lineDash } from "./colours.js";
import { LANE, before, behind, lane } from "./marks.js";

const AXIS = 50;
const DAY = 86_400_000;

/** A panel in `place`. `options`: `height`, `range`, `marks`, `stays` (a lane above), `words`, `unit`, `onSelect`, `onCursor`, `sync`. */
export function panel(place, traces, options) {
  const { height, range, marks, stays, words, onSelect, onCursor, sync } = options;
  const tables = traces.map((trace) => [trace.at, trace.low, trace.high, trace.last]);
  const data = tables.length > 0 ? uPlot.join(tables) : [[], []];
  const single = traces.every((trace) => trace.single);
  const plot = new uPlot({
    width: Math.max(place.clientWidth, 200), height, ms: 1,
    pxAlign: 0,
    padding: [stays ? LANE + 8 : 8, 10, 0, 0],
    tzDate: (at) => uPlot.tzDate(new Date(at), "Etc/UTC"),
    legend: { show: false },
    scales: {
      x: { time: true, auto: false, range: () => [range().from, range().to] },
      y: { range: (_, low, high) => reach(low, high, marks().limits) },
    },
    series: [{}, ...(tables.length > 0 ? traces.flatMap((trace) => lines(trace.number, single)) : [{ show: false }])],
    bands: traces.map((trace, at) => ({ series: [2 + 3 * at, 1 + 3 * at], fill: () => lineColour(trace.number, 0.32) })),
    axes: [timeAxis(), valueAxis(options)],
    cursor: {
      x: true, y: false, points: { show: false }, sync: { key: sync, setSeries: false },
      drag: { x: true, y: false, setScale: false, dist: 4 },
    },
    hooks: {
      drawClear: [(plot) => behind(plot, marks(), words)],
      draw: [(plot) => before(plot, marks()), (plot) => stays && lane(plot, stays())],
      setSelect: [(plot) => selected(plot, onSelect)],
      setCursor: [(plot) => onCursor(plot.cursor.left >= 0 && plot.cursor.left !== null ? plot.posToVal(plot.cursor.left, "x") : null)],
    },
  }, data, place);
  return plot;
}

/** Lowest, highest and last of one sensor. With one reading a column they are the same, and points show it. */
function lines(at, single) {
  const edge = { stroke: () => lineColour(at, 0.5), width: 1, points: { show: false }, scale: "y" };
  const last = { stroke: () => lineColour(at), width: 1.4, dash: lineDash(at), scale: "y", points: single ? { size: 5, stroke: () => lineColour(at), fill: () => colour("sheet") } : { show: false } };
  return [edge, { ...edge }, last];
}

function selected(plot, onSelect) {
  const { left, width } = plot.select;
  if (width < 4) return;
  onSelect(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
  plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
}

/** From the lowest to the highest of values and limits, with room around. */
function reach(low, high, limits) {
  const values = [low, high, ...limits.filter((limit) => limit.always).map((limit) => limit.value)].filter((value) => value !== null && value !== undefined);
  if (values.length === 0) return [0, 10];
  const [bottom, top] = [Math.min(...values), Math.max(...values)];
  const room = Math.max((top - bottom) * 0.1, 0.5);
  return [bottom - room, top + room];
}

const paint = (axis) => ({
  stroke: () => colour("soft"), font: "12px system-ui, sans-serif", lineGap: 1.25, grid: { stroke: () => colour("line"), width: 1 }, ticks: { stroke: () => colour("line"), width: 1, size: 4 }, ...axis,
});

const timeAxis = () => paint({ size: 40, space: 72, values: (_, splits, __, ___, step) => dates(splits, step) });

/** Dates and times in UTC, the day only where it changes. */
function dates(splits, step) {
  let day = null;
  let year = null;
  return splits.map((at) => {
    const text = new Date(at).toISOString();
    const date = text.slice(0, 10);
    const newDay = date !== day;
    const newYear = text.slice(0, 4) !== year;
    day = date;
    year = text.slice(0, 4);
    const shown = newYear ? date : date.slice(5);
    if (step >= DAY) return shown;
    const time = text.slice(11, step < 60_000 ? 19 : 16);
    return newDay ? `${time}\n${shown}` : time;
  });
}

// As many decimals as the steps need.
const decimals = (step) => [0, 1, 2].find((digits) => Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) < 1e-6) ?? 3;

const valueAxis = ({ unit }) => paint({
  size: AXIS, space: 30,
  values: (_, splits, __, ___, step) => splits.map((value) => `${value.toFixed(decimals(step)).replace("-", "\u2212")}${unit}`),
});
