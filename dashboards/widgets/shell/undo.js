// A message about what was just done, with a button that undoes it; and Ctrl+Z, Ctrl+Shift+Z.

import { make, makeButton } from "../js/elements.js";
import { isTyping } from "../js/keys.js";
import { component, View } from "../js/view.js";

/** @import { Call } from "../js/view.js" */

/**
 * @typedef {object} UndoData
 * @property {number} turn Another one with every act, undo and redo.
 * @property {string} words What was done; empty before the first act.
 * @property {boolean} undone It was undone.
 * @property {string | null} person Name that was given since the page was loaded, if one was; may be empty.
 * @property {string} cookie Name of the cookie that keeps it.
 */

const SECONDS = 10;
const OFFERS = "imgsimOffers"; // what all offers of the window share: the turn that was shown last

/** @extends {View<UndoData, { step: "undo" | "redo" }>} */
class Undo extends View {
  /** @param {Call<UndoData>} call */
  constructor(call) {
    super(call, "undo");
    this.box = make("div", "offer");
    this.box.popover = "manual"; // above dialogs too
    this.said = make("span", "said");
    this.said.setAttribute("role", "status");
    this.button = makeButton("step");
    this.button.addEventListener("click", () => this.step(this.data.undone ? "redo" : "undo"));
    this.box.append(this.said, this.button);
    this.root.append(this.box);
    this.timer = 0;
    /** @type {EventTarget & { turn: number }} */
    this.offers = /** @type {any} */ (window)[OFFERS] ??= Object.assign(new EventTarget(), { turn: 0 });
    this.offers.addEventListener("offered", () => this.hide(), { signal: this.closing.signal });
    this.on(document, "keydown", (event) => this.pressed(event));
  }

  update() {
    const { turn, words, undone } = this.data;
    this.keepName();
    if (!words || turn === this.offers.turn) return;
    this.offers.turn = turn;
    this.offers.dispatchEvent(new Event("offered"));
    this.said.textContent = undone ? `Undone: ${words}` : words;
    this.button.textContent = undone ? "Redo" : "Undo";
    this.button.title = undone ? "Redo (Ctrl+Shift+Z)" : "Undo (Ctrl+Z)";
    this.box.showPopover();
    this.wait();
  }

  /** Keep the name for as long as the browser is open; the server reads it when a page is loaded again. */
  keepName() {
    const { person, cookie } = this.data;
    if (person === null) return;
    // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is there by https only
    document.cookie = `${cookie}=${encodeURIComponent(person)}; path=/; SameSite=Lax${person ? "" : "; max-age=0"}`;
  }

  /** Hide the message after a while in which it has neither the pointer nor the focus. */
  wait() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.box.matches(":hover, :focus-within")) this.wait();
      else this.hide();
    }, SECONDS * 1000);
  }

  hide() {
    clearTimeout(this.timer);
    if (this.box.matches(":popover-open")) this.box.hidePopover();
  }

  close() {
    this.hide();
    super.close();
  }

  /** @param {"undo" | "redo"} way */
  step(way) {
    this.hide();
    this.trigger("step", way);
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || event.altKey || (key !== "z" && key !== "y")) return;
    if (event.defaultPrevented || isTyping() || this.covered()) return;
    event.preventDefault();
    this.step(key === "y" || event.shiftKey ? "redo" : "undo");
  }

  /** Tell whether a dialog is open that this offer is no part of. */
  covered() {
    const { host } = /** @type {ShadowRoot} */ (this.root.getRootNode());
    return document.querySelector('[role="dialog"]') !== host.closest('[role="dialog"]');
  }
}

export default component(Undo);
