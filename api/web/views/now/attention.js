// What needs a person first, in this order: holds nobody has decided, excursions under way, silent sensors, what expires soon.

import { el } from "../../shell/dom.js";
import { celsius, date, daysUntil, distance, duration, ofQuantity, stamp } from "../../shell/format.js";
import { badge, link, lotHash, section, table, unitHash } from "../../shell/parts.js";
import { named, t } from "../../shell/words.js";

// Of each list so many are shown; a link leads to the others.
const SHOWN = 6;

/** The four lists; those with nothing in them as one line. */
export function attention(state) {
  const lists = [holds(state), running(state), silent(state), expiring(state)];
  const full = lists.filter((list) => list.rows.length > 0);
  const clear = lists.filter((list) => list.rows.length === 0);
  return [
    ...full.map(({ id, kind, title, columns, rows, further }) =>
      section(title, { id: `now-${id}`, className: `attention is-${kind}`, aside: rows.length > SHOWN && el("span", { class: "note" }, t("now.first", { shown: SHOWN, n: rows.length }), further && [" · ", further]) },
        table(columns, rows.slice(0, SHOWN), { caption: title, captionHidden: true, stack: true }))),
    clear.length > 0 && el("p", { class: "sheet clear" }, badge("pass", t("now.clear")), clear.map((list) => el("span", {}, t(`now.no.${list.id}`)))),
  ];
}

const subject = (hold) => {
  if (hold.unit) return link(unitHash(hold.unit), el("span", { class: "mono" }, hold.unit));
  if (hold.lot) return link(lotHash(hold.gtin, hold.lot), hold.lot);
  return hold.place;
};

/** The first few of many, and how many more. */
function few(items, draw) {
  const shown = items.slice(0, 2).map((item, at) => [at > 0 && ", ", draw(item)]);
  return [shown, items.length > 2 && ` ${t("now.and.more", { n: items.length - 2 })}`];
}

const unitLink = (id) => link(unitHash(id), el("span", { class: "mono" }, id));
const reason = (cause) => [named("code", cause.code), cause.rule && [" · ", el("code", {}, cause.rule)]];

function holds({ incidents, now }) {
  return {
    further: link("#/holds", t("now.all")),
    id: "holds", kind: "hold", rows: incidents, title: t("now.holds", { n: incidents.length }),
    columns: [
      { title: t("now.state"), value: (it) => (it.open > 0 ? badge("open", t("state.open")) : badge("under_review", t("state.under_review"))) },
      { title: t("now.what"), head: true, wrap: true, value: (it) => few(it.holds, subject) },
      { title: t("now.why"), wrap: true, value: (it) => [...it.causes.values()].map((cause, at) => [at > 0 && ", ", reason(cause)]) },
      { title: t("now.since"), label: true, value: (it) => [stamp(it.at), " ", el("span", { class: "note" }, distance(it.at, now))] },
    ],
  };
}

function running({ running: rows, now }) {
  return {
    id: "running", kind: "out", rows, title: t("now.running", { n: rows.length }),
    columns: [
      { title: t("now.fires"), value: (it) => (it.fires_at ? badge("out", distance(it.fires_at, now)) : it.held ? badge("hold", t("now.is.hold")) : badge("unknown", t("now.fired"))) },
      { title: t("now.units"), head: true, wrap: true, value: (it) => few(it.units, unitLink) },
      { title: t("now.rule"), value: (it) => el("code", {}, it.rule) },
      { title: t("now.peak"), label: true, number: true, value: (it) => ofQuantity(it.quantity, it.peak) },
      { title: t("now.lasts"), label: true, number: true, value: (it) => duration(it.duration_s) },
      { title: t("now.since"), label: true, value: (it) => stamp(it.start) },
    ],
  };
}

function silent({ silent: rows, now }) {
  return {
    id: "silent", kind: "silent", rows, title: t("now.silent", { n: rows.length }),
    columns: [
      { title: t("now.sensor"), head: true, value: (it) => it.sensor?.id ?? it.sensor },
      { title: t("now.place"), value: (it) => it.site?.name ?? it.site?.id ?? "–" },
      { title: t("now.heard"), label: true, value: (it) => [stamp(it.sensor?.silent_since ?? it.at), " ", el("span", { class: "note" }, distance(it.sensor?.silent_since ?? it.at, now))] },
      { title: t("now.last"), label: true, number: true, value: (it) => celsius(it.sensor?.last?.temperature_c) },
    ],
  };
}

function expiring({ expiring: rows, now }) {
  return {
    id: "expiring", kind: "expiring", rows, title: t("now.expiring", { n: rows.length }),
    columns: [
      { title: t("now.lot"), head: true, value: (it) => link(lotHash(it.gtin, it.lot), it.lot) },
      { title: t("now.product"), wrap: true, value: (it) => it.product ?? it.gtin },
      { title: t("now.left"), label: true, number: true, value: (it) => t("now.days", { n: daysUntil(it.effective_expiry, now) }) },
      { title: t("now.effective"), label: true, value: (it) => date(it.effective_expiry) },
      { title: t("now.units"), label: true, number: true, value: (it) => it.unit_counts.open },
    ],
  };
}
