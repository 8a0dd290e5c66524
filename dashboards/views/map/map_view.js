// The map. Points, codes, names and thumbnails are fetched from the addresses in the data. The part that is shown goes
// into the URL from here: no rerun is needed for it.

import { limit, make } from "../../widgets/js/elements.js";
import { ARROWS, KeyHelp } from "../../widgets/js/keys.js";
import { component, View } from "../../widgets/js/view.js";
import { STEPS } from "./js/camera.js";
import { Hands } from "./js/hands.js";
import { Legend } from "./js/legend.js";
import { Plot } from "./js/plot.js";
import { Tip } from "./js/tip.js";
import { isTool, TOOLS, Toolbar } from "./js/toolbar.js";
import { thinned } from "./js/tools.js";

/** @import { Call } from "../../widgets/js/view.js" */
/** @import { Theme } from "./js/colors.js" */
/** @import { LegendData } from "./js/legend.js" */
/** @import { Tool, ToolKind } from "./js/toolbar.js" */
/** @import { Point } from "./js/tools.js" */

/**
 * @typedef {object} MapData
 * @property {{ points: string, codes: string, names: string, thumbnails: string }} addresses
 * @property {number} count Of images.
 * @property {LegendData} legend
 * @property {number} only Place of the legend's entry whose images alone are lit; -1 for all.
 * @property {string | null} passed Bits of the images that pass the filters, in base64; null for all.
 * @property {Point[] | null} area Corners.
 * @property {string} view The part that is shown, as in the URL.
 * @property {number | null} query Row that is asked with.
 * @property {number[]} hits Rows of its answer.
 * @property {boolean} pictures Whether pictures lie on the map where there is room.
 */

/**
 * @typedef {object} MapEvents
 * @property {number} query Row.
 * @property {string} area Corners.
 * @property {number} only Entry of the legend; -1 for all.
 * @property {true} clear Take area and query away.
 */

const NARROW = 700; // pixels of the map and its legend below which the legend lies under the map

const KEYS = /** @type {[string, string][]} */ ([
  ["← → ↑ ↓", "to the next image on that side"],
  ["Enter", "search with it"],
  ["Shift + arrows", "move the map"],
  ...Object.values(TOOLS).map(({ key, name }) => [key, name]),
  ["Escape", "take area and query away"],
]);

/** @extends {View<MapData, MapEvents>} */
class MapView extends View {
  /** @param {Call<MapData>} call */
  constructor(call) {
    super(call, "map");
    this.hovered = -1;
    this.placed = false; // the camera looks where the URL says
    this.frame = 0;
    this.later = 0;
    /** @type {Theme | null} */
    this.theme = null;
    /** @type {Point[]} */
    this.area = [];
    this.plot = new Plot(this.data, () => this.draw());
    this.camera = this.plot.camera;
    this.hands = new Hands(this.plot, this);
    this.tip = new Tip(this.plot.raster);
    this.toolbar = new Toolbar((kind) => this.use(kind));
    this.help = new KeyHelp(KEYS, this.toolbar.help);
    this.legend = new Legend((place) => this.trigger("only", place));
    this.stage = make("div", "stage");
    this.wait = make("div", "wait", "Fetching the map …");
    this.build();
    this.sizes = new ResizeObserver(() => this.resized());
    this.sizes.observe(this.stage);
  }

  build() {
    const { stage } = this;
    stage.tabIndex = 0;
    stage.setAttribute("role", "application");
    stage.append(...this.plot.canvases, this.tip.root, this.toolbar.root, this.wait, this.help.box, this.tip.said);
    this.root.append(stage, this.legend.root);
    this.on(stage, "pointerdown", (event) => this.placed && this.hands.pressed(event));
    this.on(stage, "pointermove", (event) => this.placed && this.hands.moved(event));
    this.on(stage, "pointerup", (event) => this.hands.released(event));
    this.on(stage, "pointercancel", (event) => this.hands.released(event));
    this.on(stage, "pointerleave", () => this.hover(-1));
    this.on(stage, "wheel", (event) => this.wheeled(event), { passive: false });
    this.onKeys(stage, (event) => this.keyed(event));
    this.on(this.root, "transitionend", () => this.draw()); // light and dark: see map_view.css
    this.choose("pan");
  }

  close() {
    super.close();
    this.sizes.disconnect();
    clearTimeout(this.later);
  }

  /** @param {Call<MapData>} call */
  show(call) {
    setTimeout(() => this.writeView()); // what the server puts into the URL may lack it
    super.show(call);
  }

  /** @param {MapData | null} before */
  update(before) {
    const { data } = this;
    const says = "Arrow keys go from image to image, Enter searches with one, question mark shows all keys.";
    this.stage.setAttribute("aria-label", `Map of ${data.count} images. ${says}`);
    this.area = data.area ?? [];
    if (before?.addresses.points !== data.addresses.points) {
      this.placed = false;
      this.wait.hidden = false;
    }
    if (before?.view !== data.view) this.placed = false; // a link says which part
    if (this.theme) this.legend.show(data.legend, data.only, this.theme);
    this.load();
  }

  async load() {
    try {
      if (!(await this.plot.load(this.data))) return;
      this.wait.hidden = true;
    } catch {
      this.wait.textContent = "The map could not be fetched. Reload the page.";
      return;
    }
    this.hover(-1);
    this.resized();
  }

  resized() {
    this.root.classList.toggle("narrow", this.root.clientWidth < NARROW);
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (!width || !height || !this.plot.codes) return;
    this.plot.resize(width, height);
    if (!this.placed) this.camera.read(this.data.view);
    this.placed = true;
    this.draw();
  }

  /** The map can be drawn: its points and codes are there, and the part to show is known. */
  get ready() {
    return this.placed && this.plot.codes !== "";
  }

  writeView() {
    if (!this.placed || !this.root.isConnected) return;
    const { text } = this.camera;
    const address = new URL(window.location.href);
    if (text) address.searchParams.set("view", text);
    else address.searchParams.delete("view");
    if (address.href !== window.location.href) window.history.replaceState(window.history.state, "", address);
  }

  /** Draw all at the next frame. */
  draw() {
    if (this.frame || !this.ready) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.ready) this.paint();
    });
  }

  paint() {
    const { data, hands, hovered } = this;
    const area = hands.line ?? this.area;
    this.theme = this.plot.paint(getComputedStyle(this.root), { area, open: hands.open, hovered });
    this.legend.show(data.legend, data.only, this.theme);
  }

  /**
   * Show what the pointer, or the keyboard, is at.
   *
   * @param {number} i -1 for nothing.
   */
  hover(i) {
    if (i === this.hovered) return;
    this.hovered = i;
    this.stage.classList.toggle("on-point", i >= 0);
    if (i < 0) this.tip.hide();
    else {
      const [x, y] = this.plot.overlay.at(i);
      const { ratio } = this.camera;
      this.tip.show(i, this.data, [x / ratio, y / ratio], this.stage.clientWidth);
    }
    this.draw();
  }

  /** @param {ToolKind} kind */
  use(kind) {
    const { camera } = this;
    if (isTool(kind)) this.choose(kind);
    else if (!this.placed) return;
    else if (kind === "fit") this.go(() => camera.look(0.5, 0.5, 1));
    else this.go(() => camera.approach(kind === "in" ? 1.5 : 1 / 1.5, [camera.x, camera.y]));
  }

  /** @param {Tool} tool */
  choose(tool) {
    this.hands.tool = tool;
    this.stage.dataset.tool = tool;
    this.toolbar.choose(tool);
  }

  /**
   * Move the camera; the URL says so when the hand rests.
   *
   * @param {() => void} move
   */
  go(move) {
    move();
    this.looked();
  }

  looked() {
    this.draw();
    clearTimeout(this.later);
    this.later = setTimeout(() => this.writeView(), 300);
  }

  /** @param {WheelEvent} event */
  wheeled(event) {
    if (!this.placed) return;
    event.preventDefault();
    this.hover(-1);
    const turned = limit(event.deltaY * (event.deltaMode ? 20 : 1), -200, 200);
    this.go(() => this.camera.approach(Math.exp(-turned / 300), this.camera.plane(event)));
  }

  /** @param {number} i */
  click(i) {
    if (i < 0) return this.draw();
    this.hover(i);
    this.trigger("query", i);
  }

  /** @param {Point[]} line */
  enclose(line) {
    this.area = thinned(line);
    this.draw();
    if (this.area.length < 3) return;
    const step = (/** @type {number} */ value) => Math.round(limit(value, 0, 1) * STEPS);
    this.trigger("area", this.area.map(([x, y]) => `${step(x)}.${step(1 - y)}`).join("~"));
  }

  /** @param {KeyboardEvent} event */
  keyed(event) {
    if (event.target !== this.stage || !this.placed) return false;
    const kind = this.toolbar.kindOf(event.key);
    const arrow = ARROWS[event.key];
    if (this.help.pressed(event.key)) return true;
    if (arrow && event.shiftKey) this.go(() => this.camera.shift(-60 * arrow[0], -60 * arrow[1]));
    else if (arrow) this.step(arrow);
    else if (event.key === "Enter" && this.hovered >= 0) this.click(this.hovered);
    else if (event.key === "Escape") this.escape();
    else if (kind) this.use(kind);
    else return false;
    return true;
  }

  escape() {
    if (this.hovered >= 0) this.hover(-1);
    else this.trigger("clear", true);
  }

  /** @param {[number, number]} arrow */
  step(arrow) {
    const next = this.plot.next(this.hovered >= 0 ? this.hovered : this.data.query, arrow);
    if (next < 0) return;
    if (this.plot.reveal(next)) this.looked();
    this.hover(next);
  }
}

export default component(MapView);
