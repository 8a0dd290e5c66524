// A picture with a rectangle that is drawn, moved and resized.

import { closest, limit, make } from "../../widgets/js/elements.js";
import { ARROWS } from "../../widgets/js/keys.js";
import { component, View } from "../../widgets/js/view.js";

/** @import { Call } from "../../widgets/js/view.js" */

/** @typedef {[left: number, top: number, right: number, bottom: number]} Crop In percent. */

/**
 * @typedef {object} CropData
 * @property {string} src
 * @property {string} name
 * @property {Crop} crop
 */

/** @typedef {{ crop: Crop }} CropEvents Sent in whole percent when the pointer or the key is released. */

/**
 * A movement of the pointer while its button is down.
 *
 * @typedef {object} Grip
 * @property {[number, number]} start
 * @property {Crop} from
 * @property {DOMStringMap | undefined} corner
 * @property {"resize" | "move" | "draw"} way
 */

const LEAST = 4; // percent, of each side
const HINT =
  "Drag over the part that counts. Keys: arrows move it, Shift and arrows resize it, Escape takes all of it.";

/** @extends {View<CropData, CropEvents>} */
class CropView extends View {
  /** @param {Call<CropData>} call */
  constructor(call) {
    super(call, "crop");
    this.crop = call.data.crop;
    this.sent = "";
    /** @type {Grip | null} */
    this.grip = null;
    this.stage = make("div", "stage");
    this.image = make("img");
    this.image.draggable = false;
    this.image.addEventListener("load", () => {
      this.stage.style.setProperty("--shape", String(this.image.naturalWidth / this.image.naturalHeight));
    });
    this.part = make("div", "part");
    this.part.tabIndex = 0;
    this.part.setAttribute("role", "application");
    this.part.setAttribute("aria-roledescription", "selection");
    for (const y of ["top", "bottom"]) for (const x of ["left", "right"]) this.part.append(handle(x, y));
    this.stage.append(this.image, this.part);
    this.root.append(this.stage, make("p", "", HINT));
    this.listen();
  }

  listen() {
    this.on(this.stage, "pointerdown", (event) => this.begin(event));
    this.on(this.stage, "pointermove", (event) => this.drag(event));
    this.on(this.stage, "pointerup", () => this.end());
    this.on(this.stage, "pointercancel", () => this.end());
    this.onKeys(this.part, (event) => this.pressed(event));
    this.on(this.part, "keyup", (event) => {
      if (ARROWS[event.key]) this.report();
    });
  }

  update() {
    const { src, name, crop } = this.data;
    if (this.image.getAttribute("src") !== src) this.image.src = src;
    this.image.alt = name;
    if (this.grip) this.shown = "";
    else if (String(crop) !== this.sent) {
      this.sent = String(crop);
      this.draw(crop);
    }
  }

  /** @param {Crop} crop */
  draw(crop) {
    this.crop = crop;
    const [left, top, right, bottom] = crop;
    this.part.style.inset = `${top}% ${100 - right}% ${100 - bottom}% ${left}%`;
    const [x1, y1, x2, y2] = crop.map(Math.round);
    this.part.setAttribute("aria-label", `Selection from ${x1} % to ${x2} % across, ${y1} % to ${y2} % down`);
  }

  report() {
    const crop = /** @type {Crop} */ (this.crop.map(Math.round));
    if (String(crop) === this.sent) return;
    this.sent = String(crop);
    this.shown = ""; // Python may refuse it and send the crop that it sent before
    this.trigger("crop", crop);
  }

  /**
   * Find the place of a pointer in percent of the picture.
   *
   * @param {PointerEvent} event
   * @returns {[number, number]}
   */
  at(event) {
    const box = this.stage.getBoundingClientRect();
    const x = (100 * (event.clientX - box.left)) / box.width;
    const y = (100 * (event.clientY - box.top)) / box.height;
    return [limit(x, 0, 100), limit(y, 0, 100)];
  }

  /** @param {PointerEvent} event */
  begin(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.part.focus({ preventScroll: true });
    this.stage.setPointerCapture(event.pointerId);
    const [left, top, right, bottom] = this.crop;
    const whole = right - left > 99 && bottom - top > 99;
    const corner = closest(event, ".handle")?.dataset;
    const inside = !whole && closest(event, ".part");
    this.grip = {
      start: this.at(event),
      from: this.crop,
      corner,
      way: corner ? "resize" : inside ? "move" : "draw",
    };
  }

  /** @param {PointerEvent} event */
  drag(event) {
    if (!this.grip) return;
    const { start, from, corner, way } = this.grip;
    const now = this.at(event);
    const opposite = from[corner?.x === "left" ? 2 : 0];
    if (way === "move") this.draw(moved(from, now[0] - start[0], now[1] - start[1]));
    else if (way === "draw") this.draw(between(start, now));
    else this.draw(between([opposite, from[corner?.y === "top" ? 3 : 1]], now));
  }

  end() {
    if (!this.grip) return;
    const { from } = this.grip;
    this.grip = null;
    const [left, top, right, bottom] = this.crop;
    if (right - left < LEAST || bottom - top < LEAST) this.draw(from); // a click, no rectangle
    this.report();
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    const arrow = ARROWS[event.key];
    if (event.key === "Escape") {
      this.draw([0, 0, 100, 100]);
      this.report();
    } else if (arrow) {
      const [dx, dy] = [2 * arrow[0], 2 * arrow[1]];
      this.draw(event.shiftKey ? resized(this.crop, dx, dy) : moved(this.crop, dx, dy));
    } else return false;
    return true;
  }
}

/**
 * @param {Crop} crop
 * @param {number} dx
 * @param {number} dy
 * @returns {Crop}
 */
function moved([left, top, right, bottom], dx, dy) {
  const x = limit(dx, -left, 100 - right);
  const y = limit(dy, -top, 100 - bottom);
  return [left + x, top + y, right + x, bottom + y];
}

/**
 * @param {Crop} crop
 * @param {number} dx
 * @param {number} dy
 * @returns {Crop}
 */
function resized([left, top, right, bottom], dx, dy) {
  return [left, top, limit(right + dx, left + LEAST, 100), limit(bottom + dy, top + LEAST, 100)];
}

/**
 * @param {[number, number]} a
 * @param {[number, number]} b
 * @returns {Crop}
 */
function between([x1, y1], [x2, y2]) {
  return [Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2)];
}

/**
 * @param {string} x
 * @param {string} y
 */
function handle(x, y) {
  const node = make("span", "handle");
  Object.assign(node.dataset, { x, y });
  return node;
}

export default component(CropView);
