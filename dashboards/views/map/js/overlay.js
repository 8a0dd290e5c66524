// What lies over the points: pictures, the area, the query with its answer, and the image under the pointer.

import { penOf } from "./tools.js";

/** @import { MapData } from "../map_view.js" */
/** @import { Camera } from "./camera.js" */
/** @import { Raster } from "./raster.js" */
/** @import { Point } from "./tools.js" */

/**
 * @typedef {object} Scene
 * @property {MapData} data
 * @property {number} radius Of a point, in pixels of the canvas.
 * @property {Point[]} area Corners; none for no area.
 * @property {boolean} open Whether the area is still being drawn by hand.
 * @property {number} hovered -1 for none.
 * @property {string} ink
 * @property {string} accent
 */

const PICTURE = 44; // pixels of a picture on the map
const QUERY = 60;
const MOST_PICTURES = 220;
const KEPT_PICTURES = 1500;

export class Overlay {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Raster} raster
   * @param {Camera} camera
   * @param {() => void} redraw Called when a picture has arrived.
   */
  constructor(canvas, raster, camera, redraw) {
    this.canvas = canvas;
    this.pen = penOf(canvas);
    this.raster = raster;
    this.camera = camera;
    this.redraw = redraw;
    /** @type {Map<string, HTMLImageElement>} */
    this.pictures = new Map();
  }

  /** @param {Scene} scene */
  draw(scene) {
    const { data, radius, hovered, ink } = scene;
    this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (data.pictures) this.drawPictures(data);
    if (scene.area.length) this.drawArea(scene);
    if (data.query !== null && data.query < this.raster.points.count) this.drawQuery(data.query, scene);
    if (hovered >= 0) this.ring(hovered, radius + 4 * this.camera.ratio, ink, 2);
  }

  /**
   * Find the pixel of an image.
   *
   * @param {number} i
   */
  at(i) {
    const { x, y } = this.raster.points;
    return this.camera.pixel([x[i], y[i]]);
  }

  /** @param {MapData} data */
  drawPictures(data) {
    const size = PICTURE * this.camera.ratio;
    /** @type {Point[]} */
    const placed = [];
    for (const i of this.raster.points.spread(this.camera.frame, this.canvas, 1.5 * size, MOST_PICTURES)) {
      const [x, y] = this.at(i);
      if (placed.some(([a, b]) => Math.abs(a - x) < size + 4 && Math.abs(b - y) < size + 4)) continue;
      placed.push([x, y]);
      this.thumbnail(i, data, size, this.color(i));
    }
  }

  /**
   * Draw a picture with a frame, once it has arrived; returns whether it has.
   *
   * @param {number} i
   * @param {MapData} data
   * @param {number} size
   * @param {string} color
   */
  thumbnail(i, data, size, color) {
    const image = this.picture(`${data.addresses.thumbnails}${i}.jpg`);
    if (!image.complete || !image.naturalWidth) return false;
    const [x, y] = this.at(i);
    const shrink = size / Math.max(image.naturalWidth, image.naturalHeight);
    const [w, h] = [image.naturalWidth * shrink, image.naturalHeight * shrink];
    const frame = 2 * this.camera.ratio;
    this.pen.fillStyle = color;
    this.pen.fillRect(x - w / 2 - frame, y - h / 2 - frame, w + 2 * frame, h + 2 * frame);
    this.pen.drawImage(image, x - w / 2, y - h / 2, w, h);
    return true;
  }

  /** @param {string} address */
  picture(address) {
    const known = this.pictures.get(address);
    if (known) return known;
    const image = new Image();
    image.addEventListener("load", this.redraw);
    image.src = address;
    this.pictures.set(address, image);
    const [oldest = ""] = this.pictures.keys();
    if (this.pictures.size > KEPT_PICTURES) this.pictures.delete(oldest);
    return image;
  }

  /** @param {number} i */
  color(i) {
    const value = this.raster.colors[i];
    return `rgb(${value & 255} ${(value >> 8) & 255} ${(value >> 16) & 255})`;
  }

  /** @param {Scene} scene */
  drawArea({ area, open, accent }) {
    const { pen } = this;
    const { ratio } = this.camera;
    pen.beginPath();
    for (const corner of area) pen.lineTo(...this.camera.pixel(corner));
    if (!open) pen.closePath();
    pen.strokeStyle = accent;
    pen.fillStyle = accent;
    pen.lineWidth = 2 * ratio;
    pen.globalAlpha = 0.1;
    pen.fill();
    pen.globalAlpha = 1;
    pen.setLineDash([6 * ratio, 4 * ratio]);
    pen.stroke();
    pen.setLineDash([]);
  }

  /**
   * Draw the image that is asked with, tied to its answer.
   *
   * @param {number} query
   * @param {Scene} scene
   */
  drawQuery(query, { data, radius, ink, accent }) {
    const { pen } = this;
    const { ratio } = this.camera;
    pen.strokeStyle = ink;
    pen.lineWidth = 1.5 * ratio;
    pen.globalAlpha = 0.7;
    pen.beginPath();
    for (const hit of data.hits) {
      pen.moveTo(...this.at(query));
      pen.lineTo(...this.at(hit));
    }
    pen.stroke();
    pen.globalAlpha = 1;
    for (const hit of data.hits) this.ring(hit, radius + 1.5 * ratio, ink, 1.5);
    if (!this.thumbnail(query, data, QUERY * ratio, accent)) this.ring(query, radius + 5 * ratio, accent, 3);
  }

  /**
   * @param {number} i
   * @param {number} radius
   * @param {string} color
   * @param {number} width
   */
  ring(i, radius, color, width) {
    this.pen.beginPath();
    this.pen.arc(...this.at(i), radius, 0, 2 * Math.PI);
    this.pen.strokeStyle = color;
    this.pen.lineWidth = width * this.camera.ratio;
    this.pen.stroke();
  }
}
