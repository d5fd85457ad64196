// Finding a unit or lot by what is on its label, typed or scanned: the server reads the code.

import { within } from "./api.js";
import { el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { lotHash, refusal, unitHash } from "./parts.js";
import { t } from "./words.js";

// What separates the parts of a GS1 element string.
const FNC1 = "\u001d";

/** A field that leads to what was found. */
export function find(go) {
  const api = within();
  const input = el("input", { id: "find", type: "search", autocomplete: "off", autocapitalize: "characters", spellcheck: "false", enterkeyhint: "search", placeholder: t("find.hint"), "aria-describedby": "found" });
  const found = el("div", { id: "found", class: "found", "aria-live": "polite" });
  // some scanners send FNC1 as a control character, which a field would drop
  input.addEventListener("keydown", (event) => {
    if (event.key !== FNC1 && !(event.ctrlKey && event.key === "]")) return;
    event.preventDefault();
    input.setRangeText(FNC1, input.selectionStart, input.selectionEnd, "end");
  });
  input.addEventListener("input", () => fill(found));
  const look = async (event) => {
    event.preventDefault();
    const code = input.value.trim();
    if (!code) return;
    fill(found);
    try {
      const { units, keys } = await api.get(`/v1/scan?code=${encodeURIComponent(code)}`);
      const lot = keys.gtin && keys.lot && !keys.sscc && !keys.unit;
      if (lot && units.length > 0) go(lotHash(keys.gtin, keys.lot));
      else if (units.length === 1) go(unitHash(units[0].id));
      else if (units.length > 1) return fill(found, el("ul", {}, units.slice(0, 8).map((unit) => el("li", {}, el("a", { href: unitHash(unit.id), on: { click: () => fill(found) } }, unit.id)))));
      else return fill(found, el("p", { class: "empty" }, t("find.nothing", { code })));
      input.value = "";
    } catch (error) {
      fill(found, refusal(error));
    }
  };
  input.addEventListener("keydown", (event) => event.key === "Escape" && fill(found));
  return el("form", { class: "find", role: "search", on: { submit: look } },
    el("label", { for: "find", class: "hidden" }, t("find.label")), icon("find"), input,
    el("button", { class: "button quiet" }, t("find.do")), found);
}
