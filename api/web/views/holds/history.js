// What happened to a hold, in the order it happened: placed, new evidence, every signature.

import { el } from "../../shell/dom.js";
import { stamp, time } from "../../shell/format.js";
import { icon } from "../../shell/icons.js";
import { named, t } from "../../shell/words.js";

/** The history of a hold as a list, the latest last. */
export function historyOf(hold) {
  const events = [
    { at: hold.placed_at, who: hold.author, what: t("hold.event.placed"), kind: "open", reason: hold.reason },
    // the first version came with the hold
    ...hold.evidence.slice(1).map((version, at) => ({ at: version.recorded_at, who: "system", what: t("hold.event.evidence", { n: at + 2 }), kind: "note" })),
    ...hold.acts.map((act) => ({ at: act.at, who: act.by, what: meaning(act), kind: act.meaning, reason: act.reason, act })),
  ];
  events.sort((one, other) => one.at.localeCompare(other.at));
  return [
    el("ol", { class: "history" }, events.map(event)),
    hold.record_sha256 && el("p", { class: "note digest" }, t("hold.record"), " ", el("code", {}, hold.record_sha256)),
  ];
}

const meaning = (act) => [named("state", act.meaning), act.disposition && `: ${named("disposition", act.disposition)}`].filter(Boolean).join("");

const event = ({ at, who, what, kind, reason, act }) =>
  el("li", { class: `is-${kind}` },
    el("p", {}, el("b", { class: "tone" }, what), " ", el("span", {}, t("hold.by", { who }))),
    el("p", { class: "note" }, stamp(at, true)),
    reason && el("p", { class: "said-why" }, reason),
    act && signature(act));

/** A signature: on which record, whether it still holds, and what it accepts. */
function signature(act) {
  const { valid, problem } = act.signature ?? {};
  return el("div", { class: "signature note" },
    typeof valid === "boolean" && el("p", { class: `tone is-${valid ? "pass" : "hold"}` }, icon(valid ? "pass" : "hold"), " ", t(valid ? "hold.event.valid" : "hold.event.invalid"), problem && el("span", { class: "note" }, ` ${problem}`)),
    act.accepted && el("p", {}, t("hold.event.accepted", { at: `${time(act.accepted.as_of, true)} UTC` })),
    act.record && el("p", { class: "digest" }, t("hold.event.signed"), " ", t("hold.event.record"), " ", el("code", {}, act.record)));
}
