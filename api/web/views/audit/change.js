// What was before and what after, field by field; fields that are the same stay out of the way.

import { el } from "../../shell/dom.js";
import { table } from "../../shell/parts.js";
import { t } from "../../shell/words.js";

/** The change an entry records; where it has no before, what it says. */
export function changeOf(kind, body) {
  if (kind === "registry") return fields(flat(body.before), flat(body.after), body.before === null);
  if (kind.startsWith("hold.") && Array.isArray(body.holds)) {
    const { holds, after, ...rest } = body;
    return [
      table([
        { title: t("nav.hold"), head: true, value: (one) => one.hold },
        { title: t("audit.before"), value: (one) => one.before },
        { title: t("audit.after"), value: () => after },
        { title: t("audit.signed"), wrap: true, value: (one) => el("code", {}, one.record) },
      ], holds, { caption: t("audit.change"), captionHidden: true }),
      fields({}, flat(rest), true),
    ];
  }
  if ("before" in body && "after" in body && typeof body.after === "object") return fields(flat(body.before), flat(body.after), body.before === null);
  return fields({}, flat(body), true);
}

/** Every value with the JSON pointer it stands at. */
function flat(value, at = "", found = {}) {
  if (value !== null && typeof value === "object" && Object.keys(value).length > 0) {
    for (const [key, inner] of Object.entries(value)) flat(inner, at ? `${at}/${key}` : key, found);
  } else if (value !== undefined && !(at === "" && value === null)) {
    found[at] = value === null ? "null" : typeof value === "string" ? value : JSON.stringify(value);
  }
  return found;
}

function fields(before, after, isNew) {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const changed = keys.filter((key) => before[key] !== after[key]);
  const shown = isNew ? keys : changed;
  if (shown.length === 0) return el("p", { class: "empty" }, t("audit.same"));
  const cell = (text, kind) => (text === undefined ? "" : el(kind, {}, text));
  return table([
    { title: t("audit.field"), head: true, value: (key) => el("code", {}, key) },
    !isNew && { title: t("audit.before"), wrap: true, value: (key) => cell(before[key], "del") },
    { title: t(isNew ? "audit.value" : "audit.after"), wrap: true, value: (key) => cell(after[key], isNew ? "span" : "ins") },
  ].filter(Boolean), shown, { caption: t("audit.change"), captionHidden: true });
}
