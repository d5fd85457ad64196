// Now: what needs a person first, then every site and vehicle at a glance.

import { el, refill } from "../shell/dom.js";
import { soon } from "../shell/live.js";
import { badge, notice, refusal, section } from "../shell/parts.js";
import { register, t } from "../shell/words.js";
import words from "../words/now.js";
import { attention } from "./now/attention.js";
import { ask } from "./now/state.js";
import { tiles } from "./now/tiles.js";

register(words);

// How often everything is asked anew without any event, in ms: readings go on, and times run out.
const EVERY = 15_000;

export async function show(root, { api, live, signal }) {
  const summary = el("p", { class: "now-summary", role: "status" });
  const failed = el("div");
  const first = el("div", { class: "now-first" });
  const places = el("div", { class: "now-places" });
  root.append(
    el("div", { class: "view-head" }, el("h1", {}, t("now.title")), summary),
    failed,
    first,
    section(t("now.places"), { id: "now-places", aside: legend() }, places),
  );
  const draw = async () => {
    try {
      const state = await ask(api);
      refill(summary, overall(state));
      refill(first, attention(state));
      refill(places, tiles(state));
      refill(failed);
    } catch (error) {
      if (error.name === "AbortError") return;
      refill(failed, error.status === undefined ? notice("bad", error.message) : refusal(error));
    }
  };
  await draw();
  const again = soon(draw, 1500);
  const off = live.on(["hold", "alarm", "excursion"], again);
  const timer = setInterval(again, EVERY);
  signal.addEventListener("abort", again.stop);
  return () => (off(), clearInterval(timer), again.stop());
}

/** One line: is there anything to do. */
function overall({ incidents, running, silent, expiring }) {
  if (incidents.length > 0) return badge("hold", t("now.summary.holds", { n: incidents.length }));
  if (running.length > 0) return badge("out", t("now.summary.running", { n: running.length }));
  if (silent.length + expiring.length > 0) return badge("review", t("now.summary.some"));
  return badge("pass", t("now.summary.none"));
}

const legend = () => el("span", { class: "legend" }, ["pass", "review", "hold", "out", "silent"].map((kind) => badge(kind, t(`now.is.${kind}`))));
