// Parts that views are made of.

import { append, el } from "./dom.js";
import { icon } from "./icons.js";
import { named, t } from "./words.js";

/** A verdict or state as a picture, a word and a colour, in this order of weight. */
export function badge(kind, text = named("verdict", kind)) {
  return el("span", { class: `badge is-${kind}` }, icon(kind), text);
}

/** A part of a view with its own heading. */
export function section(title, { id, level = 2, aside, className = "" } = {}, ...children) {
  const heading = el(`h${level}`, { id }, title);
  return el("section", { class: `sheet ${className}`, "aria-labelledby": id }, el("div", { class: "sheet-head" }, heading, aside), children);
}

/** Names and values. */
export const facts = (pairs, className = "") =>
  el("dl", { class: `facts ${className}` }, pairs.filter(Boolean).map(([name, value, note]) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, value, note && el("span", { class: "note" }, note)))));

/**
 * A table that scrolls by itself when it is too wide. Columns: `{title, value(row), number, wrap, head, label}`; `head` names
 * the row. With `stack`, rows become blocks on a telephone, and values of columns with `label` have their title beside them.
 */
export function table(columns, rows, { caption, captionHidden = false, empty = t("nothing"), rowClass, stack = false } = {}) {
  if (rows.length === 0 && empty !== null) return el("p", { class: "empty" }, empty);
  // a table that is laid out otherwise is one no more for those who can't see it, unless it says so
  const role = (name) => (stack ? name : null);
  const head = el("tr", { role: role("row") }, columns.map((column) => el("th", { scope: "col", role: role("columnheader"), class: column.number && "number" }, column.title)));
  const body = rows.map((row) => el("tr", { class: rowClass?.(row), role: role("row") }, columns.map((column) => cell(column, row, role))));
  const shown = el("table", { class: stack && "stack", role: role("table") },
    caption && el("caption", { class: captionHidden && "hidden" }, caption), el("thead", { role: role("rowgroup") }, head), el("tbody", { role: role("rowgroup") }, body));
  return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption ?? t("table") }, shown);
}

function cell(column, row, role) {
  const kind = [column.number && "number", column.wrap && "wrap"].filter(Boolean).join(" ") || null;
  const attributes = { class: kind, role: role(column.head ? "rowheader" : "cell"), scope: column.head && "row", data: column.label ? { label: column.title } : {} };
  return el(column.head ? "th" : "td", attributes, column.value(row));
}

/** A button. `kind`: `main`, `quiet`, `danger`, or nothing. */
export const button = (text, press, { kind = "", picture, ...attributes } = {}) =>
  el("button", { type: "button", class: `button ${kind}`, on: { click: press }, ...attributes }, picture && icon(picture), el("span", {}, text));

/** Something that went wrong, or that one has to know. `kind`: `bad`, `good`, `note`. */
export const notice = (kind, ...children) => el("div", { class: `notice is-${kind}`, role: kind === "bad" ? "alert" : null }, children);

/** What the server refused, for people. */
export const refusal = (error) => notice("bad", named("problem", error.code) !== error.code ? named("problem", error.code) : error.status === 0 ? t("no.answer") : error.message);

let fields = 0;
/** A field with its label, and a hint below it. The element is `input`, `select` or `textarea`. */
export function field(label, control, hint) {
  const id = (fields += 1);
  control.id ||= `field-${id}`;
  const noted = hint && el("span", { class: "note", id: `hint-${id}` }, hint);
  if (noted) control.setAttribute("aria-describedby", noted.id);
  return el("div", { class: "field" }, el("label", { for: control.id }, label), control, noted);
}

/** Says something to everybody: shown for a while, and read out. */
export function say(text) {
  const said = document.getElementById("said");
  said.textContent = text;
  said.classList.add("shown");
  clearTimeout(say.timer);
  say.timer = setTimeout(() => said.classList.remove("shown"), 6000);
}

/** A place by its name, and its id where that says something else: rooms of two sites may be called alike. */
export const placeNames = (places) => {
  const names = new Map(places.map((place) => [place.id, place.name && place.name !== place.id && !place.name.includes(place.id) ? `${place.name} (${place.id})` : (place.name ?? place.id)]));
  return (id) => (id === null || id === undefined ? "–" : (names.get(id) ?? id));
};

/** A link to a view of the page. */
export const link = (hash, ...children) => append(el("a", { href: hash, data: { key: hash } }), children);
export const unitHash = (id) => `#/unit/${encodeURIComponent(id)}`;
export const lotHash = (gtin, lot) => `#/lot/${encodeURIComponent(gtin)}/${encodeURIComponent(lot)}`;
export const holdHash = (id) => `#/hold/${encodeURIComponent(id)}`;
