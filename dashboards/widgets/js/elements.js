// Makers of elements. Text of users (names, labels) only ever becomes textContent or an attribute.

const SPACE = "http://www.w3.org/2000/svg";

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [className]
 * @param {string} [text]
 */
export function make(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

/**
 * @param {string} [className]
 * @param {string} [text]
 */
export function makeButton(className = "", text = "") {
  const node = make("button", className, text);
  node.type = "button";
  return node;
}

/**
 * Make a button that is an icon. Screen readers call it `label`.
 *
 * @param {string} className
 * @param {string} icon
 * @param {string} title
 * @param {string} [label]
 */
export function iconButton(className, icon, title, label = title) {
  const node = makeButton(className);
  node.title = title;
  node.setAttribute("aria-label", label);
  node.append(drawing(icon));
  return node;
}

/**
 * @param {string} src
 * @param {string} alt
 * @param {"lazy" | "eager"} [loading]
 */
export function makeImage(src, alt, loading = "eager") {
  return Object.assign(make("img"), { loading, decoding: "async", draggable: false, alt, src });
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {string} [text]
 */
export function makeSvg(tag, attributes = {}, text = "") {
  const node = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  if (text) node.textContent = text;
  return node;
}

/**
 * Make an icon of one line, 24 units wide and high.
 *
 * @param {string} path
 */
export function drawing(path) {
  const svg = makeSvg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" });
  svg.append(makeSvg("path", { d: path }));
  return svg;
}

/**
 * Find the innermost element that a selector fits, around an element or an event's target.
 *
 * @param {Event | Element | null | undefined} inside
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export function closest(inside, selector) {
  const node = inside instanceof Event ? inside.target : inside;
  return node instanceof Element ? node.closest(selector) : null;
}

/** Find the element with the focus, in the shadow root of a component too; null where nothing has it. */
export function focusedElement() {
  let node = document.activeElement;
  while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
  return node instanceof HTMLElement ? node : null;
}

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
export function limit(value, low, high) {
  return Math.min(Math.max(value, low), high);
}
