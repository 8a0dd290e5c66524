// What is said of the image under the pointer, or at the keyboard's place: its picture, name, label and figure.

import { limit, make, makeImage } from "../../../widgets/js/elements.js";
import { UNKNOWN } from "./raster.js";
import { fetchNames } from "./tools.js";

/** @import { MapData } from "../map_view.js" */
/** @import { LegendData } from "./legend.js" */
/** @import { Raster } from "./raster.js" */
/** @import { Point } from "./tools.js" */

const HALF = 92; // pixels from the middle of the tip to its side, with some room
const HEIGHT = 240;

export class Tip {
  /** @param {Raster} raster */
  constructor(raster) {
    this.raster = raster;
    this.shown = -1;
    this.root = make("div", "tip");
    this.root.hidden = true;
    this.said = make("div", "said"); // for screen readers
    this.said.setAttribute("aria-live", "polite");
  }

  hide() {
    this.shown = -1;
    this.root.hidden = true;
  }

  /**
   * Show an image; its name comes when it has been fetched.
   *
   * @param {number} i
   * @param {MapData} data
   * @param {Point} place Of the image on the stage, in pixels.
   * @param {number} width Of the stage.
   */
  async show(i, { addresses, legend }, [x, y], width) {
    this.shown = i;
    const image = makeImage(`${addresses.thumbnails}${i}.jpg`, "");
    const words = make("div", "words");
    this.root.replaceChildren(image, words);
    this.root.style.left = `${limit(x, HALF, width - HALF)}px`;
    this.root.style.top = `${y}px`;
    this.root.classList.toggle("below", y < HEIGHT);
    this.root.hidden = false;
    const { path, label } = await fetchNames(`${addresses.names}${i}.json`);
    if (this.shown !== i) return;
    const value = this.meaning(i, legend);
    image.alt = path;
    words.replaceChildren(make("div", "label", label ?? "no label"), make("div", "path", path));
    if (value) words.append(make("div", "value", value));
    this.said.textContent = [label, path, value].filter(Boolean).join(", ");
  }

  /**
   * Say what the color of a point means; its label is said anyway.
   *
   * @param {number} i
   * @param {LegendData} legend
   */
  meaning(i, { name, bins, low, high, digits, entries, label }) {
    if (label) return "";
    const code = this.raster.codes[i];
    const figure =
      bins && code !== UNKNOWN
        ? (low + (code / (UNKNOWN - 1)) * (high - low)).toFixed(digits)
        : entries.find(({ place }) => place === this.raster.entry[i])?.name;
    return figure ? `${name}: ${figure}` : "";
  }
}
