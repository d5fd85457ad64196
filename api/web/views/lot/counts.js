// How many units stand how: as a bar, and in words.

import { el } from "../../shell/dom.js";
import { badge } from "../../shell/parts.js";
import { named } from "../../shell/words.js";

const KINDS = ["pass", "review", "indeterminate", "hold", "unassessed"];

/** The bar with its words below. */
export function bar(counts) {
  const there = KINDS.filter((kind) => counts[kind] > 0);
  return el("div", { class: "counts" },
    el("div", { class: "counts-bar", "aria-hidden": "true" }, there.map((kind) => el("span", { class: `is-${kind}`, style: { "flex-grow": String(counts[kind]) } }))),
    el("ul", { class: "counts-words" }, there.map((kind) => el("li", {}, badge(kind, `${counts[kind]} ${named("verdict", kind)}`)))));
}
