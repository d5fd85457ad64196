// A lot: what there is of it, in the order it is to be taken, and how its units stand.

import { path } from "../shell/api.js";
import { el, refill } from "../shell/dom.js";
import { follow } from "../shell/follow.js";
import { date, daysUntil, number, stamp } from "../shell/format.js";
import { badge, button, facts, link, placeNames, refusal, section, table, unitHash } from "../shell/parts.js";
import { register, t } from "../shell/words.js";
import words from "../words/lot.js";
import { bar } from "./lot/counts.js";

register(words);

const EVERY = 30_000;
// Units that are listed at most.
const MOST = 2000;

export async function show(root, { api, live, say, signal }, { path: [gtin, lot] }) {
  const head = el("div", { class: "unit-head" });
  const failed = el("div");
  const body = el("div", { class: "unit-record" });
  const report = button(t("lot.report"), async () => {
    report.disabled = true;
    say(t("lot.report.made"));
    try {
      await api.download(`/v1/report?lot=${encodeURIComponent(`${gtin}/${lot}`)}`, "lot.pdf");
    } catch (error) {
      if (error.name !== "AbortError") refill(failed, refusal(error));
    } finally {
      report.disabled = false;
    }
  }, { picture: "report" });
  const draw = async () => {
    const [found, places, units] = await Promise.all([api.get(`${path`/v1/lots/${gtin}/${lot}`}?limit=1`), api.every("/v1/places"), api.every(`/v1/units?gtin=${encodeURIComponent(gtin)}&lot=${encodeURIComponent(lot)}`, MOST)]);
    const placeName = placeNames(places);
    refill(head, el("div", {}, el("h1", {}, t("lot.title"), " ", el("span", { class: "mono" }, lot)), el("p", { class: "identity" }, el("b", {}, found.product ?? gtin), " · GTIN ", el("span", { class: "mono" }, gtin))), report);
    refill(body, overview(found, units), unitTable(units, placeName), placeTable(found.places, placeName));
  };
  await draw();
  root.append(head, failed, body);
  return follow({ live, signal }, ["hold", "excursion"], draw, failed, EVERY);
}

function overview(lot, units) {
  const known = units.filter((unit) => unit.effective_expiry && unit.closed_at === null);
  const now = Math.max(0, ...known.map((unit) => Date.parse(unit.as_of)));
  const expiries = known.map((unit) => unit.effective_expiry).sort();
  const first = expiries[0] ?? lot.effective_expiry;
  const last = expiries.at(-1) ?? first;
  return section(t("lot.overview"), { id: "lot-overview" },
    facts([
      [t("lot.labelled"), date(lot.expires_on), lot.manufactured_on && t("lot.made", { date: date(lot.manufactured_on) })],
      [t("lot.effective"), el("b", {}, first === last ? date(first) : `${date(first)} … ${date(last)}`), now > 0 && t("lot.left", { n: daysUntil(first, now) })],
      [t("lot.units"), number(lot.unit_counts.open), lot.unit_counts.closed > 0 && t("lot.closed", { n: lot.unit_counts.closed })],
      [t("lot.quantity"), number(lot.quantity.open), t("lot.issuable", { n: number(lot.quantity.issuable) })],
      [t("lot.held"), number(lot.quantity.held), t("lot.units.held", { n: lot.unit_counts.held })],
    ], "wide"),
    bar(lot.unit_counts));
}

/** Units in the order they are to be taken: the earliest effective expiry first, those that have ended last. */
function unitTable(units, placeName) {
  const order = (unit) => `${unit.closed_at === null ? 0 : 1}${unit.effective_expiry ?? "9"}${unit.id}`;
  const rows = [...units].sort((one, other) => order(one).localeCompare(order(other)));
  return section(t("lot.order"), { id: "lot-order", aside: el("span", { class: "note" }, t("lot.order.note")) },
    table([
      { title: t("lot.unit"), head: true, value: (it) => link(unitHash(it.id), el("span", { class: "mono" }, it.id)) },
      { title: t("lot.verdict"), value: (it) => badge(it.verdict ?? "unassessed") },
      { title: t("lot.may"), value: (it) => (it.closed_at ? t("lot.ended") : it.issuable ? badge("pass", t("lot.yes")) : badge("hold", t("lot.no"))) },
      { title: t("lot.effective"), label: true, value: (it) => date(it.effective_expiry) },
      { title: t("lot.place"), label: true, value: (it) => placeName(it.place) },
      { title: t("lot.quantity"), label: true, number: true, value: (it) => number(it.remaining_quantity) },
      { title: t("lot.heard"), label: true, value: (it) => stamp(it.last_reading_at) },
    ], rows, { caption: t("lot.order"), captionHidden: true, stack: true }));
}

const placeTable = (places, placeName) =>
  section(t("lot.places"), { id: "lot-places" },
    table([
      { title: t("lot.place"), head: true, value: (it) => placeName(it.place) },
      { title: t("lot.site"), label: true, value: (it) => placeName(it.site) },
      { title: t("lot.units"), label: true, number: true, value: (it) => number(it.units) },
      { title: t("lot.quantity"), label: true, number: true, value: (it) => number(it.quantity) },
    ], places, { caption: t("lot.places"), captionHidden: true, stack: true }));
