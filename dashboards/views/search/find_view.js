// A field for words. What is chosen of the names that the browser offers is sent at once, what is typed by Enter.

import { make } from "../../widgets/js/elements.js";
import { component, View } from "../../widgets/js/view.js";

/** @import { Call } from "../../widgets/js/view.js" */

/**
 * @typedef {object} FindData
 * @property {string} text In the field.
 * @property {string[]} offered
 * @property {string} help
 * @property {number} most Characters.
 */

/** @extends {View<FindData, { find: string }>} */
class Find extends View {
  /** @param {Call<FindData>} call */
  constructor(call) {
    super(call, "find");
    this.sent = "";
    this.field = make("input");
    this.field.type = "search";
    this.field.placeholder = "path, label, tag or words";
    this.field.setAttribute("aria-label", "Find");
    this.field.setAttribute("list", "offered");
    this.list = make("datalist");
    this.list.id = "offered";
    this.root.append(this.field, this.list);
    this.on(this.field, "change", () => this.ask());
    this.on(this.field, "input", (event) => {
      const typed = event instanceof InputEvent && event.inputType !== "insertReplacementText";
      if (!typed && this.data.offered.includes(this.field.value)) this.ask();
    });
    this.on(this.root, "keydown", (event) => event.stopPropagation()); // letters are no shortcuts of the page here
  }

  update() {
    const { text, offered, help, most } = this.data;
    this.field.title = help;
    this.field.maxLength = most;
    this.field.value = text;
    this.sent = text;
    this.list.replaceChildren(...offered.map((name) => Object.assign(make("option"), { value: name })));
  }

  ask() {
    const { value } = this.field;
    if (value === this.sent) return;
    this.sent = value;
    this.trigger("find", value);
  }
}

export default component(Find);
