// A walk along the graph: its picture, the facts of the chosen image, and the neighbours as a list.

import { ACTIONS, actionName } from "../../widgets/js/actions.js";
import { make, makeButton, makeImage } from "../../widgets/js/elements.js";
import { ARROWS, KeyHelp, kindOfKey } from "../../widgets/js/keys.js";
import { component, View } from "../../widgets/js/view.js";
import { makeLegend } from "./js/legend.js";
import { Picture } from "./js/picture.js";
import { facts, withIcon } from "./js/words.js";

/** @import { Call } from "../../widgets/js/view.js" */
/** @import { WalkEdge } from "./js/picture.js" */
/** @import { WalkNode } from "./js/words.js" */

/**
 * @typedef {object} WalkData
 * @property {number} side The picture reaches from -side / 2 to side / 2.
 * @property {number} center Row of the centre.
 * @property {WalkNode[]} nodes The centre first.
 * @property {WalkEdge[]} edges
 */

/** @typedef {"walk" | "query" | "details" | "basket"} WalkKind */

/** @typedef {{ action: { kind: WalkKind, row: number }, back: true }} WalkEvents */

const WALK_ACTIONS = { ...ACTIONS, walk: { ...ACTIONS.walk, name: "Centre here", key: "Enter" } };
const KINDS = /** @type {WalkKind[]} */ (["walk", "query", "details", "basket"]);
const KEYS = /** @type {[string, string][]} */ ([
  ["← → ↑ ↓", "to the nearest picture on that side"],
  ["Tab", "into the picture, on to the buttons and the list"],
  ["Home", "back to the centre"],
  ...KINDS.map((kind) => [WALK_ACTIONS[kind].key, WALK_ACTIONS[kind].name]),
  ["Backspace", "one step back"],
]);

/** @extends {View<WalkData, WalkEvents>} */
class WalkView extends View {
  /** @param {Call<WalkData>} call */
  constructor(call) {
    super(call, "walk");
    this.chosen = -1;
    this.told = "";
    const click = (/** @type {number} */ row) => this.act("walk", row);
    this.picture = new Picture(click, (row) => this.choose(row));
    this.panel = make("section", "panel");
    this.panel.setAttribute("aria-label", "The chosen picture");
    this.list = make("section", "list");
    this.help = new KeyHelp(KEYS);
    const side = make("div", "side");
    side.append(this.panel, this.list);
    const inside = make("div", "inside");
    inside.append(this.picture.root, side);
    const legend = makeLegend();
    legend.append(this.help.button);
    this.root.append(inside, legend, this.help.box);
    this.onKeys(this.root, (event) => this.pressed(event));
  }

  /** @param {WalkData | null} before */
  update(before) {
    const { side, center, nodes, edges } = this.data;
    const moved = before?.center !== center;
    const hadFocus = this.root.contains(this.focused);
    const inPicture = this.picture.root.contains(this.focused);
    if (moved || !nodes.some((node) => node.row === this.chosen)) this.chosen = center;
    this.picture.draw(side, nodes, edges);
    this.fillList();
    this.choose(this.chosen);
    if (inPicture || (hadFocus && moved)) this.picture.focus(this.chosen);
  }

  /**
   * Show an image's facts beside the picture.
   *
   * @param {number} row
   */
  choose(row) {
    this.chosen = row;
    this.picture.choose(row);
    const node = this.picture.nodes.get(row);
    const text = JSON.stringify(node);
    if (!node || text === this.told) return;
    this.told = text;
    const parent = this.picture.nodes.get(node.parent ?? -1)?.title ?? "";
    const words = make("div", "facts");
    words.append(make("div", "label", node.label ?? "no label"), make("div", "path", node.title));
    words.append(...facts(node, parent).map(([fact, icon]) => withIcon("div", "fact", fact, icon)));
    const head = make("div", "head");
    head.append(makeImage(node.src, node.title), words);
    const buttons = make("div", "buttons");
    const kinds = KINDS.filter((kind) => kind !== "walk" || row !== this.data.center);
    buttons.append(...kinds.map((kind) => this.button(kind, node)));
    this.panel.replaceChildren(head, buttons);
  }

  /**
   * @param {WalkKind} kind
   * @param {WalkNode} node
   */
  button(kind, node) {
    const { name, key } = WALK_ACTIONS[kind];
    const button = makeButton("", kind === "basket" ? actionName(kind, node.basket) : name);
    button.title = `${button.textContent} (${key})`;
    if (kind === "basket") button.setAttribute("aria-pressed", String(node.basket));
    button.addEventListener("click", () => this.act(kind, node.row));
    return button;
  }

  fillList() {
    const nodes = this.data.nodes.filter((node) => node.ring === 1);
    const list = make("ol");
    list.append(...nodes.map((node) => this.line(node)));
    const title = nodes.length ? `Its ${nodes.length} neighbours, the nearest first` : "No neighbours to show";
    this.list.replaceChildren(make("h2", "", title), list);
  }

  /** @param {WalkNode} node */
  line(node) {
    const item = make("li", node.dim ? "dim" : "");
    const button = makeButton("neighbor");
    button.title = "Centre here (Enter)";
    const small = make("span", "small", node.distance.toFixed(3));
    small.append(withIcon("span", "", node.mutual ? "mutual" : "one way", node.mutual ? "mutual" : "one-way"));
    if (node.same !== null) small.append(make("span", "", node.same ? "= same label" : "≠ other label"));
    const words = make("span", "words");
    words.append(make("span", "name", node.label ?? node.title), small);
    button.append(makeImage(node.src, node.title), words);
    button.addEventListener("click", () => this.act("walk", node.row));
    button.addEventListener("focus", () => this.choose(node.row));
    button.addEventListener("pointerenter", () => this.choose(node.row));
    item.append(button);
    return item;
  }

  /**
   * @param {WalkKind} kind
   * @param {number} row
   */
  act(kind, row) {
    if (kind === "walk" && row === this.data.center) return;
    this.picture.flash(row);
    this.trigger("action", { kind, row });
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    const inPicture = event.target instanceof Node && this.picture.root.contains(event.target);
    const kind = kindOfKey(WALK_ACTIONS, KINDS, event.key);
    const arrow = ARROWS[event.key];
    if (this.help.pressed(event.key)) return true;
    if (event.key === "Backspace") this.trigger("back", true);
    else if (inPicture && arrow) this.picture.focus(this.picture.towards(this.chosen, arrow));
    else if (inPicture && event.key === "Home") this.picture.focus(this.data.center);
    else if (kind && (inPicture || kind !== "walk")) {
      if (!event.repeat) this.act(kind, this.chosen);
    } else return false;
    return true;
  }
}

export default component(WalkView);
