// What a person signs: a reason, and the password, or a sign-in at the identity provider, once more. One form for a hold, an incident, and a review.

import { path } from "../../shell/api.js";
import { el } from "../../shell/dom.js";
import { choice, complete, dialog, entry, form, tick } from "../../shell/form.js";
import { time } from "../../shell/format.js";
import { notice, refusal } from "../../shell/parts.js";
import { signInAgain } from "../../shell/provider.js";
import { named, t } from "../../shell/words.js";

/** What a role decides about. */
export const decides = (me) => me.role === "quality";

const DISPOSITIONS = ["destroy", "return", "downgrade"];

/**
 * Lets the reader sign about `hold`: `meaning` is `review`, `release` or `reject`. `undecided` are the holds of its incident that
 * are, itself among them. Answers what was done, `{meaning, holds}`, or null.
 */
export function signHold(context, { meaning, hold, undecided, asOf }) {
  const others = undecided.filter((one) => one.unit);
  const about = undecided.length > 1 ? scopeOf(hold, undecided, others) : null;
  const lead = meaning === "release" && hold.cause.code === "manual" ? "act.release.lead.manual" : `act.${meaning}.lead`;
  const send = (body) => {
    const scope = about?.value() ?? { this: true };
    if (meaning === "release" && asOf) body.as_of = asOf;
    if (scope.this) return context.api.post(path`/v1/holds/${hold.id}/${meaning}`, body);
    if (scope.units) body.units = scope.units;
    return context.api.post(path`/v1/incidents/${hold.incident}/${meaning}`, body);
  };
  return ask(context, {
    meaning,
    lead: t(lead, { as_of: asOf ? `${time(asOf, true)} UTC` : "" }),
    about,
    quarantine: hold.quarantine?.place ?? "",
    keepsApart: true,
    send: async (body) => ({ meaning, holds: (await send(body)).holds?.length ?? 1 }),
  });
}

/** Lets the reader accept the review of a unit: everything that is in `reasons`. */
export function acceptReview(context, { unit, reasons, asOf }) {
  const shown = el("ul", { class: "reasons" }, reasons.map((reason) =>
    el("li", {}, named("code", reason.code), reason.rule && ` · ${reason.rule}`, reason.at && el("span", { class: "note" }, ` ${time(reason.at)} UTC`))));
  return ask(context, {
    meaning: "accept",
    title: t("holds.accept.of", { unit }),
    lead: t("act.accept.lead", { as_of: asOf ? `${time(asOf, true)} UTC` : "" }),
    shown,
    send: (body) => context.api.post(path`/v1/units/${unit}/accept`, { ...body, ...(asOf && { as_of: asOf }) }),
  });
}

/** Which holds it is about: this one, all of the incident, some. */
function scopeOf(hold, undecided, others) {
  const boxes = others.map((one) => [one.unit, tick(one.unit, one.id === hold.id)]);
  const listed = el("div", { class: "ticks", role: "group", "aria-label": t("act.some.choose"), hidden: true }, boxes.map(([, box]) => box.box));
  const options = [["this", t("act.this")], ["all", t("act.all", { n: undecided.length })]];
  if (others.length > 1) options.push(["some", t("act.some")]);
  const chosen = choice(t("act.about"), options, { value: "this", on: (value) => (listed.hidden = value !== "some") });
  const units = () => boxes.filter(([, box]) => box.value()).map(([unit]) => unit);
  return {
    box: [chosen.box, listed],
    value: () => ({ this: chosen.value() === "this", units: chosen.value() === "some" ? units() : null }),
    isComplete: () => {
      const some = chosen.value() !== "some" || units().length > 0;
      chosen.tell(some ? null : t("act.some.none"));
      return some;
    },
  };
}

function ask({ api, me }, { meaning, title, lead, about, shown, quarantine = "", keepsApart = false, send }) {
  const word = t(`act.${meaning}`);
  return dialog(title ?? word, (close) => {
    const reason = entry(t("act.reason"), el("textarea", { rows: 3, maxlength: 2000, required: true, data: { first: "" } }), { hint: t("act.reason.hint") });
    const disposition = meaning === "reject" ? choice(t("act.disposition"), DISPOSITIONS.map((one) => [one, named("disposition", one)]), { className: "in-a-row" }) : null;
    const place = keepsApart ? entry(t("act.quarantine"), el("input", { type: "text", value: quarantine, autocomplete: "off", list: "known-places", maxlength: 64 })) : null;
    const there = keepsApart ? tick(t("act.confirmed")) : null;
    // whoever comes in from the identity provider has no password here
    const password = me.external ? null : entry(t("act.password"), el("input", { type: "password", autocomplete: "current-password", required: true, maxlength: 1024 }),
      { hint: t("act.password.hint", { name: me.name, meaning: word }) });
    const problem = el("div", {});
    const fields = { reason, disposition, quarantine: place, name: place, wrong_password: password, locked_out: password };
    const work = async () => {
      problem.replaceChildren();
      for (const one of [reason, disposition, place, password]) one?.tell(null);
      const whole = [about ? about.isComplete() : true, !disposition || complete([disposition], t("act.disposition.missing"))].every(Boolean);
      const written = complete([reason, password].filter(Boolean), (one) => t(one === reason ? "act.reason.missing" : "act.password.missing"));
      if (!whole || !written) return;
      const body = { reason: reason.value() };
      if (password) body.password = password.control.value;
      if (disposition) body.disposition = disposition.value();
      if (place?.value()) body.quarantine_place = place.value();
      if (there?.value()) body.quarantine_confirmed = true;
      try {
        if (!password) await signInAgain(api);
        close(await send(body));
      } catch (error) {
        const beside = fields[error.code];
        if (!beside) return problem.append(refusal(error));
        if (beside === password) password.control.value = "";
        beside.tell(error.code === "wrong_password" ? t("act.password.wrong") : error.message);
        beside.focus();
      }
    };
    const button = { button: t("act.button", { meaning: word }), kind: meaning === "reject" ? "danger" : "main", busy: t("act.working"), cancel: () => close(null), work };
    return form(button, el("p", { class: "lead" }, lead), shown, about?.box, reason.box, disposition?.box,
      place && el("div", { class: "beside" }, place.box, there.box), password ? password.box : el("p", { class: "note" }, t("act.again")), problem);
  });
}

/** What is said after something was signed. */
export const signed = ({ me }, { meaning, holds = 1 }) =>
  t(holds > 1 ? "act.done.many" : "act.done", { meaning: t(`act.${meaning}`), n: holds, name: me.name });

/** Why the reader can't decide, or null. */
export const whyNot = ({ me }) => (decides(me) ? null : notice("note", t("hold.not.yours", { name: me.name, role: named("role", me.role) })));
