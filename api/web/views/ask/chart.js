// A simple picture of an answer: its numbers over its first time, number or name.

import { el, svg } from "../../shell/dom.js";
import { number, time } from "../../shell/format.js";
import { t } from "../../shell/words.js";

const HEIGHT = 260;
const LEFT = 62;
const BOTTOM = 34;
const TOP = 10;
// Lines drawn, points of each, bars.
const LINES = 5;
const POINTS = 4000;
const BARS = 30;
const BAR = 22;
const LABEL = 270;

const isTime = ({ type }) => /TIMESTAMP|DATE/.test(type);
const isNumber = ({ type }) => /INT|DOUBLE|FLOAT|DECIMAL|REAL/.test(type);

/** A picture of the answer, `width` wide, or null when there are no numbers to draw. `long` is a picture that comes after the rows. */
export function chart({ columns, rows }, width) {
  const over = columns.find(isTime);
  const names = columns.filter((column) => !isNumber(column) && !isTime(column));
  const numbers = columns.filter(isNumber);
  if (numbers.length === 0 || rows.length < 2) return null;
  const shown = over ? curves(over, series(over, numbers, names, rows), width) : names.length > 0 ? bars(names, numbers[0], rows, width) : null;
  return shown && { long: !over, picture: el("figure", { class: "picture" }, shown) };
}

/** What is drawn as lines: a column of numbers each; or one column, a line for each of few names. */
function series(over, numbers, names, rows) {
  const points = rows.map((row) => ({ at: Date.parse(row[over.name]), row })).filter(({ at }) => !Number.isNaN(at)).sort((one, other) => one.at - other.at);
  const line = (name, of, { name: column }) => ({ name, points: of.map(({ at, row }) => ({ at, value: row[column] })) });
  const kinds = names.length === 1 ? [...new Set(rows.map((row) => row[names[0].name]))] : [];
  if (kinds.length > 1 && kinds.length <= LINES) return kinds.map((kind) => line(String(kind), points.filter(({ row }) => row[names[0].name] === kind), numbers[0]));
  return numbers.slice(0, LINES).map((column) => line(column.name, points, column));
}

/** Round values from at most `low` to at least `high`, and where they stand. */
function scale(low, high) {
  const [from, to] = low === high ? [low - 1, high + 1] : [low, high];
  const step = 10 ** Math.floor(Math.log10((to - from) / 4));
  const wide = [1, 2, 5, 10].map((factor) => factor * step).find((one) => (to - from) / one <= 6);
  const [first, last] = [Math.floor(from / wide) * wide, Math.ceil(to / wide) * wide];
  const ticks = Array.from({ length: Math.round((last - first) / wide) + 1 }, (_, at) => first + at * wide);
  return { ticks, y: (value) => TOP + ((last - value) / (last - first)) * (HEIGHT - BOTTOM - TOP) };
}

function curves(over, lines, width) {
  const all = lines.flatMap(({ points }) => points).filter(({ value }) => value !== null);
  if (all.length < 2) return null;
  const least = (of) => all.reduce((found, one) => Math.min(found, of(one)), Infinity);
  const most = (of) => all.reduce((found, one) => Math.max(found, of(one)), -Infinity);
  const { ticks, y } = scale(least(({ value }) => value), most(({ value }) => value));
  const [from, to] = [least(({ at }) => at), most(({ at }) => at)];
  const x = (at) => LEFT + ((at - from) / Math.max(1, to - from)) * (width - LEFT - 6);
  const grid = ticks.map((tick) => [
    svg("line", { class: "grid", x1: LEFT, x2: width, y1: y(tick), y2: y(tick) }),
    svg("text", { x: LEFT - 8, y: y(tick) + 4, "text-anchor": "end" }, number(tick, 6)),
  ]);
  const marks = [0, 0.5, 1].map((part) => svg("text", { x: x(from + part * (to - from)), y: HEIGHT - 8, "text-anchor": part === 0 ? "start" : part === 1 ? "end" : "middle" }, time(from + part * (to - from))));
  const label = t("ask.chart.label", { lines: lines.map(({ name }) => name).join(", "), across: over.name });
  return [
    svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label }, grid, marks,
      lines.map(({ points }, at) => svg("path", { class: `line line-${at}`, d: drawn(thinned(points), x, y) }))),
    el("figcaption", { class: "keys note" }, lines.map(({ name }, at) => el("span", { class: `key line-${at}` }, name))),
  ];
}

/** Lines between values, broken where one is missing. */
function drawn(points, x, y) {
  let broken = true;
  return points.map(({ at, value }) => {
    const step = value === null ? "" : `${broken ? "M" : "L"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    broken = value === null;
    return step;
  }).join("");
}

/** At most about `POINTS` of them: of each stretch the lowest and the highest, so that an extreme is never left out. */
function thinned(points) {
  if (points.length <= POINTS) return points;
  const size = Math.ceil(points.length / (POINTS / 2));
  const kept = [];
  for (let from = 0; from < points.length; from += size) {
    const part = points.slice(from, from + size).filter(({ value }) => value !== null);
    if (part.length === 0) kept.push(points[from]);
    else {
      const low = part.reduce((one, other) => (other.value < one.value ? other : one));
      const high = part.reduce((one, other) => (other.value > one.value ? other : one));
      kept.push(...(low.at <= high.at ? [low, high] : [high, low]));
    }
  }
  return kept;
}

/** A bar for each row, its names before it. */
function bars(names, { name: column }, rows, width) {
  const shown = rows.filter((row) => row[column] !== null).slice(0, BARS);
  if (shown.length === 0) return null;
  const values = shown.map((row) => row[column]);
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const label = Math.min(LABEL, width * 0.45);
  const room = width - label - 90;
  const x = (value) => label + ((value - low) / (high - low || 1)) * room;
  const height = shown.length * BAR + 4;
  const said = (row) => names.slice(0, 2).map(({ name }) => row[name] ?? "–").join(" · ");
  return [
    svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": t("ask.chart.label", { lines: column, across: names[0].name }) },
      shown.map((row, at) => [
        svg("text", { x: label - 10, y: at * BAR + 15, "text-anchor": "end" }, said(row).slice(0, Math.floor(label / 6.6))),
        svg("rect", { class: "bar", x: Math.min(x(0), x(row[column])), y: at * BAR + 4, width: Math.max(1, Math.abs(x(row[column]) - x(0))), height: BAR - 8 }),
        svg("text", { x: Math.max(x(0), x(row[column])) + 6, y: at * BAR + 15 }, number(row[column], 3)),
      ])),
    el("figcaption", { class: "note" }, column, rows.length > shown.length && ` · ${t("ask.chart.cut", { n: number(shown.length) })}`),
  ];
}
