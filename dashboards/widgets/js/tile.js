// One picture of a gallery, with its actions and what is written about it.

import { ACTIONS, actionName } from "./actions.js";
import { drawing, iconButton, make, makeButton, makeImage } from "./elements.js";

/** @import { Kind } from "./actions.js" */

/**
 * What Python sends about a picture; `Tile` in gallery.py says more.
 *
 * @typedef {object} TileData
 * @property {number} row
 * @property {string} src
 * @property {string} title Its path.
 * @property {string | null} label
 * @property {number | null} rank
 * @property {number | null} distance
 * @property {string} meaning Of the distance, in words.
 * @property {boolean | null} same
 * @property {string | null} duplicate
 * @property {boolean} keep
 * @property {string} note
 * @property {boolean} basket
 * @property {string | null} decided A label that people gave it, which differs from the model's.
 * @property {string} tags
 * @property {boolean | null} alike Marked as alike to the query, or not alike.
 */

const NO_PICTURE = "M4 5h16v14H4zM4 16l4.5-4.5l3.5 3.5M14 13l2-2l4 4M3 3l18 18";
const CHECK = "M5 12.5l4.5 4.5L19 7.5";
const PEN = "M4 20l1-4L16 5l3 3L8 19zM13.5 7.5l3 3";
const TAG = "M4 4h8l8 8l-8 8l-8-8zM8 8v.1";
const DUPLICATE = "M8.5 8.5h11v11h-11zM15.5 4.5h-11v11";

export class Tile {
  /**
   * @param {TileData} data Row and address stay the tile's; all else is written by `dress`.
   * @param {readonly Kind[]} kinds Actions; a click on the picture means the first.
   */
  constructor(data, kinds) {
    this.key = keyOf(data);
    this.row = data.row;
    this.kinds = kinds;
    this.text = "";
    this.data = data;
    this.picking = false; // a click selects
    this.picked = false;
    this.main = makeButton("main");
    this.main.dataset.kind = kinds[0] ?? "";
    this.image = makeImage(data.src, "", "lazy");
    const missing = make("span", "missing");
    missing.append(drawing(NO_PICTURE), make("span", "", "no thumbnail"));
    this.main.append(this.image, missing);
    this.buttons = kinds.map((kind) => actionButton(kind));
    this.select = iconButton("select", CHECK, "Select (X)");
    this.select.setAttribute("aria-keyshortcuts", "x");
    this.select.hidden = true;
    this.rank = make("span", "chip rank");
    this.duplicate = make("span", "chip duplicate");
    this.kept = make("span", "chip kept");
    this.kept.title = "In the basket";
    this.kept.append(drawing(CHECK));
    this.alike = make("span", "chip alike");
    this.tags = make("div", "tags");
    this.distance = make("span", "distance");
    this.mark = make("span", "mark");
    this.facts = make("div", "facts");
    this.label = make("div", "label");
    this.path = make("div", "path");
    this.folder = make("span", "folder");
    this.file = make("span", "file");
    this.note = make("div", "note");
    this.node = make("li", "tile");
    this.assemble();
  }

  assemble() {
    const bar = make("div", "actions");
    bar.append(...this.buttons);
    const frame = make("div", "frame");
    frame.append(this.main, this.select, this.rank, this.duplicate, this.alike, this.kept, bar);
    this.facts.append(this.distance, this.mark);
    this.path.append(this.folder, this.file);
    this.node.append(frame, this.facts, this.label, this.tags, this.path, this.note);
  }

  /**
   * Write what the tile says.
   *
   * @param {TileData} data
   */
  dress(data) {
    const text = JSON.stringify(data);
    if (text === this.text) return;
    this.text = text;
    this.data = data;
    const { title, note, duplicate, keep, basket, same } = data;
    const cut = title.lastIndexOf("/") + 1;
    this.node.dataset.same = same === null ? "unknown" : String(same);
    this.node.classList.toggle("in-basket", basket);
    put(this.rank, data.rank === null ? "" : String(data.rank), "Rank");
    put(this.duplicate, keep ? "keep" : (duplicate ?? ""), keep ? "Of its group the one to keep" : "Duplicate");
    this.duplicate.prepend(drawing(keep ? CHECK : DUPLICATE));
    put(this.distance, data.distance === null ? "" : data.distance.toFixed(3), data.meaning || "Distance");
    const mark = same ? "Same label as the query" : "Another label than the query";
    put(this.mark, same === null ? "" : same ? "= same" : "≠ other", mark);
    this.dressDecided(data);
    put(this.folder, title.slice(0, cut));
    put(this.file, title.slice(cut));
    put(this.note, note, note);
    this.path.title = title;
    this.facts.hidden = this.distance.hidden && this.mark.hidden;
    this.kept.hidden = !basket;
    this.image.alt = title;
    this.nameButtons(data);
  }

  /** @param {TileData} data */
  dressDecided({ label, decided, tags, alike }) {
    const shown = decided ?? label ?? "";
    put(this.label, shown, decided === null ? shown : `Decided: ${decided}. The model has ${label ?? "no label"}`);
    if (decided !== null) this.label.prepend(drawing(PEN));
    put(this.tags, tags, `Tags: ${tags}`);
    if (tags) this.tags.prepend(drawing(TAG));
    this.alike.hidden = alike === null;
    this.alike.title = alike ? "Marked as alike to the query" : "Marked as not alike to the query";
    this.alike.dataset.alike = String(alike);
    this.alike.replaceChildren(drawing(alike ? CHECK : ACTIONS.remove.icon));
  }

  /**
   * Show whether it is selected.
   *
   * @param {boolean} can It can be.
   * @param {boolean} picked It is.
   * @param {boolean} any Any picture is, so that a click on this one selects.
   */
  pick(can, picked, any) {
    this.select.hidden = !can;
    this.select.setAttribute("aria-pressed", String(picked));
    this.node.classList.toggle("picked", picked);
    if (any === this.picking && picked === this.picked) return;
    Object.assign(this, { picking: any, picked });
    this.nameButtons(this.data);
  }

  /** @param {TileData} data */
  nameButtons(data) {
    this.select.setAttribute("aria-label", `Select: ${data.title}`);
    const first = this.picking ? { name: "Select" } : this.first();
    const said = described(data) + (this.picked ? ", selected" : "");
    this.main.setAttribute("aria-label", first ? `${first.name}: ${said}` : said);
    this.main.title = first ? `${first.name} (Enter)\n${data.title}` : data.title;
    this.kinds.forEach((kind, i) => {
      const button = /** @type {HTMLButtonElement} */ (this.buttons[i]);
      const name = actionName(kind, data.basket);
      button.title = `${name} (${ACTIONS[kind].key})`;
      button.setAttribute("aria-label", `${name}: ${data.title}`);
      if (kind === "basket") button.setAttribute("aria-pressed", String(data.basket));
    });
  }

  first() {
    const [kind] = this.kinds;
    return kind ? ACTIONS[kind] : null;
  }

  /**
   * Let the tile take part in the Tab order, or not.
   *
   * @param {boolean} reachable
   */
  reach(reachable) {
    for (const button of [this.main, this.select, ...this.buttons]) button.tabIndex = reachable ? 0 : -1;
  }

  /** Show that an action was sent. */
  flash() {
    this.node.classList.remove("sent");
    void this.node.offsetWidth; // starts the animation anew
    this.node.classList.add("sent");
  }
}

/**
 * Name what stays the same as long as a tile can be used again.
 *
 * @param {TileData} data
 */
export function keyOf(data) {
  return `${data.row} ${data.src}`;
}

/**
 * Describe a picture for screen readers.
 *
 * @param {TileData} data
 */
function described({ title, label, rank, distance, same, duplicate, keep, note, basket, decided, tags, alike }) {
  const said = [rank === null ? "" : `rank ${rank}`, title];
  said.push(decided === null ? (label && `label ${label}`) || "" : `decided label ${decided}`, tags && `tags ${tags}`);
  said.push(alike === null ? "" : alike ? "marked alike" : "marked not alike");
  said.push(same === null ? "" : same ? "same label" : "other label");
  said.push(distance === null ? "" : `distance ${distance.toFixed(3)}`);
  said.push(keep ? "the one to keep" : (duplicate ?? ""), note, basket ? "in the basket" : "");
  return said.filter(Boolean).join(", ");
}

/** @param {Kind} kind */
function actionButton(kind) {
  const { name, icon, key } = ACTIONS[kind];
  const button = iconButton("action", icon, name);
  button.dataset.kind = kind;
  button.setAttribute("aria-keyshortcuts", key === "+" ? "Plus" : key);
  return button;
}

/**
 * Write into a part of a tile; without a text it is hidden.
 *
 * @param {HTMLElement} part
 * @param {string} text
 * @param {string} [title]
 */
function put(part, text, title = "") {
  part.textContent = text;
  part.hidden = text === "";
  if (title) part.title = title;
}
