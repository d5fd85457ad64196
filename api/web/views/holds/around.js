// The unit's temperature around what it is held for.

import { timeline } from "../../chart/timeline.js";
import { path } from "../../shell/api.js";
import { el } from "../../shell/dom.js";
import { section } from "../../shell/parts.js";
import { t } from "../../shell/words.js";
import { limits } from "../unit.js";
import { rulesOf } from "../unit/checks.js";

const HOUR = 3_600_000;
// What is shown before and after, as a share of the time out of limits, and at least so much.
const BESIDE = 0.5;
const LEAST = 2 * HOUR;

/** A timeline of the excursions in a hold's newest evidence, with `end()`; `element` is null when there is none. */
export function around({ api }, hold, unit, product) {
  const version = hold.evidence.at(-1);
  const at = (text) => Date.parse(text);
  const known = at(version.watermark ?? version.as_of);
  const out = version.excursions.map((one) => ({ rule: one.rule, from: at(one.start), to: one.end ? at(one.end) : Math.max(known, at(one.start)) }));
  if (out.length === 0 || !product) return { element: null, end() {} };
  const [from, to] = [Math.min(...out.map((one) => one.from)), Math.max(...out.map((one) => one.to))];
  const margin = Math.max((to - from) * BESIDE, LEAST);
  const rules = rulesOf(product);
  const wet = (rule) => rules.some((one) => one.id === rule && one.quantity === "humidity");
  const marks = (damp) => ({
    limits: limits(rules, damp ? "humidity" : "temperature"),
    excursions: out.filter((one) => wet(one.rule) === damp),
    alarms: version.alarms.filter((one) => one.at && wet(one.rule) === damp).map((one) => ({ at: at(one.at) })),
    gaps: [],
  });
  const read = async (start, end, points) => (await api.get(`${path`/v1/units/${hold.unit}/readings`}?from=${start}&to=${end}&max_points=${points}`)).items;
  const began = unit ? at(unit.at) : from;
  const chart = timeline(read, {
    from: Math.max(from - margin, Math.min(began, from)), to: Math.min(to + margin, Math.max(known, to)), gap: (product.max_gap_s ?? 3600) * 1000, expiries: [], stays: [],
    marks: { temperature: marks(false), humidity: marks(true) },
  });
  const element = section(t("hold.chart"), { id: "around" }, el("div", {}, chart.element));
  // its width is known once it stands in the page
  requestAnimationFrame(() => chart.start());
  return { element, end: () => chart.end() };
}
