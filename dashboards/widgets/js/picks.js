// What is selected in one gallery: by the corner of a tile, a click, Shift, Ctrl, X and Ctrl+A.

import { closest } from "./elements.js";
import { selection } from "./selection.js";

/** @import { BulkKind } from "./selection.js" */
/** @import { Tile } from "./tile.js" */

/** @type {Record<string, BulkKind | undefined>} */
const ASKS = { l: "label", t: "tag", a: "alike", n: "not_alike", b: "basket" };
/** @type {[keys: string, does: string][]} */
export const PICK_KEYS = [
  ["X, Ctrl+click", "select"],
  ["Shift+click", "select all up to here"],
  ["Ctrl+A, Esc", "select all, nothing"],
  ["L, T", "label, tag"],
];
/** @type {[keys: string, does: string]} */
export const MARK_KEYS = ["A, N", "alike, not alike to the query"];

export class Picks {
  /** @param {AbortSignal} closing */
  constructor(closing) {
    this.selection = selection();
    this.place = ""; // the version; empty where nothing can be selected
    /** @type {number | null} */
    this.query = null;
    /** @type {readonly Tile[]} */
    this.tiles = [];
    this.anchor = 0; // where a range begins
    this.selection.addEventListener("change", () => this.show(), { signal: closing });
    closing.addEventListener("abort", () => this.answer(null));
  }

  get rows() {
    return this.selection.rows(this.place);
  }

  /**
   * @param {string} place
   * @param {number | null} query
   * @param {readonly Tile[]} tiles
   */
  take(place, query, tiles) {
    this.place = place;
    this.tiles = tiles;
    this.answer(place ? query : null);
    this.show();
  }

  /**
   * Say which stored picture this gallery answers.
   *
   * @param {number | null} query
   */
  answer(query) {
    if (query !== null || this.selection.query === this.query) this.selection.answer(query);
    this.query = query;
  }

  show() {
    const { rows } = this;
    for (const tile of this.tiles) tile.pick(this.place !== "", rows.has(tile.row), rows.size > 0);
  }

  /** @param {number} at */
  toggle(at) {
    const tile = this.tiles[at];
    if (!tile || !this.place) return;
    this.anchor = at;
    this.selection.set(this.place, [tile.row], !this.rows.has(tile.row));
  }

  /** @param {number} at */
  range(at) {
    const [low, high] = [Math.min(at, this.anchor), Math.max(at, this.anchor)];
    this.add(this.tiles.slice(low, high + 1).map((tile) => tile.row));
  }

  /** @param {Iterable<number>} rows */
  add(rows) {
    if (this.place) this.selection.set(this.place, rows, true);
  }

  /**
   * Select by a click; false for one that means something else.
   *
   * @param {MouseEvent} event
   * @param {number} at
   */
  clicked(event, at) {
    const corner = closest(event, ".select") !== null;
    const picture = closest(event, ".main") !== null;
    if (!this.place || !(corner || picture)) return false;
    if (event.shiftKey) this.range(at);
    else if (corner || event.ctrlKey || event.metaKey || this.rows.size) this.toggle(at);
    else return false;
    return true;
  }

  /**
   * Select by a key, or ask for something about what is selected, else about one tile; false for other keys.
   *
   * @param {string} key
   * @param {number} at
   */
  pressed(key, at) {
    const small = key.toLowerCase();
    const tile = this.tiles[at];
    const kind = ASKS[small];
    if (!this.place || !tile) return false;
    if (small === "x") this.toggle(at);
    else if (!kind || (kind === "basket" && !this.rows.size)) return false;
    else if ((kind === "alike" || kind === "not_alike") && this.query === null) return false;
    else this.selection.ask(kind, this.rows.size ? null : [tile.row]);
    return true;
  }
}
