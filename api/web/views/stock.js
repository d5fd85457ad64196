// Stock: every lot there is something of, what is to be taken first on top.

import { el, refill } from "../shell/dom.js";
import { follow } from "../shell/follow.js";
import { date, number } from "../shell/format.js";
import { badge, link, lotHash, section, table } from "../shell/parts.js";
import { register, t } from "../shell/words.js";
import words from "../words/lot.js";
import { bar } from "./lot/counts.js";

register(words);

const EVERY = 30_000;
const MOST = 1000;

export async function show(root, { api, live, signal }) {
  const failed = el("div");
  const body = el("div");
  const draw = async () => {
    const lots = await api.every("/v1/lots?order=effective_expiry&in_stock=true", MOST);
    refill(body, lotTable(lots));
  };
  await draw();
  root.append(el("div", { class: "view-head" }, el("h1", {}, t("stock.title"))), failed, section(t("stock.order"), { id: "stock-order", aside: el("span", { class: "note" }, t("stock.note")) }, body));
  return follow({ live, signal }, ["hold", "excursion"], draw, failed, EVERY);
}

const lotTable = (lots) =>
  table([
    { title: t("stock.lot"), head: true, value: (it) => link(lotHash(it.gtin, it.lot), el("span", { class: "mono" }, it.lot)) },
    { title: t("stock.product"), wrap: true, value: (it) => it.product ?? it.gtin },
    { title: t("lot.effective"), label: true, value: (it) => date(it.effective_expiry) },
    { title: t("lot.labelled"), label: true, value: (it) => date(it.expires_on) },
    { title: t("lot.units"), label: true, number: true, value: (it) => number(it.unit_counts.open) },
    { title: t("lot.quantity"), label: true, number: true, value: (it) => number(it.quantity.open) },
    { title: t("stock.issuable"), label: true, number: true, value: (it) => number(it.quantity.issuable) },
    { title: t("stock.standing"), value: (it) => (it.unit_counts.open === it.unit_counts.pass ? badge("pass") : bar(it.unit_counts)) },
  ], lots, { caption: t("stock.order"), captionHidden: true, stack: true });
