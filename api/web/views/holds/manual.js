// A hold placed by hand: on a unit, a lot or a place.

import { el } from "../../shell/dom.js";
import { choice, complete, dialog, entry, form } from "../../shell/form.js";
import { refusal } from "../../shell/parts.js";
import { t } from "../../shell/words.js";

/** Whether a role may place one. */
export const mayHold = (me) => ["logistics", "quality", "admin"].includes(me.role);

/** Lets the reader place one; `on` may bring what it is about. Answers the hold, or null. */
export function placeByHand({ api }, on = {}) {
  return dialog(t("manual.title"), (close) => {
    const text = (key, value, attributes = {}) => entry(t(key), el("input", { type: "text", autocomplete: "off", spellcheck: "false", maxlength: 64, value: value ?? "", ...attributes }));
    const unit = text("manual.unit.id", on.unit, { data: { first: "" } });
    const gtin = text("manual.gtin", on.gtin, { inputmode: "numeric" });
    const lot = text("manual.lot.number", on.lot);
    const place = text("manual.place.id", on.place, { list: "known-places" });
    const kinds = { unit: [unit], lot: [gtin, lot], place: [place] };
    const showing = (kind) => {
      for (const [one, entries] of Object.entries(kinds)) for (const { box } of entries) box.hidden = one !== kind;
    };
    const kind = choice(t("manual.on"), Object.keys(kinds).map((one) => [one, t(`manual.${one}`)]), { value: on.lot ? "lot" : on.place ? "place" : "unit", on: showing, className: "in-a-row" });
    const reason = entry(t("act.reason"), el("textarea", { rows: 3, maxlength: 2000 }), { hint: t("act.reason.hint") });
    const apart = text("act.quarantine", "", { list: "known-places" });
    const problem = el("div", {});
    showing(kind.value());
    const work = async () => {
      problem.replaceChildren();
      const needed = kinds[kind.value()];
      if (!complete([...needed, reason], (one) => t(one === reason ? "act.reason.missing" : "manual.missing"))) return;
      const body = { reason: reason.value() };
      if (kind.value() === "lot") body.lot = { gtin: gtin.value(), lot: lot.value() };
      else body[kind.value()] = needed[0].value();
      if (apart.value()) body.quarantine_place = apart.value();
      try {
        close(await api.post("/v1/holds", body));
      } catch (error) {
        const beside = { reason, name: needed[0], not_found: needed[0], already_held: needed[0] }[error.code];
        if (!beside) return problem.append(refusal(error));
        beside.tell(error.message);
        beside.focus();
      }
    };
    return form({ button: t("manual.button"), work, cancel: () => close(null) }, el("p", { class: "lead" }, t("manual.lead")),
      kind.box, unit.box, gtin.box, lot.box, place.box, reason.box, apart.box, problem);
  });
}
