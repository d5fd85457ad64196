// What is registered: found by any word of it, looked at, and changed by a registry document that is applied whole or not at all.

import { el, fill } from "../../shell/dom.js";
import { complete, entry, form } from "../../shell/form.js";
import { number, stamp } from "../../shell/format.js";
import { notice, refusal, say, section, table } from "../../shell/parts.js";
import { named, t } from "../../shell/words.js";

const SHOWN = 300;
// The registry is for those who see all of it.
const mayEdit = (me) => ["logistics", "admin"].includes(me.role) && !me.sites;

// What of a record stands in the list; the rest is behind it.
const COLUMNS = {
  products: [["gtin"], ["name"], ["storage", (it) => (it.storage?.temperature_c ?? []).map((one) => one ?? "–").join(" … ")], ["rules", (it) => it.rules.map((rule) => rule.id).join(", ")]],
  places: [["id"], ["name"], ["kind", (it) => named("place.kind", it.kind)], ["parent"], ["gln"], ["timezone"]],
  sensors: [["id"], ["accuracy_c"], ["interval_s"], ["source"], ["calibration_due"]],
  associations: [["sensor"], ["place"], ["unit"], ["from", (it) => stamp(it.from)], ["to", (it) => (it.to ? stamp(it.to) : "")]],
};

/** The part about one kind of record. */
export const registered = (kind) => async (body, { api, me }) => {
  const search = el("input", { type: "search", autocomplete: "off", "aria-label": t("registered.search"), placeholder: t("registered.search"), on: { input: () => draw() } });
  const said = el("span", { class: "note", role: "status" });
  const list = el("div", {});
  const edit = el("div", {});
  let records = [];

  async function load() {
    records = await api.every(`/v1/${kind}`);
    draw();
  }

  function draw() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = records.filter((record) => {
      const text = JSON.stringify(record).toLowerCase();
      return words.every((word) => text.includes(word));
    });
    said.textContent = t("registered.found", { n: found.length, count: number(found.length), shown: number(Math.min(found.length, SHOWN)) });
    fill(list, table([
      ...COLUMNS[kind].map(([key, value], at) => ({ title: t(`field.${key}`), head: at === 0, value: (record) => (value ? value(record) : (record[key] ?? "")) })),
      { title: t("field.version"), number: true, value: (record) => record.version },
      { title: "", value: (record) => el("button", { type: "button", class: "unfold plain", "aria-label": t("registered.open.of", { key: record[COLUMNS[kind][0][0]] }), on: { click: () => open(record) } }, t(mayEdit(me) ? "registered.edit" : "registered.open")) },
    ], found.slice(0, SHOWN), { caption: t(`settings.${kind}`), captionHidden: true }));
  }

  /** A record as the document that registers it; without one an empty document. */
  function open(record) {
    const { version, recorded_at: recorded, ...fields } = record ?? {};
    const text = JSON.stringify({ [kind]: record ? [fields] : [] }, null, 2);
    const title = record ? t("registered.record", { version, at: recorded.slice(0, 19).replace("T", " ") }) : t("registered.new");
    fill(edit, section(title, { id: "edit" }, mayEdit(me) ? editor(text) : [el("pre", { class: "record-json mono" }, text), el("p", { class: "note" }, t("registered.not", { role: named("role", me.role) }))]));
    edit.scrollIntoView({ block: "nearest" });
    edit.querySelector("textarea")?.focus();
  }

  function editor(text) {
    const document = entry(t("registered.document"), el("textarea", { class: "mono document", spellcheck: "false", rows: 16, value: text }), { hint: t("registered.hint") });
    const answer = el("div", { "aria-live": "polite" });
    const work = async () => {
      fill(answer);
      if (!complete([document], t("settings.missing"))) return;
      let content;
      try {
        content = JSON.parse(document.value());
      } catch (error) {
        document.tell(t("registered.no.json", { why: error.message }));
        return document.focus();
      }
      try {
        const done = await api.post("/v1/registry", content);
        const told = t("registered.done", done);
        say(told);
        fill(answer, notice("good", told), faults(done.notices));
        await load();
      } catch (error) {
        const errors = error.body?.errors ?? [];
        if (errors.length === 0) return fill(answer, refusal(error));
        document.tell(t("registered.refused", { n: errors.length }));
        fill(answer, notice("bad", faults(errors)));
      }
    };
    return form({ button: t("registered.apply"), work, cancel: () => fill(edit) }, document.box, answer);
  }

  body.append(section(t(`settings.${kind}`), { id: kind, aside: el("span", { class: "buttons" }, said, search, mayEdit(me) && el("button", { type: "button", class: "button", on: { click: () => open(null) } }, t("registered.add"))) }, list), edit);
  await load();
};

const faults = (list) => list?.length > 0 && el("ul", { class: "faults" }, list.map(({ pointer, message }) => el("li", {}, el("code", {}, pointer || "/"), el("span", {}, message))));
