// Why, row by row: what is allowed, what was found, what follows from it.

import { el } from "../../shell/dom.js";
import { celsius, date, days, duration, number, ofQuantity, shareDown, shareUp, stamp } from "../../shell/format.js";
import { badge, table } from "../../shell/parts.js";
import { named, t } from "../../shell/words.js";
import { checks, quantityOf } from "./checks.js";

/** The table of all checks. */
export const why = (known, product) =>
  table([
    { title: t("why.check"), head: true, wrap: true, value: title },
    { title: t("why.allowed"), wrap: true, label: true, value: allowed },
    { title: t("why.found"), wrap: true, label: true, value: found },
    { title: t("why.result"), value: (row) => badge(row.result) },
    { title: t("why.reasons"), wrap: true, value: (row) => row.reasons.map((reason) => el("div", { class: "reason" }, named("code", reason.code), " ", el("span", { class: "note" }, stamp(reason.at)))) },
  ], checks(known, product), { caption: t("why.caption"), captionHidden: true, stack: true, rowClass: (row) => (row.result === "pass" ? null : `row is-${row.result}`) });

function title(row) {
  switch (row.kind) {
    case "rule": return [t(`why.${row.rule.quantity}.${row.rule.side}`), " ", el("code", {}, row.rule.id)];
    case "band": return t("why.band", { from: celsius(row.band.above_c), to: celsius(row.band.to_c) });
    case "other": return named("code", row.reasons[0].code);
    default: return t(`why.${row.kind}`);
  }
}

const value = (rule) => ofQuantity(rule.quantity, rule.limit);

function allowed(row) {
  switch (row.kind) {
    case "rule": {
      const beyond = t(`why.compare.${row.rule.comparator}`, { limit: value(row.rule) });
      if (row.rule.delay_s === 0) return t("why.never", { beyond });
      return t(row.rule.mode === "cumulative" ? "why.in.all" : "why.at.once", { beyond, time: duration(row.rule.delay_s) });
    }
    case "band": return duration(row.band.allowed_s);
    case "budget": return t(row.combine === "any" ? "why.any" : "why.sum");
    case "coverage": return row.allowed === undefined || row.allowed === null ? "–" : t("why.unmonitored", { time: duration(row.allowed) });
    case "mkt": return row.limit === undefined || row.limit === null ? "–" : t("why.at.most", { value: celsius(row.limit) });
    case "model": return `${number(row.valid[0])} … ${celsius(row.valid[1])}`;
    case "expiry": return t("why.not.passed");
    default: return "–";
  }
}

function found(row) {
  switch (row.kind) {
    case "rule": return excursions(row);
    case "band": return [duration(row.used?.used_s ?? 0), " ", meter(row.used?.fraction ?? 0)];
    case "budget": return meter(row.used ?? 0);
    case "coverage": return coverage(row.coverage);
    case "mkt": return row.mkt?.value_c === null || !row.mkt ? named("why.mkt", row.mkt?.reason ?? "none") : t("why.highest", { value: celsius(row.mkt.max_window_c, 3) });
    case "model": return row.temperature?.min_c === null ? "–" : `${number(row.temperature.min_c)} … ${celsius(row.temperature.max_c)}`;
    case "expiry": return t("why.expiries", { label: date(row.known.labelled_expiry), effective: date(row.known.effective_expiry) });
    default: return "–";
  }
}

function excursions({ rule, excursions: all, alarms }) {
  if (all.length === 0) return t("why.none");
  const longest = all.reduce((one, other) => (other.duration_s > one.duration_s ? other : one));
  const peak = all.reduce((one, other) => ((rule.side === "high" ? other.peak > one.peak : other.peak < one.peak) ? other : one));
  const fired = alarms.filter((alarm) => alarm.at).length;
  return [
    t("why.excursions", { n: all.length, longest: duration(longest.duration_s), peak: ofQuantity(rule.quantity, peak.peak) }),
    fired > 0 && ` ${t("why.fired", { n: fired })}`,
  ];
}

function coverage({ fraction, unknown_s: unknown, gaps }) {
  if (fraction === null) return t("why.nothing.read");
  const longest = gaps.reduce((most, gap) => Math.max(most, (Date.parse(gap.to) - Date.parse(gap.from)) / 1000), 0);
  const said = t("why.known", { share: shareDown(fraction) });
  return unknown > 0 ? `${said}, ${t("why.longest.gap", { time: duration(longest) })}` : said;
}

/** A share as a bar and a number. */
const meter = (fraction) =>
  el("span", { class: `meter ${fraction >= 1 ? "is-hold" : fraction >= 0.5 ? "is-review" : "is-pass"}` },
    el("span", { class: "meter-bar", "aria-hidden": "true" }, el("span", { style: { width: `${Math.min(100, fraction * 100)}%` } })), shareUp(fraction));

/** Every time out of a limit. */
export const excursionTable = (known, product) =>
  table([
    { title: t("why.rule"), head: true, value: (it) => el("code", {}, it.rule) },
    { title: t("why.from"), label: true, value: (it) => [stamp(it.start), " ", el("span", { class: "note" }, named("kind", it.start_kind))] },
    { title: t("why.to"), label: true, value: (it) => [it.end ? stamp(it.end) : "", " ", el("span", { class: "note" }, named("kind", it.end_kind))] },
    { title: t("why.lasted"), label: true, number: true, value: (it) => duration(it.duration_s) },
    { title: t("why.peak"), label: true, number: true, value: (it) => ofQuantity(quantityOf(product, it.rule), it.peak) },
    { title: t("why.area"), label: true, number: true, value: (it) => number(it.degree_seconds / 3600, 2) },
    { title: t("why.fires"), label: true, value: (it) => fired(it, known.alarms) },
  ], known.excursions, { caption: t("why.excursions.title"), captionHidden: true, stack: true, empty: t("why.no.excursions") });

function fired(excursion, alarms) {
  const alarm = alarms.find((one) => one.rule === excursion.rule && one.at && one.at >= excursion.start && (!excursion.end || one.at <= excursion.end));
  return alarm ? stamp(alarm.at) : t("why.not.fired");
}

/** What ages the unit beyond its time. */
export const contributions = (known) =>
  table([
    { title: t("why.kind"), head: true, value: (it) => named("life.kind", it.kind) },
    { title: t("why.from"), label: true, value: (it) => stamp(it.from) },
    { title: t("why.to"), label: true, value: (it) => stamp(it.to) },
    { title: t("why.extra"), label: true, number: true, value: (it) => days(it.extra_s, 3) },
  ], known.life.contributions.filter((it) => it.extra_s > 0), { caption: t("why.contributions"), captionHidden: true, stack: true, empty: t("why.no.extra") });

/** Time of which nothing is known. */
export const gapTable = (gaps) =>
  table([
    { title: t("why.from"), head: true, value: (it) => stamp(it.from) },
    { title: t("why.to"), label: true, value: (it) => stamp(it.to) },
    { title: t("why.lasted"), label: true, number: true, value: (it) => duration((Date.parse(it.to) - Date.parse(it.from)) / 1000) },
  ], gaps, { caption: t("why.gaps"), captionHidden: true, stack: true, empty: t("why.no.gaps") });
