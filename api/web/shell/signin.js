// The way in: a name and its password, the identity provider, or an API token; and another password in the place of one that was meant for once.

import { Problem, within } from "./api.js";
import { el, fill } from "./dom.js";
import { language, theme } from "./frame.js";
import { button, field, notice, refusal } from "./parts.js";
import { leave, provider } from "./provider.js";
import * as session from "./session.js";
import { t } from "./words.js";

/** Asks who is there, and calls `entered` with who it is. */
export function signInView({ reason, entered, redraw }) {
  const name = el("input", { autocomplete: "username", required: true, maxlength: 64, autocapitalize: "none", spellcheck: "false" });
  const password = el("input", { type: "password", autocomplete: "current-password", required: true, maxlength: 1024 });
  const token = el("input", { type: "password", autocomplete: "off", required: true, spellcheck: "false" });
  const answer = el("div", { class: "answer" }, reason && notice("note", reason));
  const form = (press, ...children) => asking(t("sign.in"), answer, async () => entered(await press()), children);
  queueMicrotask(() => name.focus());
  return el("main", { class: "entrance" },
    el("div", { class: "sheet" },
      el("h1", {}, el("img", { src: "/web/icon.svg", alt: "", width: 32, height: 32 }), "Coldtrail"),
      el("p", { class: "note" }, t("sign.what")),
      answer,
      elsewhere(answer),
      form(() => session.signIn(name.value.trim(), password.value), field(t("sign.name"), name), field(t("sign.password"), password)),
      el("details", {}, el("summary", {}, t("sign.token.instead")),
        form(() => session.signInByToken(token.value.trim()), field(t("sign.token"), token, t("sign.token.hint"))))),
    el("div", { class: "choices" }, language(redraw), theme()));
}

/** The button that leads to the identity provider, once it is known that there is one. */
function elsewhere(answer) {
  const place = el("div", { class: "elsewhere" });
  const api = within();
  const go = async (event) => {
    const pressed = event.currentTarget;
    pressed.disabled = true;
    fill(answer);
    try {
      await leave(api);
    } catch (error) {
      fill(answer, refusal(error));
      pressed.disabled = false;
    }
  };
  // without an answer there is no button; whoever signs in otherwise is told why
  provider(api).then((name) => name && fill(place, button(t("sign.at", { name }), go, { kind: "main" }), el("p", { class: "or" }, el("span", {}, t("sign.or")))), () => {});
  return place;
}

/** Asks for the password that takes the place of the one-time one; `entered` is called when it has. */
export function renewView({ who, entered }) {
  const first = el("input", { type: "password", autocomplete: "new-password", required: true, minlength: 12, maxlength: 1024 });
  const again = el("input", { type: "password", autocomplete: "new-password", required: true, minlength: 12, maxlength: 1024 });
  const answer = el("div", { class: "answer" });
  const renew = async () => {
    if (first.value !== again.value) throw new Problem(0, { code: "sign.differ" });
    entered(await session.renew(who.name, first.value));
  };
  queueMicrotask(() => first.focus());
  return el("main", { class: "entrance" },
    el("div", { class: "sheet" },
      el("h1", {}, t("sign.renew")),
      el("p", { class: "note" }, t("sign.renew.why", { name: who.name })),
      answer,
      asking(t("sign.renew.do"), answer, renew, [
        el("input", { type: "text", autocomplete: "username", value: who.name, hidden: true, readonly: true }),
        field(t("sign.new"), first, t("sign.new.hint")), field(t("sign.new.again"), again)])));
}

/** A form whose refusal stands in `answer`. */
function asking(text, answer, press, children) {
  const button = el("button", { class: "button main" }, text);
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    fill(answer);
    try {
      await press();
    } catch (error) {
      fill(answer, told(error));
      button.disabled = false;
    }
  };
  return el("form", { on: { submit } }, children, button);
}

function told(error) {
  if (error.code === "sign.differ") return notice("bad", t("sign.differ"));
  return error.status === 401 ? notice("bad", t("sign.wrong")) : refusal(error);
}
