// What the view is about, asked for at once and put together: nothing here draws.

import { quantityOf } from "../unit/checks.js";

// Units whose effective expiry is nearer than so many days are shown.
const SOON_DAYS = 30;
// Of each list, so many items are looked at.
const MOST = 2000;

const undecided = async (api) => {
  const [open, reviewed] = await Promise.all([api.every("/v1/holds?state=open", MOST), api.every("/v1/holds?state=under_review", MOST)]);
  return [...open, ...reviewed];
};

/** How things stand. */
export async function ask(api) {
  const [holds, excursions, products, alarms, lots, sites] = await Promise.all([
    undecided(api),
    api.every("/v1/excursions?open=true", MOST),
    api.every("/v1/products"),
    api.every("/v1/alarms?open=true&code=sensor_silent", MOST),
    api.get("/v1/lots?order=effective_expiry&in_stock=true&limit=50"),
    api.every("/v1/sites", 5000),
  ]);
  const now = latest(sites, excursions);
  return {
    now,
    sites,
    incidents: incidents(holds),
    running: running(excursions, products, holds),
    silent: silent(alarms, sites),
    expiring: lots.items.filter((lot) => lot.effective_expiry && daysTo(lot.effective_expiry, now) <= SOON_DAYS),
  };
}

const daysTo = (day, now) => (Date.parse(day) - now) / 86_400_000;

/** The present: the reader's, unless the server is further, as one with a simulated clock is. */
function latest(sites, excursions) {
  const heard = sites.flatMap((site) => site.sensors).map((sensor) => sensor.last?.measured_at);
  const times = [...heard, ...excursions.map((one) => one.as_of)].filter(Boolean).map((at) => Date.parse(at));
  return times.reduce((one, other) => Math.max(one, other), Date.now());
}

/** Undecided holds by incident, the oldest first. */
function incidents(holds) {
  const found = new Map();
  for (const hold of holds) {
    const incident = found.get(hold.incident) ?? { id: hold.incident, holds: [], causes: new Map(), open: 0, at: hold.placed_at };
    incident.holds.push(hold);
    incident.causes.set(`${hold.cause.code}/${hold.cause.rule}`, hold.cause);
    incident.open += hold.state === "open" ? 1 : 0;
    if (hold.placed_at < incident.at) incident.at = hold.placed_at;
    found.set(hold.incident, incident);
  }
  return [...found.values()].sort((one, other) => one.at.localeCompare(other.at));
}

/** Excursions under way; units out by one rule since one instant are one. What fires next comes first. */
function running(excursions, products, holds) {
  const held = new Set(holds.map((hold) => `${hold.unit}/${hold.cause.rule}`));
  const found = new Map();
  for (const one of excursions) {
    const key = `${one.gtin}/${one.rule}/${one.start}`;
    const together = found.get(key) ?? { ...one, quantity: quantityOf(products.find((product) => product.gtin === one.gtin), one.rule), units: [], held: false };
    together.units.push(one.unit);
    together.held ||= held.has(`${one.unit}/${one.rule}`);
    found.set(key, together);
  }
  const order = (one) => `${one.fires_at ?? "9"}${one.start}`;
  return [...found.values()].sort((one, other) => order(one).localeCompare(order(other)));
}

/** Silent sensors and where they are. */
function silent(alarms, sites) {
  const places = new Map();
  for (const site of sites) for (const sensor of site.sensors) places.set(sensor.id, { site, sensor });
  return alarms.map((alarm) => ({ ...alarm, ...places.get(alarm.sensor) })).sort((one, other) => one.at.localeCompare(other.at));
}
