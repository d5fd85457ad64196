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
import { KINDS, statement, subjectOf } from "./audit/entry.js";

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
  let last = null;

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
      const rows = await api.sql(`${statement(wanted, last)} LIMIT ${PAGE + 1}`);
      const shown = rows.slice(0, PAGE);
      list.append(...shown.map((row) => entry(row, api)));
      last = rows.length > PAGE ? shown.at(-1).seq : null;
      more.hidden = last === null;
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
    const answer = await api.raw("/v1/sql", { method: "POST", body: { sql: statement(wanted, null), format } });
    save(await answer.blob(), `coldtrail-audit.${format}`);
  };
  root.append(
    el("div", { class: "sheet" }, filters(), el("div", { class: "buttons" }, verify, button("CSV", () => file("csv"), { kind: "quiet", picture: "report", "aria-label": t("audit.file", { format: "CSV" }) }),
      button("JSON", () => file("json"), { kind: "quiet", picture: "report", "aria-label": t("audit.file", { format: "JSON" }) })), checked),
    section(t("audit.entries"), { id: "entries", aside: state }, el("div", { class: "entries" }, list), el("div", { class: "buttons" }, more)));
  await load();
  return undefined;
}

/** One entry: a line, and behind it what was before and after. */
function entry(row, api) {
  const body = JSON.parse(row.body);
  const { what, subject, why } = subjectOf(row.kind, body);
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
    const change = el("div", {}, t("loading"));
    details.append(el("div", { class: "entry-body" }, change, el("p", { class: "note digest" }, t("audit.hash"), " ", el("code", {}, row.hash), el("br"), t("audit.previous"), " ", el("code", {}, row.previous_hash))));
    whole(row, body, api).then((told) => fill(change, changeOf(row.kind, told)), (error) => error.name !== "AbortError" && fill(change, refusal(error)));
  });
  return details;
}

/** What an entry says, with the record that was before: one of the registry names only its version. */
async function whole(row, body, api) {
  if (row.kind !== "registry" || body.before === null) return body;
  const at = Date.parse(row.at);
  const asked = new URLSearchParams({ kind: "registry", subject: body.key, from: new Date(at).toISOString(), to: new Date(at + 1).toISOString() });
  const found = (await api.every(`/v1/audit?${asked}`)).find((one) => one.seq === row.seq);
  if (!found) throw new Error(t("audit.none"));
  return { ...body, before: found.before };
}
