// The bar at the bottom while pictures are selected: it names how many, and acts on all of them at once.

import { ACTIONS } from "../js/actions.js";
import { focusedElement, iconButton, make, makeButton } from "../js/elements.js";
import { isTyping } from "../js/keys.js";
import { selection } from "../js/selection.js";
import { component, View } from "../js/view.js";

/** @import { Ask, BulkKind } from "../js/selection.js" */
/** @import { Call } from "../js/view.js" */

/**
 * @typedef {object} BulkData
 * @property {string} place The version that is open.
 * @property {string[]} labels Known ones.
 * @property {string[]} tags Known ones.
 * @property {number} most Pictures whose pairs are marked at once.
 * @property {number} handled Number of the last request that was carried out.
 * @property {boolean} done It was, and nothing was refused.
 * @property {{ number: number, name: string, text: string } | null} file To save.
 */

/** @typedef {BulkKind | "search" | "export"} RequestKind */

/**
 * @typedef {object} BulkRequest
 * @property {number} number Grows.
 * @property {RequestKind} kind
 * @property {number[]} rows
 * @property {string} text The label or tag.
 * @property {number | null} query Row of the stored picture that the page answers.
 */

const BUTTONS = /** @type {const} */ ({
  label: { text: "Label…", key: "l", does: "Give them a label" },
  tag: { text: "Tag…", key: "t", does: "Give them a tag" },
  basket: { text: "Basket", key: "b", does: "Put them into the basket" },
  alike: { text: "Alike", key: "a", does: "Mark as alike" },
  not_alike: { text: "Not alike", key: "n", does: "Mark as not alike" },
  search: { text: "Search with these", key: "", does: "Search for what they have in common" },
  export: { text: "Export", key: "", does: "Save a table of them as CSV" },
});
const KINDS = /** @type {RequestKind[]} */ (Object.keys(BUTTONS));
const RETRIES = 10; // of what a rerun of the page may swallow
const ROOM = "--bulk-bar"; // height that the page leaves free, in shell.css

/** @extends {View<BulkData, { act: BulkRequest }>} */
class BulkBar extends View {
  /** @param {Call<BulkData>} call */
  constructor(call) {
    super(call, "bar");
    this.selection = selection();
    /** @type {BulkRequest[]} */
    this.requests = []; // until they are carried out
    this.tries = 0;
    this.cleared = 0; // number of the request that empties the selection once it is carried out
    /** @type {{ kind: "label" | "tag", rows: number[] | null, from: HTMLElement | null } | null} */
    this.field = null;
    this.root.setAttribute("role", "toolbar");
    this.root.setAttribute("aria-label", "Selected pictures");
    this.count = make("strong", "count");
    this.count.setAttribute("role", "status");
    this.buttons = KINDS.map((kind) => this.button(kind));
    this.clear = iconButton("clear", ACTIONS.remove.icon, "Select nothing (Esc)", "Select nothing");
    this.clear.addEventListener("click", () => this.cancel());
    this.form = make("form", "field");
    this.input = make("input");
    this.input.setAttribute("list", "known");
    this.input.required = true;
    this.known = make("datalist");
    this.known.id = "known";
    const apply = makeButton("apply", "Apply");
    apply.type = "submit";
    this.form.append(this.input, this.known, apply);
    this.root.append(this.count, this.form, ...this.buttons, this.clear);
    this.listen();
  }

  listen() {
    const { signal } = this.closing;
    this.selection.addEventListener("change", () => this.draw(), { signal });
    const asked = (/** @type {Ask} */ { kind, rows }) => this.act(kind, rows);
    this.selection.addEventListener("ask", (event) => asked(/** @type {CustomEvent<Ask>} */ (event).detail), {
      signal,
    });
    this.on(this.form, "submit", (event) => this.submitted(event));
    this.onKeys(this.form, (event) => {
      if (event.key === "Escape") this.leave();
      return event.key === "Escape";
    });
    this.on(document, "keydown", (event) => this.pressed(event));
  }

  /** @param {RequestKind} kind */
  button(kind) {
    const { text, key, does } = BUTTONS[kind];
    const button = makeButton("act", text);
    button.dataset.kind = kind;
    button.title = key ? `${does} (${key.toUpperCase()})` : does;
    if (key) button.setAttribute("aria-keyshortcuts", key);
    button.addEventListener("click", () => this.act(kind, null));
    return button;
  }

  /** @param {Call<BulkData>} call */
  show(call) {
    super.show(call);
    const [first] = this.requests;
    if (first && this.data.handled >= first.number) this.handled(first);
    this.sendFirst();
  }

  update() {
    this.draw();
    const { file } = this.data;
    if (!file) return;
    const address = URL.createObjectURL(new Blob([file.text], { type: "text/csv" }));
    Object.assign(make("a"), { href: address, download: file.name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  }

  draw() {
    const count = (this.field?.rows ?? this.rows).length;
    const { query } = this.selection;
    const paired = query !== null || (count > 1 && count <= this.data.most);
    this.root.hidden = count === 0;
    this.count.textContent = this.field?.rows ? `${count} picture` : `${count.toLocaleString("en")} selected`;
    this.form.hidden = !this.field;
    for (const button of this.buttons) {
      const pair = button.dataset.kind === "alike" || button.dataset.kind === "not_alike";
      button.hidden = this.field !== null;
      button.disabled = pair && !paired;
      if (pair) button.title = this.pairTitle(/** @type {"alike" | "not_alike"} */ (button.dataset.kind));
    }
    const height = this.root.hidden ? 0 : this.root.offsetHeight + 16;
    document.documentElement.style.setProperty(ROOM, `${height}px`);
  }

  close() {
    super.close();
    document.documentElement.style.removeProperty(ROOM);
  }

  get rows() {
    return [...this.selection.rows(this.data.place)];
  }

  /** @param {"alike" | "not_alike"} kind */
  pairTitle(kind) {
    const { does, key } = BUTTONS[kind];
    if (this.selection.query !== null) return `${does} to the query (${key.toUpperCase()})`;
    return `${does} to each other: 2 to ${this.data.most} pictures`;
  }

  /**
   * @param {RequestKind} kind
   * @param {number[] | null} rows Null for those that are selected.
   */
  act(kind, rows) {
    if (kind !== "label" && kind !== "tag") {
      this.request(kind, rows, "");
      return;
    }
    this.field = { kind, rows, from: focusedElement() };
    const word = kind === "label" ? "Label" : "Tag";
    this.input.value = "";
    this.input.placeholder = word;
    this.input.setAttribute("aria-label", word);
    const names = kind === "label" ? this.data.labels : this.data.tags;
    this.known.replaceChildren(...names.map((value) => Object.assign(make("option"), { value })));
    this.draw();
    this.input.focus();
  }

  /** @param {SubmitEvent | Event} event */
  submitted(event) {
    event.preventDefault();
    const text = this.input.value.trim();
    const { field } = this;
    if (!field || !text) return;
    this.leave();
    this.request(field.kind, field.rows, text);
  }

  /** Close the field, and give the focus back. */
  leave() {
    const from = this.field?.from;
    this.field = null;
    this.draw();
    from?.focus({ preventScroll: true });
  }

  cancel() {
    if (this.field) this.leave();
    else this.selection.clear(this.data.place);
  }

  /**
   * @param {RequestKind} kind
   * @param {number[] | null} rows
   * @param {string} text
   */
  request(kind, rows, text) {
    const last = this.requests.at(-1)?.number ?? this.data.handled;
    const number = Math.max(Date.now(), last + 1);
    this.requests.push({ number, kind, rows: rows ?? this.rows, text, query: this.selection.query });
    if (!rows && kind !== "export") this.cleared = number;
    this.tries = 0;
    this.sendFirst();
  }

  sendFirst() {
    const [first] = this.requests;
    if (!first) return;
    if (this.tries === RETRIES) this.requests = [];
    else this.trigger("act", first);
    this.tries += 1;
  }

  /** @param {BulkRequest} request */
  handled(request) {
    this.requests.shift();
    this.tries = 0;
    if (this.data.done && this.cleared === request.number) this.selection.clear(this.data.place);
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat || isTyping()) return;
    if (this.root.hidden || document.querySelector('[role="dialog"]')) return;
    const key = event.key.toLowerCase();
    const kind = KINDS.find((name) => BUTTONS[name].key === key);
    const pair = kind === "alike" || kind === "not_alike";
    if (event.key === "Escape") this.cancel();
    else if (!kind || (pair && this.selection.query === null)) return;
    else this.act(kind, null);
    event.preventDefault();
    event.stopPropagation();
  }
}

export default component(BulkBar);
