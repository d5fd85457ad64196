// The page's only script: asks the API with the reader's own token and writes what it answers, as text.
"use strict";

const $ = (id) => document.getElementById(id);
let token = "";
let last = null;

// A link may bring the token behind the `#`, which browsers never send to a server.
const brought = new URLSearchParams(location.hash.slice(1)).get("token");
if (brought) {
  sessionStorage.setItem("token", brought);
  history.replaceState(null, "", location.pathname);
}
token = sessionStorage.getItem("token") || "";
$("sign-in").hidden = token !== "";

async function api(path, body) {
  const answer = await fetch(path, {
    method: body ? "POST" : "GET",
    headers: { Authorization: `Bearer ${token}`, ...(body && { "Content-Type": "application/json" }) },
    body: body && JSON.stringify(body),
  });
  const said = await answer.json();
  if (answer.status === 401) {
    sessionStorage.removeItem("token");
    $("sign-in").hidden = false;
  }
  if (!answer.ok) throw new Error(said.detail || said.title || `status ${answer.status}`);
  return said;
}

const ask = async (sql) => (await api("/v1/sql", { sql })).rows;
const shown = (value) => (value === null ? "" : typeof value === "number" ? String(Math.round(value * 1000) / 1000) : String(value));
const grouped = (number) => Number(number).toLocaleString("en");

function cell(kind, value) {
  const cell = document.createElement(kind);
  cell.textContent = shown(value);
  if (typeof value === "number") cell.className = "number";
  return cell;
}

function fill(body, rows) {
  body.replaceChildren(...rows.map((row) => {
    const line = document.createElement("tr");
    line.append(...row.map((value) => cell("td", value)));
    return line;
  }));
}

async function look() {
  try {
    const state = await (await fetch("/readyz")).json();
    $("ready").className = state.ready ? "good" : "bad";
    $("ready").textContent = state.checks.map((check) => `${check.name}: ${check.detail}`).join(" · ");
  } catch {
    $("ready").className = "bad";
    $("ready").textContent = "the server does not answer";
    return;
  }
  if (!token) return;
  const [now] = await ask("SELECT count(*) AS readings, count(DISTINCT sensor) AS sensors, max(measured_at) AS newest FROM readings");
  const [refused] = await ask("SELECT count(*) AS n FROM rejected");
  const at = performance.now();
  if (last) $("rate").textContent = grouped(Math.max(0, Math.round((now.readings - last.readings) / (at - last.at) * 1000)));
  last = { at, readings: now.readings };
  $("readings").textContent = grouped(now.readings);
  $("sensors").textContent = grouped(now.sensors);
  $("rejected").textContent = grouped(refused.n);
  $("newest").textContent = now.newest ? now.newest.replace("T", " ").replace(".000Z", "Z") : "–";
  const sites = await ask("SELECT site, count(DISTINCT sensor) AS sensors, min(temperature_c) AS coldest, max(temperature_c) AS warmest, max(measured_at) AS latest FROM readings GROUP BY site ORDER BY site LIMIT 200");
  fill($("sites").tBodies[0], sites.map((site) => [site.site, site.sensors, site.coldest, site.warmest, site.latest]));
  if ($("sensor").options.length === 0) await sensors();
  await draw();
  await first();
}

async function sensors() {
  const names = await ask("SELECT DISTINCT sensor FROM readings ORDER BY sensor LIMIT 1000");
  $("sensor").replaceChildren(...names.map(({ sensor }) => new Option(sensor, sensor)));
}

function svg(name, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  return element;
}

// Each bucket is drawn from its lowest to its highest value: a spike is never averaged away.
async function draw() {
  const sensor = $("sensor").value;
  if (!sensor) return;
  const { items } = await api(`/v1/sensors/${encodeURIComponent(sensor)}/readings?max_points=600`);
  const points = items.map(point).filter((point) => point.low !== null);
  if (points.length === 0) return $("chart").replaceChildren();
  const width = 1000, height = 220, left = 50, bottom = 24;
  const [from, to] = [points[0].at, points[points.length - 1].at];
  const low = Math.floor(Math.min(...points.map((point) => point.low)) - 0.5);
  const high = Math.ceil(Math.max(...points.map((point) => point.high)) + 0.5);
  const x = (at) => left + (to > from ? (at - from) / (to - from) : 0.5) * (width - left - 8);
  const y = (celsius) => 6 + (high - celsius) / (high - low) * (height - bottom - 6);
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none" });
  for (let step = 0; step <= 4; step += 1) {
    const celsius = low + (high - low) * step / 4;
    picture.append(svg("line", { class: "grid", x1: left, x2: width - 8, y1: y(celsius), y2: y(celsius) }));
    picture.append(svg("text", { x: 4, y: y(celsius) + 4 }, `${shown(celsius)} °C`));
  }
  const ahead = points.map((point) => `${x(point.at)},${y(point.high)}`);
  const back = points.map((point) => `${x(point.at)},${y(point.low)}`).reverse();
  picture.append(svg("polygon", { class: "band", points: [...ahead, ...back].join(" ") }));
  picture.append(svg("polyline", { class: "last", points: points.map((point) => `${x(point.at)},${y(point.last)}`).join(" ") }));
  $("chart").replaceChildren(picture);
  const time = (at) => new Date(at).toISOString().slice(0, 16).replace("T", " ");
  $("sensor-range").textContent = `${time(from)} to ${time(to)} UTC, lowest to highest of each bucket`;
}

function point(item) {
  const celsius = item.temperature_c ?? null;
  const part = (name) => (celsius !== null && typeof celsius === "object" ? celsius[name] : celsius);
  const at = Date.parse(item.measured_at ?? item.from);
  return { at, low: part("min") ?? null, high: part("max") ?? null, last: part("last") ?? null };
}

$("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  token = $("token").value.trim();
  sessionStorage.setItem("token", token);
  $("sign-in").hidden = true;
  turn();
});
$("sensor").addEventListener("change", () => draw().catch(tell));
$("ask").addEventListener("submit", async (event) => {
  event.preventDefault();
  const began = performance.now();
  try {
    const { columns, rows } = await api("/v1/sql", { sql: $("sql").value });
    const head = document.createElement("tr");
    head.append(...columns.map(({ name }) => cell("th", name)));
    $("answer").tHead.replaceChildren(head);
    fill($("answer").tBodies[0], rows.slice(0, 500).map((row) => columns.map(({ name }) => row[name])));
    const cut = rows.length > 500 ? ", the first 500 shown" : "";
    $("asked").textContent = `${rows.length} rows in ${Math.round(performance.now() - began)} ms${cut}`;
  } catch (error) {
    $("asked").textContent = error.message;
  }
});

// All items of a list, page by page.
async function every(path) {
  const items = [];
  let cursor = null;
  do {
    const page = await api(cursor ? `${path}&cursor=${encodeURIComponent(cursor)}` : path);
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return items;
}

const minute = (text) => (text ? text.slice(0, 16).replace("T", " ") : "");
const because = (cause) => [cause.code, cause.rule].filter(Boolean).join(": ");

// Undecided holds, then excursions under way by when they fire, then sensors that are silent.
async function first() {
  const [open, reviewed, excursions, silent] = await Promise.all([
    every("/v1/holds?limit=1000&state=open"), every("/v1/holds?limit=1000&state=under_review"),
    every("/v1/excursions?limit=1000&open=true"), every("/v1/alarms?limit=1000&open=true&code=sensor_silent"),
  ]);
  const holds = [...open, ...reviewed];
  excursions.sort((one, other) => (one.fires_at ?? "9").localeCompare(other.fires_at ?? "9"));
  $("first-said").textContent = `${holds.length} undecided holds, ${excursions.length} excursions under way, ${silent.length} silent sensors`;
  const rows = [
    ...holds.map((hold) => [hold.state === "open" ? "hold, open" : "hold, under review", hold.unit ?? hold.place ?? `${hold.gtin} ${hold.lot}`, because(hold.cause), minute(hold.placed_at), ""]),
    ...excursions.map((it) => ["excursion under way", it.unit, it.rule, minute(it.start), it.fires_at ? minute(it.fires_at) : "fired, or cannot"]),
    ...silent.map((alarm) => ["sensor silent", alarm.sensor ?? "", "", minute(alarm.at), ""]),
  ];
  const held = document.activeElement?.dataset?.unit;
  fill($("first").tBodies[0], rows.slice(0, 200));
  for (const line of $("first").tBodies[0].rows) {
    const named = line.cells[1];
    if (!/^\d{18}$/.test(named.textContent)) continue;
    const link = document.createElement("a");
    link.href = `#unit=${named.textContent}`;
    link.dataset.unit = link.textContent = named.textContent;
    named.replaceChildren(link);
    if (link.dataset.unit === held && document.activeElement === document.body) link.focus({ preventScroll: true });
  }
  if (rows.length > 200) $("first-said").textContent += "; the first 200 are shown";
}

const blocked = (block) => ({
  hold: () => `${block.unit}: held since ${minute(block.placed_at)} UTC, ${because(block.cause)}, ${block.state}`,
  review: () => `${block.unit}: to be reviewed: ${block.reasons.map((reason) => because(reason)).join("; ")}`,
  expired: () => `${block.unit}: expired: label ${block.labelled_expiry}, effective ${block.effective_expiry}`,
  remaining_life: () => `${block.unit}: ${block.remaining_days} days remain, ${block.required_days} are required`,
}[block.code] ?? (() => `${block.unit}: ${block.code}`))();

const withUnit = (value, unit) => (value === null || value === undefined ? "unknown" : `${shown(value)} ${unit}`);

function listed(list, texts) {
  list.replaceChildren(...texts.map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));
}

let asking = 0;
async function unit(id) {
  const mine = ++asking;
  $("unit").value = id;
  $("answered").className = "";
  $("answered").textContent = "Looking …";
  listed($("blocks"), []);
  $("known").tBodies[0].replaceChildren();
  $("excursions").tBodies[0].replaceChildren();
  const at = `/v1/units/${encodeURIComponent(id)}`;
  try {
    const [may, known] = await Promise.all([api(`${at}/dispatch-check`), api(`${at}/assessment`)]);
    if (mine !== asking) return;
    $("answered").className = may.allowed ? "good" : "bad";
    $("answered").textContent = may.allowed ? "✓ May be issued" : "✕ May not be issued";
    listed($("blocks"), may.blocks.map(blocked));
    const { low, nominal, upper } = known.life.equivalent_s;
    const days = (seconds) => shown(seconds / 86400);
    fill($("known").tBodies[0], [
      ["Product and lot", `${known.gtin} ${known.lot}`], ["Verdict", known.verdict],
      ["Reasons", known.reasons.map((reason) => `${because(reason)}${reason.at ? ` at ${minute(reason.at)} UTC` : ""}`).join("; ") || "none"],
      ["Labelled expiry", known.labelled_expiry], ["Effective expiry", known.effective_expiry],
      ["Life used (days: low / nominal / upper)", `${days(low)} / ${days(nominal)} / ${days(upper)}`],
      ["Temperature", `${withUnit(known.temperature?.min_c, "°C")} to ${withUnit(known.temperature?.max_c, "°C")}`],
      ["Mean kinetic temperature", withUnit(known.mkt?.value_c, "°C")],
      ["Known of the time", known.coverage.fraction === null ? "no readings" : `${shown(known.coverage.fraction * 100)} %`],
    ]);
    for (const line of $("known").tBodies[0].rows) {
      const head = cell("th", line.cells[0].textContent);
      head.scope = "row";
      line.cells[0].replaceWith(head);
    }
    fill($("excursions").tBodies[0], known.excursions.map((it) => [
      it.rule, minute(it.start), it.end ? minute(it.end) : "not ended", Math.round(it.duration_s / 6) / 10,
      `${shown(it.peak)} ${it.rule.includes("humidity") ? "%RH" : "°C"}`,
    ]));
  } catch (error) {
    if (mine !== asking) return;
    $("answered").className = "bad";
    $("answered").textContent = error.message;
  }
}

// A scanner types the number and presses Enter; the field stays ready for the next one.
$("find").addEventListener("submit", (event) => {
  event.preventDefault();
  const id = $("unit").value.trim().replace(/^\]C1/, "").replace(/^\(?00\)?(?=\d{18}$)/, "");
  $("unit").select();
  if (new URLSearchParams(location.hash.slice(1)).get("unit") === id) unit(id);
  else location.hash = `unit=${encodeURIComponent(id)}`;
});
function follow() {
  const id = new URLSearchParams(location.hash.slice(1)).get("unit");
  if (id && token) unit(id);
}
addEventListener("hashchange", follow);
follow();

const tell = (error) => { $("asked").textContent = error.message; };
async function turn() {
  try { await look(); } catch (error) { tell(error); }
}
turn();
setInterval(turn, 3000);
