// One hold: what is held and why, the evidence, what happened to it, and the decision.

import { path } from "../shell/api.js";
import { el, refill } from "../shell/dom.js";
import { number, stamp } from "../shell/format.js";
import { soon } from "../shell/live.js";
import { badge, button, facts, holdHash, link, lotHash, notice, refusal, say, section, table, unitHash } from "../shell/parts.js";
import { named, register, t } from "../shell/words.js";
import words from "../words/holds.js";
import { around } from "./holds/around.js";
import { evidenceOf, ruleText } from "./holds/evidence.js";
import { historyOf } from "./holds/history.js";
import { causeOf, held, isUndecided } from "./holds/incident.js";
import { decides, signHold, signed, whyNot } from "./holds/sign.js";

register(words);

// Others of the incident that are listed.
const LISTED = 200;

export async function show(root, context, { path: [id] }) {
  const { api, live } = context;
  const again = soon(() => load().catch(() => {}));
  const head = el("div", { class: "view-head" });
  const body = el("div", { class: "hold-body" });
  root.append(head, body);
  const drawn = {};

  async function load() {
    const hold = await api.get(path`/v1/holds/${id ?? ""}`).catch((error) => {
      if (error.status === 404) return null;
      throw error;
    });
    if (!hold) {
      refill(head, el("h1", {}, t("hold.title", { id })));
      return refill(body, el("p", { class: "empty" }, t("hold.missing", { id })), link("#/holds", t("hold.back")));
    }
    const [siblings, unit, products, told] = await Promise.all([
      api.every(`/v1/holds?incident=${encodeURIComponent(hold.incident)}`),
      hold.unit ? api.get(path`/v1/units/${hold.unit}`).catch(() => null) : null,
      hold.unit || hold.gtin ? api.every("/v1/products").catch(() => []) : [],
      api.every(`/v1/notifications?incident=${encodeURIComponent(hold.incident)}`, 200).catch(() => null),
    ]);
    const product = products.find((one) => one.gtin === (unit?.gtin ?? hold.gtin)) ?? null;
    draw({ hold, siblings, unit, product, told });
  }

  function draw(it) {
    const { hold } = it;
    refill(head,
      el("div", {}, el("p", { class: "note" }, link("#/holds", t("hold.back"))), el("h1", {}, t("hold.title", { id: hold.id }))),
      el("p", { class: "badges" }, badge(hold.state, named("state", hold.state))));
    refill(body,
      el("div", { class: "hold-columns" },
        el("div", { class: "hold-main" },
          section(causeOf(hold.cause), { id: "what" }, what(it)),
          hold.unit && hold.evidence.length > 0 && chart(it),
          section(t("hold.evidence"), { id: "evidence" }, evidenceOf(hold, it.product))),
        el("div", { class: "hold-side" },
          decide(it),
          section(t("hold.history"), { id: "history" }, historyOf(hold)),
          siblings(it),
          told(it))));
  }

  function what({ hold, unit, product }) {
    const rule = ruleText(product, hold.cause.rule);
    const lot = unit ?? (hold.lot ? hold : null);
    return facts([
      [t("hold.on"), held(hold), unit?.quantity && `${t("hold.quantity")}: ${number(unit.quantity)}`],
      lot && [t("hold.product"), product?.name ?? lot.gtin, link(lotHash(lot.gtin, lot.lot), `${lot.gtin} · ${lot.lot}`)],
      unit && [t("hold.where"), unit.place ?? "–", unit.site && unit.site !== unit.place ? unit.site : null],
      hold.cause.rule && [t("hold.rule"), el("span", { class: "mono" }, hold.cause.rule), rule],
      [t("hold.placed"), stamp(hold.placed_at, true), t("hold.by", { who: hold.author })],
      hold.reason && [t("hold.said"), hold.reason],
      hold.inherited_from && [t("hold.inherited"), link(holdHash(hold.inherited_from), hold.inherited_from)],
      [t("hold.quarantine"), hold.quarantine?.place ?? t("hold.quarantine.none"), hold.quarantine && kept(hold.quarantine)],
      [t("hold.incident"), el("span", { class: "mono" }, hold.incident)],
    ], "wide");
  }

  const kept = ({ confirmed_by: who, confirmed_at: at }) =>
    who ? el("span", { class: "tone is-pass" }, t("hold.quarantine.confirmed", { who, at: at.slice(0, 16).replace("T", " ") })) : t("hold.quarantine.unconfirmed");

  /** The curve is drawn once for each version of the evidence: it does not jump while somebody reads it. */
  function chart({ hold, unit, product }) {
    const key = `${hold.id} ${hold.evidence.length}`;
    if (drawn.key !== key) {
      drawn.chart?.end();
      Object.assign(drawn, { key, chart: around(context, hold, unit, product) });
    }
    return drawn.chart.element;
  }

  function decide({ hold, siblings, unit }) {
    const undecided = siblings.filter(isUndecided);
    const links = hold.unit && el("p", { class: "buttons" }, el("a", { class: "button quiet", href: unitHash(hold.unit) }, t("hold.see.unit")), button(t("hold.see.report"), report(hold.unit), { kind: "quiet", picture: "report", "data-key": "report" }));
    if (!isUndecided(hold)) {
      const last = hold.acts.at(-1);
      return section(t("hold.decide"), { id: "decide" }, notice(hold.state === "released" ? "good" : "bad", t("hold.decided", { state: named("state", hold.state), who: last?.by ?? "" }),
        last?.disposition && ` ${named("disposition", last.disposition)}`), links);
    }
    if (!decides(context.me)) return section(t("hold.decide"), { id: "decide" }, whyNot(context), links);
    const asOf = hold.cause.code === "manual" ? null : (unit?.as_of ?? hold.evidence.at(-1)?.as_of);
    const act = async (meaning) => {
      const done = await signHold(context, { meaning, hold, undecided, asOf });
      if (!done) return;
      say(signed(context, done));
      await load();
    };
    const expired = hold.cause.code === "expired";
    return section(t("hold.decide"), { id: "decide" },
      el("div", { class: "buttons" },
        button(t(hold.state === "open" ? "act.review" : "act.review.again"), () => act("review"), { "data-key": "review" }),
        !expired && button(t("act.release"), () => act("release"), { kind: "main", "data-key": "release" }),
        button(t("act.reject"), () => act("reject"), { kind: "danger", "data-key": "reject" })),
      expired && el("p", { class: "note" }, t("hold.expired")),
      links);
  }

  const report = (unit) => async (event) => {
    const pressed = event.currentTarget;
    pressed.disabled = true;
    try {
      await api.download(`/v1/report?unit=${encodeURIComponent(unit)}`, `unit-${unit}.pdf`);
    } catch (error) {
      if (error.name !== "AbortError") pressed.after(refusal(error));
    } finally {
      pressed.disabled = false;
    }
  };

  function siblings({ hold, siblings }) {
    const others = siblings.filter((one) => one.id !== hold.id);
    if (others.length === 0) return null;
    return section(t("hold.siblings"), { id: "siblings", aside: el("span", { class: "note" }, t("holds.count", { n: number(others.length) })) },
      table([
        { title: t("holds.col.held"), head: true, value: (one) => link(holdHash(one.id), one.unit ?? one.place ?? `${one.gtin} · ${one.lot}`) },
        { title: t("holds.col.state"), value: (one) => badge(one.state, named("state", one.state)) },
      ], others.slice(0, LISTED), { caption: t("hold.siblings"), captionHidden: true }));
  }

  function told({ told }) {
    if (told === null) return null;
    return section(t("hold.told"), { id: "told" }, table([
      { title: t("told.who"), head: true, value: (one) => one.recipient ?? one.channel },
      { title: t("told.what"), value: (one) => named("told.kind", one.kind) },
      { title: t("told.state"), value: (one) => [named("told.state", one.state), " ", stamp(one.delivered_at ?? one.created_at)] },
    ], told.slice(0, 50), { caption: t("hold.told"), captionHidden: true, empty: t("hold.told.none") }));
  }

  await load();
  const unlisten = live.on(["hold"], ({ data }) => {
    if (!data || data.holds?.some((hold) => hold.id === id) || data.holds === undefined) again();
  });
  return () => {
    unlisten();
    again.stop();
    drawn.chart?.end();
  };
}
