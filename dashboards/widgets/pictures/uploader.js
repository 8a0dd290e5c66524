// Pictures that are dropped or pasted anywhere on the page: they are handed to the page's own field for files.

import { closest, make } from "../js/elements.js";
import { component, View } from "../js/view.js";

/** @import { Call } from "../js/view.js" */

/**
 * @typedef {object} DropData
 * @property {string} words What is said while files are dragged over the page.
 */

const FIELD = '[class*="st-key-uploader"] input[type="file"]';
const OWN = '[data-testid="stFileUploaderDropzone"]'; // takes what is dropped on it by itself

/** @extends {View<DropData, {}>} */
class Drop extends View {
  /** @param {Call<DropData>} call */
  constructor(call) {
    super(call, "drop");
    this.sign = make("div", "sign");
    this.sign.hidden = true;
    this.root.append(this.sign);
    this.on(document, "dragover", (event) => this.over(event));
    this.on(document, "dragleave", (event) => {
      if (!event.relatedTarget) this.sign.hidden = true; // it left the window
    });
    this.on(document, "drop", (event) => this.dropped(event), { capture: true });
    this.on(document, "paste", (event) => this.take(event, event.clipboardData));
  }

  /** @param {Call<DropData>} call */
  show(call) {
    super.show(call);
    this.correct();
  }

  /** Make Streamlit's zone a group: it has a name, which the "presentation" that it says it is cannot have. */
  correct() {
    const zone = document.querySelector(OWN);
    if (zone) zone.setAttribute("role", "group");
    else if (!this.closing.signal.aborted) requestAnimationFrame(() => this.correct());
  }

  update() {
    this.sign.textContent = this.data.words;
  }

  /** @param {DragEvent} event */
  over(event) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault(); // or the browser opens what is dropped
    this.sign.hidden = false;
  }

  /** @param {DragEvent} event */
  dropped(event) {
    this.sign.hidden = true;
    if (!closest(event, OWN)) this.take(event, event.dataTransfer);
  }

  /**
   * Hand files to the field; what holds none, such as text that is pasted, goes its usual way.
   *
   * @param {Event} event
   * @param {DataTransfer | null} sent
   */
  take(event, sent) {
    const field = document.querySelector(FIELD);
    if (!sent?.files.length || !(field instanceof HTMLInputElement)) return;
    event.preventDefault();
    const files = new DataTransfer();
    for (const file of sent.files) files.items.add(file);
    field.files = files.files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

export default component(Drop);
