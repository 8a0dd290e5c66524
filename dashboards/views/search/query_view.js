// The query: one pinned picture, or several with weights, and past queries.

import { ACTIONS } from "../../widgets/js/actions.js";
import { closest, iconButton, make, makeButton, makeImage } from "../../widgets/js/elements.js";
import { component, View } from "../../widgets/js/view.js";

/** @import { Call } from "../../widgets/js/view.js" */

/**
 * @typedef {object} QueryData
 * @property {Term[]} terms
 * @property {Past[]} past The oldest first.
 * @property {number} most The largest weight.
 */

/**
 * One picture of the query.
 *
 * @typedef {object} Term
 * @property {number | null} row Null for a picture that the user brought.
 * @property {string} src
 * @property {string} name
 * @property {string | null} label
 * @property {string} about Empty for a picture of the model.
 * @property {number} weight
 * @property {[left: number, top: number, right: number, bottom: number] | null} crop In percent.
 * @property {boolean} unread
 */

/**
 * A past query by its first picture.
 *
 * @typedef {object} Past
 * @property {string} src Empty where there is no picture.
 * @property {string} name
 * @property {number} more Count of its other pictures.
 */

/** @typedef {"weight" | "only" | "remove" | "crop" | "whole" | "details" | "back"} StepKind */

/** @typedef {{ step: { kind: StepKind, place: number, weight: number } }} QueryEvents */

const STEP = 0.25;
const SHORT = { crop: "Crop", whole: "Whole", details: "Details", only: "", remove: "" };

/** @extends {View<QueryData, QueryEvents>} */
class QueryView extends View {
  /** @param {Call<QueryData>} call */
  constructor(call) {
    super(call, "query");
    this.single = false;
    this.on(this.root, "click", (event) => this.clicked(event));
  }

  update() {
    const focus = this.focused instanceof HTMLElement ? this.focused.dataset : {};
    const { terms, past } = this.data;
    this.single = terms.length === 1 && terms[0]?.weight === 1;
    this.root.dataset.single = String(this.single);
    const list = make("ul", "terms");
    list.setAttribute("aria-label", "The query");
    list.append(...terms.map((term, place) => this.term(term, place)));
    this.root.replaceChildren(...(past.length ? [this.trail(past)] : []), list);
    if (focus.kind) this.focus(focus);
  }

  /**
   * Keep the focus on the button that stands where the one that was pressed stood.
   *
   * @param {DOMStringMap} pressed
   */
  focus({ kind, place, by }) {
    const turning = by === undefined ? "" : `[data-by="${by}"]`;
    const button = this.root.querySelector(`[data-kind="${kind}"][data-place="${place}"]${turning}`);
    /** @type {HTMLElement | null} */ (button)?.focus();
  }

  /** @param {Past[]} past */
  trail(past) {
    const nav = make("nav", "trail");
    nav.setAttribute("aria-label", "Past queries");
    nav.append(sends(iconButton("", ACTIONS.back.icon, "Back to the query before"), "back", past.length - 1));
    past.forEach((query, place) => {
      const crumb = sends(makeButton("crumb"), "back", place);
      crumb.title = `Back to ${query.name}${query.more ? ` and ${query.more} more` : ""}`;
      crumb.setAttribute("aria-label", crumb.title);
      crumb.append(query.src ? makeImage(query.src, "") : make("span", "", "?"));
      if (query.more) crumb.append(make("span", "more", `+${query.more}`));
      nav.append(crumb);
    });
    return nav;
  }

  /**
   * @param {Term} term
   * @param {number} place
   */
  term(term, place) {
    const item = make("li", "term");
    item.dataset.minus = String(term.weight < 0);
    const words = make("div", "words");
    if (term.unread) words.append(make("div", "unread", "this model cannot read it"));
    if (term.label) words.append(make("div", "label", term.label));
    const name = make("div", "name", term.name);
    name.title = term.name;
    words.append(name);
    if (term.about) words.append(make("div", "about", term.about));
    if (!this.single) words.append(this.weight(term, place));
    item.append(framed(term), words, this.actions(term, place));
    return item;
  }

  /**
   * @param {Term} term
   * @param {number} place
   */
  weight(term, place) {
    const box = make("div", "weight");
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", `Weight of ${term.name}`);
    const less = this.stepper(term, place, -STEP, "−", "Count it less; below zero: unlike it");
    const more = this.stepper(term, place, STEP, "+", "Count it more");
    const sign = term.weight < 0 ? "−" : "+";
    const value = make("output", "value", `${sign} ${Math.abs(term.weight).toFixed(2)}`);
    value.title = term.weight < 0 ? "Answers shall be unlike it" : "Answers shall be like it";
    box.append(less, value, more, make("span", "way", term.weight < 0 ? "unlike" : "like"));
    return box;
  }

  /**
   * @param {Term} term
   * @param {number} place
   * @param {number} by
   * @param {string} text
   * @param {string} does
   */
  stepper(term, place, by, text, does) {
    let weight = Math.round((term.weight + by) * 100) / 100;
    if (Math.abs(weight) < 0.005) weight = by; // zero would take it out: step over
    const button = sends(makeButton("", text), "weight", place);
    button.title = does;
    button.setAttribute("aria-label", `${does}: ${term.name}`);
    button.dataset.weight = String(weight);
    button.dataset.by = String(by);
    button.disabled = Math.abs(weight) > this.data.most;
    return button;
  }

  /**
   * @param {Term} term
   * @param {number} place
   */
  actions(term, place) {
    /** @type {(keyof typeof SHORT)[]} */
    const kinds = term.crop ? ["crop", "whole"] : ["crop"];
    if (term.row !== null) kinds.push("details");
    if (!this.single) kinds.push("only", "remove");
    const bar = make("div", "actions");
    for (const kind of kinds) {
      const { name, icon } = ACTIONS[kind];
      const button = sends(iconButton("", icon, name, `${name}: ${term.name}`), kind, place);
      if (this.single) button.append(make("span", "", SHORT[kind]));
      bar.append(button);
    }
    return bar;
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const { kind, place, weight } = closest(event, "button")?.dataset ?? {};
    if (!kind) return;
    this.trigger("step", { kind: /** @type {StepKind} */ (kind), place: Number(place), weight: Number(weight ?? 0) });
  }
}

/**
 * Let a button send a step.
 *
 * @param {HTMLButtonElement} button
 * @param {StepKind} kind
 * @param {number} place
 */
function sends(button, kind, place) {
  Object.assign(button.dataset, { kind, place });
  return button;
}

/**
 * Make the picture of a term, all but the cropped part dimmed.
 *
 * @param {Term} term
 */
function framed({ src, name, crop }) {
  const frame = make("div", "picture");
  const image = makeImage(src, `Query: ${name}${crop ? ", only the marked part" : ""}`);
  const box = make("span", "box");
  image.addEventListener("error", () => frame.classList.add("missing"));
  image.addEventListener("load", () => {
    box.style.setProperty("--shape", String(image.naturalWidth / image.naturalHeight));
  });
  box.append(image);
  if (crop) {
    const [left, top, right, bottom] = crop;
    const part = make("span", "part");
    part.style.inset = `${top}% ${100 - right}% ${100 - bottom}% ${left}%`;
    box.append(part);
  }
  frame.append(box, make("span", "absent", "no thumbnail"));
  return frame;
}

export default component(QueryView);
