// Elements. What is shown comes from people and devices, so text is only ever set as text.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. Attributes: `class`, `on: {event: listener}`, `style: {property: value}`, `data: {name: value}`, and what HTML
 * has; `true` is the bare attribute, `false`, `null` and `undefined` leave it out. Children: elements, text, numbers, lists of
 * them; `null`, `undefined` and `false` are left out.
 */
export function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for pictures. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === "style") {
      for (const [property, text] of Object.entries(value)) element.style.setProperty(property, text);
    } else if (name === "data") {
      Object.assign(element.dataset, value);
    } else if (name === "value" && "value" in element && element.tagName !== "LI") {
      element.value = value;
    } else {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  append(element, children);
  // the chosen option of a list exists only now
  if (element.tagName === "SELECT" && attributes?.value !== undefined) element.value = attributes.value;
  return element;
}

/** Adds children as `el` does. */
export function append(element, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

/** Puts children in the place of what was there. */
export function fill(element, ...children) {
  element.replaceChildren();
  return append(element, ...children);
}

/**
 * Puts children in the place of what was there, and the focus back to where it was: to the element with the same `data-key`.
 * For what is drawn anew while somebody is reading it.
 */
export function refill(element, ...children) {
  const held = element.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  fill(element, ...children);
  if (held === undefined) return element;
  const again = [...element.querySelectorAll("[data-key]")].find((one) => one.dataset.key === held);
  again?.focus({ preventScroll: true });
  return element;
}
