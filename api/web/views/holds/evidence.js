// What a hold rests on: every version of its evidence, the newest first.

import { el } from "../../shell/dom.js";
import { celsius, days, duration, humidity, number, ofQuantity, shareUp, stamp, time } from "../../shell/format.js";
import { facts, table } from "../../shell/parts.js";
import { named, t } from "../../shell/words.js";
import { quantityOf, rulesOf } from "../unit/checks.js";

const SIGNS = { gt: ">", ge: "≥", lt: "<", le: "≤" };

/** What a rule of a product says, in words; null when the product does not have it. */
export function ruleText(product, id) {
  const rule = product && rulesOf(product).find((one) => one.id === id);
  if (!rule) return null;
  const limit = rule.quantity === "humidity" ? humidity(rule.limit) : celsius(rule.limit, 3);
  const delay = rule.delay_s > 0 ? t("hold.rule.delay", { time: duration(rule.delay_s) }) : t("hold.rule.at.once");
  return t("hold.rule.text", { quantity: named("quantity", rule.quantity), comparator: SIGNS[rule.comparator] ?? rule.comparator, limit, delay });
}

/** All versions: the newest open, the others to be opened. */
export function evidenceOf(hold, product) {
  if (hold.evidence.length === 0) return el("p", { class: "empty" }, t("hold.evidence.none"));
  return hold.evidence.map((version, at) => [at + 1, version]).reverse().map(([n, version]) => {
    const newest = n === hold.evidence.length;
    return el("details", { class: "version", open: newest },
      el("summary", {}, el("b", {}, t(newest ? "hold.version.newest" : "hold.version", { n })), " ",
        el("span", { class: "note" }, t("hold.version.said", { as_of: `${time(version.as_of, true)} UTC`, recorded: `${time(version.recorded_at, true)} UTC` }))),
      excursions(version, product),
      facts([
        ...version.alarms.map((alarm) => [t("hold.ev.fired"), alarm.at ? stamp(alarm.at, true) : t("hold.ev.worst_case", { at: time(alarm.worst_case_at) }), alarm.rule]),
        [t("hold.ev.watermark"), stamp(version.watermark, true)],
        ...(version.shared_from ? [[t("hold.ev.shared_from"), stamp(version.shared_from, true)]] : own(version)),
        [t("hold.ev.product_version"), number(version.product_version)],
      ]),
      version.shared_from
        ? el("p", { class: "note" }, t("hold.ev.shared"))
        : el("p", { class: "note digest" }, t("hold.ev.digest"), " ", el("code", {}, version.readings_digest)));
  });
}

/** What one unit has of its own: what it used up. */
const own = (version) => [
  [t("hold.ev.extra"), days(version.extra_s)],
  version.budget_used_fraction !== null && [t("hold.ev.budget"), shareUp(version.budget_used_fraction)],
  [t("hold.ev.expiry"), version.effective_expiry ?? "–"],
];

const excursions = (version, product) => table([
  { title: t("hold.ex.rule"), head: true, value: (one) => one.rule },
  { title: t("hold.ex.from"), label: true, value: (one) => stamp(one.start) },
  { title: t("hold.ex.to"), label: true, value: (one) => (one.end ? stamp(one.end) : el("span", { class: "tone is-hold" }, t("hold.ex.open"))) },
  { title: t("hold.ex.for"), number: true, label: true, value: (one) => duration(one.duration_s) },
  { title: t("hold.ex.peak"), number: true, label: true, value: (one) => ofQuantity(quantityOf(product, one.rule), one.peak) },
  { title: t("hold.ex.area"), number: true, label: true, value: (one) => number(one.degree_seconds / 3600, 2) },
  { title: t("hold.ex.ended"), label: true, value: (one) => named("hold.end", one.end_kind) },
], version.excursions, { caption: t("hold.ex.caption"), captionHidden: true, stack: true, empty: null });
