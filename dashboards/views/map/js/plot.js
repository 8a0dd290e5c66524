// The drawn part of the map: points and what lies over them on two canvases, and the camera that looks at them.

import { make } from "../../../widgets/js/elements.js";
import { Camera } from "./camera.js";
import { Overlay } from "./overlay.js";
import { Raster } from "./raster.js";
import { bytesOf, fetchNumbers } from "./tools.js";

/** @import { MapData } from "../map_view.js" */
/** @import { Rgb } from "./colors.js" */
/** @import { Scene } from "./overlay.js" */

const NEAR = 14; // pixels between the pointer and the point it means

export class Plot {
  /**
   * @param {MapData} data
   * @param {() => void} redraw Called when a picture has arrived.
   */
  constructor(data, redraw) {
    this.data = data;
    this.points = ""; // addresses of what is drawn
    this.codes = "";
    const [under, over] = [make("canvas"), make("canvas")];
    this.canvases = [under, over];
    for (const canvas of this.canvases) canvas.setAttribute("aria-hidden", "true"); // the tip says what is there
    this.camera = new Camera(under);
    this.raster = new Raster(under);
    this.overlay = new Overlay(over, this.raster, this.camera, redraw);
  }

  /**
   * Fetch points and codes, each once; returns whether they are those of the newest data.
   *
   * @param {MapData} data
   */
  async load(data) {
    this.data = data;
    const { points, codes } = data.addresses;
    if (this.points !== points) {
      const pairs = await fetchNumbers(points);
      if (this.data.addresses.points !== points) return false;
      this.raster.setPoints(pairs);
      [this.points, this.codes] = [points, ""];
    }
    if (this.codes !== codes) {
      const numbers = await fetchNumbers(codes);
      if (this.data.addresses.codes !== codes || this.points !== points) return false;
      this.raster.setCodes(numbers, data.legend);
      this.codes = codes;
    }
    const { legend, passed, only } = this.data;
    this.raster.setLegend(legend);
    this.raster.setLit(passed === null ? null : bytesOf(passed), only);
    return true;
  }

  /**
   * Give both canvases as many pixels as the screen has.
   *
   * @param {number} width In pixels of the page.
   * @param {number} height
   */
  resize(width, height) {
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    for (const canvas of this.canvases) {
      if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
    }
    this.camera.ratio = ratio;
  }

  /**
   * @param {CSSStyleDeclaration} style Has the colors of the page.
   * @param {Omit<Scene, "data" | "radius" | "ink" | "accent">} scene
   */
  paint({ backgroundColor, color: ink, accentColor: accent }, scene) {
    const { data, camera, raster } = this;
    const paper = /** @type {Rgb} */ ((backgroundColor.match(/\d+/g) ?? []).slice(0, 3).map(Number));
    const theme = paper[0] * 0.3 + paper[1] * 0.6 + paper[2] * 0.1 > 128 ? "light" : "dark";
    const size = Math.max(1.1, 150 / Math.sqrt(raster.points.count + 400)) * camera.zoom ** 0.3;
    const radius = camera.ratio * Math.min(7, size);
    raster.setTheme(theme, paper);
    raster.paint(camera.frame, radius);
    this.overlay.draw({ ...scene, data, radius, ink, accent });
    return theme;
  }

  /**
   * Find the image that the pointer means; -1 for none.
   *
   * @param {PointerEvent} event
   */
  at(event) {
    const most = (NEAR * this.camera.ratio) / this.camera.frame.scale;
    return this.raster.points.nearest(...this.camera.plane(event), most);
  }

  /**
   * Find the image on one side of another, or the one in the middle; -1 for none.
   *
   * @param {number | null} from
   * @param {[number, number]} arrow
   */
  next(from, arrow) {
    const { points } = this.raster;
    return from === null ? points.nearest(this.camera.x, this.camera.y, 2) : points.towards(from, ...arrow);
  }

  /**
   * Bring an image into the middle if it lies at the edge or outside; returns whether it did.
   *
   * @param {number} i
   */
  reveal(i) {
    const { x, y } = this.raster.points;
    const { width, height } = this.camera.canvas;
    const [left, top] = this.overlay.at(i);
    const edge = 40 * this.camera.ratio;
    if (left >= edge && top >= edge && left <= width - edge && top <= height - edge) return false;
    this.camera.look(x[i], y[i]);
    return true;
  }
}
