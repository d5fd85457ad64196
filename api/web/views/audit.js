// Who did what, when and why, what was before and what after; whether the chain holds; taken along as a file.

import { save } from "../shell/api.js";
import { el, fill } from "../shell/dom.js";
import { select } from "../shell/form.js";
import { number, stamp } from "../shell/format.js";
import { button, notice, refusal, section } from "../shell/parts.js";
import { named, register, t } from "../shell/words.js";
import words from "../words/audit.js";
import { changeOf } from "./audit/change.js";
import { chain } from "./audit/chain.js";
import { KINDS, csv, question, subjectOf } from "./audit/entry.js";

register(words);

// Entries a page.
const PAGE = 100;

export async function show(root, { api, me, go, signal }, { query }) {
  root.append(el("div", { class: "view-head" }, el("h1", {}, t("audit.title"))));
  if (!["auditor", "admin"].includes(me.role)) {
    root.append(notice("note", t("audit.not", { role: named("role", me.role) })));
    return undefined;
  }
  const wanted = Object.fromEntries(["who", "what", "subject", "from", "to"].map((key) => [key, query.get(key) ?? ""]));
  const list = el("div", {});
  const state = el("p", { class: "note", role: "status" });
  const checked = el("div", {});
  let cursor = null;

  function filters() {
    const input = (key, attributes) => el("input", { name: key, autocomplete: "off", spellcheck: "false", maxlength: 80, value: wanted[key], ...attributes });
    const kinds = [["", t("audit.any")], ...KINDS.map((kind) => [kind, named("kind", kind)])];
    const labelled = (label, control) => el("label", { class: "inline" }, el("span", {}, label), control);
    const look = (event) => {
      event.preventDefault();
      const parts = [...new FormData(form)].map(([key, value]) => [key, value.trim()]).filter(([, value]) => value);
      go(`#/audit${parts.length > 0 ? `?${new URLSearchParams(parts)}` : ""}`);
    };
    const form = el("form", { class: "filters", role: "search", "aria-label": t("audit.filter"), on: { submit: look } },
      labelled(t("audit.who"), input("who", { type: "search" })),
      labelled(t("audit.what"), select(kinds, wanted.what, { name: "what" })),
      labelled(t("audit.subject"), input("subject", { type: "search", placeholder: t("audit.subject.hint") })),
      labelled(t("audit.from"), input("from", { type: "datetime-local" })),
      labelled(t("audit.to"), input("to", { type: "datetime-local" })),
      el("button", { class: "button main" }, t("audit.look")),
      Object.values(wanted).some(Boolean) && el("a", { class: "button quiet", href: "#/audit" }, t("audit.clear")));
    return form;
  }

  async function load() {
    state.textContent = t("loading");
    try {
      let found = [];
      do {
        // few of very many entries may be wanted: then a page has none though there are more
        const page = await api.get(`${question(wanted)}&limit=${PAGE}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
        found = page.items;
        cursor = page.next_cursor;
      } while (found.length === 0 && cursor);
      list.append(...found.map(entry));
      more.hidden = cursor === null;
      const n = list.children.length;
      state.textContent = n === 0 ? t("audit.none") : t("audit.shown", { n, count: number(n) });
    } catch (error) {
      if (error.name === "AbortError") return;
      state.textContent = "";
      fill(list, refusal(error));
    }
  }

  const more = button(t("audit.more"), load, { kind: "quiet", hidden: true });
  const verify = button(t("audit.check"), async (event) => {
    const pressed = event.currentTarget;
    pressed.disabled = true;
    try {
      await chain(api, checked, signal);
    } finally {
      pressed.disabled = false;
    }
  });
  const file = async (format) => {
    const all = await api.every(question(wanted));
    const text = format === "csv" ? csv(all) : JSON.stringify(all, null, 1);
    save(new Blob([text], { type: format === "csv" ? "text/csv" : "application/json" }), `coldtrail-audit.${format}`);
  };
  root.append(
    el("div", { class: "sheet" }, filters(), el("div", { class: "buttons" }, verify, button("CSV", () => file("csv"), { kind: "quiet", picture: "report", "aria-label": t("audit.file", { format: "CSV" }) }),
      button("JSON", () => file("json"), { kind: "quiet", picture: "report", "aria-label": t("audit.file", { format: "JSON" }) })), checked),
    section(t("audit.entries"), { id: "entries", aside: state }, el("div", { class: "entries" }, list), el("div", { class: "buttons" }, more)));
  await load();
  return undefined;
}

/** One entry: a line, and behind it what was before and after. */
function entry(row) {
  const { what, subject, why } = subjectOf(row.kind, row.body);
  const details = el("details", { class: "entry" },
    el("summary", {},
      el("span", { class: "entry-seq note" }, number(row.seq)),
      el("span", { class: "entry-at" }, stamp(row.at, true)),
      el("span", { class: "entry-who" }, row.actor),
      el("span", { class: "entry-what" }, el("b", {}, named("kind", row.kind)), what && ` ${what}`),
      el("span", { class: "entry-subject mono" }, subject),
      why && el("span", { class: "entry-why note" }, why)));
  details.addEventListener("toggle", () => {
    if (!details.open || details.children.length > 1) return;
    // an entry of the registry names only the version before: the record itself is told beside
    const told = row.kind === "registry" ? { ...row.body, before: row.before } : row.body;
    details.append(el("div", { class: "entry-body" }, changeOf(row.kind, told), el("p", { class: "note digest" }, t("audit.hash"), " ", el("code", {}, row.hash), el("br"), t("audit.previous"), " ", el("code", {}, row.previous_hash))));
  });
  return details;
}
