// The legend: every group, or range of a figure, with its color; a click leaves only its images lit.

import { make, makeButton } from "../../../widgets/js/elements.js";
import { ARROWS } from "../../../widgets/js/keys.js";
import { entryColor } from "./colors.js";

/** @import { Theme } from "./colors.js" */

/**
 * @typedef {object} LegendData
 * @property {string} name Of the colouring.
 * @property {boolean} label Whether colors are labels.
 * @property {number} bins Count of a figure's ranges; 0 for groups.
 * @property {number} low Of the figure.
 * @property {number} high
 * @property {number} digits
 * @property {number} groups Count of all entries, also those not sent.
 * @property {boolean} unknown Whether the last entry is that of images without a figure or group.
 * @property {number[]} hued Places of the groups with a color of their own, at most 8; other groups are gray.
 * @property {LegendEntry[]} entries
 */

/** @typedef {{ place: number, name: string, count: number }} LegendEntry */

export class Legend {
  /** @param {(place: number) => void} choose Called with the place of an entry, -1 for all. */
  constructor(choose) {
    this.root = make("div", "legend");
    this.choose = choose;
    this.text = "";
    this.active = 0; // the one entry in the Tab order
    this.root.addEventListener("keydown", (event) => this.pressed(event));
    this.root.addEventListener("focusin", (event) =>
      this.activate(this.buttons.indexOf(/** @type {any} */ (event.target))),
    );
  }

  get buttons() {
    return [...this.root.querySelectorAll("button")];
  }

  /** @param {number} place -1 for none. */
  activate(place) {
    if (place >= 0) this.active = place;
    this.buttons.forEach((button, i) => {
      button.tabIndex = i === this.active ? 0 : -1;
    });
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    const { buttons } = this;
    const [right, down] = ARROWS[event.key] ?? [0, 0];
    const to = event.key === "Home" ? 0 : event.key === "End" ? buttons.length - 1 : this.active + right + down;
    if (to === this.active || !buttons[to]) return;
    event.preventDefault();
    buttons[to].focus();
  }

  /**
   * @param {LegendData} legend
   * @param {number} only Place of the entry whose images alone are lit; -1 for all.
   * @param {Theme} theme
   */
  show(legend, only, theme) {
    const text = JSON.stringify([legend, only, theme]);
    if (text === this.text) return;
    this.text = text;
    const list = make("ul");
    list.append(...legend.entries.map((entry) => this.line(entry, legend, only, theme)));
    const scrolled = this.root.querySelector("ul")?.scrollTop ?? 0;
    const focus = this.buttons.findIndex((button) => button.matches(":focus"));
    list.setAttribute("aria-label", legend.name);
    this.root.replaceChildren(make("h2", "", legend.name), list);
    const more = legend.groups - legend.entries.length;
    if (more > 0) this.root.append(make("div", "more", `and ${more.toLocaleString("en")} smaller ones`));
    list.scrollTop = scrolled;
    this.activate(Math.min(this.active, legend.entries.length - 1));
    if (focus >= 0) this.buttons[focus]?.focus({ preventScroll: true });
  }

  /**
   * @param {LegendEntry} entry
   * @param {LegendData} legend
   * @param {number} only
   * @param {Theme} theme
   */
  line({ place, name, count }, legend, only, theme) {
    const alone = place === only;
    const button = makeButton("entry");
    button.title = alone ? "Show all again" : "Show these only";
    button.setAttribute("aria-pressed", String(alone));
    const swatch = make("span", "swatch");
    swatch.style.background = `rgb(${entryColor(legend, place, theme).join(" ")})`;
    button.append(swatch, make("span", "name", name), make("span", "count", count.toLocaleString("en")));
    button.addEventListener("click", () => this.choose(alone ? -1 : place));
    const item = make("li", only >= 0 && !alone ? "off" : "");
    item.append(button);
    return item;
  }
}
