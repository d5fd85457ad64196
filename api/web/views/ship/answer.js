// The answer, large, in words, with a sign and a colour; then why, and what to take first.

import { el } from "../../shell/dom.js";
import { number, stamp } from "../../shell/format.js";
import { icon } from "../../shell/icons.js";
import { badge, facts, holdHash, link, lotHash, notice, section, table, unitHash } from "../../shell/parts.js";
import { named, t } from "../../shell/words.js";
import { move } from "./move.js";

const TONES = { yes: "pass", some: "review", product: "note" };

/** What is said at once (`verdict`), and what can be read then (`details`). */
export function answered(context, answer, { to, again }) {
  const { kind, scan, checks = [], free = 0 } = answer;
  const tone = TONES[kind] ?? "hold";
  const first = checks.length === 1 ? checks[0].unit : null;
  const verdict = el("div", { class: `verdict is-${tone}` },
    icon(tone === "note" ? "unknown" : tone),
    el("div", {},
      el("p", { class: "verdict-word" }, t(`ship.is.${kind}`)),
      el("p", { class: "verdict-what" }, what(answer, first)),
      kind === "some" && el("p", {}, t("ship.some.count", { free: number(free), n: number(scan.unit_count) }))));
  if (!scan) return { verdict, details: refused(answer) };
  return {
    verdict,
    details: [
      scan.warnings.map((warning) => notice(warning.code === "not_first" ? "review" : "bad", el("b", {}, named("ship.warning", warning.code)), " ", el("span", { class: "note" }, warning.detail))),
      blocked(checks),
      first && about(first),
      checks.length > 1 && issuable(checks),
      fefo(scan, checks),
      (first || (scan.keys.sscc && checks.length > 0)) && move(context, { unit: first?.id ?? scan.keys.sscc, allowed: kind === "yes", to, again }),
    ],
  };
}

function what({ code, scan, error }, first) {
  if (!scan) return error.status === 400 ? named("ship.fault", error.code) : error.message;
  const { sscc, unit, gtin, lot } = scan.keys;
  const key = sscc ?? unit ?? (gtin && lot ? `${gtin} · ${lot}` : gtin) ?? code;
  return [el("span", { class: "mono" }, key), first && ` · ${first.gtin} · ${first.lot}`];
}

const refused = ({ error, code }) => section(t("ship.why"), { id: "why" },
  el("p", {}, error.message), el("p", { class: "note" }, t("ship.read"), " ", el("code", {}, code.replaceAll("\u001d", "\u241d"))), el("p", {}, t("ship.unreadable.do")));

const about = (unit) => section(t("ship.about"), { id: "about" }, facts([
  [t("nav.unit"), link(unitHash(unit.id), unit.id)],
  [t("ship.lot"), link(lotHash(unit.gtin, unit.lot), unit.lot), unit.gtin],
  [t("ship.quantity"), number(unit.remaining_quantity)],
  [t("ship.place"), unit.place ?? "–", unit.site && unit.site !== unit.place ? unit.site : null],
  [t("ship.effective"), unit.effective_expiry ?? "–", unit.labelled_expiry && t("ship.label", { date: unit.labelled_expiry })],
  unit.closed_at && [t("ship.closed"), stamp(unit.closed_at), unit.closed_as],
]));

/** Everything that stands against it, a row for each block. */
function blocked(checks) {
  const rows = checks.flatMap(({ unit, blocks }) => blocks.map((block) => ({ unit, block })));
  const ended = checks.filter(({ unit }) => unit.closed_at).map(({ unit }) => ({ unit, block: { code: "closed" } }));
  const all = [...ended, ...rows];
  if (all.length === 0) return null;
  return section(t("ship.blocks"), { id: "blocks", aside: el("span", { class: "note" }, t("ship.blocks.count", { n: number(all.length) })) }, table([
    checks.length > 1 && { title: t("nav.unit"), head: true, value: ({ unit }) => link(unitHash(unit.id), unit.id) },
    { title: t("ship.block"), value: ({ block }) => badge(block.code === "review" ? "review" : "hold", named("code", block.code === "closed" ? "ended" : block.code)) },
    { title: t("ship.because"), wrap: true, value: ({ unit, block }) => because(unit, block) },
  ].filter(Boolean), all, { caption: t("ship.blocks"), captionHidden: true }));
}

const reason = (one) => [named("code", one.code), one.rule].filter(Boolean).join(" · ");

function because(unit, block) {
  const say = {
    closed: () => [stamp(unit.closed_at), ` · ${unit.closed_as}`],
    hold: () => [link(holdHash(block.hold), reason(block.cause)), el("span", { class: "note" }, " ", named("state", block.state), " · ", stamp(block.placed_at),
      !block.scope.unit && ` · ${block.scope.place ?? block.scope.lot}`)],
    review: () => block.reasons.map(reason).join("; "),
    expired: () => t("ship.expired", { effective: block.effective_expiry, label: block.labelled_expiry, on: block.on }),
    remaining_life: () => t("ship.remaining", { n: number(block.remaining_days), required: number(block.required_days), effective: block.effective_expiry }),
  }[block.code];
  return say ? say() : block.code;
}

const columns = [
  { title: () => t("nav.unit"), head: true, value: (unit) => link(unitHash(unit.id), unit.id) },
  { title: () => t("ship.lot"), value: (unit) => unit.lot },
  { title: () => t("ship.place"), value: (unit) => unit.place ?? "–" },
  { title: () => t("ship.quantity"), number: true, value: (unit) => number(unit.remaining_quantity) },
  { title: () => t("ship.effective"), value: (unit) => unit.effective_expiry ?? "–" },
  { title: () => t("ship.labelled"), value: (unit) => unit.labelled_expiry ?? "–" },
];
const stock = (units, caption) => table(columns.map((column) => ({ ...column, title: column.title() })), units, { caption, captionHidden: true });

function issuable(checks) {
  const free = checks.filter(({ unit, blocks }) => blocks.length === 0 && !unit.closed_at).map(({ unit }) => unit);
  return free.length > 0 && section(t("ship.free"), { id: "free", aside: el("span", { class: "note" }, t("ship.units", { n: number(free.length) })) }, stock(free, t("ship.free")));
}

/** What to take first of the product, by effective expiry. */
function fefo(scan, checks) {
  if (scan.fefo.length === 0) return checks.length > 0 && section(t("ship.first"), { id: "first" }, el("p", { class: "empty" }, t("ship.first.none")));
  const asked = new Set(checks.map(({ unit }) => unit.id));
  const isFirst = asked.has(scan.fefo[0].id);
  return section(t("ship.first"), { id: "first", aside: el("span", { class: "note" }, t("ship.first.how")) },
    isFirst && notice("good", t("ship.first.this")), stock(scan.fefo, t("ship.first")));
}
