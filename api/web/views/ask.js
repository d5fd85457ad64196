// Questions in SQL: written or begun from an example, answered as a table and a picture, taken along as a file.

import { save } from "../shell/api.js";
import { el, fill } from "../shell/dom.js";
import { number, time } from "../shell/format.js";
import { button, notice, section } from "../shell/parts.js";
import { named, register, remember, t } from "../shell/words.js";
import words from "../words/ask.js";
import { chart } from "./ask/chart.js";
import { EXAMPLES, FUNCTIONS, TABLES } from "./ask/schema.js";

register(words);

// Rows shown; a file has all of them.
const SHOWN = 1000;
// Questions that this browser remembers.
const REMEMBERED = 20;
const KEY = "questions";

export async function show(root, { api, me, signal }, { query }) {
  const tables = Object.entries(TABLES).filter(([table]) => table !== "audit" || ["auditor", "admin"].includes(me.role));
  const editor = el("textarea", { id: "sql", class: "mono editor", rows: 8, spellcheck: "false", autocapitalize: "none", autocomplete: "off", "aria-describedby": "sql-hint", value: query.get("sql") ?? questions()[0] ?? EXAMPLES.out });
  const said = el("p", { class: "note", role: "status" });
  const answer = el("div", { class: "account" });
  const files = el("div", { class: "buttons" });
  const press = el("button", { class: "button main" }, t("ask.do"));
  let running = null;

  async function ask(event) {
    event?.preventDefault();
    const sql = editor.value.trim();
    running?.abort();
    if (!sql) return editor.focus();
    const mine = (running = new AbortController());
    signal.addEventListener("abort", () => mine.abort(), { once: true });
    const began = performance.now();
    said.textContent = t("ask.asking");
    fill(answer);
    fill(files);
    try {
      const found = await api.post("/v1/sql", { sql });
      if (running !== mine) return;
      keep(sql);
      const ms = number(Math.round(performance.now() - began));
      said.textContent = t("ask.answered", { n: found.rows.length, rows: number(found.rows.length), ms });
      fill(files, ["csv", "parquet"].map((format) => button(t(`ask.file.${format}`), (pressed) => download(sql, format, pressed.currentTarget), { kind: "quiet small", picture: "report" })));
      present(found);
    } catch (error) {
      if (running !== mine || error.name === "AbortError") return;
      said.textContent = t("ask.refused");
      fill(answer, refused(error));
    }
  }

  async function download(sql, format, pressed) {
    pressed.disabled = true;
    try {
      const file = await api.raw("/v1/sql", { method: "POST", body: { sql, format } });
      save(await file.blob(), `coldtrail-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.${format}`);
    } catch (error) {
      if (error.name !== "AbortError") fill(answer, refused(error));
    } finally {
      pressed.disabled = false;
    }
  }

  function present(found) {
    // what a sheet leaves of the room
    const drawn = chart(found, Math.min(1200, root.querySelector(".ask-columns").clientWidth - 36));
    const picture = drawn && section(t("ask.chart"), { id: "picture" }, drawn.picture);
    fill(answer, !drawn?.long && picture, result(found), drawn?.long && picture);
  }

  /** Text goes in where the cursor is. */
  function insert(text) {
    editor.setRangeText(text, editor.selectionStart, editor.selectionEnd, "end");
    editor.focus();
  }

  async function begin(which) {
    const [{ now }] = await api.sql("SELECT now() AS now");
    const day = new Date(Date.parse(now) - 86_400_000).toISOString();
    editor.value = EXAMPLES[which].replaceAll("{now}", now).replaceAll("{day}", day);
    await ask();
    editor.focus();
  }

  editor.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) ask(event);
  });
  const examples = el("select", { "aria-label": t("ask.examples"), on: { change: (event) => pick(event.target) } },
    el("option", { value: "" }, t("ask.examples")),
    Object.keys(EXAMPLES).map((which) => el("option", { value: which }, t(`ask.example.${which}`))),
    questions().length > 0 && el("optgroup", { label: t("ask.before") }, questions().map((sql, at) => el("option", { value: `#${at}` }, sql.replace(/\s+/g, " ").slice(0, 80)))));
  function pick(list) {
    const { value } = list;
    list.value = "";
    if (value.startsWith("#")) editor.value = questions()[Number(value.slice(1))] ?? "";
    else if (value) begin(value).catch((error) => error.name === "AbortError" || fill(answer, refused(error)));
  }

  root.append(
    el("div", { class: "view-head" }, el("h1", {}, t("ask.title"))),
    el("div", { class: "ask-columns" },
      el("form", { class: "sheet", on: { submit: ask } },
        el("div", { class: "sheet-head" }, el("label", { for: "sql" }, t("ask.sql")), examples),
        editor,
        el("p", { class: "note", id: "sql-hint" }, t("ask.hint")),
        el("div", { class: "buttons" }, press, said, el("span", { class: "push" }), files)),
      section(t("ask.tables"), { id: "tables", className: "schema" }, schema(tables, insert))),
    answer);
  if (query.get("sql")) ask();
  return () => running?.abort();
}

function questions() {
  try {
    return JSON.parse(localStorage.getItem(`coldtrail.${KEY}`) ?? "[]").filter((one) => typeof one === "string");
  } catch {
    return []; // storage is switched off, or somebody else wrote there
  }
}

function keep(sql) {
  const all = [sql, ...questions().filter((one) => one !== sql && !Object.values(EXAMPLES).includes(one))];
  remember(KEY, JSON.stringify(all.slice(0, REMEMBERED)));
}

const schema = (tables, insert) => [
  tables.map(([table, columns]) => el("details", { class: "table-of" },
    el("summary", {}, el("code", {}, table), " ", el("span", { class: "note" }, t(`ask.table.${table}`))),
    el("p", { class: "chips" }, columns.split(" ").map((column) => el("button", { type: "button", class: "chip mono", title: t("ask.insert"), on: { click: () => insert(column) } }, column))))),
  el("details", { class: "table-of" }, el("summary", {}, el("b", {}, t("ask.functions"))),
    el("p", { class: "chips" }, FUNCTIONS.map((text) => el("button", { type: "button", class: "chip mono", title: t("ask.insert"), on: { click: () => insert(text) } }, text)))),
];

/** What is wrong with it, in the server's words, and what to do. */
const refused = (error) => notice("bad", el("p", {}, el("b", {}, error.status === 0 ? t("no.answer") : error.message)), el("p", { class: "note" }, named("ask.do", error.code) === error.code ? error.code : named("ask.do", error.code)));

function result({ columns, rows }) {
  const isNumber = columns.map(({ type }) => /INT|DOUBLE|FLOAT|DECIMAL|REAL/.test(type));
  const isTime = columns.map(({ type }) => type.startsWith("TIMESTAMP"));
  const cell = (row, at) => {
    const value = row[columns[at].name];
    const text = value === null || value === undefined ? "" : isTime[at] ? time(value, true) : typeof value === "number" ? exact(value) : String(value);
    return el("td", { class: [isNumber[at] && "number", value === null && "absent"].filter(Boolean).join(" ") || null, title: text.length > 60 || isTime[at] ? String(value) : null }, value === null ? el("span", { class: "note" }, "null") : text.length > 200 ? `${text.slice(0, 200)} …` : text);
  };
  return section(t("ask.result"), { id: "result", aside: rows.length > SHOWN && el("span", { class: "note" }, t("ask.cut", { shown: number(SHOWN), n: number(rows.length) })) },
    rows.length === 0 ? el("p", { class: "empty" }, t("ask.none"))
      : el("div", { class: "scroll result", tabindex: 0, role: "region", "aria-label": t("ask.result") }, el("table", {},
        el("caption", { class: "hidden" }, t("ask.result")),
        el("thead", {}, el("tr", {}, columns.map(({ name, type }, at) => el("th", { scope: "col", class: isNumber[at] && "number" }, name, el("span", { class: "type" }, type.toLowerCase()))))),
        el("tbody", {}, rows.slice(0, SHOWN).map((row) => el("tr", {}, columns.map((_, at) => cell(row, at))))))));
}

/** The shortest decimal that reads back to the same value, as it was sent: nothing is rounded here. */
const exact = (value) => String(value).replace(/^-/, "\u2212");
