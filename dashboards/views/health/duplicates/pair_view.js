// Two copies side by side, pixel by pixel: both show the same part, and move together.

import { make, makeImage } from "../../../widgets/js/elements.js";
import { component, View } from "../../../widgets/js/view.js";

/** @import { Call } from "../../../widgets/js/view.js" */

/** @typedef {{ src: string, title: string }} PairPicture */

/**
 * @typedef {object} PairData
 * @property {PairPicture[]} pictures Two.
 * @property {number} width Pixels in which both are drawn.
 * @property {number} height
 */

/** @extends {View<PairData, {}>} */
class Pair extends View {
  /** @param {Call<PairData>} call */
  constructor(call) {
    super(call, "pair");
  }

  update() {
    this.panes = this.data.pictures.map((picture) => this.pane(picture));
    this.root.replaceChildren(...this.panes.map((pane) => /** @type {HTMLElement} */ (pane.parentElement)));
    const [first] = this.panes;
    first?.scrollTo((first.scrollWidth - first.clientWidth) / 2, (first.scrollHeight - first.clientHeight) / 2);
  }

  /** @param {PairPicture} picture */
  pane({ src, title }) {
    const image = makeImage(src, title, { draggable: false });
    image.style.width = `${this.data.width / devicePixelRatio}px`;
    image.style.height = `${this.data.height / devicePixelRatio}px`;
    const pane = make("div", "pane");
    pane.tabIndex = 0; // so that arrows scroll it
    pane.setAttribute("role", "group");
    pane.setAttribute("aria-label", title);
    pane.append(image);
    make("figure").append(pane, make("figcaption", "", title));
    pane.addEventListener("scroll", () => this.follow(pane));
    return pane;
  }

  /** @param {HTMLElement} moved */
  follow(moved) {
    for (const pane of this.panes ?? []) if (pane !== moved) pane.scrollTo(moved.scrollLeft, moved.scrollTop);
  }
}

export default component(Pair);
