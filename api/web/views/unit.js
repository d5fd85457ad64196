// A unit: one timeline of what it went through, how much life is left, whether it may be issued, and why.

import { between, timeline } from "../chart/timeline.js";
import { path } from "../shell/api.js";
import { el, fill, refill } from "../shell/dom.js";
import { follow } from "../shell/follow.js";
import { celsius, date, humidity, number, stamp } from "../shell/format.js";
import { badge, button, placeNames, refusal, section, table } from "../shell/parts.js";
import { register, t } from "../shell/words.js";
import words from "../words/unit.js";
import { rulesOf } from "./unit/checks.js";
import { custodyTable, holdList, provenance } from "./unit/record.js";
import { conditions, identity, issue, life } from "./unit/standing.js";
import { contributions, excursionTable, gapTable, why } from "./unit/why.js";

register(words);

const EVERY = 20_000;
const ROWS = 48;

export async function show(root, { api, live, me, say, signal }, { path: [id] }) {
  const state = await ask({ api, me }, id);
  const head = el("div", { class: "unit-head" });
  const cards = el("div", { class: "unit-cards" });
  const record = el("div", { class: "unit-record" });
  const failed = el("div");
  const chart = timeline((from, to, points) => readings(api, id, from, to, points), about(state));
  const rows = readingTable((from, to) => readings(api, id, from, to, ROWS), chart.shown);
  const report = button(t("unit.report"), () => print(report), { picture: "report" });

  async function print(pressed) {
    pressed.disabled = true;
    say(t("unit.report.made"));
    try {
      await api.download(`/v1/report?unit=${encodeURIComponent(id)}`, `unit-${id}.pdf`);
      say(t("unit.report.done"));
    } catch (error) {
      if (error.name !== "AbortError") refill(failed, refusal(error));
    } finally {
      pressed.disabled = false;
    }
  }

  const draw = (now) => {
    const { unit, known, product, holds, stays, placeName } = now;
    refill(head, el("div", {}, el("h1", {}, t("unit.title"), " ", el("span", { class: "mono" }, unit.id)), identity(unit, product, placeName)), el("div", { class: "buttons" }, badge(known.verdict), report));
    refill(cards, issue(unit), life(known), conditions(known));
    refill(record,
      section(t("why.title"), { id: "unit-why" }, why(known, product)),
      section(t("why.excursions.title"), { id: "unit-excursions" }, excursionTable(known, product)),
      el("div", { class: "unit-two uneven" },
        section(t("unit.holds"), { id: "unit-holds" }, holdList(holds)),
        section(t("unit.custody"), { id: "unit-custody" }, custodyTable(stays, placeName, Date.parse(known.as_of)))),
      el("div", { class: "unit-two" },
        section(t("why.contributions"), { id: "unit-extra" }, contributions(known)),
        section(t("why.gaps"), { id: "unit-gaps" }, gapTable(known.coverage.gaps))),
      section(t("unit.provenance"), { id: "unit-provenance" }, provenance(known)));
  };

  draw(state);
  root.append(head, failed, cards, section(t("unit.timeline"), { id: "unit-timeline" }, chart.element, rows), record);
  chart.start();

  const redraw = async () => {
    const next = await ask({ api, me }, id);
    draw(next);
    await chart.update(about(next));
  };
  const off = follow({ live, signal }, ["hold", "alarm", "excursion"], redraw, failed, EVERY);
  return () => (off(), chart.end());
}

const readings = async (api, id, from, to, points) => (await api.get(`${path`/v1/units/${id}/readings`}?from=${from}&to=${to}&max_points=${points}`)).items;

/** All that is known of it. */
async function ask({ api, me }, id) {
  const [unit, known, holds, products, places, stays] = await Promise.all([
    api.get(path`/v1/units/${id}`), api.get(path`/v1/units/${id}/assessment`), api.every(`/v1/holds?unit=${encodeURIComponent(id)}`, 1000),
    api.every("/v1/products"), api.every("/v1/places"), staysOf({ api, me }, id),
  ]);
  return { unit, known, holds, stays, placeName: placeNames(places), product: products.find((product) => product.gtin === unit.gtin) ?? { gtin: unit.gtin } };
}

/** Where it was: by SQL, or where that is closed by its report. */
async function staysOf({ api, me }, id) {
  if (!me.sites) return api.sql(`SELECT place, from_at, to_at FROM custody WHERE unit = '${id.replaceAll("'", "''")}' ORDER BY from_at`);
  const { units: [{ custody }] } = await api.get(`/v1/report?format=json&unit=${encodeURIComponent(id)}`);
  return custody.map((stay) => ({ place: stay.place, from_at: stay.from, to_at: stay.to }));
}

const at = (text) => Date.parse(text);

/** What the timeline paints around the readings. */
function about({ known, product, stays, placeName }) {
  const to = at(known.window.to);
  const rules = rulesOf(product);
  const damp = new Set(rules.filter((rule) => rule.quantity === "humidity").map((rule) => rule.id));
  const marks = (wet) => ({
    limits: limits(rules, wet ? "humidity" : "temperature"),
    excursions: known.excursions.filter((one) => damp.has(one.rule) === wet).map((one) => ({ rule: one.rule, from: at(one.start), to: one.end ? at(one.end) : Math.min(at(one.start) + one.duration_s * 1000, to) })),
    alarms: known.alarms.filter((one) => one.at && damp.has(one.rule) === wet).map((one) => ({ at: at(one.at) })),
    gaps: ((wet ? known.coverage.humidity : known.coverage)?.gaps ?? []).map((gap) => ({ from: at(gap.from), to: at(gap.to) })),
  });
  const expiries = [
    known.effective_expiry && { at: at(known.effective_expiry), effective: true, text: `${t("unit.effective")} ${date(known.effective_expiry)}` },
    known.labelled_expiry && { at: at(known.labelled_expiry), effective: false, text: `${t("unit.labelled")} ${date(known.labelled_expiry)}` },
  ].filter(Boolean);
  return {
    from: at(known.window.from), to, gap: (product.max_gap_s ?? 3600) * 1000, expiries,
    marks: { temperature: marks(false), humidity: marks(true) },
    stays: stays.map((stay) => ({ from: at(stay.from_at), to: stay.to_at ? at(stay.to_at) : to, text: stay.place === null ? "?" : placeName(stay.place) })),
  };
}

/** A line for each limit; the axis always reaches to those of storage. */
export function limits(rules, quantity) {
  const found = new Map();
  for (const rule of rules.filter((one) => one.quantity === quantity)) {
    const limit = quantity === "humidity" ? humidity(rule.limit) : celsius(rule.limit);
    // what follows from the storage limits has a long name that says no more than the line does
    const text = rule.id.startsWith("storage.") ? limit : `${rule.id} ${limit}`;
    found.set(`${rule.side}${rule.limit}`, { value: rule.limit, side: rule.side, text, always: rule.id !== "freeze" });
  }
  return [...found.values()];
}

/** What the timeline shows, for those who read it as a table. */
function readingTable(read, shown) {
  const place = el("div");
  const fillIn = async () => {
    const { from, to } = shown();
    const items = await read(Math.floor(from), Math.ceil(to) + 1);
    fill(place, table([
      { title: t("why.from"), head: true, value: (it) => stamp(it.first_at, true) },
      { title: t("why.to"), value: (it) => stamp(it.last_at, true) },
      { title: t("unit.sensor"), value: (it) => it.sensor },
      { title: t("unit.temperature"), number: true, value: (it) => (it.temperature_c.min === null ? "–" : between(it.temperature_c.min, it.temperature_c.max)) },
      { title: t("unit.last"), number: true, value: (it) => celsius(it.temperature_c.last) },
      { title: t("unit.humidity"), number: true, value: (it) => (it.humidity_pct.min === null ? "–" : `${number(it.humidity_pct.min)} … ${humidity(it.humidity_pct.max)}`) },
      { title: t("unit.readings"), number: true, value: (it) => number(it.readings) },
    ], items, { caption: t("unit.table.caption") }));
  };
  const details = el("details", { class: "as-table", on: { toggle: () => details.open && fillIn().catch((error) => error.name !== "AbortError" && fill(place, refusal(error))) } }, el("summary", {}, t("unit.as.table")), place);
  return details;
}
