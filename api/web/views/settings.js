// Settings: one's own, people and tokens, what is registered, who is told.

import { el } from "../shell/dom.js";
import { named, register, t } from "../shell/words.js";
import { notice } from "../shell/parts.js";
import words from "../words/settings.js";
import { own } from "./settings/own.js";
import { people } from "./settings/people.js";
import { recipients } from "./settings/recipients.js";
import { registered } from "./settings/registered.js";
import { tokens } from "./settings/tokens.js";

register(words);

// One line for each part: its address, for which roles it is (all when absent), whether it is closed to whoever is limited to
// sites, and what draws it.
const PARTS = {
  own: { draw: own },
  people: { roles: ["admin"], closed: true, draw: people },
  tokens: { roles: ["admin"], closed: true, draw: tokens },
  products: { draw: registered("products") },
  places: { draw: registered("places") },
  sensors: { draw: registered("sensors") },
  associations: { draw: registered("associations") },
  recipients: { closed: true, draw: recipients },
};

export async function show(root, context, { path: [wanted], query }) {
  const { me } = context;
  const part = PARTS[wanted] ? wanted : "own";
  const may = (one) => (PARTS[one].roles?.includes(me.role) ?? true) && !(me.sites && PARTS[one].closed);
  const body = el("div", { class: "settings-body" });
  root.append(
    el("div", { class: "view-head" }, el("h1", {}, t("settings.title"))),
    el("div", { class: "settings-columns" },
      el("nav", { class: "settings-nav", "aria-label": t("settings.title") }, Object.keys(PARTS).filter(may).map((one) =>
        el("a", { href: `#/settings/${one}`, "aria-current": one === part && "page" }, t(`settings.${one}`)))),
      body));
  if (!may(part)) return void body.append(notice("note", me.sites ? t("problem.site_limited") : t("settings.not", { role: named("role", me.role) })));
  await PARTS[part].draw(body, context, query);
  return undefined;
}
