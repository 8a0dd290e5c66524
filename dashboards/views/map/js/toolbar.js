// The tools of the map, with a button and a key each.

import { ACTIONS } from "../../../widgets/js/actions.js";
import { iconButton, make } from "../../../widgets/js/elements.js";
import { kindOfKey } from "../../../widgets/js/keys.js";

/** @typedef {"pan" | "lasso" | "box"} Tool */

/** @typedef {keyof typeof TOOLS} ToolKind A tool, or what a button does at once. */

const PAN =
  "M12 3v18M3 12h18M12 3l-2.5 2.5M12 3l2.5 2.5M12 21l-2.5-2.5M12 21l2.5-2.5" +
  "M3 12l2.5-2.5M3 12l2.5 2.5M21 12l-2.5-2.5M21 12l-2.5 2.5";
const LASSO =
  "M12 4c5 0 8.5 2.3 8.5 5.5S17 15 12 15s-8.5-2.3-8.5-5.5S7 4 12 4" +
  "M7.5 14.3c-1.8 1.4-1.6 3.6.3 4.1c1.7.5 2.4 1.200 1.200 2.600";
const BOX = "M4 4h3M10 4h4M17 4h3v3M20 10v4M20 17v3h-3M14 20h-4M7 20H4v-3M4 14v-4M4 7V4";
const QUESTION = "M9 9.200a3 3 0 1 1 4.300 2.700c-.9.45-1.300 1-1.300 2.100M12 17.300v.1";

export const TOOLS = {
  pan: { key: "p", name: "Move the map", icon: PAN },
  lasso: { key: "l", name: "Draw around images (or hold Shift)", icon: LASSO },
  box: { key: "x", name: "Draw a box around images", icon: BOX },
  in: { key: "+", name: "Closer", icon: ACTIONS.more.icon },
  out: { key: "-", name: "Further away", icon: ACTIONS.less.icon },
  fit: { key: "0", name: "All of the map", icon: ACTIONS.whole.icon },
};
const KINDS = /** @type {ToolKind[]} */ (Object.keys(TOOLS));

export class Toolbar {
  /** @param {(kind: ToolKind) => void} use */
  constructor(use) {
    this.root = make("div", "bar");
    this.root.setAttribute("role", "toolbar");
    this.root.setAttribute("aria-label", "Tools of the map");
    this.buttons = KINDS.map((kind) => {
      const { name, key, icon } = TOOLS[kind];
      const button = iconButton("tool", icon, `${name} (${key})`, name);
      button.dataset.kind = kind;
      button.addEventListener("click", () => use(kind));
      return button;
    });
    this.help = iconButton("tool", QUESTION, "Show what the keys do (?)", "Show what the keys do");
    this.root.append(...this.buttons, this.help);
  }

  /** @param {Tool} tool */
  choose(tool) {
    for (const button of this.buttons) {
      const { kind } = button.dataset;
      if (isTool(kind)) button.setAttribute("aria-pressed", String(kind === tool));
    }
  }

  /**
   * Find what a key stands for.
   *
   * @param {string} key
   */
  kindOf(key) {
    return kindOfKey(TOOLS, KINDS, key);
  }
}

/**
 * @param {string | undefined} kind
 * @returns {kind is Tool}
 */
export function isTool(kind) {
  return kind === "pan" || kind === "lasso" || kind === "box";
}
