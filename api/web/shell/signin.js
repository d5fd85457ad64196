// The way in: a name and its password, or an API token.

import { el, fill } from "./dom.js";
import { language, theme } from "./frame.js";
import { field, notice, refusal } from "./parts.js";
import * as session from "./session.js";
import { t } from "./words.js";

/** Asks who is there, and calls `entered` with who it is. */
export function signInView({ reason, entered, redraw }) {
  const name = el("input", { autocomplete: "username", required: true, maxlength: 64, autocapitalize: "none", spellcheck: "false" });
  const password = el("input", { type: "password", autocomplete: "current-password", required: true, maxlength: 1024 });
  const token = el("input", { type: "password", autocomplete: "off", required: true, spellcheck: "false" });
  const answer = el("div", { class: "answer" }, reason && notice("note", reason));
  const form = (press, ...children) => {
    const button = el("button", { class: "button main" }, t("sign.in"));
    const submit = async (event) => {
      event.preventDefault();
      button.disabled = true;
      fill(answer);
      try {
        entered(await press());
      } catch (error) {
        fill(answer, error.status === 401 ? notice("bad", t("sign.wrong")) : refusal(error));
        button.disabled = false;
      }
    };
    return el("form", { on: { submit } }, children, button);
  };
  queueMicrotask(() => name.focus());
  return el("main", { class: "entrance" },
    el("div", { class: "sheet" },
      el("h1", {}, el("img", { src: "/web/icon.svg", alt: "", width: 32, height: 32 }), "Coldtrail"),
      el("p", { class: "note" }, t("sign.what")),
      answer,
      form(() => session.signIn(name.value.trim(), password.value), field(t("sign.name"), name), field(t("sign.password"), password)),
      el("details", {}, el("summary", {}, t("sign.token.instead")),
        form(() => session.signInByToken(token.value.trim()), field(t("sign.token"), token, t("sign.token.hint"))))),
    el("div", { class: "choices" }, language(redraw), theme()));
}
