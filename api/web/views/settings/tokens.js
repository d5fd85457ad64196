// API tokens: made and shown once, revoked.

import { path } from "../../shell/api.js";
import { el, fill } from "../../shell/dom.js";
import { complete, dialog, entry, form, select } from "../../shell/form.js";
import { stamp } from "../../shell/format.js";
import { badge, button, notice, refusal, say, section, table } from "../../shell/parts.js";
import { named, t } from "../../shell/words.js";
import { places } from "./people.js";

const ROLES = ["gateway", "viewer", "logistics", "quality", "auditor", "admin"];

export async function tokens(body, { api }) {
  const list = el("div", {});
  const made = el("div", {});

  async function load() {
    const all = await api.every("/v1/tokens");
    const order = (token) => (token.revoked_at ? 1 : 0);
    all.sort((one, other) => order(one) - order(other) || other.created_at.localeCompare(one.created_at));
    fill(list, table([
      { title: t("people.name"), head: true, value: (token) => token.name },
      { title: t("people.role"), label: true, value: (token) => [named("role", token.role), (token.gateway ?? token.sites) && el("span", { class: "note" }, ` ${token.gateway ?? token.sites.join(", ")}`)] },
      { title: t("people.state"), label: true, value: (token) => (token.revoked_at ? badge("unknown", t("tokens.revoked")) : badge("pass", t("people.active"))) },
      { title: t("people.since"), label: true, value: (token) => stamp(token.created_at) },
      { title: t("tokens.used"), label: true, value: (token) => (token.last_used_at ? stamp(token.last_used_at) : t("tokens.never")) },
      { title: "", value: (token) => (token.revoked_at ? stamp(token.revoked_at) : button(t("tokens.revoke"), () => revoke(token), { kind: "small danger", "aria-label": t("tokens.revoke.of", token) })) },
    ], all, { caption: t("settings.tokens"), captionHidden: true, stack: true }));
  }

  async function revoke(token) {
    const done = await dialog(t("tokens.revoke.of", token), (close) => {
      const answer = el("div", {});
      const work = async () => {
        try {
          await api.del(path`/v1/tokens/${token.id}`);
          close(true);
        } catch (error) {
          fill(answer, refusal(error));
        }
      };
      return form({ button: t("tokens.revoke"), kind: "danger", work, cancel: () => close(null) }, el("p", {}, t("tokens.revoke.lead")), answer);
    });
    if (!done) return;
    fill(made);
    say(t("tokens.revoke.done", token));
    await load();
  }

  async function create() {
    const token = await dialog(t("tokens.create"), (close) => {
      const name = entry(t("people.name"), el("input", { type: "text", autocomplete: "off", maxlength: 64, spellcheck: "false", data: { first: "" } }), { hint: t("tokens.name.hint") });
      const role = entry(t("people.role"), select(ROLES.map((one) => [one, named("role", one)]), "viewer"));
      const gateway = entry(t("tokens.gateway"), el("input", { type: "text", autocomplete: "off", maxlength: 64, spellcheck: "false" }), { hint: t("tokens.gateway.hint") });
      const sites = entry(t("people.sites"), el("input", { type: "text", autocomplete: "off", maxlength: 6500, spellcheck: "false" }), { hint: t("people.sites.hint") });
      const answer = el("div", {});
      const work = async () => {
        fill(answer);
        if (!complete([name], t("settings.missing"))) return;
        try {
          close(await api.post("/v1/tokens", { name: name.value(), role: role.value(), ...(gateway.value() && { gateway: gateway.value() }), ...(sites.value() && { sites: places(sites.value()) }) }));
        } catch (error) {
          const beside = { name, role, sites }[error.code];
          if (beside) beside.tell(error.message);
          else fill(answer, refusal(error));
        }
      };
      return form({ button: t("tokens.create"), work, cancel: () => close(null) }, name.box, role.box, gateway.box, sites.box, answer);
    });
    if (!token) return;
    fill(made, notice("good", el("div", { class: "secret" }, el("b", {}, t("tokens.once", token)), el("code", { tabindex: 0, "aria-label": t("tokens.token") }, token.token),
      navigator.clipboard && button(t("tokens.copy"), () => navigator.clipboard.writeText(token.token).then(() => say(t("tokens.copied"))), { kind: "small" }))));
    await load();
  }

  body.append(section(t("settings.tokens"), { id: "tokens", aside: button(t("tokens.create"), create, { kind: "main", picture: "plus" }) }, made, list));
  await load();
}
