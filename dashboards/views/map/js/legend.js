// The legend: every group, or range of a figure, with its color; a click leaves only its images lit.

import { make, makeButton } from "../../../widgets/js/elements.js";
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
 * @property {LegendEntry[]} entries
 */

/** @typedef {{ place: number, name: string, count: number }} LegendEntry */

export class Legend {
  /** @param {(place: number) => void} choose Called with the place of an entry, -1 for all. */
  constructor(choose) {
    this.root = make("div", "legend");
    this.choose = choose;
    this.text = "";
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
    const focus = [...this.root.querySelectorAll("button")].findIndex((button) => button.matches(":focus"));
    this.root.replaceChildren(make("h4", "", legend.name), list);
    const more = legend.groups - legend.entries.length;
    if (more > 0) this.root.append(make("div", "more", `and ${more.toLocaleString("en")} smaller ones`));
    list.scrollTop = scrolled;
    if (focus >= 0) list.querySelectorAll("button")[focus]?.focus({ preventScroll: true });
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
