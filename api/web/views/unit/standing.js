// At the top: may it be issued, how much of its life is left, what it went through.

import { el, svg } from "../../shell/dom.js";
import { celsius, date, days, daysUntil, duration, humidity, number, shareDown, stamp } from "../../shell/format.js";
import { icon } from "../../shell/icons.js";
import { badge, facts, holdHash, link, lotHash, section, unitHash } from "../../shell/parts.js";
import { named, t } from "../../shell/words.js";

/** Issuable or not, with every block. */
export function issue(unit) {
  const blocks = unit.blocks ?? [];
  const closed = unit.closed_at !== null;
  const kind = unit.issuable ? "good" : unit.verdict === null ? "unknown" : "bad";
  const word = closed ? t("unit.closed", { as: named("closure", unit.closed_as) }) : unit.verdict === null ? t("unit.unassessed") : unit.issuable ? t("unit.may") : t("unit.may.not");
  return section(t("unit.issue"), { id: "unit-issue", className: `issue is-${kind}` },
    el("p", { class: "answer tone" }, icon(kind), word),
    blocks.length > 0 && el("ul", { class: "blocks", "aria-label": t("unit.blocks") }, blocks.map((block) => el("li", {}, blocked(block, unit.id)))));
}

/** One block in words. */
export function blocked(block, around) {
  const other = block.unit && block.unit !== around && [link(unitHash(block.unit), el("span", { class: "mono" }, block.unit)), ": "];
  switch (block.code) {
    case "hold": return [badge(block.state, t("unit.block.hold", { state: named("state", block.state) })), " ", other, link(holdHash(block.hold), cause(block.cause)), " ", el("span", { class: "note" }, t("unit.since"), " ", stamp(block.placed_at))];
    case "review": return [badge("review", t("code.review")), " ", other, block.reasons.map(cause).join("; ")];
    case "expired": return [badge("hold", t("code.expired")), " ", other, t("unit.block.expired", { label: date(block.labelled_expiry), effective: date(block.effective_expiry) })];
    case "remaining_life": return [badge("review", t("code.remaining_life")), " ", other, t("unit.block.life", { left: block.remaining_days, needed: block.required_days })];
    default: return [other, named("code", block.code)];
  }
}

export const cause = ({ code, rule }) => [named("code", code), rule].filter(Boolean).join(" · ");

/** Labelled and effective expiry, and the life used with what it may be at least and at most. */
export function life(known) {
  const now = Date.parse(known.as_of);
  const { low, nominal, upper } = known.life.equivalent_s;
  const left = known.effective_expiry ? daysUntil(known.effective_expiry, now) : null;
  return section(t("unit.life"), { id: "unit-life", className: "life" },
    facts([
      [t("unit.effective"), el("b", {}, date(known.effective_expiry)), left === null ? null : left >= 0 ? t("unit.left", { n: left }) : t("unit.over", { n: -left })],
      [t("unit.labelled"), date(known.labelled_expiry), t("unit.nominal", { date: date(known.effective_expiry_nominal) })],
    ]),
    el("div", { class: "used" },
      el("p", {}, el("span", { class: "note" }, t("unit.used")), el("b", {}, days(nominal)), " ", el("span", { class: "note" }, t("unit.between", { low: days(low), upper: days(upper) }))),
      whisker(low, nominal, upper, known.life.elapsed_s),
      el("p", { class: "note" }, t("unit.elapsed", { elapsed: days(known.life.elapsed_s), extra: days(known.life.extra_s) }))));
}

/** From low to upper, nominal in it, beside the time that passed. */
function whisker(low, nominal, upper, elapsed) {
  const top = Math.max(upper, elapsed, 1);
  const bottom = Math.min(low, elapsed);
  const room = Math.max((top - bottom) * 0.15, top * 0.002);
  const x = (value) => 4 + ((value - bottom + room) / (top - bottom + 2 * room)) * 292;
  return svg("svg", { class: "whisker", viewBox: "0 0 300 40", "aria-hidden": "true", preserveAspectRatio: "none" },
    svg("line", { class: "base", x1: 0, x2: 300, y1: 20, y2: 20 }),
    svg("rect", { class: "span", x: x(low), y: 10, width: Math.max(x(upper) - x(low), 1), height: 20, rx: 2 }),
    svg("line", { class: "elapsed", x1: x(elapsed), x2: x(elapsed), y1: 2, y2: 38 }),
    svg("line", { class: "nominal", x1: x(nominal), x2: x(nominal), y1: 6, y2: 34 }));
}

/** What was measured and how much is known. */
export function conditions(known) {
  const { temperature, humidity: damp, coverage, mkt } = known;
  const span = (low, high, format) => (low === null ? "–" : `${number(low, 2)} … ${format(high)}`);
  return section(t("unit.conditions"), { id: "unit-conditions" },
    facts([
      [t("unit.temperature"), span(temperature.min_c, temperature.max_c, celsius), t("unit.mean", { value: celsius(temperature.mean_c) })],
      damp?.min_pct !== null && damp !== null && damp !== undefined && [t("unit.humidity"), span(damp.min_pct, damp.max_pct, humidity), t("unit.mean", { value: humidity(damp.mean_pct) })],
      [t("unit.mkt"), mkt?.value_c === null || !mkt ? "–" : celsius(mkt.value_c, 2), mkt?.window_s && t("unit.mkt.note", { window: duration(mkt.window_s), most: celsius(mkt.max_window_c, 2) })],
      [t("unit.coverage"), shareDown(coverage.fraction), coverage.unknown_s > 0 ? t("unit.unknown", { time: duration(coverage.unknown_s) }) : t("unit.all.known")],
      [t("unit.readings"), number(known.provenance.readings), known.provenance.conflicts > 0 && t("unit.conflicts", { n: known.provenance.conflicts })],
      [t("unit.as.of"), stamp(known.as_of)],
    ]));
}

/** What it is and where. */
export function identity(unit, product, placeName) {
  return el("p", { class: "identity" },
    el("b", {}, product?.name ?? unit.gtin), " · ", t("unit.lot"), " ", link(lotHash(unit.gtin, unit.lot), unit.lot), " · ",
    t("unit.quantity", { n: unit.remaining_quantity ?? unit.quantity }), unit.place && [" · ", el("span", { class: "where" }, icon("place"), " ", placeName(unit.place))],
    unit.split_from && [" · ", t("unit.split"), " ", link(unitHash(unit.split_from), el("span", { class: "mono" }, unit.split_from))]);
}
