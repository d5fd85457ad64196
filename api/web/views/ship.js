// May it go out? Scanned or typed, answered in one word, with everything that stands against it, and what to take first instead.

import { el, fill } from "../shell/dom.js";
import { entry } from "../shell/form.js";
import { soon } from "../shell/live.js";
import { badge, button, section } from "../shell/parts.js";
import { named, register, t } from "../shell/words.js";
import words from "../words/ship.js";
import { answered } from "./ship/answer.js";
import { camera } from "./ship/camera.js";
import { ask, FNC1 } from "./ship/question.js";

register(words);

// Scans that are remembered while the page is open.
const RECENT = 12;
const recent = [];
// What was chosen stays for the next one who looks at this view: a loading door has one destination for hours.
const chosen = { to: "", at: "" };

// How FNC1 is shown in the field, and how scanners are set to spell it.
const SHOWN = "\u241d";
const SPELLED = /\u241d|\{GS\}|<GS>|\[GS\]|\\x1d/gi;

export async function show(root, context, { query }) {
  const { api, live, signal } = context;
  const code = el("input", {
    id: "scan", class: "scan", type: "text", autocomplete: "off", autocapitalize: "characters", spellcheck: "false", enterkeyhint: "go", maxlength: 500, placeholder: t("ship.code.hint"),
  });
  const to = entry(t("ship.to"), el("input", { type: "text", autocomplete: "off", spellcheck: "false", maxlength: 64, list: "destinations", value: query.get("to") ?? chosen.to }), { hint: t("ship.to.hint") });
  const at = entry(t("ship.at"), el("input", { type: "datetime-local", value: chosen.at }), { hint: t("ship.at.hint") });
  const spoken = el("div", { class: "answer", "aria-live": "assertive", "aria-atomic": "true" });
  const account = el("div", { class: "account" });
  const log = el("div", {});
  let turn = 0;
  let last = null;
  let asking = false;

  /** Asks about a code; `quietly` when something was held or released since it was asked about. */
  async function look(text, { quietly = false } = {}) {
    // what is being asked is the newest there is
    if (quietly && asking) return;
    const mine = (turn += 1);
    asking = !quietly;
    Object.assign(chosen, { to: to.value(), at: at.value() });
    if (!quietly) {
      fill(spoken, el("p", { class: "verdict is-note" }, t("ship.looking")));
      fill(account);
    }
    const answer = await ask(api, text.replace(SPELLED, FNC1), { to: chosen.to, at: chosen.at && `${chosen.at}:00Z` });
    if (mine !== turn) return;
    asking = false;
    if (!answer || (quietly && answer.kind === last?.kind)) return;
    last = { text, kind: answer.kind };
    recent.unshift({ ...last, at: new Date() });
    recent.length = Math.min(recent.length, RECENT);
    const { verdict, details } = answered(context, answer, { to: chosen.to, again: () => look(text) });
    fill(spoken, verdict);
    fill(account, details);
    remembered();
  }

  const submit = async (event) => {
    event?.preventDefault();
    const text = code.value.trim();
    // ready for the next scan at once: it replaces what stands there
    code.focus();
    code.select();
    if (text) await look(text).catch(failed);
  };
  const failed = (error) => {
    if (error.name !== "AbortError") throw error;
  };

  function remembered() {
    fill(log, recent.length === 0 ? el("p", { class: "empty" }, t("ship.recent.none"))
      : el("ol", { class: "recent" }, recent.map((one) => el("li", {},
        badge(ICONS[one.kind], t(`ship.short.${one.kind}`)),
        el("button", { type: "button", class: "unfold mono plain", on: { click: () => { code.value = one.text; submit(); } } }, one.text.replaceAll(FNC1, SHOWN)),
        el("span", { class: "note" }, one.at.toLocaleTimeString())))));
  }

  // scanners send FNC1 as a control character, which a field would drop
  code.addEventListener("keydown", (event) => {
    if (event.key !== FNC1 && !(event.ctrlKey && event.key === "]")) return;
    event.preventDefault();
    code.setRangeText(SHOWN, code.selectionStart, code.selectionEnd, "end");
  });
  // a scan that comes while nothing has the focus belongs here
  const stray = (event) => {
    const taken = document.activeElement?.closest("input, textarea, select, button, a, dialog, [contenteditable]");
    if (!taken && event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) code.focus();
  };
  document.addEventListener("keydown", stray);

  const lens = camera((text) => {
    code.value = text.replaceAll(FNC1, SHOWN);
    submit();
  });
  root.append(
    el("div", { class: "view-head" }, el("h1", {}, t("ship.title"))),
    el("div", { class: "ship-columns" },
      el("div", { class: "ship-main" },
        el("form", { class: "sheet ship-ask", on: { submit } },
          el("label", { for: "scan" }, t("ship.code")),
          el("div", { class: "ship-code" }, code, el("button", { class: "button main" }, t("ship.check")), lens.button),
          lens.box,
          el("div", { class: "ship-where" }, to.box, at.box), el("datalist", { id: "destinations" })),
        spoken, account),
      el("div", { class: "ship-side" }, section(t("ship.recent"), { id: "recent", aside: button(t("ship.forget"), () => { recent.length = 0; remembered(); code.focus(); }, { kind: "quiet small" }) }, log))));
  remembered();
  api.every("/v1/places").then((places) => {
    root.querySelector("#destinations").append(...places.map((place) => el("option", { value: place.id }, `${place.name} · ${named("place.kind", place.kind)}`)));
  }).catch(() => {});
  // after the frame has told readers of the title
  setTimeout(() => {
    if (signal.aborted) return;
    code.focus();
    code.value = query.get("code") ?? "";
    if (code.value) submit();
  });
  const again = soon(() => last && look(last.text, { quietly: true }).catch(failed));
  const unlisten = live.on(["hold"], again);
  return () => {
    unlisten();
    again.stop();
    document.removeEventListener("keydown", stray);
    lens.stop();
  };
}

const ICONS = { yes: "pass", no: "hold", some: "review", unknown: "hold", product: "unknown", unreadable: "hold", failed: "hold" };
