// The identity provider, where one is configured: people go there to sign in, and once more to sign.

import { Problem } from "./api.js";

/** The longest address of a view that comes back. */
const LONGEST = 512;

/** How long somebody who signs in again is waited for. */
const PATIENCE_MS = 5 * 60_000;

const channel = () => new BroadcastChannel("coldtrail.again");

/** What people call it; null when there is none. */
export const provider = async (api) => (await api.get("/v1/oidc", { quiet: true })).name;

/** Goes there to sign in. One comes back to the view that is in the address. */
export async function leave(api) {
  const { hash } = location;
  const { location: there } = await api.post("/v1/oidc/sign-in", hash.startsWith("#/") && hash.length <= LONGEST ? { to: hash } : {}, { quiet: true });
  location.assign(there);
}

/**
 * What one came back with, when not with a view: `{refused: code}`, or `{again: code}` in the window that was opened for it, which tells
 * the page that opened it, and goes. Out of the address at once.
 */
export function takeReturn() {
  const [, way, code] = /^#(refused|again)=([a-z_]{1,40})$/.exec(location.hash) ?? [];
  if (!way) return null;
  history.replaceState(null, "", location.pathname);
  if (way === "again") {
    const told = channel();
    told.postMessage(code);
    told.close();
    close();
  }
  return { [way]: code };
}

/**
 * Lets the reader show there once more who they are, in a window of its own. To be called at once when they press something, else no window
 * opens. Fails with a `Problem`.
 */
export async function signInAgain(api) {
  const beside = open("about:blank", "coldtrail-again", "popup,width=520,height=700");
  if (!beside) throw new Problem(0, { code: "again_blocked" });
  const told = channel();
  try {
    const code = await new Promise((done, fail) => {
      told.addEventListener("message", ({ data }) => done(data));
      setTimeout(done, PATIENCE_MS, "sign_in_again");
      api.post("/v1/oidc/sign-again", {}).then(({ location: there }) => beside.location.replace(there), fail);
    });
    if (code !== "done") throw new Problem(403, { code });
  } finally {
    told.close();
    beside.close();
  }
}
