// Keys: the arrows, the actions that keys stand for, and the list of keys that "?" shows.

import { focusedElement, make, makeButton } from "./elements.js";

/** @import { Action } from "./actions.js" */

/**
 * Steps to the right and down.
 *
 * @type {Record<string, [number, number] | undefined>}
 */
export const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Find the action that a key stands for. "=" is "+" without Shift.
 *
 * @template {string} Kind
 * @param {Record<Kind, Action>} actions
 * @param {readonly Kind[]} kinds Those that are offered.
 * @param {string} key
 */
export function kindOfKey(actions, kinds, key) {
  const wanted = key === "=" ? "+" : key.toLowerCase();
  return kinds.find((kind) => actions[kind].key.toLowerCase() === wanted);
}

const FIELDS = "input:not([type=checkbox], [type=radio], [type=range], [type=button]), textarea, select";

/** Tell whether keys are text at the moment: the focus is in a field. */
export function isTyping() {
  const node = focusedElement();
  return node !== null && (node.isContentEditable || node.matches(FIELDS));
}

/** A list of keys with what they do, shown and hidden by a button, by "?" and by Escape. */
export class KeyHelp {
  /**
   * @param {[keys: string, does: string][]} lines
   * @param {HTMLButtonElement} [button]
   */
  constructor(lines, button = hint()) {
    this.box = make("div", "help");
    this.box.hidden = true;
    this.box.setAttribute("role", "note");
    this.button = button;
    this.button.setAttribute("aria-expanded", "false");
    this.button.addEventListener("click", () => this.toggle());
    this.list(lines);
  }

  /** @param {[keys: string, does: string][]} lines */
  list(lines) {
    const list = make("dl");
    for (const [keys, does] of [...lines, ["?", "show or hide this list"]])
      list.append(make("dt", "", keys), make("dd", "", does));
    this.box.replaceChildren(make("strong", "", "Keys"), list);
  }

  toggle() {
    this.box.hidden = !this.box.hidden;
    this.button.setAttribute("aria-expanded", String(!this.box.hidden));
  }

  /**
   * Show or hide the list if a key says so.
   *
   * @param {string} key
   */
  pressed(key) {
    const meant = key === "?" || (key === "Escape" && !this.box.hidden);
    if (meant) this.toggle();
    return meant;
  }
}

function hint() {
  const button = makeButton("hint", "? keys");
  button.title = "Show what the keys do (?)";
  return button;
}
