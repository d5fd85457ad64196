// One timeline of one or two panels: what is shown of it, and asking for it anew, finer, when that changes.

import { el, fill, svg } from "../shell/dom.js";
import { celsius, duration, humidity, number, time } from "../shell/format.js";
import { icon } from "../shell/icons.js";
import { button, refusal } from "../shell/parts.js";
import { register, t } from "../shell/words.js";
import words from "../words/chart.js";
import { lineColour, lineDash, onTheme } from "./colours.js";
import { panel } from "./panel.js";
import { nearest, traces } from "./traces.js";
import { steer } from "./steer.js";

register(words);

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
// What is asked for beyond what is shown, on each side, as a share of it: one can move a little without waiting.
const BEYOND = 0.25;
// After so many ms without another turn of the wheel it is asked anew.
const SETTLED = 90;
const SHORTEST = 2 * 60_000;

/**
 * A timeline. `read(from, to, points)` gives the items of a history; `about` is `{from, to, gap, marks: {temperature,
 * humidity}, stays, expiries}`. The answer has `element`, `start()`, `update(about)`, `end()`.
 */
export function timeline(read, about) {
  let whole = { from: about.from, to: about.to };
  let shown = { ...whole };
  let plots = [];
  let got = null;
  let turn = 0;
  const key = `timeline-${Math.random()}`;
  const legend = el("ul", { class: "chart-legend" });
  const readout = el("p", { class: "chart-readout note" });
  const failed = el("div");
  const panels = el("div", { class: "chart-panels" });
  const extent = el("p", { class: "chart-extent note", role: "status" });
  const stage = el("div", { class: "chart-stage", tabindex: 0, role: "group", "aria-label": t("chart.label"), "aria-describedby": "chart-keys" }, panels);
  const element = el("div", { class: "chart", "aria-busy": "true" });

  const limits = () => ({ from: whole.from, to: Math.max(whole.to, ...about.expiries.map((one) => one.at + 20 * DAY)) });

  /** Shows another part, at once with what there is, then with what is asked for. */
  function look(from, to, settle = SETTLED) {
    const most = limits();
    const length = Math.min(Math.max(to - from, SHORTEST), most.to - most.from);
    const start = Math.min(Math.max(from, most.from), most.to - length);
    shown = { from: start, to: start + length };
    for (const plot of plots) plot.setScale("x", { min: shown.from, max: shown.to });
    tell();
    clearTimeout(look.timer);
    look.timer = setTimeout(ask, settle);
  }
  const zoom = (factor, at = (shown.from + shown.to) / 2) => look(at - (at - shown.from) * factor, at + (shown.to - at) * factor);
  const pan = (share) => look(shown.from + (shown.to - shown.from) * share, shown.to + (shown.to - shown.from) * share);
  const all = () => look(whole.from, whole.to, 0);
  const last = (length) => look(whole.to - length, whole.to, 0);
  const expiry = () => look(whole.from, limits().to, 0);

  async function ask() {
    const mine = (turn += 1);
    const beyond = (shown.to - shown.from) * BEYOND;
    const [from, to] = [Math.floor(Math.max(shown.from - beyond, whole.from)), Math.ceil(Math.min(shown.to + beyond, whole.to)) + 1];
    const columns = Math.max(panels.clientWidth || 800, 300) * (1 + 2 * BEYOND);
    element.setAttribute("aria-busy", "true");
    try {
      const items = from < to ? await read(from, to, Math.min(10_000, Math.round(columns * 2))) : [];
      if (mine !== turn) return;
      got = traces(items, about.gap);
      fill(failed);
      draw();
    } catch (error) {
      if (mine !== turn || error.name === "AbortError") return;
      fill(failed, refusal(error));
    } finally {
      if (mine === turn) element.removeAttribute("aria-busy");
    }
  }

  function draw() {
    if (!got) return;
    for (const plot of plots) plot.destroy();
    const narrow = panels.clientWidth < 560;
    const options = { range: () => shown, sync: key, words: { unknown: t("chart.unknown") }, onSelect: (from, to) => look(from, to, 0), onCursor: point };
    const { temperature, humidity: damp } = got;
    const names = [...new Set([...temperature, ...damp].map((trace) => trace.sensor))].sort();
    for (const trace of [...temperature, ...damp]) trace.number = names.indexOf(trace.sensor);
    const wet = damp.length > 0;
    const hot = el("div", { class: "chart-panel" });
    const moist = wet && el("div", { class: "chart-panel" });
    fill(panels, hot, moist);
    plots = [panel(hot, temperature, { ...options, unit: "°", height: narrow ? 240 : 300, marks: () => ({ ...about.marks.temperature, expiries: about.expiries }), stays: () => about.stays })];
    if (wet) plots.push(panel(moist, damp, { ...options, unit: "%", height: narrow ? 120 : 130, marks: () => ({ ...about.marks.humidity, expiries: [] }) }));
    fill(legend, names.map((name, at) => el("li", {}, swatch(at), name)),
      el("li", {}, el("span", { class: "swatch limit" }), t("chart.limit")), el("li", {}, el("span", { class: "swatch out" }), t("chart.out")),
      el("li", {}, el("span", { class: "swatch gap" }), t("chart.gap")));
    tell();
  }

  /** What is under the cursor. */
  function point(at) {
    if (at === null || !got) return fill(readout, t("chart.hint"));
    const within = Math.max((shown.to - shown.from) / 60, 60_000);
    const values = (list, format) => list.map((trace) => {
      const found = nearest(trace, at, within);
      if (!found) return null;
      return `${trace.sensor} ${found.readings > 1 && found.low !== found.high ? `${format(found.low)} … ${format(found.high)}` : format(found.last)}`;
    }).filter(Boolean);
    const said = [...values(got.temperature, celsius), ...values(got.humidity, humidity)];
    fill(readout, el("b", {}, `${time(at, shown.to - shown.from < DAY)} UTC`), " ", said.join(" · ") || t("chart.unknown"));
  }

  function tell() {
    const seconds = (shown.to - shown.from) / 1000;
    const columns = got ? [...got.temperature, ...got.humidity] : [];
    const fine = columns.length > 0 && columns.every((trace) => trace.single) ? ` · ${t("chart.single")}` : "";
    fill(extent, t("chart.extent", { from: time(shown.from), to: time(shown.to), length: duration(seconds) }), fine);
    for (const one of element.querySelectorAll("[data-length]")) {
      const span = one.dataset.length === "all" ? whole.to - whole.from : Number(one.dataset.length);
      one.setAttribute("aria-pressed", String(Math.abs(span - (shown.to - shown.from)) < 1000 && Math.abs(shown.to - whole.to) < 1000));
    }
  }

  const tool = (picture, name, press) => el("button", { type: "button", class: "button small quiet tool", "aria-label": t(name), title: t(name), on: { click: press } }, icon(picture));
  const length = (name, time) => whole.to - whole.from > time && button(t(name), () => last(time), { kind: "small quiet", "data-length": String(time) });
  element.append(
    el("div", { class: "chart-tools", role: "toolbar", "aria-label": t("chart.tools") },
      el("div", { class: "buttons" }, tool("plus", "chart.in", () => zoom(0.5)), tool("minus", "chart.outer", () => zoom(2)), tool("left", "chart.left", () => pan(-0.5)), tool("right", "chart.right", () => pan(0.5))),
      el("div", { class: "buttons" }, length("chart.hour", HOUR), length("chart.day", DAY), length("chart.week", 7 * DAY), length("chart.month", 30 * DAY),
        button(t("chart.all"), all, { kind: "small quiet", "data-length": "all" }), about.expiries.length > 0 && button(t("chart.expiry"), expiry, { kind: "small quiet" })),
      extent),
    failed, stage, el("div", { class: "chart-foot" }, legend, readout), el("p", { id: "chart-keys", class: "hidden" }, t("chart.keys")));

  const unsteer = steer(stage, { plots: () => plots, zoom, pan, all, shown: () => shown, look });
  const unsee = onTheme(draw);
  let width = 0;
  const seen = new ResizeObserver(() => {
    if (Math.abs(panels.clientWidth - width) < 2) return;
    width = panels.clientWidth;
    draw();
  });
  return {
    element,
    shown: () => shown,
    async start() {
      width = panels.clientWidth;
      fill(readout, t("chart.hint"));
      tell();
      await ask();
      seen.observe(panels);
    },
    /** More is known now: what is shown moves on if it reached to the end. */
    async update(next) {
      const atEnd = Math.abs(shown.to - whole.to) < 1000;
      const everything = atEnd && Math.abs(shown.from - whole.from) < 1000;
      about = next;
      const moved = next.to - whole.to;
      whole = { from: next.from, to: next.to };
      if (everything) shown = { ...whole };
      else if (atEnd) shown = { from: shown.from + moved, to: shown.to + moved };
      await ask();
    },
    end() {
      turn += 1;
      clearTimeout(look.timer);
      unsteer();
      unsee();
      seen.disconnect();
      for (const plot of plots) plot.destroy();
    },
  };
}

/** The line of a sensor as it is drawn. */
const swatch = (at) =>
  svg("svg", { class: "swatch-line", viewBox: "0 0 22 8", "aria-hidden": "true" }, svg("line", { x1: 0, x2: 22, y1: 4, y2: 4, "stroke-width": 3, stroke: lineColour(at), "stroke-dasharray": lineDash(at).join(" ") || null }));

/** A span of temperatures, for tables. */
export const between = (low, high) => (low === high ? celsius(low) : `${number(low, 2)} … ${celsius(high)}`);
