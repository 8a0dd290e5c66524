// Elements of a group of copies: what is offered about it, and its pictures.

import { make, makeButton, makeImage } from "../../../widgets/js/elements.js";

/** @typedef {"accept" | "keep_all" | "different" | "copies"} GroupAct */

/**
 * @typedef {object} Copy
 * @property {number} row
 * @property {string} src
 * @property {string} title Its path.
 * @property {string} facts
 * @property {string} reason Why it is kept, or is not.
 * @property {boolean} keep
 * @property {boolean} decided A person decided so.
 */

/**
 * @typedef {object} CopyGroup
 * @property {number} row Its first one.
 * @property {string} words
 * @property {number} more Copies to keep that are not shown.
 * @property {Copy[]} copies
 */

/** @type {Record<GroupAct, [key: string, name: string, title: string]>} */
export const ACTS = {
  accept: ["a", "Accept", "Decide as it is shown"],
  keep_all: ["e", "Keep all", "Keep every copy of this group"],
  different: ["n", "Not duplicates", "These are no copies of each other: do not show them again"],
  copies: ["c", "They are duplicates", "Show them as duplicates again"],
};

/**
 * Make a group with what can be decided about it.
 *
 * @param {CopyGroup} group
 * @param {readonly GroupAct[]} acts
 */
export function groupNode({ row, words, copies }, acts) {
  const node = make("section", "group");
  node.dataset.row = String(row);
  node.setAttribute("aria-label", words);
  const head = make("div", "head");
  head.append(make("span", "words", words));
  for (const act of acts) {
    const [key, name, title] = ACTS[act];
    const button = makeButton("act", name);
    button.dataset.act = act;
    button.title = `${title} (${key})`;
    head.append(button);
  }
  const list = make("ul", "list");
  list.append(...copies.map(copyNode));
  node.append(head, list);
  return node;
}

/** @param {Copy} copy */
function copyNode({ row, src, title, facts, reason, keep, decided }) {
  const node = make("li", "copy");
  node.dataset.row = String(row);
  const main = makeButton("main");
  main.title = `${title}\nKeep or spare (Enter)`;
  main.append(makeImage(src, title, "lazy"), make("span", "choice"));
  const details = makeButton("details", "Details");
  details.setAttribute("aria-label", `Details: ${title}`);
  const foot = make("div", "foot");
  foot.append(make("span", "facts", facts), details);
  node.append(main, make("div", "path", title), foot, make("div", "reason", reason));
  markCopy(node, keep, decided);
  return node;
}

/**
 * Show whether a copy is kept, and if a person decided so.
 *
 * @param {HTMLElement} node
 * @param {boolean} keep
 * @param {boolean} decided
 */
export function markCopy(node, keep, decided) {
  node.dataset.keep = String(keep);
  node.dataset.decided = String(decided);
  const choice = node.querySelector(".choice");
  if (choice) choice.textContent = `${keep ? "✓ keep" : "× spare"}${decided ? "" : "?"}`;
  node.querySelector(".main")?.setAttribute("aria-pressed", String(keep));
}
