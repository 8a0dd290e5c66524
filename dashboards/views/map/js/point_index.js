// The points of the map in cells of the plane: which is nearest, which lies on one side, which have room for a picture.

import { limit } from "../../../widgets/js/elements.js";

/** @import { Frame } from "./camera.js" */

export const FULL = 65535; // a place at the right or upper edge

export class PointIndex {
  /** @param {Uint16Array} pairs Places of all points: x, y, x, y ...; y upwards. */
  constructor(pairs) {
    this.count = pairs.length / 2;
    this.x = new Float32Array(this.count);
    this.y = new Float32Array(this.count); // downwards, as pixels are
    for (let i = 0; i < this.count; i++) {
      this.x[i] = pairs[2 * i] / FULL;
      this.y[i] = 1 - pairs[2 * i + 1] / FULL;
    }
    this.lit = new Uint8Array(this.count); // 1 for points that pass the filters
    this.mixed = mixed(this.count);
    this.side = limit(Math.round(Math.sqrt(this.count)), 1, 256);
    this.cells = new Int32Array(this.side * this.side + 1); // where each cell begins in `items`
    this.items = new Int32Array(this.count); // points cell by cell, mixed
    this.fill();
  }

  fill() {
    const of = Int32Array.from(this.x, (x, i) => this.cell(this.y[i]) * this.side + this.cell(x));
    for (const place of of) this.cells[place + 1]++;
    for (let i = 0; i + 1 < this.cells.length; i++) this.cells[i + 1] += this.cells[i];
    const next = this.cells.slice();
    for (const i of this.mixed) this.items[next[of[i]]++] = i;
  }

  /** @param {number} value */
  cell(value) {
    return limit(Math.floor(value * this.side), 0, this.side - 1);
  }

  /**
   * Give the points cell by cell, sorted inside each.
   *
   * @param {(a: number, b: number) => number} compare
   */
  sorted(compare) {
    const order = this.items.slice();
    for (let i = 0; i + 1 < this.cells.length; i++) order.subarray(this.cells[i], this.cells[i + 1]).sort(compare);
    return order;
  }

  /**
   * Find the lit point nearest to a place in the plane, not further than `most`; -1 when there is none.
   *
   * @param {number} x
   * @param {number} y
   * @param {number} most
   */
  nearest(x, y, most) {
    const { side, cells, items } = this;
    let best = -1;
    let least = most * most;
    for (let v = this.cell(y - most); v <= this.cell(y + most); v++) {
      const [first, last] = [v * side + this.cell(x - most), v * side + this.cell(x + most)];
      for (let k = cells[first]; k < cells[last + 1]; k++) {
        const i = items[k];
        const d = (this.x[i] - x) ** 2 + (this.y[i] - y) ** 2;
        if (this.lit[i] && d <= least) [best, least] = [i, d];
      }
    }
    return best;
  }

  /**
   * Find the nearest lit point on one side of another; what lies aside counts double. -1 when there is none.
   *
   * @param {number} from
   * @param {number} dx
   * @param {number} dy
   */
  towards(from, dx, dy) {
    let best = -1;
    let least = Infinity;
    for (let i = 0; i < this.count; i++) {
      const [x, y] = [this.x[i] - this.x[from], this.y[i] - this.y[from]];
      const ahead = x * dx + y * dy;
      const aside = Math.abs(x * dy - y * dx);
      if (!this.lit[i] || ahead <= 1e-6 || aside > 2 * ahead) continue;
      if (ahead + 2 * aside < least) [best, least] = [i, ahead + 2 * aside];
    }
    return best;
  }

  /**
   * Choose points with room for a picture each: one of every cell of a grid that stays where it is while the map moves.
   *
   * @param {Frame} frame
   * @param {{ width: number, height: number }} canvas
   * @param {number} room Pixels.
   * @param {number} most
   */
  spread({ left, top, scale }, { width, height }, room, most) {
    const step = 2 ** Math.ceil(Math.log2(room / scale)); // sides of cells are powers of two, so that zooming keeps them
    /** @type {Map<number, number>} */
    const taken = new Map();
    for (const i of this.mixed) {
      if (taken.size === most) break;
      const px = (this.x[i] - left) * scale;
      const py = (this.y[i] - top) * scale;
      if (!this.lit[i] || px < 0 || py < 0 || px > width || py > height) continue;
      const key = Math.floor(this.x[i] / step) * 65536 + Math.floor(this.y[i] / step);
      if (!taken.has(key)) taken.set(key, i);
    }
    return [...taken.values()];
  }
}

/**
 * Give 0 to `count` - 1 in an order that mixes them: by a step that shares no divisor with their count.
 *
 * @param {number} count
 */
function mixed(count) {
  let step = Math.max(1, Math.floor(count * 0.618));
  while (divisor(step, count) > 1) step++;
  const order = new Int32Array(count);
  for (let i = 0, at = 0; i < count; i++, at = (at + step) % count) order[i] = at;
  return order;
}

/**
 * @param {number} a
 * @param {number} b
 * @returns {number}
 */
function divisor(a, b) {
  return b ? divisor(b, a % b) : a;
}
