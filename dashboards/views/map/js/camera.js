// The part of the map that is shown: its middle, and how many times closer than all of the map it is. The map's plane
// reaches from 0 to 1, y downwards as pixels are.

import { limit } from "../../../widgets/js/elements.js";

/** @import { Point } from "./tools.js" */

/**
 * The plane in pixels of the canvas: `left` and `top` are the place of the first, `scale` pixels are one side.
 *
 * @typedef {{ scale: number, left: number, top: number }} Frame
 */

export const STEPS = 10000; // areas and views are written in these
const ZOOMS = /** @type {[number, number]} */ ([0.5, 400]);
const ALL = "5000.5000.100"; // all of the map
const MARGIN = 28; // pixels on both sides together

export class Camera {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.ratio = 1; // pixels of the canvas in one of the page
    this.x = 0.5;
    this.y = 0.5;
    this.zoom = 1;
  }

  /**
   * Look where a text of the URL says.
   *
   * @param {string} text Empty for all of the map.
   */
  read(text) {
    const [x = 0, y = 0, zoom = 0] = (text || ALL).split(".").map(Number);
    [this.x, this.y, this.zoom] = [x / STEPS, 1 - y / STEPS, limit(zoom / 100, ...ZOOMS)];
  }

  /** The text for the URL; empty for all of the map. */
  get text() {
    const numbers = [limit(this.x, 0, 1) * STEPS, limit(1 - this.y, 0, 1) * STEPS, this.zoom * 100];
    const text = numbers.map(Math.round).join(".");
    return text === ALL ? "" : text;
  }

  /** @returns {Frame} */
  get frame() {
    const { width, height } = this.canvas;
    const scale = (Math.min(width, height) - MARGIN * this.ratio) * this.zoom;
    return { scale, left: this.x - width / 2 / scale, top: this.y - height / 2 / scale };
  }

  /**
   * Find the pixel of the canvas for a place in the plane.
   *
   * @param {Point} place
   * @returns {Point}
   */
  pixel([x, y]) {
    const { left, top, scale } = this.frame;
    return [(x - left) * scale, (y - top) * scale];
  }

  /**
   * Find the place in the plane under the pointer.
   *
   * @param {MouseEvent} event
   * @returns {Point}
   */
  plane(event) {
    const box = this.canvas.getBoundingClientRect();
    const { left, top, scale } = this.frame;
    const [x, y] = [(event.clientX - box.left) * this.ratio, (event.clientY - box.top) * this.ratio];
    return [left + x / scale, top + y / scale];
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} [zoom]
   */
  look(x, y, zoom = this.zoom) {
    [this.x, this.y, this.zoom] = [limit(x, -0.2, 1.2), limit(y, -0.2, 1.2), limit(zoom, ...ZOOMS)];
  }

  /**
   * Move the map by pixels of the page.
   *
   * @param {number} dx
   * @param {number} dy
   */
  shift(dx, dy) {
    const { scale } = this.frame;
    this.look(this.x - (dx * this.ratio) / scale, this.y - (dy * this.ratio) / scale);
  }

  /**
   * Go closer by a factor, with a place of the plane staying where it is.
   *
   * @param {number} factor
   * @param {Point} place
   */
  approach(factor, [x, y]) {
    const zoom = limit(this.zoom * factor, ...ZOOMS);
    const share = this.zoom / zoom;
    this.look(x + (this.x - x) * share, y + (this.y - y) * share, zoom);
  }
}
