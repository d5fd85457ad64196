// Numbers, times and quantities as people read them. Times are UTC everywhere; the reader's own zone is in the tooltip.

import { el } from "./dom.js";
import { speaking, t } from "./words.js";

const NARROW = "\u202f"; // between number and unit, where a line never breaks
const MINUS = "\u2212";
const NOTHING = "–";

const locale = () => (speaking() === "zh" ? "zh-CN" : "en");
const signed = (text) => text.replace(/^-/, MINUS);
const absent = (value) => value === null || value === undefined || Number.isNaN(value);

/** A number with at most `digits` decimals, or exactly `digits` when `fixed`. */
export function number(value, digits = 3, fixed = false) {
  if (absent(value)) return NOTHING;
  const options = { maximumFractionDigits: digits, minimumFractionDigits: fixed ? digits : 0 };
  return signed(new Intl.NumberFormat(locale(), options).format(Number(value)));
}

/** A temperature; `digits` decimals as measured, three where it must be exact. */
export const celsius = (value, digits = 2) => (absent(value) ? NOTHING : `${number(value, digits)}${NARROW}°C`);
/** A relative humidity. */
export const humidity = (value, digits = 1) => (absent(value) ? NOTHING : `${number(value, digits)}${NARROW}%RH`);
/** A share of 1. */
export const share = (value, digits = 1) => (absent(value) ? NOTHING : `${number(value * 100, digits)}${NARROW}%`);
/** A share of 1 that is known: rounded down, so that only all of it is 100 %. */
export const shareDown = (value) => (absent(value) ? NOTHING : share(Math.floor(value * 1000) / 1000));
/** A share of 1 that is used: rounded up, so that only nothing is 0 %. */
export const shareUp = (value) => (absent(value) ? NOTHING : share(Math.max(0, Math.ceil(value * 1000 - 1e-9)) / 1000));
/** Days of 86,400 s out of seconds. */
export const days = (seconds, digits = 2) => (absent(seconds) ? NOTHING : `${number(seconds / 86400, digits)}${NARROW}${t("unit.d")}`);

/** A time that passed: the two largest units of it. */
export function duration(seconds) {
  if (absent(seconds)) return NOTHING;
  const all = Math.max(0, Math.round(seconds));
  const parts = [
    [Math.floor(all / 86400), "unit.d"],
    [Math.floor(all / 3600) % 24, "unit.h"],
    [Math.floor(all / 60) % 60, "unit.min"],
    [all % 60, "unit.s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return `0${NARROW}${t("unit.s")}`;
  const shown = parts.slice(first, first + 2).filter(([count]) => count > 0);
  return shown.map(([count, unit]) => `${number(count)}${NARROW}${t(unit)}`).join(" ");
}

const millis = (at) => (typeof at === "number" ? at : Date.parse(at));

/** `2026-11-22 10:00`, UTC. With `seconds`, `10:00:05`. */
export function time(at, seconds = false) {
  if (absent(at)) return NOTHING;
  return new Date(millis(at)).toISOString().slice(0, seconds ? 19 : 16).replace("T", "\u00a0");
}

/** `2026-11-22`, UTC. */
export const date = (at) => (absent(at) ? NOTHING : new Date(millis(at)).toISOString().slice(0, 10));

/** The same instant where the reader is. */
export const local = (at) =>
  new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "medium", timeZoneName: undefined }).format(millis(at));

/** A `<time>`: UTC, the reader's own time as tooltip. */
export function stamp(at, seconds = false) {
  if (absent(at)) return NOTHING;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const title = `${new Date(millis(at)).toISOString()}\n${local(at)} (${zone})`;
  return el("time", { datetime: new Date(millis(at)).toISOString(), title }, `${time(at, seconds)}${NARROW}UTC`);
}

/** How long ago, or in how long, seen from `now`. */
export function distance(at, now) {
  if (absent(at)) return NOTHING;
  const seconds = (millis(at) - now) / 1000;
  return seconds > 0 ? t("in.time", { time: duration(seconds) }) : t("ago.time", { time: duration(-seconds) });
}

/** Whole days from the date of `now` to a date. */
export const daysUntil = (day, now) => Math.round((Date.parse(day) - Date.parse(date(now))) / 86400000);

/** A value of a quantity. */
export const ofQuantity = (quantity, value) => (quantity === "humidity" ? humidity(value) : celsius(value));
