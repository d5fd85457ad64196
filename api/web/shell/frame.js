// What is around every view: the navigation, finding something by its number, who is reading, and whether it is live.

import { el, fill } from "./dom.js";
import { find } from "./find.js";
import { icon } from "./icons.js";
import * as live from "./live.js";
import { LANGUAGES, named, remember, speaking, t } from "./words.js";

// So many views stand at the bottom of a telephone; the others are behind `More`.
const AT_HAND = 4;

let place = null;
let links = [];
let unwatch = () => {};

export const frame = {
  /** The frame around views, anew. */
  element({ me, views, signOut, redraw, go }) {
    unwatch();
    place = el("div", { class: "place" });
    links = views.map((view, at) =>
      el("a", { href: `#/${view.name}`, class: at < AT_HAND ? "" : "further", data: { view: view.name } }, icon(view.picture), el("span", {}, t(`nav.${view.name}`))));
    const choices = el("div", { class: "choices" }, language(redraw), theme());
    const reader = el("div", { class: "reader" },
      el("span", { class: "who", title: t("signed.in.as", { name: me.name }) }, el("b", {}, me.name), el("span", { class: "note" }, named("role", me.role), me.sites && ` · ${me.sites.join(", ")}`)),
      el("button", { type: "button", class: "button quiet", on: { click: signOut } }, t("sign.out")));
    const more = el("div", { class: "more", id: "more" }, choices, reader);
    const opener = el("button", { type: "button", class: "opener", "aria-expanded": "false", "aria-controls": "more" }, icon("more"), el("span", {}, t("nav.more")));
    const rail = el("div", { class: "rail" },
      el("a", { class: "brand", href: "#/now", "aria-label": t("brand.label") }, el("img", { src: "/web/icon.svg", alt: "", width: 26, height: 26 }), el("span", {}, "Coldtrail")),
      el("nav", { "aria-label": t("nav.label") }, el("ul", {}, links.map((one) => el("li", {}, one)), el("li", { class: "opening" }, opener))),
      more);
    const open = (whether) => {
      rail.classList.toggle("open", whether);
      opener.setAttribute("aria-expanded", String(whether));
    };
    opener.addEventListener("click", () => open(!rail.classList.contains("open")));
    rail.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !rail.classList.contains("open")) return;
      open(false);
      opener.focus();
    });
    frame.close = () => open(false);
    return [skip(), rail, el("div", { class: "stage" }, el("header", { class: "top" }, find(go), state()), place)];
  },

  /** Puts a view into it. */
  show(root, name) {
    fill(place, root);
    frame.close();
    // a hold belongs to the holds, a lot to the stock
    const around = { hold: "holds", lot: "stock", unit: "stock" }[name] ?? name;
    for (const one of links) {
      if (one.dataset.view === around) one.setAttribute("aria-current", name === around ? "page" : "true");
      else one.removeAttribute("aria-current");
    }
  },

  close() {},
};

function skip() {
  const jump = (event) => {
    event.preventDefault();
    document.getElementById("main")?.focus();
  };
  return el("a", { class: "skip", href: "#main", on: { click: jump } }, t("skip"));
}

/** Whether what is shown follows what happens. */
function state() {
  const shown = el("p", { class: "standing", role: "status" });
  unwatch = live.watch((now) => {
    shown.dataset.state = now;
    fill(shown, icon(now === "live" ? "live" : "clock"), el("span", {}, t(`live.${now}`)));
  });
  return shown;
}

/** The choice of language, for the frame and for the way in. */
export const language = (redraw) =>
  el("label", { class: "choice" }, el("span", { class: "hidden" }, t("language")),
    el("select", { value: speaking(), on: { change: (event) => redraw(event.target.value) } },
      Object.entries(LANGUAGES).map(([value, name]) => el("option", { value, lang: value === "zh" ? "zh-CN" : "en" }, name))));

/** The choice of light and dark. */
export function theme() {
  const chosen = document.documentElement.dataset.theme ?? "auto";
  const choose = (event) => {
    const { value } = event.target;
    if (value === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = value;
    remember("theme", value);
    dispatchEvent(new Event("theme"));
  };
  return el("label", { class: "choice" }, el("span", { class: "hidden" }, t("theme")),
    el("select", { value: chosen, on: { change: choose } }, ["auto", "light", "dark"].map((value) => el("option", { value }, t(`theme.${value}`)))));
}
