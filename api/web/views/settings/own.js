// One's own: the password.

import { path } from "../../shell/api.js";
import { el, fill } from "../../shell/dom.js";
import { complete, entry, form } from "../../shell/form.js";
import { facts, notice, refusal, section } from "../../shell/parts.js";
import { signIn } from "../../shell/session.js";
import { named, t } from "../../shell/words.js";

export const SHORTEST = 12;

export async function own(body, { api, me, say }) {
  const secret = (key, autocomplete, hint) => entry(t(key), el("input", { type: "password", autocomplete, maxlength: 1024 }), { hint });
  const current = secret("own.current", "current-password");
  const next = secret("own.next", "new-password", t("people.password.hint"));
  const again = secret("own.again", "new-password");
  const answer = el("div", {});
  const work = async () => {
    fill(answer);
    if (!complete([current, next, again], t("settings.missing"))) return;
    if (next.control.value.length < SHORTEST) return next.tell(t("people.password.short"));
    if (next.control.value !== again.control.value) return again.tell(t("own.differs"));
    try {
      await api.post(path`/v1/users/${me.name}/password`, { password: next.control.value, current: current.control.value });
      // with the old password every session ended, this one too
      if (me.csrf) await signIn(me.name, next.control.value);
      for (const one of [current, next, again]) one.control.value = "";
      say(t("own.changed"));
      fill(answer, notice("good", t("own.changed")));
    } catch (error) {
      if (error.code === "wrong_password") {
        current.tell(t("own.wrong"));
        current.focus();
      } else fill(answer, refusal(error));
    }
  };
  const mine = me.external ? notice("note", t("own.external")) : el("div", { class: "narrow" }, form({ button: t("own.change"), work }, current.box, next.box, again.box, answer));
  body.append(
    section(t("settings.own"), { id: "own" }, facts([[t("people.name"), me.name], [t("people.role"), named("role", me.role)], me.sites && [t("people.sites"), me.sites.join(", ")]].filter(Boolean)), el("p", { class: "note" }, t("own.look"))),
    section(t("own.password"), { id: "password" }, mine));
}
