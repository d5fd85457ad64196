// People's accounts: made, given another role, limit or password, disabled.

import { path } from "../../shell/api.js";
import { el, fill } from "../../shell/dom.js";
import { complete, dialog, entry, form, select } from "../../shell/form.js";
import { stamp } from "../../shell/format.js";
import { badge, button, refusal, say, section, table } from "../../shell/parts.js";
import { named, t } from "../../shell/words.js";
import { SHORTEST } from "./own.js";

const ROLES = ["viewer", "logistics", "quality", "auditor", "admin"];
const roles = () => ROLES.map((role) => [role, named("role", role)]);

export async function people(body, { api, me }) {
  const list = el("div", {});

  async function load() {
    const users = await api.every("/v1/users");
    fill(list, table([
      { title: t("people.name"), head: true, value: (user) => user.name },
      { title: t("people.role"), label: true, value: (user) => [named("role", user.role), user.sites && el("span", { class: "note" }, ` ${user.sites.join(", ")}`)] },
      { title: t("people.state"), label: true, value: (user) => [standing(user), user.external && el("span", { class: "note", title: user.external }, t("people.external"))] },
      { title: t("people.since"), label: true, value: (user) => stamp(user.created_at) },
      { title: "", value: (user) => el("span", { class: "buttons" }, !user.external && act("people.password", user, password), user.name !== me.name && [act("people.change", user, change), act(user.disabled ? "people.enable" : "people.disable", user, disable)]) },
    ], users, { caption: t("settings.people"), captionHidden: true, stack: true }));
  }

  const act = (key, user, work) => button(t(key), async () => {
    const done = await work(user);
    if (!done) return;
    say(done);
    await load();
  }, { kind: "small quiet", "aria-label": `${t(key)}: ${user.name}` });

  /** Asks in a dialog and sends; answers what is said then, or null. */
  const ask = (title, action, entries, send, told) => dialog(title, (close) => {
    const answer = el("div", {});
    const work = async () => {
      fill(answer);
      if (!complete(entries.filter((one) => !one.optional), t("settings.missing"))) return;
      const secret = entries.find((one) => one.control.type === "password");
      if (secret && secret.control.value.length < SHORTEST) return secret.tell(t("people.password.short"));
      try {
        await send();
        close(told);
      } catch (error) {
        const beside = { name: entries[0], refused: entries[0], reason: entries.at(-1), sites: entries.find((one) => one.isSites) }[error.code];
        if (beside) beside.tell(error.message);
        else fill(answer, refusal(error));
      }
    };
    return form({ button: action, work, cancel: () => close(null) }, entries.map((one) => one.box), answer);
  });
  const text = (key, attributes = {}, hint) => entry(t(key), el("input", { type: "text", autocomplete: "off", maxlength: 64, spellcheck: "false", ...attributes }), { hint });
  const secret = () => text("people.password", { type: "password", autocomplete: "new-password", maxlength: 1024 }, t("people.password.hint"));
  const limit = (user) => Object.assign(text("people.sites", { maxlength: 6500, value: user?.sites?.join(", ") ?? "" }, t("people.sites.hint")), { optional: true, isSites: true });
  const why = () => Object.assign(text("act.reason.optional", { maxlength: 2000 }), { optional: true });

  function create() {
    const [name, role, word, sites] = [text("people.name", { data: { first: "" } }), entry(t("people.role"), select(roles(), "viewer")), secret(), limit()];
    return ask(t("people.create"), t("people.create"), [name, role, word, sites], () => api.post("/v1/users", { name: name.value(), role: role.value(), password: word.control.value, ...(sites.value() && { sites: places(sites.value()) }) }), t("people.created"));
  }
  function password(user) {
    const word = secret();
    return ask(`${t("people.password")}: ${user.name}`, t("own.change"), [word], () => api.post(path`/v1/users/${user.name}/password`, { password: word.control.value }), t("people.password.set", user));
  }
  const patch = (user, body, reason) => api.raw(path`/v1/users/${user.name}`, { method: "PATCH", body: { ...body, ...(reason.value() && { reason: reason.value() }) } });
  function change(user) {
    const [role, sites, reason] = [entry(t("people.role"), select(roles(), user.role)), limit(user), why()];
    const changed = () => (sites.value() === (user.sites?.join(", ") ?? "") ? {} : { sites: sites.value() ? places(sites.value()) : null });
    return ask(`${t("people.change")}: ${user.name}`, t("people.change"), [role, sites, reason], () => patch(user, { role: role.value(), ...changed() }, reason), t("people.changed", user));
  }
  function disable(user) {
    const reason = why();
    const word = t(user.disabled ? "people.enable" : "people.disable");
    return ask(`${word}: ${user.name}`, word, [reason], () => patch(user, { disabled: !user.disabled }, reason), t("people.changed", user));
  }

  const make = button(t("people.create"), async () => {
    const done = await create();
    if (!done) return;
    say(done);
    await load();
  }, { kind: "main", picture: "plus" });
  body.append(section(t("settings.people"), { id: "people", aside: make }, list));
  await load();
}

/** The places that are typed, with commas or spaces between them. */
export const places = (typed) => typed.split(/[\s,，、;]+/).filter(Boolean);

function standing(user) {
  if (user.disabled) return badge("unknown", t("people.disabled"));
  if (user.locked_until && Date.parse(user.locked_until) > Date.now()) return [badge("hold", t("people.locked")), " ", stamp(user.locked_until)];
  if (user.one_time) return badge("review", t("people.once"));
  return badge("pass", t("people.active"));
}
