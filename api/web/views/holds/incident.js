// Holds that were placed together, as one entry of the queue.

import { el } from "../../shell/dom.js";
import { distance, duration, number, ofQuantity, stamp } from "../../shell/format.js";
import { badge, holdHash, link, lotHash, table, unitHash } from "../../shell/parts.js";
import { named, t } from "../../shell/words.js";
import { quantityOf } from "../unit/checks.js";
import { decides } from "./sign.js";

/** Whether somebody has to decide about a hold. */
export const isUndecided = (hold) => hold.state === "open" || hold.state === "under_review";

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
function worstOf(holds) {
  const all = holds.flatMap((hold) => (hold.evidence.at(-1)?.excursions ?? []).map((one) => ({ ...one, hold: hold.id })));
  return all.reduce((worst, one) => (!worst || one.degree_seconds > worst.degree_seconds ? one : worst), null);
}

/** One incident of the queue. `units` says of holds what their units are, `products` what their limits are, `now` what time it is. */
export function incident({ me }, holds, { units, products, now }) {
  const [first] = holds;
  const undecided = holds.filter(isUndecided);
  const leads = undecided[0] ?? first;
  const mine = decides(me) && undecided.length > 0;
  const causes = [...new Map(holds.map((hold) => [`${hold.cause.code} ${hold.cause.rule}`, hold.cause])).values()];
  const places = several(holds.map((hold) => hold.place ?? units.get(hold.id)?.place), 3);
  const { opener, panel } = holds.length > 1 ? unfolding(holds, units) : {};
  return el("article", { class: `incident is-${leads.state}`, "aria-label": t("holds.incident", { id: first.incident }) },
    el("div", { class: "incident-what" },
      el("h2", {}, causes.map((cause, at) => [at > 0 && " · ", causeOf(cause)])),
      el("p", {}, opener ?? held(first), " ", el("span", { class: "note" }, of(holds, units)))),
    el("div", { class: "incident-where" },
      el("p", {}, places || "–"),
      el("p", { class: "note mono" }, first.incident)),
    el("div", { class: "incident-worst" }, worst(holds, units, products)),
    el("div", { class: "incident-when" },
      el("p", {}, stamp(first.placed_at)),
      el("p", { class: "note" }, distance(first.placed_at, now), " · ", t("hold.by", { who: first.author }))),
    el("div", { class: "incident-act" },
      el("p", { class: "badges" }, states(holds)),
      el("a", { class: `button ${mine ? "main" : ""}`, href: holdHash(leads.id), data: { key: `look-${leads.id}` }, "aria-label": `${t(mine ? "holds.decide" : "holds.look")}: ${t("hold.title", { id: leads.id })}` }, t(mine ? "holds.decide" : "holds.look"))),
    panel);
}

/** The first few different texts of `texts`. */
function several(texts, most) {
  const found = [...new Set(texts.filter(Boolean))];
  return found.slice(0, most).join(", ") + (found.length > most ? " …" : "");
}

const of = (holds, units) => [several(holds.map((hold) => units.get(hold.id)?.product), 2), several(holds.map((hold) => units.get(hold.id)?.lot), 3)].filter(Boolean).join(" · ");

function states(holds) {
  const count = (state) => holds.filter((hold) => hold.state === state).length;
  return [...new Set(holds.map((hold) => hold.state))].map((state) => badge(state, holds.length > 1 ? `${named("state", state)} ${count(state)}` : named("state", state)));
}

function worst(holds, units, products) {
  const found = worstOf(holds);
  if (!found) return el("p", { class: "note wrap" }, holds[0].reason ?? "");
  const out = holds.some(runs);
  const product = products.find((one) => one.gtin === units.get(found.hold)?.gtin);
  return [
    el("p", {}, ofQuantity(quantityOf(product, found.rule), found.peak), " ", el("span", { class: "note" }, t("holds.out.for", { time: duration(found.duration_s) }))),
    el("p", { class: out ? "tone is-hold" : "note" }, t(out ? "holds.still.out" : "holds.over")),
  ];
}

/** A button that unfolds what is held, and the room for it. The table is made when somebody looks: an incident may have thousands of units. */
function unfolding(holds, units) {
  const panel = el("div", { class: "incident-units", hidden: true, id: `units-${holds[0].incident}` });
  const press = () => {
    const open = panel.hidden;
    if (open && panel.children.length === 0) panel.append(listed(holds, units));
    panel.hidden = !open;
    opener.setAttribute("aria-expanded", String(open));
  };
  const opener = el("button", { type: "button", class: "unfold", "aria-expanded": "false", "aria-controls": panel.id, data: { key: panel.id }, on: { click: press } }, t("holds.units", { n: number(holds.length) }));
  return { opener, panel };
}

function listed(holds, units) {
  const about = (hold) => units.get(hold.id) ?? {};
  return table([
    { title: t("holds.col.held"), head: true, value: held },
    { title: t("holds.col.product"), value: (hold) => (about(hold).lot ? link(lotHash(about(hold).gtin, about(hold).lot), `${about(hold).gtin} · ${about(hold).lot}`) : "–") },
    { title: t("hold.quantity"), number: true, value: (hold) => number(about(hold).quantity) },
    { title: t("holds.col.place"), value: (hold) => about(hold).place ?? "–" },
    { title: t("holds.col.state"), value: (hold) => badge(hold.state, named("state", hold.state)) },
    { title: t("nav.hold"), value: (hold) => link(holdHash(hold.id), t("hold.title", { id: hold.id })) },
  ], holds, { caption: t("holds.incident", { id: holds[0].incident }), captionHidden: true });
}
