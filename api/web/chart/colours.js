// The page's colours, for pictures that are painted: a canvas knows no `light-dark()`.

const probe = document.createElement("span");
probe.hidden = true;

/** What `--name` is in the theme of now; `alpha` from 0 to 1 thins it. */
export function colour(name, alpha = 1) {
  if (!probe.isConnected) document.body.append(probe);
  probe.style.color = `var(--${name})`;
  const [red, green, blue] = getComputedStyle(probe).color.match(/[\d.]+/g).map(Number);
  return `rgba(${red}, ${green}, ${blue}, ${alpha})`;
}

const LINES = ["line-1", "line-2", "line-3", "line-4"];
/** The colour of the line with this number; beyond four they come again, with another dash. */
export const lineColour = (at, alpha) => colour(LINES[at % LINES.length], alpha);
export const lineDash = (at) => [[], [6, 3], [2, 3], [8, 3, 2, 3]][Math.floor(at / LINES.length) % 4];

/** Slanted lines: what is hatched is also seen without colour. */
export function hatch(context, name, ratio, { alpha = 0.55, step = 7, back = 0.1 } = {}) {
  const size = Math.round(step * ratio);
  const tile = document.createElement("canvas");
  tile.width = tile.height = size;
  const brush = tile.getContext("2d");
  brush.fillStyle = colour(name, back);
  brush.fillRect(0, 0, size, size);
  brush.strokeStyle = colour(name, alpha);
  brush.lineWidth = ratio;
  brush.beginPath();
  for (const shift of [-size, 0, size]) {
    brush.moveTo(shift, size);
    brush.lineTo(shift + size, 0);
  }
  brush.stroke();
  return context.createPattern(tile, "repeat");
}

/** Calls `draw` when light becomes dark or the other way round; the answer ends it. */
export function onTheme(draw) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  addEventListener("theme", draw);
  dark.addEventListener("change", draw);
  return () => {
    removeEventListener("theme", draw);
    dark.removeEventListener("change", draw);
  };
}
