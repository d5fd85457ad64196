// The page: which view stands at which address, and who may look.

import * as api from "./shell/api.js";
import { el, fill } from "./shell/dom.js";
import * as format from "./shell/format.js";
import { frame } from "./shell/frame.js";
import * as live from "./shell/live.js";
import { button, refusal, say } from "./shell/parts.js";
import { takeReturn } from "./shell/provider.js";
import * as session from "./shell/session.js";
import { renewView, signInView } from "./shell/signin.js";
import { named, register, speak, t } from "./shell/words.js";
import words from "./words/shell.js";

register(words);

// One line for each view: the first part of its address, its module, and its picture where it stands in the navigation. Its
// name there is the word `nav.NAME`.
const VIEWS = [
  { name: "now", load: () => import("./views/now.js"), picture: "now" },
  { name: "stock", load: () => import("./views/stock.js"), picture: "stock" },
  { name: "lot", load: () => import("./views/lot.js") },
  { name: "unit", load: () => import("./views/unit.js") },
  { name: "holds", load: () => import("./views/holds.js"), picture: "holds" },
  { name: "hold", load: () => import("./views/hold.js") },
  { name: "ship", load: () => import("./views/ship.js"), picture: "ship" },
  { name: "ask", load: () => import("./views/ask.js"), picture: "ask" },
  { name: "audit", load: () => import("./views/audit.js"), picture: "audit" },
  { name: "settings", load: () => import("./views/settings.js"), picture: "settings" },
];

// Views of what is closed to whoever is limited to sites.
const CLOSED = ["ask", "audit"];

const app = document.getElementById("app");
let me = null;
let shown = null; // what is on the screen: how to end it
let turn = 0;

/** The view of the address, its other parts and what is behind `?`. */
function address() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?", 2);
  const [name, ...rest] = path.split("/").map((part) => decodeURIComponent(part));
  const view = VIEWS.find((one) => one.name === name);
  return { view: view ?? (name === "" ? VIEWS[0] : undefined), parameters: { path: rest, query: new URLSearchParams(query) } };
}

const go = (hash) => {
  if (location.hash === hash) route();
  else location.hash = hash;
};

function leave() {
  shown?.leaving.abort();
  shown?.end?.();
  shown = null;
}

async function route({ first = false } = {}) {
  const mine = (turn += 1);
  leave();
  if (!me) return;
  const { view, parameters } = address();
  const leaving = new AbortController();
  shown = { leaving };
  const root = el("main", { id: "main", class: "view", tabindex: -1, "aria-busy": "true" });
  const name = view?.name ?? "lost";
  frame.show(root, name);
  const context = { api: api.within(leaving.signal), t, el, format, live, me, go, say, signal: leaving.signal };
  try {
    if (!view) return lost(root);
    const { show } = await view.load();
    const end = await show(root, context, parameters);
    if (mine !== turn) return end?.();
    shown.end = end;
  } catch (error) {
    if (mine !== turn || error.name === "AbortError") return;
    console.warn(error);
    if (!root.querySelector("h1")) root.prepend(el("h1", {}, t(`nav.${name}`)));
    root.append(el("div", { class: "sheet" }, refusal(error), button(t("try.again"), () => route())));
  } finally {
    if (mine === turn) arrived(root, first);
  }
}

function lost(root) {
  root.append(el("h1", {}, t("lost.title")), el("p", {}, t("lost.text")), el("p", {}, el("a", { href: "#/now" }, t("nav.now"))));
}

/** The view is there: its title is the page's, and whoever can't see it is told by the focus. */
function arrived(root, first) {
  root.removeAttribute("aria-busy");
  const heading = root.querySelector("h1");
  document.title = `${heading?.textContent ?? t("nav.now")} · Coldtrail`;
  if (first || !heading) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
  scrollTo(0, 0);
}

/** Somebody is signed in: the frame, the stream of events, the view. */
function enter(who, first) {
  if (who.one_time) return fill(app, renewView({ who, entered: (known) => enter(known, false) }));
  me = who;
  fill(app, frame.element({ me, views: VIEWS.filter((view) => view.picture && !(me.sites && CLOSED.includes(view.name))), signOut, redraw, go }));
  live.start();
  route({ first });
}

/** Nobody is: the way in. `reason()` says why, in the language that is chosen by then. */
function ask(reason) {
  turn += 1;
  leave();
  me = null;
  live.stop();
  document.title = `${t("sign.in")} · Coldtrail`;
  const again = (language) => {
    speak(language);
    ask(reason);
  };
  fill(app, signInView({ reason: reason?.(), entered: (who) => enter(who, false), redraw: again }));
}

async function signOut() {
  await session.signOut();
  ask();
}

/** Another language: everything is drawn anew. */
function redraw(language) {
  speak(language);
  if (me) enter(me, true);
  else ask();
}

// what a view that was left had still asked for is no fault
addEventListener("unhandledrejection", (event) => {
  if (event.reason?.name === "AbortError") event.preventDefault();
});
api.whenLost(() => me && ask(() => t("sign.lost")));
addEventListener("hashchange", () => {
  session.takeToken();
  route();
});

async function begin() {
  session.takeToken();
  const back = takeReturn();
  if (back?.again) return fill(app, el("main", { class: "alone" }, el("h1", {}, "Coldtrail"), el("p", {}, t("again.close"))));
  try {
    const who = await session.resume();
    if (who) enter(who, true);
    else ask(back?.refused && (() => named("problem", back.refused)));
  } catch (error) {
    fill(app, el("main", { class: "alone" }, el("h1", {}, "Coldtrail"), refusal(error), button(t("try.again"), begin)));
  }
  return undefined;
}

begin();
