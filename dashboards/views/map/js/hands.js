// Pointers on the map: they point at an image, move the map, pinch it, or draw on it.

import { closest } from "../../../widgets/js/elements.js";

/** @import { Plot } from "./plot.js" */
/** @import { Tool } from "./toolbar.js" */
/** @import { Point } from "./tools.js" */

/** @typedef {{ x: number, y: number, far: number }} Hand A pointer that is down, and how far it has moved. */

/**
 * What pointers ask for.
 *
 * @typedef {object} HandActs
 * @property {(i: number) => void} hover -1 for no image.
 * @property {(i: number) => void} click -1 for no image.
 * @property {(line: Point[]) => void} enclose
 * @property {() => void} looked Called when the camera has moved.
 * @property {() => void} draw
 */

const TOOLS_AND_HELP = ".bar, .help";

export class Hands {
  /**
   * @param {Plot} plot
   * @param {HandActs} acts
   */
  constructor(plot, acts) {
    this.plot = plot;
    this.acts = acts;
    /** @type {Tool} */
    this.tool = "pan";
    /** @type {Map<number, Hand>} */
    this.down = new Map();
    /** @type {Point[] | null} */
    this.line = null; // that is being drawn
  }

  /** The line is drawn freely and not yet closed. */
  get open() {
    return this.line !== null && this.tool !== "box";
  }

  /** @param {PointerEvent} event */
  pressed(event) {
    if (event.button > 0 || closest(event, TOOLS_AND_HELP)) return;
    closest(event, ".stage")?.setPointerCapture(event.pointerId);
    this.down.set(event.pointerId, { x: event.clientX, y: event.clientY, far: 0 });
    if (this.down.size > 1) this.line = null;
    else if (this.tool !== "pan" || event.shiftKey) this.line = [this.plot.camera.plane(event)];
  }

  /** @param {PointerEvent} event */
  moved(event) {
    const hand = this.down.get(event.pointerId);
    if (!hand) {
      if (event.pointerType !== "touch" && !closest(event, TOOLS_AND_HELP)) this.acts.hover(this.plot.at(event));
      return;
    }
    const before = this.places();
    const [dx, dy] = [event.clientX - hand.x, event.clientY - hand.y];
    Object.assign(hand, { x: event.clientX, y: event.clientY, far: hand.far + Math.hypot(dx, dy) });
    if (hand.far > 4) this.acts.hover(-1);
    if (this.line) this.draw(this.line, event);
    else {
      if (this.down.size === 1) this.plot.camera.shift(dx, dy);
      else this.pinch(before, event);
      this.acts.looked();
    }
  }

  /** @returns {Point[]} */
  places() {
    return [...this.down.values()].map(({ x, y }) => [x, y]);
  }

  /**
   * @param {Point[]} before The places of two fingers before they moved.
   * @param {PointerEvent} event
   */
  pinch([a, b], event) {
    const { camera } = this.plot;
    const [c, d] = this.places();
    const wide = Math.hypot(a[0] - b[0], a[1] - b[1]);
    const now = Math.hypot(c[0] - d[0], c[1] - d[1]);
    camera.shift((c[0] + d[0] - a[0] - b[0]) / 2, (c[1] + d[1] - a[1] - b[1]) / 2);
    if (wide > 10) camera.approach(now / wide, camera.plane(event));
  }

  /**
   * @param {Point[]} line
   * @param {PointerEvent} event
   */
  draw(line, event) {
    const here = this.plot.camera.plane(event);
    const [first] = line;
    if (this.tool === "box") this.line = [first, [here[0], first[1]], here, [first[0], here[1]]];
    else line.push(here);
    this.acts.draw();
  }

  /** @param {PointerEvent} event */
  released(event) {
    const hand = this.down.get(event.pointerId);
    if (!hand) return;
    this.down.delete(event.pointerId);
    const { line } = this;
    this.line = null;
    if (event.type === "pointercancel") this.acts.draw();
    else if (hand.far < 5) this.acts.click(this.plot.at(event));
    else if (line) this.acts.enclose(line);
  }
}
