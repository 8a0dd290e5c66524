// Points into pixels. A hundred thousand small discs are painted into one image in a few milliseconds, on every machine
// the same: no WebGL, so nothing to fall back from.

import { limit } from "../../../widgets/js/elements.js";
import { entryColor, rampColor } from "./colors.js";
import { FULL, PointIndex } from "./point_index.js";
import { penOf } from "./tools.js";

/** @import { Frame } from "./camera.js" */
/** @import { Rgb, Theme } from "./colors.js" */
/** @import { LegendData } from "./legend.js" */

/**
 * Pixels of a disc, with how much of each it covers, 0 to 256.
 *
 * @typedef {{ reach: number, dx: Int32Array, dy: Int32Array, alpha: Int32Array }} Stamp
 */

export const UNKNOWN = 65535; // the code of an image without a figure
const [RED_BLUE, GREEN, OPAQUE] = [0xff00ff, 0x00ff00, 255 << 24];

export class Raster {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = penOf(canvas, { alpha: false });
    this.image = this.pen.createImageData(1, 1);
    this.pixels = new Uint32Array(this.image.data.buffer);
    /** @type {Map<string, Stamp>} */
    this.stamps = new Map();
    this.points = new PointIndex(new Uint16Array());
    this.codes = new Uint16Array();
    this.entry = new Uint16Array();
    this.colors = new Uint32Array();
    this.order = new Int32Array();
    /** @type {LegendData | null} */
    this.legend = null;
    this.painted = ""; // the theme that colors are of
    this.paper = 0;
  }

  /** @param {Uint16Array} pairs Places of all points: x, y, x, y ... */
  setPoints(pairs) {
    this.points = new PointIndex(pairs);
  }

  /**
   * Take the codes of the points, and what they mean. Points are painted cell by cell, which is quick; in a cell high
   * figures come last, and groups are mixed, so that none lies on top.
   *
   * @param {Uint16Array<ArrayBuffer>} codes
   * @param {LegendData} legend
   */
  setCodes(codes, legend) {
    const { bins } = legend;
    this.codes = codes;
    this.legend = legend;
    this.entry = codes;
    this.order = this.points.items;
    if (bins) {
      this.entry = codes.map((code) => (code === UNKNOWN ? bins : Math.floor((code * bins) / FULL)));
      const first = (/** @type {number} */ i) => (codes[i] + 1) & FULL; // those without a figure first
      this.order = this.points.sorted((a, b) => first(a) - first(b));
    }
    this.painted = "";
  }

  /**
   * Take a legend of the same codes: other groups may have a color now.
   *
   * @param {LegendData} legend
   */
  setLegend(legend) {
    if (String(legend.hued) !== String(this.legend?.hued)) this.painted = "";
    this.legend = legend;
  }

  /**
   * @param {Theme} theme
   * @param {Rgb} paper
   */
  setTheme(theme, paper) {
    const { legend, codes } = this;
    if (!legend || (this.painted === theme && this.paper === pack(paper))) return;
    this.painted = theme;
    this.paper = pack(paper);
    const groups = Array.from({ length: legend.groups }, (_, place) => pack(entryColor(legend, place, theme)));
    const ramp = legend.bins ? Array.from({ length: 256 }, (_, i) => pack(rampColor(i / 255, theme))) : [];
    this.colors = new Uint32Array(codes.length);
    for (let i = 0; i < codes.length; i++) {
      this.colors[i] = legend.bins && codes[i] !== UNKNOWN ? ramp[codes[i] >> 8] : groups[this.entry[i]];
    }
  }

  /**
   * Say which points pass the filters and the legend.
   *
   * @param {Uint8Array | null} bits A bit for each point; null for all.
   * @param {number} only An entry of the legend; -1 for all.
   */
  setLit(bits, only) {
    const { lit } = this.points;
    for (let i = 0; i < lit.length; i++) {
      const passed = bits === null || (bits[i >> 3] >> (i & 7)) & 1;
      lit[i] = passed && (only < 0 || this.entry[i] === only) ? 1 : 0;
    }
  }

  /**
   * Paint a part of the plane.
   *
   * @param {Frame} frame
   * @param {number} radius Of a point, in pixels.
   */
  paint(frame, radius) {
    const { width, height } = this.canvas;
    if (this.image.width !== width || this.image.height !== height) {
      this.image = this.pen.createImageData(width, height);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    this.pixels.fill(this.paper);
    this.pass(0, this.stamp(Math.max(0.8, radius * 0.6), 0.13), frame);
    this.pass(1, this.stamp(radius, 0.9), frame);
    this.pen.putImageData(this.image, 0, 0);
  }

  /**
   * Paint the points that are lit, or those that are not.
   *
   * @param {0 | 1} wanted
   * @param {Stamp} stamp
   * @param {Frame} frame
   */
  pass(wanted, { reach, dx, dy, alpha }, { left, top, scale }) {
    const { width, height } = this.canvas;
    const { colors, order, pixels } = this;
    const { x, y, lit } = this.points;
    const places = dx.map((u, s) => u + dy[s] * width);
    for (let k = 0; k < order.length; k++) {
      const i = order[k];
      if (lit[i] !== wanted) continue;
      const px = Math.round((x[i] - left) * scale);
      const py = Math.round((y[i] - top) * scale);
      if (px < reach || py < reach || px >= width - reach || py >= height - reach) continue;
      const color = colors[i];
      const rb = color & RED_BLUE; // two colors in one number: half the multiplications
      const g = color & GREEN;
      const at = py * width + px;
      for (let s = 0; s < places.length; s++) {
        const under = pixels[at + places[s]];
        const underRb = under & RED_BLUE;
        const underG = under & GREEN;
        const mixedRb = (underRb + (Math.imul(rb - underRb, alpha[s]) >> 8)) & RED_BLUE;
        const mixedG = (underG + (Math.imul(g - underG, alpha[s]) >> 8)) & GREEN;
        pixels[at + places[s]] = OPAQUE | mixedRb | mixedG;
      }
    }
  }

  /**
   * @param {number} radius
   * @param {number} opacity
   */
  stamp(radius, opacity) {
    const key = `${radius.toFixed(2)} ${opacity}`;
    const made = this.stamps.get(key) ?? disc(radius, opacity);
    this.stamps.set(key, made);
    return made;
  }
}

/**
 * @param {number} radius
 * @param {number} opacity
 * @returns {Stamp}
 */
function disc(radius, opacity) {
  const reach = Math.ceil(radius + 0.5);
  /** @type {[number, number, number][]} */
  const pixels = [];
  for (let v = -reach; v <= reach; v++) {
    for (let u = -reach; u <= reach; u++) {
      const cover = limit(radius + 0.5 - Math.hypot(u, v), 0, 1);
      if (cover > 0.02) pixels.push([u, v, Math.round(cover * opacity * 256)]);
    }
  }
  const [dx, dy, alpha] = [0, 1, 2].map((part) => Int32Array.from(pixels, (pixel) => pixel[part]));
  return { reach, dx, dy, alpha };
}

/** @param {Rgb} color */
function pack([r, g, b]) {
  return (255 << 24) | (b << 16) | (g << 8) | r;
}
