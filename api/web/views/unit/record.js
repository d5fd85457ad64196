// Below the chart: holds with their signatures, where the unit was, and what the assessment was made of.

import { el } from "../../shell/dom.js";
import { duration, stamp } from "../../shell/format.js";
import { badge, facts, holdHash, link, table } from "../../shell/parts.js";
import { named, t } from "../../shell/words.js";
import { cause } from "./standing.js";

/** Holds about the unit, each with every signature on it. */
export const holdList = (holds) =>
  holds.length === 0
    ? el("p", { class: "empty" }, t("unit.no.holds"))
    : el("ul", { class: "hold-list" }, holds.map((hold) =>
        el("li", {},
          el("p", {}, badge(hold.state, named("state", hold.state)), " ", link(holdHash(hold.id), cause(hold.cause)), " ", el("span", { class: "note" }, scope(hold), t("unit.placed", { by: hold.author }), " ", stamp(hold.placed_at))),
          hold.reason && el("p", { class: "note" }, hold.reason),
          hold.quarantine && el("p", { class: "note" }, t("unit.quarantine", { place: hold.quarantine.place ?? "–" }), hold.quarantine.confirmed_by && ` ${t("unit.confirmed", { by: hold.quarantine.confirmed_by })}`),
          hold.acts.length > 0 && el("ul", { class: "acts", "aria-label": t("unit.signatures") }, hold.acts.map(act)))));

const scope = (hold) => (hold.unit ? null : [hold.place ? t("unit.on.place", { place: hold.place }) : t("unit.on.lot", { lot: hold.lot }), " · "]);

const act = (it) =>
  el("li", {}, el("b", {}, named("meaning", it.meaning), it.disposition && ` · ${named("disposition", it.disposition)}`), " ", t("unit.signed", { by: it.by }), " ", stamp(it.at, true),
    el("span", { class: "note" }, it.reason), el("code", { class: "note", title: it.record }, `SHA-256 ${String(it.record).slice(0, 16)}…`));

/** Where it was, from when to when. */
export const custodyTable = (stays, placeName, now) =>
  table([
    { title: t("unit.place"), head: true, value: (it) => (it.place === null ? t("unit.nowhere") : placeName(it.place)) },
    { title: t("why.from"), label: true, value: (it) => stamp(it.from_at) },
    { title: t("why.to"), label: true, value: (it) => (it.to_at ? stamp(it.to_at) : t("unit.still")) },
    { title: t("why.lasted"), label: true, number: true, value: (it) => duration(((it.to_at ? Date.parse(it.to_at) : now) - Date.parse(it.from_at)) / 1000) },
  ], stays, { caption: t("unit.custody"), captionHidden: true, stack: true });

/** What anybody needs to compute the same. */
export const provenance = (known) =>
  facts([
    [t("unit.window"), [stamp(known.window.from), " – ", stamp(known.window.to)]],
    [t("unit.watermark"), stamp(known.provenance.watermark)],
    [t("unit.product.version"), known.provenance.product_version],
    [t("unit.engine"), known.provenance.engine],
    [t("unit.digest"), el("code", {}, known.provenance.readings_digest)],
  ], "wide");
