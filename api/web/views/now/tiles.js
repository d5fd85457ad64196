// Sites and vehicles at a glance: what is worst first in each group.

import { el } from "../../shell/dom.js";
import { celsius, distance, humidity } from "../../shell/format.js";
import { icon } from "../../shell/icons.js";
import { badge } from "../../shell/parts.js";
import { named, t } from "../../shell/words.js";

const RANK = ["out", "hold", "silent", "indeterminate", "review", "pass", "unknown"];

/** Groups of places: each site with the rooms in it, vehicles, containers. */
export function tiles({ sites, now }) {
  const groups = grouped(sites);
  return groups.map(({ title, places }) =>
    el("section", { class: "group" }, el("h3", {}, title), el("ul", { class: "tiles" }, places.map((place) => tile(place, now)))));
}

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
  return [...groups.values()].sort((one, other) => one.key.localeCompare(other.key));
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

function tile(place, now) {
  const heard = place.sensors.filter((sensor) => sensor.last);
  const newest = heard.reduce((one, other) => (one && one.last.measured_at >= other.last.measured_at ? one : other), null);
  const warm = heard.map((sensor) => sensor.last.temperature_c).filter((value) => value !== null);
  const wet = heard.map((sensor) => sensor.last.humidity_pct).filter((value) => value !== null);
  const [low, high] = [Math.min(...warm), Math.max(...warm)];
  const range = warm.length === 0 ? "–" : low === high ? celsius(high, 1) : `${celsius(low, 1).replace(/\D+$/, "")} … ${celsius(high, 1)}`;
  return el("li", { class: `tile is-${place.is}` },
    el("div", { class: "tile-head" }, icon(place.kind === "vehicle" ? "vehicle" : place.kind === "container" ? "stock" : "place"), el("b", {}, place.name ?? place.id), badge(place.is, t(`now.is.${place.is}`))),
    el("div", { class: "tile-value" }, el("span", { class: "degrees" }, range), wet.length > 0 && el("span", { class: "note" }, humidity(Math.max(...wet), 0))),
    el("div", { class: "note" }, [t("now.units.here", { n: place.here.units.open }), place.here.open_holds > 0 && ` · ${t("now.held.here", { n: place.here.open_holds })}`, newest && ` · ${distance(newest.last.measured_at, now)}`]));
}
