// Moving along a timeline: by wheel, by keys, by one finger or two.

/** Listens on `stage`; the answer ends it. */
export function steer(stage, { plots, zoom, pan, all, shown, look }) {
  const instant = (clientX) => {
    const plot = plots()[0];
    if (!plot) return null;
    const { left, width } = plot.over.getBoundingClientRect();
    return shown().from + ((clientX - left) / width) * (shown().to - shown().from);
  };

  const wheel = (event) => {
    // without a key the page scrolls, as everywhere; sideways is always ours
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      return pan(event.deltaX / 1000);
    }
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey && document.activeElement !== stage) return;
    event.preventDefault();
    zoom(Math.exp(Math.max(-200, Math.min(200, event.deltaY || event.deltaX)) / 400), instant(event.clientX));
  };

  const KEYS = {
    "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), _: () => zoom(2), ArrowLeft: () => pan(-0.2), ArrowRight: () => pan(0.2), PageUp: () => pan(-1), PageDown: () => pan(1), 0: all, Home: all,
  };
  const key = (event) => {
    const press = KEYS[event.key];
    if (!press || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    press();
  };

  // fingers on the glass: one moves along, two come nearer
  const fingers = new Map();
  let held = null;
  const grip = () => {
    const [one, other] = [...fingers.values()];
    held = { from: shown().from, to: shown().to, one: instant(one), other: other === undefined ? null : instant(other) };
  };
  const down = (event) => {
    if (event.pointerType !== "touch") return;
    fingers.set(event.pointerId, event.clientX);
    grip();
  };
  const move = (event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, event.clientX);
    const plot = plots()[0];
    if (!plot || !held) return;
    const { left, width } = plot.over.getBoundingClientRect();
    const share = (clientX) => (clientX - left) / width;
    const [one, other] = [...fingers.values()];
    let length = held.to - held.from;
    if (held.other !== null && other !== undefined && Math.abs(share(other) - share(one)) > 0.02) {
      length = Math.abs((held.other - held.one) / (share(other) - share(one)));
    }
    const from = held.one - share(one) * length;
    look(from, from + length);
  };
  const up = (event) => {
    if (!fingers.delete(event.pointerId)) return;
    if (fingers.size > 0) grip();
    else held = null;
  };

  const listened = [["wheel", wheel, { passive: false }], ["keydown", key], ["pointerdown", down], ["pointermove", move], ["pointerup", up], ["pointercancel", up]];
  for (const [name, listener, options] of listened) stage.addEventListener(name, listener, options);
  return () => {
    for (const [name, listener, options] of listened) stage.removeEventListener(name, listener, options);
  };
}
