// Sites and vehicles at a glance: what is worst first in each group.

import { el } from "../../shell/dom.js";
import { distance, humidity, number } from "../../shell/format.js";
import { icon } from "../../shell/icons.js";
import { named, t } from "../../shell/words.js";

// A newest reading that is older than this, in ms, has its age beside it.
const STALE = 15 * 60_000;
const RANK = ["out", "hold", "silent", "indeterminate", "review", "pass", "unknown"];

/** Groups of places: each site with the rooms in it, vehicles, containers. */
export const tiles = ({ sites, now }) =>
  grouped(sites).map(({ key, title, places }) =>
    el("section", { class: "group", "aria-labelledby": `group-${key}` }, el("h3", { id: `group-${key}` }, title), el("ul", {}, places.map((place) => row(place, now)))));

function grouped(sites) {
  const byId = new Map(sites.map((site) => [site.id, site]));
  const groups = new Map();
  for (const place of sites) {
    if (place.sensors.length === 0 && place.here.units.open === 0 && place.here.open_holds === 0) continue;
    const around = place.site && place.site !== place.id ? byId.get(place.site) : null;
    const key = around ? `0${around.id}` : `1${place.kind}`;
    const title = around ? (around.name ?? around.id) : named("now.kinds", place.kind);
    const group = groups.get(key) ?? { key, title, places: [] };
    group.places.push({ ...place, is: standing(place) });
    groups.set(key, group);
  }
  for (const { places } of groups.values()) {
    places.sort((one, other) => RANK.indexOf(one.is) - RANK.indexOf(other.is) || one.id.localeCompare(other.id));
  }
  const worst = (group) => RANK.indexOf(group.places[0].is);
  return [...groups.values()].sort((one, other) => worst(one) - worst(other) || one.key.localeCompare(other.key));
}

/** The worst of how things stand in a place. */
function standing({ here, sensors }) {
  if (here.running_excursions > 0) return "out";
  if (here.open_holds > 0 || here.units.hold > 0) return "hold";
  if (here.silent_sensors > 0) return "silent";
  if (here.units.indeterminate > 0) return "indeterminate";
  if (here.units.review > 0) return "review";
  return sensors.some((sensor) => sensor.last) || here.units.pass > 0 ? "pass" : "unknown";
}

function row(place, now) {
  const heard = place.sensors.filter((sensor) => sensor.last);
  const newest = heard.reduce((one, other) => (one && one.last.measured_at >= other.last.measured_at ? one : other), null);
  const warm = heard.map((sensor) => sensor.last.temperature_c).filter((value) => value !== null);
  const wet = heard.map((sensor) => sensor.last.humidity_pct).filter((value) => value !== null);
  const good = place.is === "pass";
  const notes = [
    !good && t(`now.is.${place.is}`),
    place.here.open_holds > 0 && t("now.held.here", { n: place.here.open_holds }),
    newest && now - Date.parse(newest.last.measured_at) > STALE && distance(newest.last.measured_at, now),
  ].filter(Boolean);
  return el("li", { class: `at-a-glance is-${place.is}` },
    el("span", { class: "tone" }, icon(place.is)), good && el("span", { class: "hidden" }, t("now.is.pass")),
    el("span", { class: "its-name" }, place.name ?? place.id, notes.length > 0 && el("span", { class: "tone its-note" }, notes.join(" · "))),
    el("span", { class: "its-units note" }, t("now.units.here", { n: place.here.units.open })),
    el("span", { class: "degrees" }, range(warm), wet.length > 0 && el("span", { class: "note" }, humidity(Math.max(...wet), 0))));
}

/** From the coldest to the warmest of what the sensors said last. */
function range(warm) {
  if (warm.length === 0) return "–";
  const [low, high] = [number(Math.min(...warm), 1, true), number(Math.max(...warm), 1, true)];
  return `${low === high ? high : `${low} … ${high}`}\u202f°C`;
}
