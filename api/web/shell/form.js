// Forms that tell what is wrong beside the field that is wrong, and dialogs.

import { el } from "./dom.js";
import { field } from "./parts.js";
import { t } from "./words.js";

let fields = 0;

/** A field with room for what is wrong with it. `box` is shown, `value()` read, `tell(text)` says what is wrong, or nothing. */
export function entry(label, control, { hint, aside } = {}) {
  const box = field(label, control, hint);
  const wrong = el("span", { class: "wrong", id: `wrong-${(fields += 1)}`, hidden: true });
  if (aside) box.append(aside);
  box.append(wrong);
  const described = control.getAttribute("aria-describedby");
  return {
    box,
    control,
    value: () => (control.type === "checkbox" ? control.checked : control.value.trim()),
    tell: (text) => told(control, wrong, described, text),
    focus: () => control.focus(),
  };
}

function told(control, wrong, described, text) {
  wrong.textContent = text ?? "";
  wrong.hidden = !text;
  if (text) {
    control.setAttribute("aria-invalid", "true");
    control.setAttribute("aria-describedby", [wrong.id, described].filter(Boolean).join(" "));
  } else {
    control.removeAttribute("aria-invalid");
    if (described) control.setAttribute("aria-describedby", described);
    else control.removeAttribute("aria-describedby");
  }
}

/** One of several, each with its word: `options` are `[value, text]`. */
export function choice(legend, options, { value = null, on = () => {}, className = "" } = {}) {
  const name = `choice-${(fields += 1)}`;
  const wrong = el("span", { class: "wrong", id: `wrong-${name}`, hidden: true });
  const radios = options.map(([option, text]) => [
    el("input", { type: "radio", name, value: option, checked: option === value, on: { change: () => on(option) } }),
    text,
  ]);
  const box = el("fieldset", { class: `choice ${className}` }, el("legend", {}, legend),
    radios.map(([radio, text]) => el("label", { class: "option" }, radio, el("span", {}, text))), wrong);
  return {
    box,
    value: () => radios.find(([radio]) => radio.checked)?.[0].value ?? null,
    tell: (text) => told(box, wrong, null, text),
    focus: () => radios[0]?.[0].focus(),
  };
}

/** A box to tick. */
export function tick(text, checked = false) {
  const control = el("input", { type: "checkbox", checked });
  return { box: el("label", { class: "option" }, control, el("span", {}, text)), control, value: () => control.checked };
}

/** A list to choose from: `options` are `[value, text]`. */
export const select = (options, value, attributes = {}) =>
  el("select", { ...attributes, value }, options.map(([option, text]) => el("option", { value: option, selected: option === value }, text)));

/**
 * A form whose button rests while `work` runs. `work` may say that something is missing by answering `false`.
 */
export function form({ button, kind = "main", busy, cancel, work }, ...children) {
  const press = el("button", { type: "submit", class: `button ${kind}` }, el("span", {}, button));
  const submitted = async (event) => {
    event.preventDefault();
    if (press.disabled) return;
    press.disabled = true;
    press.firstChild.textContent = busy ?? button;
    try {
      await work();
    } finally {
      press.disabled = false;
      press.firstChild.textContent = button;
    }
  };
  const left = cancel && el("button", { type: "button", class: "button quiet", on: { click: cancel } }, t("cancel"));
  return el("form", { class: "form", novalidate: true, on: { submit: submitted } }, children,
    el("div", { class: "form-end" }, press, left));
}

/** Says of the fields that are empty what is missing; whether none is. The first one gets the focus. */
export function complete(entries, text) {
  for (const one of entries) one.tell(one.value() ? null : typeof text === "function" ? text(one) : text);
  const first = entries.find((one) => !one.value());
  first?.focus();
  return !first;
}

/** A dialog over the page: `build(close)` gives its content. Answers what it is closed with, null when it was cancelled. */
export function dialog(title, build) {
  return new Promise((done) => {
    let answer = null;
    const heading = el("h2", { id: `dialog-${(fields += 1)}` }, title);
    const box = el("dialog", { class: "dialog", "aria-labelledby": heading.id });
    const close = (value) => {
      answer = value;
      box.close();
    };
    box.addEventListener("close", () => {
      box.remove();
      done(answer);
    });
    box.append(heading, build(close));
    document.body.append(box);
    box.showModal();
    box.querySelector("[data-first]")?.focus();
  });
}
