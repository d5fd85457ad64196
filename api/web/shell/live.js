// What happens, as it happens: the server's stream of events, read through `fetch` because a token goes in a header.
// One stream for the whole page. Where it can't be had, listeners are told to ask again now and then.

import { headers } from "./api.js";

const TYPES = ["reading", "excursion", "hold", "alarm"];
// Between two tries, in ms: the first soon, then slower.
const AGAIN = [500, 1000, 2000, 5000, 10_000];
// How often listeners are told to ask again while there is no stream, in ms.
const POLL = 10_000;
// Nothing for so long means that the stream is dead: the server says something every 15 s.
const SILENCE = 40_000;

const listeners = new Set();
const watchers = new Set();
// `off`, `live`, `polling`.
let state = "off";
let last = null;
let running = null;

/** Calls `watcher(state)` now and when it changes; the answer ends it. */
export function watch(watcher) {
  watchers.add(watcher);
  watcher(state);
  return () => watchers.delete(watcher);
}

/**
 * Calls `listener({type, data})` for each event of `types`, and with type `again` when something may have been missed: then
 * ask anew. The answer ends it.
 */
export function on(types, listener) {
  const entry = { types: new Set(types), listener };
  const before = wanted();
  listeners.add(entry);
  if (wanted() !== before) restart();
  return () => listeners.delete(entry);
}

const wanted = () => TYPES.filter((type) => [...listeners].some((one) => one.types.has(type))).join(",");

/** Starts to listen: somebody signed in. */
export function start() {
  if (running) return;
  running = new AbortController();
  listen(running.signal);
}

/** Listens no more: nobody is signed in. */
export function stop() {
  running?.abort();
  running = null;
  last = null;
  become("off");
}

function restart() {
  if (state === "off" && !running && listeners.size === 0) return;
  running?.abort();
  running = new AbortController();
  listen(running.signal);
}

function become(next) {
  if (next === state) return;
  state = next;
  for (const watcher of watchers) watcher(state);
}

function tell(type, data) {
  for (const { types, listener } of [...listeners]) {
    if (type === "again" || types.has(type)) listener({ type, data });
  }
}

async function listen(signal) {
  let tries = 0;
  let polled = performance.now();
  while (!signal.aborted) {
    try {
      await read(signal, () => {
        // what was missed without an id is asked for anew
        if (tries > 0) tell("again", null);
        tries = 0;
        become("live");
      });
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 401) return become("off");
    }
    if (signal.aborted) return;
    if (tries > 0) become("polling");
    await pause(AGAIN[Math.min(tries, AGAIN.length - 1)], signal);
    tries += 1;
    if (state === "polling" && performance.now() - polled > POLL) {
      polled = performance.now();
      tell("again", null);
    }
  }
}

const pause = (time, signal) =>
  new Promise((done) => {
    const timer = setTimeout(done, time);
    signal.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
  });

async function read(signal, opened) {
  const types = wanted() || "hold,alarm";
  const dead = new AbortController();
  signal.addEventListener("abort", () => dead.abort(), { once: true });
  const answer = await fetch(`/v1/events?types=${types}`, {
    headers: { ...headers(), Accept: "text/event-stream", ...(last && { "Last-Event-ID": last }) },
    signal: dead.signal,
    credentials: "same-origin",
  });
  if (!answer.ok) throw Object.assign(new Error("no stream"), { status: answer.status });
  opened();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const timer = setTimeout(() => dead.abort(), SILENCE);
    const { value, done } = await reader.read().finally(() => clearTimeout(timer));
    if (done) return;
    rest += value;
    const blocks = rest.split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) event(block);
  }
}

function event(block) {
  let type = "message";
  const data = [];
  for (const line of block.split("\n")) {
    const [, field, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (field === "event") type = value;
    else if (field === "data") data.push(value);
    else if (field === "id") last = value;
  }
  if (type === "missed") tell("again", null);
  else if (data.length > 0 && TYPES.includes(type)) tell(type, JSON.parse(data.join("\n")));
}

/** Calls `work` soon after it is asked for, however often, never twice at once; `stop()` ends it. */
export function soon(work, wait = 1000) {
  let timer = null;
  let busy = false;
  let wantedAgain = false;
  let ended = false;
  const run = async () => {
    timer = null;
    busy = true;
    wantedAgain = false;
    try {
      await work();
    } finally {
      busy = false;
      if (wantedAgain) ask();
    }
  };
  function ask() {
    if (ended) return;
    if (busy) wantedAgain = true;
    else timer ??= setTimeout(run, wait);
  }
  ask.stop = () => {
    ended = true;
    clearTimeout(timer);
  };
  return ask;
}
