// Whether each entry names the hash of the one before it, from the first to the last.

import { el, fill } from "../../shell/dom.js";
import { number, stamp } from "../../shell/format.js";
import { notice, refusal } from "../../shell/parts.js";
import { t } from "../../shell/words.js";

/** Follows the chain page by page and says in `place` how far it holds. */
export async function chain(api, place, signal) {
  let [cursor, last, seen] = [null, null, 0];
  try {
    do {
      const page = await api.get(`/v1/audit?limit=1000${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
      for (const event of page.items) {
        if (last && (event.previous_hash !== last.hash || event.seq !== last.seq + 1)) {
          return fill(place, notice("bad", el("b", {}, t("audit.chain.broken", { seq: number(event.seq) })), " ", t("audit.chain.do")));
        }
        last = event;
        seen += 1;
      }
      cursor = page.next_cursor;
      fill(place, notice("note", t("audit.chain.looking", { n: number(seen) })));
    } while (cursor && !signal.aborted);
    return fill(place, last ? notice("good", el("b", {}, t("audit.chain.whole", { n: number(seen) })), " ", stamp(last.at, true), " ", el("span", { class: "digest" }, el("code", {}, last.hash)), el("p", { class: "note" }, t("audit.chain.note"))) : notice("note", t("audit.none")));
  } catch (error) {
    if (error.name === "AbortError") return place;
    return fill(place, refusal(error));
  }
}
