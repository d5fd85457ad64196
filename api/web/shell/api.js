// The API in the reader's name. Errors are problem details (RFC 9457) as `Problem`.

/** What the server refused, or that it did not answer. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? body.title ?? `status ${status}`);
    this.name = "Problem";
    /** The HTTP status; 0 when there was no answer. */
    this.status = status;
    /** The stable code. */
    this.code = body.code ?? "unknown";
    /** For people, in the server's words. */
    this.detail = this.message;
    /** The whole answer: `blocks`, `errors` and what else there is. */
    this.body = body;
  }
}

// The largest page the server gives.
const PAGE = 1000;

/** How the reader is known to the server. */
const proof = { token: null, csrf: null };
let lost = () => {};

/** Sets how the reader is known: an API token, or the word that goes with the session's cookie. */
export function known({ token = null, csrf = null }) {
  proof.token = token;
  proof.csrf = csrf;
}

/** Calls `then` when the server no longer knows the reader. */
export const whenLost = (then) => {
  lost = then;
};

/** The headers that say who asks. */
export function headers(method = "GET") {
  const said = {};
  if (proof.token) said.Authorization = `Bearer ${proof.token}`;
  else if (proof.csrf && method !== "GET") said["X-CSRF-Token"] = proof.csrf;
  return said;
}

/** An API whose calls end with `signal`. */
export function within(signal) {
  /** The answer as it comes; fails with a `Problem` unless it is good. */
  async function raw(path, { method = "GET", body, accept, quiet = false } = {}) {
    const said = headers(method);
    if (body !== undefined) said["Content-Type"] = "application/json";
    if (accept) said.Accept = accept;
    let answer;
    try {
      answer = await fetch(path, { method, headers: said, body: body === undefined ? undefined : JSON.stringify(body), signal, credentials: "same-origin" });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem(0, { code: "no_answer", detail: error.message });
    }
    if (answer.ok) return answer;
    const problem = new Problem(answer.status, await answer.json().catch(() => ({})));
    if (problem.status === 401 && problem.code === "unauthorized" && !quiet) lost();
    throw problem;
  }

  async function json(path, options) {
    const answer = await raw(path, options);
    return answer.status === 204 ? null : answer.json();
  }

  const get = (path, options) => json(path, options);

  /** All items of a list, page by page, at most `most`. */
  async function every(path, most = Infinity) {
    const items = [];
    let cursor = null;
    do {
      const where = new URL(path, location.origin);
      where.searchParams.set("limit", String(Math.min(PAGE, most - items.length)));
      if (cursor) where.searchParams.set("cursor", cursor);
      const page = await get(where.pathname + where.search);
      items.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor && items.length < most);
    return items;
  }

  return {
    get,
    post: (path, body, options) => json(path, { ...options, method: "POST", body }),
    del: (path, options) => json(path, { ...options, method: "DELETE" }),
    raw,
    every,
    /** The rows of a read-only statement. */
    sql: async (statement) => (await json("/v1/sql", { method: "POST", body: { sql: statement } })).rows,
    /** Gets a file and hands it to the reader, under the name the server gives it, else `name`. */
    async download(path, name, options) {
      const answer = await raw(path, options);
      const given = /filename="?([\w.-]+)"?/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1];
      save(await answer.blob(), given ?? name);
    },
  };
}

/** Hands a file to the reader. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** A path with its parts escaped: `` path`/v1/units/${id}` ``. */
export const path = (texts, ...parts) => texts.map((text, at) => text + (at < parts.length ? encodeURIComponent(parts[at]) : "")).join("");
