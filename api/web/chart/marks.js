// What is painted around the lines: excursions, unknown time, limits, places, alarms, expiry. Pixels are those of the canvas.

import { colour, hatch } from "./colours.js";

// The height of the lane of places, in CSS pixels.
export const LANE = 22;

const span = (plot, from, to) => {
  const { left, width } = plot.bbox;
  const start = Math.max(left, plot.valToPos(from, "x", true));
  const end = Math.min(left + width, plot.valToPos(to, "x", true));
  return end >= left && start <= left + width && end >= start ? [start, Math.max(end, start + 1)] : null;
};

const ratioOf = (plot) => plot.ctx.canvas.width / plot.width;

function inside(plot, paint) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  paint(ctx, bbox, ratioOf(plot));
  ctx.restore();
}

/** Behind the lines: excursions shaded with an edge above, unknown time hatched. */
export function behind(plot, { excursions, gaps }, words) {
  inside(plot, (ctx, bbox, ratio) => {
    const unknown = hatch(ctx, "gap", ratio);
    for (const gap of gaps) {
      const [start, end] = span(plot, gap.from, gap.to) ?? [];
      if (start === undefined) continue;
      ctx.fillStyle = unknown;
      ctx.fillRect(start, bbox.top, end - start, bbox.height);
      label(ctx, ratio, words.unknown, start, end, bbox.top + bbox.height - 6 * ratio, "soft");
    }
    for (const one of excursions) {
      const [start, end] = span(plot, one.from, one.to) ?? [];
      if (start === undefined) continue;
      ctx.fillStyle = colour("hold", 0.13);
      ctx.fillRect(start, bbox.top, end - start, bbox.height);
      ctx.fillStyle = colour("hold");
      ctx.fillRect(start, bbox.top, end - start, 3 * ratio);
      label(ctx, ratio, one.rule, start, end, bbox.top + bbox.height - 6 * ratio, "hold");
    }
  });
}

/** A text between two pixels, if it fits. */
function label(ctx, ratio, text, start, end, y, ink) {
  ctx.font = `600 ${11 * ratio}px ${font()}`;
  if (ctx.measureText(text).width + 10 * ratio > end - start) return;
  ctx.textAlign = "center";
  ctx.textBaseline = "alphabetic";
  const middle = (start + end) / 2;
  const half = ctx.measureText(text).width / 2 + 4 * ratio;
  ctx.fillStyle = colour("sheet", 0.85);
  ctx.fillRect(middle - half, y - 11 * ratio, 2 * half, 15 * ratio);
  ctx.fillStyle = colour(ink);
  ctx.fillText(text, middle, y);
}

const font = () => getComputedStyle(document.body).fontFamily;

/** Before the lines: limits dashed with their value, alarms as flags, expiry as a line. */
export function before(plot, { limits, alarms, expiries }) {
  inside(plot, (ctx, bbox, ratio) => {
    ctx.font = `600 ${11 * ratio}px ${font()}`;
    for (const limit of limits) {
      const y = plot.valToPos(limit.value, "y", true);
      if (y < bbox.top || y > bbox.top + bbox.height) continue;
      ctx.strokeStyle = colour("hold", 0.85);
      ctx.lineWidth = 1.25 * ratio;
      ctx.setLineDash([7 * ratio, 4 * ratio]);
      line(ctx, bbox.left, y, bbox.left + bbox.width, y);
      ctx.setLineDash([]);
      ctx.textAlign = "right";
      ctx.textBaseline = "middle";
      const width = ctx.measureText(limit.text).width;
      // outside of what is allowed, unless there is no room
      const above = limit.side === "low" ? y + 18 * ratio > bbox.top + bbox.height : y - 18 * ratio > bbox.top;
      const middle = y + (above ? -9 : 10) * ratio;
      ctx.fillStyle = colour("sheet", 0.8);
      ctx.fillRect(bbox.left + bbox.width - width - 8 * ratio, middle - 7 * ratio, width + 6 * ratio, 14 * ratio);
      ctx.fillStyle = colour("hold");
      ctx.fillText(limit.text, bbox.left + bbox.width - 5 * ratio, middle);
    }
    for (const alarm of alarms) {
      const [x] = span(plot, alarm.at, alarm.at) ?? [];
      if (x === undefined) continue;
      ctx.strokeStyle = ctx.fillStyle = colour("hold");
      ctx.lineWidth = 1.5 * ratio;
      line(ctx, x, bbox.top, x, bbox.top + bbox.height);
      const top = bbox.top + 3 * ratio;
      ctx.beginPath();
      ctx.moveTo(x, top);
      ctx.lineTo(x + 9 * ratio, top + 5 * ratio);
      ctx.lineTo(x, top + 10 * ratio);
      ctx.fill();
    }
    for (const expiry of expiries) {
      const [x] = span(plot, expiry.at, expiry.at) ?? [];
      if (x === undefined) continue;
      ctx.strokeStyle = ctx.fillStyle = colour(expiry.effective ? "review" : "soft");
      ctx.lineWidth = 2 * ratio;
      ctx.setLineDash(expiry.effective ? [] : [3 * ratio, 3 * ratio]);
      line(ctx, x, bbox.top, x, bbox.top + bbox.height);
      ctx.setLineDash([]);
      const right = x + ctx.measureText(expiry.text).width + 10 * ratio > bbox.left + bbox.width;
      ctx.textAlign = right ? "right" : "left";
      ctx.textBaseline = "top";
      ctx.fillText(expiry.text, x + (right ? -5 : 5) * ratio, bbox.top + bbox.height / 2 + (expiry.effective ? -16 : 2) * ratio);
    }
  });
}

function line(ctx, x1, y1, x2, y2) {
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.stroke();
}

/** Above the plot: where the unit was. */
export function lane(plot, stays) {
  const { ctx, bbox } = plot;
  const ratio = ratioOf(plot);
  const height = (LANE - 4) * ratio;
  const top = bbox.top - LANE * ratio;
  ctx.save();
  stays.forEach((stay, at) => {
    const [start, end] = span(plot, stay.from, stay.to) ?? [];
    if (start === undefined) return;
    ctx.fillStyle = colour(at % 2 === 0 ? "lane-1" : "lane-2");
    ctx.fillRect(start, top, Math.max(end - start - ratio, ratio), height);
    ctx.save();
    ctx.beginPath();
    ctx.rect(start, top, end - start, height);
    ctx.clip();
    ctx.font = `600 ${11.5 * ratio}px ${font()}`;
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    ctx.fillStyle = colour("ink");
    if (end - start > 24 * ratio) ctx.fillText(stay.text, start + 6 * ratio, top + height / 2 + ratio / 2);
    ctx.restore();
  });
  ctx.restore();
}
