// Holds that were placed together, as one entry of the queue.

import { el } from "../../shell/dom.js";
import { distance, duration, number, ofRule, stamp } from "../../shell/format.js";
import { badge, holdHash, link, lotHash, table, unitHash } from "../../shell/parts.js";
import { named, t } from "../../shell/words.js";
import { decides } from "./sign.js";

const isUndecided = (hold) => hold.state === "open" || hold.state === "under_review";

/** Whether an excursion of a hold's newest evidence is still out. */
const runs = (hold) => (hold.evidence.at(-1)?.excursions ?? []).some((one) => one.end === null);

/** The holds by incident: what nobody has taken up first, then what is under review, then the newest. */
export function incidentsOf(holds) {
  const found = new Map();
  for (const hold of holds) {
    if (!found.has(hold.incident)) found.set(hold.incident, []);
    found.get(hold.incident).push(hold);
  }
  const weight = (list) => (list.some((hold) => hold.state === "open") ? 0 : list.some(isUndecided) ? 1 : 2);
  const newest = (list) => list.reduce((last, hold) => (hold.placed_at > last ? hold.placed_at : last), "");
  return [...found.values()].sort((one, other) => weight(one) - weight(other) || newest(other).localeCompare(newest(one)));
}

/** What a hold is on, in words and as a link where there is a view of it. */
export function held(hold) {
  if (hold.unit) return link(unitHash(hold.unit), hold.unit);
  if (hold.lot) return link(lotHash(hold.gtin, hold.lot), t("holds.on.lot", { lot: hold.lot, gtin: hold.gtin }));
  return t("holds.on.place", { id: hold.place });
}

/** A cause in words, its rule beside it. */
export const causeOf = (cause) => [named("code", cause.code), cause.rule && el("span", { class: "note rule" }, cause.rule)];

/** The excursion of the newest evidence that went furthest for longest. */
export function worstOf(holds) {
  const all = holds.flatMap((hold) => hold.evidence.at(-1)?.excursions ?? []);
  return all.reduce((worst, one) => (!worst || one.degree_seconds > worst.degree_seconds ? one : worst), null);
}

/** One incident of the queue. `units` says of holds what their units are. */
export function incident({ me }, holds, units) {
  const [first] = holds;
  const undecided = holds.filter(isUndecided);
  const states = [...new Set(holds.map((hold) => hold.state))];
  const causes = [...new Map(holds.map((hold) => [`${hold.cause.code} ${hold.cause.rule}`, hold.cause])).values()];
  const worst = worstOf(holds);
  const about = units.get(first.id) ?? {};
  const products = [...new Set(holds.map((hold) => units.get(hold.id)?.product).filter(Boolean))];
  const places = [...new Set(holds.map((hold) => hold.place ?? units.get(hold.id)?.place).filter(Boolean))];
  const leads = undecided[0] ?? first;
  const title = holds.length === 1 ? held(first) : link(holdHash(leads.id), t("holds.units", { n: number(holds.length) }));
  return el("article", { class: `incident is-${leads.state}`, "aria-label": t("holds.incident", { id: first.incident }) },
    el("div", { class: "incident-what" },
      el("h2", {}, causes.map((cause, at) => [at > 0 && " · ", causeOf(cause)])),
      el("p", {}, title, products.length > 0 && el("span", { class: "note" }, ` ${products.slice(0, 2).join(", ")}${products.length > 2 ? " …" : ""}${holds.length === 1 && about.lot ? ` · ${about.lot}` : ""}`))),
    el("div", { class: "incident-where" },
      el("p", {}, places.length > 0 ? `${places.slice(0, 3).join(", ")}${places.length > 3 ? " …" : ""}` : "–"),
      el("p", { class: "note" }, t("holds.incident", { id: first.incident }))),
    el("div", { class: "incident-worst" }, worst
      ? [el("p", {}, t("holds.worst", { peak: ofRule(worst.rule, worst.peak) }), " ", el("span", { class: "note" }, t("holds.out.for", { time: duration(worst.duration_s) }))),
         el("p", { class: holds.some(runs) ? "tone is-hold" : "note" }, t(holds.some(runs) ? "holds.still.out" : "holds.over"))]
      : el("p", { class: "note wrap" }, first.reason ?? "")),
    el("div", { class: "incident-when" },
      el("p", {}, stamp(first.placed_at)),
      el("p", { class: "note" }, distance(first.placed_at, Date.now()), " · ", t("hold.by", { who: first.author }))),
    el("div", { class: "incident-act" },
      el("p", { class: "badges" }, states.map((state) => badge(state, holds.length > 1 ? `${named("state", state)} ${holds.filter((hold) => hold.state === state).length}` : named("state", state)))),
      el("a", { class: `button ${decides(me) && undecided.length > 0 ? "main" : ""}`, href: holdHash(leads.id), data: { key: `look-${leads.id}` } }, t(decides(me) && undecided.length > 0 ? "holds.decide" : "holds.look"))),
    holds.length > 1 && listed(holds, units));
}

function listed(holds, units) {
  const of = (hold) => units.get(hold.id) ?? {};
  const rows = () => table([
    { title: t("holds.col.held"), head: true, value: held },
    { title: t("holds.col.product"), value: (hold) => (of(hold).lot ? link(lotHash(of(hold).gtin, of(hold).lot), `${of(hold).gtin} · ${of(hold).lot}`) : "–") },
    { title: t("hold.quantity"), number: true, value: (hold) => number(of(hold).quantity) },
    { title: t("holds.col.place"), value: (hold) => of(hold).place ?? "–" },
    { title: t("holds.col.state"), value: (hold) => badge(hold.state, named("state", hold.state)) },
    { title: "", value: (hold) => link(holdHash(hold.id), t("hold.title", { id: hold.id })) },
  ], holds, { caption: t("holds.incident", { id: holds[0].incident }), captionHidden: true });
  // the table is made when somebody looks: a large incident has thousands of units
  const box = el("details", { class: "incident-units", data: { incident: holds[0].incident } }, el("summary", { data: { key: `units-${holds[0].incident}` } }, t("holds.count", { n: number(holds.length) })));
  box.addEventListener("toggle", () => {
    if (box.open && box.children.length === 1) box.append(rows());
  });
  return box;
}
