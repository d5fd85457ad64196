// Small pictures, drawn with the colour of the text around them. They never stand alone: a word is beside them.

import { svg } from "./dom.js";

const PATHS = {
  now: ["M3 12h4l3-8 4 16 3-8h4"],
  stock: ["M3 8l9-5 9 5v8l-9 5-9-5z", "M3 8l9 5 9-5", "M12 13v8"],
  holds: ["M8 3h8l5 5v8l-5 5H8l-5-5V8z", "M8 12h8"],
  ship: ["M3 7v10", "M7 7v10", "M10 7v10", "M14 7v10", "M17 7v10", "M21 7v10"],
  ask: ["M4 6l5 6-5 6", "M12 18h8"],
  audit: ["M6 3h9l4 4v14H6z", "M9 12h7", "M9 16h7", "M9 8h3"],
  settings: ["M4 7h9", "M17 7h3", "M15 5v4", "M4 17h3", "M11 17h9", "M9 15v4"],
  more: ["M5 12h.01", "M12 12h.01", "M19 12h.01"],
  find: ["M10.5 4a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13z", "M15.5 15.5L21 21"],
  hold: ["M8 3h8l5 5v8l-5 5H8l-5-5V8z", "M8 12h8"],
  indeterminate: ["M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18z", "M9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .8-1 1.7", "M12 17h.01"],
  review: ["M12 3L22 20H2z", "M12 10v4", "M12 17h.01"],
  pass: ["M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18z", "M8 12l3 3 5-6"],
  unknown: ["M12 3a9 9 0 0 1 9 9", "M21 12a9 9 0 0 1-9 9", "M8 12h8"],
  out: ["M12 3v11", "M9 5a3 3 0 0 1 6 0v8a4.5 4.5 0 1 1-6 0z"],
  silent: ["M4 4l16 16", "M8.5 15.5a5 5 0 0 1 0-7", "M15.5 8.5a5 5 0 0 1 1 5.5", "M5.5 18.5a9 9 0 0 1 0-13", "M18.5 5.5a9 9 0 0 1 1.5 11"],
  released: ["M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18z", "M8 12l3 3 5-6"],
  open: ["M8 3h8l5 5v8l-5 5H8l-5-5V8z", "M8 12h8"],
  under_review: ["M12 3L22 20H2z", "M12 10v4", "M12 17h.01"],
  rejected: ["M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18z", "M9 9l6 6", "M15 9l-6 6"],
  bad: ["M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18z", "M9 9l6 6", "M15 9l-6 6"],
  good: ["M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18z", "M8 12l3 3 5-6"],
  note: ["M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18z", "M12 11v5", "M12 8h.01"],
  expiring: ["M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18z", "M12 7v5l3 2"],
  clock: ["M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18z", "M12 7v5l3 2"],
  place: ["M4 21V8l8-5 8 5v13", "M9 21v-7h6v7"],
  vehicle: ["M2 6h12v10H2z", "M14 10h4l4 3v3h-8", "M6 19a2 2 0 1 0 0-4a2 2 0 0 0 0 4z", "M17 19a2 2 0 1 0 0-4a2 2 0 0 0 0 4z"],
  report: ["M6 3h9l4 4v14H6z", "M12 10v7", "M9 14l3 3 3-3"],
  live: ["M12 9a3 3 0 1 0 0 6a3 3 0 0 0 0-6z"],
  plus: ["M12 5v14", "M5 12h14"],
  minus: ["M5 12h14"],
  left: ["M15 5l-7 7 7 7"],
  right: ["M9 5l7 7-7 7"],
  whole: ["M4 9V4h5", "M15 4h5v5", "M20 15v5h-5", "M9 20H4v-5"],
};

export const icon = (name) =>
  svg(
    "svg",
    { class: `icon icon-${name}`, viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    (PATHS[name] ?? PATHS.unknown).map((d) => svg("path", { d })),
  );
