// A grid of pictures with actions.

import { ACTIONS } from "./js/actions.js";
import { closest, limit, make } from "./js/elements.js";
import { ARROWS, isTyping, KeyHelp, kindOfKey } from "./js/keys.js";
import { MARK_KEYS, PICK_KEYS, Picks } from "./js/picks.js";
import { keyOf, Tile } from "./js/tile.js";
import { component, View } from "./js/view.js";
import { Wishes } from "./js/wishes.js";

/** @import { Kind } from "./js/actions.js" */
/** @import { TileData } from "./js/tile.js" */
/** @import { Call } from "./js/view.js" */

/**
 * @typedef {object} GalleryData
 * @property {TileData[]} tiles
 * @property {Kind[]} actions
 * @property {"small" | "medium" | "large"} size
 * @property {string} label What screen readers call the gallery.
 * @property {string} place The version, if its pictures can be selected here; else empty.
 * @property {number | null} query Row of the stored picture that this is the answer to.
 * @property {boolean} longer The list behind the gallery holds more than is shown.
 * @property {number[] | null} all Rows of that list, after they were asked for.
 */

/**
 * @typedef {object} GalleryEvents
 * @property {{ kind: Kind, row: number }} action
 * @property {boolean} all All rows of the list behind the gallery are wanted.
 * @property {{ into: number[], out: number[] }} basket Rows to put in and to take out.
 */

/** @extends {View<GalleryData, GalleryEvents>} */
class Gallery extends View {
  /** @param {Call<GalleryData>} call */
  constructor(call) {
    super(call, "gallery");
    this.active = 0;
    this.basket = new Wishes((into, out) => this.trigger("basket", { into, out }));
    /** @type {Tile[]} */
    this.tiles = [];
    this.list = make("ul", "tiles");
    this.help = new KeyHelp([]);
    this.picks = new Picks(this.closing.signal);
    this.root.append(this.list, this.help.button, this.help.box);
    this.on(this.root, "click", (event) => this.clicked(event));
    this.on(this.root, "focusin", (event) => this.entered(this.place(event)));
    this.onKeys(this.root, (event) => this.pressed(event));
    this.onEntry(
      () => this.tiles.length > 0,
      () => this.move(this.active),
    );
    this.on(document, "keydown", (event) => this.selectAll(event));
    this.on(this.list, "load", (event) => this.loaded(event, "there"), { capture: true });
    this.on(this.list, "error", (event) => this.loaded(event, "missing"), { capture: true });
  }

  /** @param {Call<GalleryData>} call */
  show(call) {
    super.show(call);
    this.basket.settle(new Map(this.data.tiles.map(({ row, basket }) => [row, basket])));
  }

  /**
   * Show the tiles, using again those that are there already.
   *
   * @param {GalleryData | null} before
   */
  update(before) {
    const { tiles, actions, size, label } = this.data;
    const hadFocus = this.list.contains(this.focused);
    const row = before?.tiles[this.active]?.row;
    this.root.dataset.size = size;
    this.root.dataset.empty = String(tiles.length === 0);
    this.list.setAttribute("aria-label", label);
    if (String(before?.actions) !== String(actions)) this.tiles = [];
    this.explain();
    this.fill();
    this.picks.take(this.data.place, this.data.query, this.tiles);
    if (this.data.all) this.picks.add(this.data.all);
    this.activate(tiles.findIndex((tile) => tile.row === row));
    if (hadFocus) this.tiles[this.active]?.main.focus({ preventScroll: true });
  }

  fill() {
    const known = new Map(this.tiles.map((tile) => [tile.key, tile]));
    this.tiles = this.data.tiles.map((data, place) => {
      const tile = known.get(keyOf(data)) ?? new Tile(data, this.data.actions);
      known.delete(tile.key);
      tile.dress(data);
      tile.node.dataset.place = String(place);
      return tile;
    });
    const nodes = this.tiles.map((tile) => tile.node);
    const there = this.list.children;
    const same = nodes.length === there.length && nodes.every((node, i) => node === there[i]);
    if (!same) this.list.replaceChildren(...nodes);
  }

  explain() {
    /** @type {[string, string][]} */
    const actions = this.data.actions.map((kind, i) => {
      const { key, name } = ACTIONS[kind];
      return [i === 0 ? `Enter, ${key}` : key, name];
    });
    const ends = /** @type {[string, string]} */ (["Home, End", "first, last"]);
    const picks = this.data.place ? [...PICK_KEYS, ...(this.data.query === null ? [] : [MARK_KEYS])] : [];
    this.help.list([["← → ↑ ↓", "move"], ends, ...actions, ...picks]);
  }

  /**
   * Choose the one tile that takes part in the Tab order.
   *
   * @param {number} place
   */
  activate(place) {
    this.active = limit(place, 0, Math.max(this.tiles.length - 1, 0));
    this.tiles.forEach((tile, i) => {
      tile.reach(i === this.active);
    });
  }

  /** @param {number} place */
  move(place) {
    this.activate(place);
    const main = this.tiles[this.active]?.main;
    main?.focus({ preventScroll: true });
    main?.scrollIntoView({ block: "nearest" });
  }

  columns() {
    return getComputedStyle(this.list).gridTemplateColumns.split(" ").length;
  }

  /**
   * @param {Kind} kind
   * @param {number} place
   */
  act(kind, place) {
    const data = this.data.tiles[place];
    if (!data || !this.data.actions.includes(kind)) return;
    this.tiles[place]?.flash();
    if (kind === "basket") this.basket.add(data.row, !(this.basket.wanted.get(data.row) ?? data.basket));
    else this.trigger("action", { kind, row: data.row });
  }

  /**
   * Find the tile of an event; -1 outside of all.
   *
   * @param {Event} event
   */
  place(event) {
    return Number(closest(event, ".tile")?.dataset.place ?? -1);
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const place = this.place(event);
    if (this.picks.clicked(event, place)) return;
    const kind = closest(event, "button")?.dataset.kind;
    if (kind) this.act(/** @type {Kind} */ (kind), place);
  }

  /**
   * Select the list behind the gallery that has the focus, else the first gallery of the page, by Ctrl+A.
   *
   * @param {KeyboardEvent} event
   */
  selectAll(event) {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "a" || event.altKey || event.shiftKey) return;
    if (event.defaultPrevented || isTyping() || !this.tiles.length || !this.data.place) return;
    if (!this.focused && (document.activeElement?.shadowRoot || document.querySelector('[role="dialog"]'))) return;
    event.preventDefault();
    this.picks.add(this.data.tiles.map(({ row }) => row));
    if (!this.data.longer) return;
    this.shown = ""; // the same list again is news
    this.trigger("all", true);
  }

  /** @param {number} place */
  entered(place) {
    if (place >= 0 && place !== this.active) this.activate(place);
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (this.help.pressed(event.key)) return true;
    const place = this.place(event);
    if (place < 0) return false;
    const arrow = ARROWS[event.key];
    if (arrow) this.step(place, arrow);
    else if (event.key === "Home") this.move(0);
    else if (event.key === "End") this.move(this.tiles.length - 1);
    else if (event.repeat || !this.picks.pressed(event.key, place)) {
      const kind = kindOfKey(ACTIONS, this.data.actions, event.key);
      if (!kind || event.repeat) return false;
      this.act(kind, place);
    }
    return true;
  }

  /**
   * @param {number} place
   * @param {[number, number]} arrow
   */
  step(place, [right, down]) {
    const next = place + right + down * this.columns();
    if (right || (next >= 0 && next < this.tiles.length)) this.move(next);
  }

  /**
   * @param {Event} event
   * @param {"there" | "missing"} state
   */
  loaded(event, state) {
    const tile = closest(event, ".tile");
    if (tile) tile.dataset.picture = state;
  }
}

export default component(Gallery);
