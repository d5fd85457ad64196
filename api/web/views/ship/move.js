// Recording that a unit leaves: planned, and then judged by the server; or as a fact, which is always recorded.

import { el, fill } from "../../shell/dom.js";
import { complete, entry } from "../../shell/form.js";
import { button, notice, refusal, say, section } from "../../shell/parts.js";
import { named, t } from "../../shell/words.js";

const MAY = ["logistics", "admin"];

/** The server's clock; the reader's where SQL is closed to them. */
const now = async ({ api, me }) => (me.sites ? new Date().toISOString() : (await api.sql("SELECT now() AS now"))[0].now);

/** The part of the answer with which a move is recorded; for whom it is not, why. */
export function move({ api, me }, { unit, allowed, to, again }) {
  if (!MAY.includes(me.role)) return section(t("move.title"), { id: "move" }, el("p", { class: "note" }, t("move.not", { role: named("role", me.role) })));
  const where = entry(t("ship.to"), el("input", { type: "text", value: to, list: "destinations", autocomplete: "off", spellcheck: "false", maxlength: 64 }));
  const when = entry(t("move.at"), el("input", { type: "datetime-local" }), { hint: t("move.at.hint") });
  const answer = el("div", {});
  const record = async (planned) => {
    fill(answer);
    where.tell(null);
    when.tell(null);
    if (!complete([where], t("move.to.missing"))) return;
    try {
      const at = when.value() ? `${when.value()}:00Z` : await now({ api, me });
      const done = await api.post("/v1/moves", { unit, to: where.value(), at, ...(planned && { planned: true }) });
      const told = t(planned ? "move.planned" : "move.recorded", { unit, to: where.value() });
      say(told);
      fill(answer, notice("good", told), done.alarms.length > 0 && notice("bad", t("move.alarm", { codes: done.alarms.map((alarm) => named("alarm", alarm.code)).join(", ") })));
    } catch (error) {
      if (error.code === "blocked") {
        fill(answer, notice("bad", t("move.blocked")));
        return again();
      }
      const fault = error.body?.errors?.[0];
      const beside = { "/moves/0/to": where, "/moves/0/at": when }[fault?.pointer];
      if (beside) beside.tell(fault.message);
      else fill(answer, fault ? notice("bad", fault.message) : refusal(error));
    }
  };
  return section(t("move.title"), { id: "move" },
    el("div", { class: "ship-where" }, where.box, when.box),
    el("div", { class: "buttons" },
      allowed && button(t("move.plan"), () => record(true), { kind: "main" }),
      button(t(allowed ? "move.left" : "move.left.anyway"), () => record(false), { kind: allowed ? "" : "danger" })),
    !allowed && el("p", { class: "note" }, t("move.anyway.note")),
    answer);
}
