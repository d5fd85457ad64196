// Views that are drawn again as things happen, and now and then without.

import { refill } from "./dom.js";
import { soon } from "./live.js";
import { refusal } from "./parts.js";

/**
 * Does `work` again soon after an event of `types`, and every `every` ms; what goes wrong is shown in `failed` until it goes well.
 * The answer ends it.
 */
export function follow({ live, signal }, types, work, failed, every) {
  const again = soon(async () => {
    try {
      await work();
      refill(failed);
    } catch (error) {
      if (error.name !== "AbortError") refill(failed, refusal(error));
    }
  }, 2000);
  const off = live.on(types, again);
  const timer = setInterval(again, every);
  signal.addEventListener("abort", again.stop);
  return () => (off(), clearInterval(timer), again.stop());
}
