// Who is reading: by a session's cookie, or by an API token kept for this tab only.

import { Problem, known, path, within } from "./api.js";

const api = within();
const TOKEN = "coldtrail.token";

const kept = {
  get: () => sessionStorage.getItem(TOKEN),
  set: (token) => sessionStorage.setItem(TOKEN, token),
  forget: () => sessionStorage.removeItem(TOKEN),
};

/**
 * A link may bring a token behind the `#`, which browsers never send to a server, alone or with a view's address behind it:
 * `#token=…`, `#token=…&/unit/…`. It goes out of the address at once.
 */
export function takeToken() {
  const [, token, rest] = /^#token=([^&]+)&?#?(.*)$/.exec(location.hash) ?? [];
  if (!token) return;
  kept.set(decodeURIComponent(token));
  history.replaceState(null, "", `${location.pathname}${rest ? `#${rest}` : ""}`);
}

/** Who is reading, or null when nobody has signed in. */
export async function resume() {
  const token = kept.get();
  known({ token });
  try {
    const session = await api.get("/v1/session", { quiet: true });
    known({ token, csrf: session.csrf });
    return session;
  } catch (error) {
    if (error.status !== 401) throw error;
    kept.forget();
    known({});
    return null;
  }
}

/** Signs in by name and password. */
export async function signIn(name, password) {
  known({});
  const session = await api.post("/v1/session", { name, password }, { quiet: true });
  known({ csrf: session.csrf });
  return session;
}

/** Puts another password in the place of one that was meant for once, and signs in with it. */
export async function renew(name, password) {
  await api.post(path`/v1/users/${name}/password`, { password }, { quiet: true });
  return signIn(name, password);
}

/** Signs in by an API token. */
export async function signInByToken(token) {
  kept.set(token);
  const session = await resume();
  if (!session) throw new Problem(401, { code: "unauthorized" });
  return session;
}

/** Ends it. */
export async function signOut() {
  const token = kept.get();
  kept.forget();
  if (!token) await api.del("/v1/session", { quiet: true }).catch(() => {});
  known({});
}
