// What is said of an image of a walk, and the icons that go with it.

import { drawing, make } from "../../../widgets/js/elements.js";

/**
 * An image of the walk; `Node` in graph_walk.py says more.
 *
 * @typedef {object} WalkNode
 * @property {number} row
 * @property {number} ring 0 for the centre.
 * @property {number | null} parent Row of the image that it hangs on.
 * @property {number} x
 * @property {number} y
 * @property {number} r
 * @property {string} src
 * @property {string} title Its path.
 * @property {string | null} label
 * @property {boolean | null} same
 * @property {number} distance From its parent.
 * @property {boolean} mutual
 * @property {string} hub
 * @property {"hub" | "usual" | "antihub"} kind
 * @property {boolean} basket
 * @property {boolean} dim Left out by the filters.
 */

/** @type {Record<string, string | undefined>} */
export const ICONS = {
  mutual: "M3 8.5h17M16 4.5l4 4l-4 4M21 15.5H4M8 11.5l-4 4l4 4",
  "one-way": "M3 12h17M15 7l5 5l-5 5",
  hub: "M12 3.5l2.5 5.7l6.2 .6l-4.7 4.1l1.4 6.1l-5.4-3.2l-5.4 3.2l1.4-6.1l-4.7-4.1l6.2-.6z",
  antihub: "M12 4.5a7.5 7.5 0 1 0 0 15a7.5 7.5 0 0 0 0-15M18.5 4.5l-13 15",
};

/**
 * Describe an image for screen readers.
 *
 * @param {WalkNode} node
 */
export function described(node) {
  const words = [node.title, node.label === null ? "" : `label ${node.label}`];
  if (node.ring > 0) words.push(`distance ${node.distance.toFixed(3)}`, node.mutual ? "mutual" : "one way");
  if (node.same !== null) words.push(node.same ? "same label" : "other label");
  words.push(node.hub, node.dim ? "left out by the filters" : "", node.basket ? "in the basket" : "");
  return words.filter(Boolean).join(", ");
}

/**
 * List what is known of an image.
 *
 * @param {WalkNode} node
 * @param {string} parent Title of the image that it hangs on.
 * @returns {[text: string, icon?: string][]}
 */
export function facts(node, parent) {
  /** @type {[string, string?][]} */
  const words = [];
  if (node.ring > 0) {
    words.push([`distance ${node.distance.toFixed(3)} from ${node.ring === 1 ? "the centre" : parent}`]);
    if (node.mutual) words.push(["mutual: each lists the other", "mutual"]);
    else words.push(["one way: it does not list the other back", "one-way"]);
  }
  if (node.same !== null) words.push([node.same ? "= same label as the centre" : "≠ other label than the centre"]);
  words.push([node.hub, node.kind]);
  if (node.dim) words.push(["left out by the filters"]);
  return words;
}

/**
 * Make an element with a text, and an icon before it if there is one of that name.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} className
 * @param {string} text
 * @param {string} [icon]
 */
export function withIcon(tag, className, text, icon = "") {
  const node = make(tag, className, text);
  const path = ICONS[icon];
  if (path) {
    const svg = drawing(path);
    svg.classList.add("sign", icon);
    node.prepend(svg);
  }
  return node;
}
