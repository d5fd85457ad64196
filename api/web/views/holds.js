// The queue: what is held and undecided, by incident, and the reviews that wait to be accepted.

import { el, refill } from "../shell/dom.js";
import { select } from "../shell/form.js";
import { soon } from "../shell/live.js";
import { button, holdHash, link, notice, say, section, table, unitHash } from "../shell/parts.js";
import { named, register, t } from "../shell/words.js";
import words from "../words/holds.js";
import { incident, incidentsOf } from "./holds/incident.js";
import { mayHold, placeByHand } from "./holds/manual.js";
import { acceptReview, decides, signed } from "./holds/sign.js";
import { byLists, bySql } from "./holds/told.js";

register(words);

const STATES = ["open", "under_review", "released", "rejected"];
const CAUSES = ["excursion", "frozen", "budget", "expired", "effective_expiry", "model_range", "manual"];
// Incidents shown at first, and more each time.
const SHOWN = 30;

export async function show(root, context, { query }) {
  const { api, me, live, go } = context;
  const wanted = { state: query.get("state") ?? "undecided", cause: query.get("cause") ?? "", place: query.get("place") ?? "", lot: query.get("lot") ?? "" };
  const again = soon(() => load().catch(() => {}));
  let shown = SHOWN;
  let told = null;

  const tabs = el("div", { class: "buttons states", role: "group", "aria-label": t("holds.filter.state") });
  const list = el("div", { class: "incidents" });
  const reviews = el("div", {});
  const byHand = mayHold(me)
    ? button(t("holds.place"), async () => {
        const made = await placeByHand(context);
        if (made) say(t("manual.done", { id: made.id }));
        if (made) go(holdHash(made.id));
      }, { picture: "plus" })
    : el("span", { class: "note" }, t("holds.place.not", { role: named("role", me.role) }));
  root.append(
    el("div", { class: "view-head" }, el("h1", {}, t("holds.title")), byHand),
    el("div", { class: "sheet queue-filter" }, tabs, filters()),
    list,
    section(t("holds.reviews"), { id: "reviews" }, el("p", { class: "note" }, t("holds.reviews.lead")), reviews));

  /** The filters' address: they can be kept and sent. */
  function look(change) {
    const chosen = { ...wanted, ...change };
    const parts = Object.entries(chosen).filter(([key, value]) => value && !(key === "state" && value === "undecided"));
    go(`#/holds${parts.length > 0 ? `?${new URLSearchParams(parts)}` : ""}`);
  }

  function filters() {
    const causes = [["", t("holds.filter.any")], ...CAUSES.map((code) => [code, named("code", code)])];
    const typed = (key, attributes) => el("input", { type: "search", value: wanted[key], autocomplete: "off", maxlength: 64, on: { change: (event) => look({ [key]: event.target.value.trim() }) }, ...attributes });
    const labelled = (label, control) => el("label", { class: "inline" }, el("span", {}, label), control);
    return el("form", { class: "filters", role: "search", "aria-label": t("holds.filter"), on: { submit: (event) => event.preventDefault() } },
      labelled(t("holds.filter.cause"), select(causes, wanted.cause, { on: { change: (event) => look({ cause: event.target.value }) } })),
      labelled(t("holds.filter.place"), typed("place", { list: "known-places" })),
      labelled(t("holds.filter.lot"), typed("lot")),
      el("datalist", { id: "known-places" }),
      (wanted.cause || wanted.place || wanted.lot) && button(t("holds.filter.clear"), () => look({ cause: "", place: "", lot: "" }), { kind: "quiet" }));
  }

  const asked = (state) => {
    const parts = Object.entries({ state, cause: wanted.cause, place: wanted.place, lot: wanted.lot }).filter(([, value]) => value);
    return api.every(`/v1/holds?${new URLSearchParams(parts)}`);
  };

  async function load() {
    const states = wanted.state === "undecided" ? ["open", "under_review"] : [wanted.state === "all" ? "" : wanted.state];
    const [{ now, counts, units }, products, ...pages] = await Promise.all([(me.sites ? byLists : bySql)(api), api.every("/v1/products"), ...states.map(asked)]);
    told = { now, counts, units: new Map(units.map((unit) => [unit.id, unit])), products, incidents: incidentsOf(pages.flat()) };
    draw();
    await loadReviews();
  }

  function draw() {
    const count = new Map(told.counts.map(({ state, n }) => [state, n]));
    const sum = (states) => states.reduce((all, state) => all + (count.get(state) ?? 0), 0);
    const tab = (state, text, n) => el("button", { type: "button", class: "button small", "aria-pressed": String(wanted.state === state), data: { key: `state-${state}` }, on: { click: () => look({ state }) } }, text, el("b", { class: "count" }, n));
    refill(tabs,
      tab("undecided", t("holds.undecided"), sum(["open", "under_review"])),
      STATES.map((state) => tab(state, named("state", state), count.get(state) ?? 0)),
      tab("all", t("holds.all"), sum(STATES)));
    const { incidents } = told;
    if (incidents.length === 0) {
      const filtered = wanted.cause || wanted.place || wanted.lot || wanted.state !== "undecided";
      refill(list, filtered ? el("p", { class: "empty" }, t("holds.none.filtered")) : notice("good", t("holds.none")));
      return;
    }
    refill(list,
      incidents.slice(0, shown).map((one) => incident(context, one, told)),
      incidents.length > shown && el("div", { class: "buttons" },
        el("span", { class: "note" }, t("holds.shown", { shown, n: incidents.length })),
        button(t("holds.more"), () => { shown += SHOWN; draw(); }, { kind: "quiet", "data-key": "more" })));
  }

  async function loadReviews() {
    let units;
    try {
      units = await api.every("/v1/units?verdict=review&open=true");
    } catch (error) {
      if (error.status !== 503) throw error;
      setTimeout(again, 3000);
      refill(reviews, el("p", { class: "empty" }, t("holds.reviews.wait")));
      return;
    }
    // an accepted review blocks no more
    const waiting = units.filter((unit) => !unit.issuable && unit.holds.length === 0);
    refill(reviews, table([
      { title: t("holds.col.unit"), head: true, value: (unit) => link(unitHash(unit.id), unit.id) },
      { title: t("holds.col.product"), value: (unit) => `${unit.gtin} · ${unit.lot}` },
      { title: t("holds.col.place"), value: (unit) => unit.place ?? "–" },
      { title: t("holds.col.reasons"), wrap: true, value: (unit) => unit.reasons.map((reason) => [named("code", reason.code), reason.rule].filter(Boolean).join(" · ")).join("; ") },
      { title: "", value: (unit) => decides(me) && button(t("holds.accept"), () => accept(unit), { kind: "small", "aria-label": t("holds.accept.of", { unit: unit.id }), "data-key": `accept-${unit.id}` }) },
    ], waiting.slice(0, 200), { caption: t("holds.reviews"), captionHidden: true, empty: t("holds.reviews.none") }));
  }

  async function accept(unit) {
    const done = await acceptReview(context, { unit: unit.id, reasons: unit.reasons, asOf: unit.as_of });
    if (!done) return;
    say(signed(context, { meaning: "accept" }));
    await load();
  }

  api.every("/v1/places").then((places) => {
    root.querySelector("#known-places")?.append(...places.map((place) => el("option", { value: place.id }, place.name)));
  }).catch(() => {});
  await load();
  const unlisten = live.on(["hold"], again);
  return () => {
    unlisten();
    again.stop();
  };
}
