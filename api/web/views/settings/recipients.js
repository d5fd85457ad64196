// Who is told of holds and alarms, and whether telling works.

import { el, fill } from "../../shell/dom.js";
import { complete, dialog, entry, form, select, tick } from "../../shell/form.js";
import { duration, number, stamp } from "../../shell/format.js";
import { badge, button, facts, notice, refusal, say, section, table } from "../../shell/parts.js";
import { named, t } from "../../shell/words.js";

export async function recipients(body, { api, me }) {
  const state = el("div", {});
  const list = el("div", {});
  const sees = ["auditor", "admin"].includes(me.role);

  async function load() {
    const [told, all] = await Promise.all([api.get("/v1/notifications/state").catch((error) => (error.status === 503 ? null : Promise.reject(error))), sees ? api.every("/v1/recipients") : []]);
    fill(state, told ? channels(told) : notice("note", t("told.off")));
    if (sees) fill(list, people(all));
  }

  const people = (all) => table([
    { title: t("people.name"), head: true, value: (one) => one.name ?? one.id },
    { title: t("recipients.id"), label: true, value: (one) => one.id },
    { title: t("recipients.email"), label: true, value: (one) => one.email ?? "–" },
    { title: t("recipients.phone"), label: true, value: (one) => one.phone ?? "–" },
    { title: t("recipients.level"), number: true, label: true, value: (one) => number(one.level) },
    { title: t("people.state"), label: true, value: (one) => (one.active === false ? badge("unknown", t("people.disabled")) : badge("pass", t("people.active"))) },
    { title: "", value: (one) => me.role === "admin" && button(t("registered.edit"), () => edit(one), { kind: "small quiet", "aria-label": `${t("registered.edit")}: ${one.id}` }) },
  ], all, { caption: t("settings.recipients"), captionHidden: true, stack: true, empty: t("recipients.none") });

  async function edit(one) {
    const done = await dialog(one ? `${t("registered.edit")}: ${one.id}` : t("recipients.add"), (close) => {
      const text = (key, value, attributes = {}) => entry(t(key), el("input", { type: "text", autocomplete: "off", maxlength: 200, value: value ?? "", ...attributes }));
      const id = text("recipients.id", one?.id, { readonly: Boolean(one), data: { first: "" } });
      const name = text("people.name", one?.name);
      const email = text("recipients.email", one?.email, { type: "email" });
      const phone = text("recipients.phone", one?.phone, { type: "tel" });
      const level = entry(t("recipients.level"), el("input", { type: "number", min: 1, max: 9, value: String(one?.level ?? 1) }), { hint: t("recipients.level.hint") });
      const language = entry(t("language"), select([["en", "English"], ["zh", "中文"]], one?.language ?? "en"));
      const active = tick(t("recipients.active"), one?.active !== false);
      const answer = el("div", {});
      const work = async () => {
        fill(answer);
        if (!complete([id], t("settings.missing"))) return;
        const record = { id: id.value(), language: language.value(), level: Number(level.value()), active: active.value() };
        for (const [key, field] of Object.entries({ name, email, phone })) if (field.value()) record[key] = field.value();
        try {
          await api.post("/v1/recipients", record);
          close(true);
        } catch (error) {
          const fields = { id, name, email, phone, level };
          const fault = error.body?.errors?.[0];
          const beside = fault && fields[fault.pointer.split("/").pop()];
          if (beside) beside.tell(fault.message);
          else fill(answer, fault ? notice("bad", fault.message) : refusal(error));
        }
      };
      return form({ button: t("recipients.save"), work, cancel: () => close(null) }, id.box, name.box, email.box, phone.box, level.box, language.box, active.box, answer);
    });
    if (!done) return;
    say(t("recipients.saved"));
    await load();
  }

  body.append(section(t("told.title"), { id: "channels" }, state));
  if (sees) body.append(section(t("settings.recipients"), { id: "recipients", aside: me.role === "admin" && button(t("recipients.add"), () => edit(null), { kind: "main", picture: "plus" }) }, list));
  else body.append(notice("note", t("recipients.not", { role: named("role", me.role) })));
  await load();
}

const channels = ({ channels: all, recipients: reached, unacknowledged, escalate_after_s: after }) => [
  !reached.enough && notice("review", t("told.few", { n: reached.reached, minimum: reached.minimum })),
  facts([
    [t("told.reached"), number(reached.reached), t("told.minimum", { n: reached.minimum })],
    [t("told.unacknowledged"), number(unacknowledged)],
    [t("told.escalates"), duration(after)],
  ]),
  table([
    { title: t("told.channel"), head: true, value: (one) => one.channel },
    { title: t("people.state"), value: (one) => (one.alarm ? badge("hold", t("told.alarm")) : one.configured ? badge("pass", t("told.works")) : badge("review", t("told.gone"))) },
    { title: t("told.pending"), number: true, value: (one) => number(one.pending) },
    { title: t("told.oldest"), value: (one) => (one.oldest_pending_at ? stamp(one.oldest_pending_at) : "–") },
  ], all, { caption: t("told.channels"), empty: t("told.none") }),
];
