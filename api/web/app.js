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

const tell = (error) => { $("asked").textContent = error.message; };
async function turn() {
  try { await look(); } catch (error) { tell(error); }
}
turn();
setInterval(turn, 3000);
