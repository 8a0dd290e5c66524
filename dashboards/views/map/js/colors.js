// Colors of the map's points, in light and dark.

import { limit } from "../../../widgets/js/elements.js";

/** @import { LegendData } from "./legend.js" */

/** @typedef {"light" | "dark"} Theme */
/** @typedef {[red: number, green: number, blue: number]} Rgb */

// Told apart also by those who do not see all colours (Okabe and Ito; Tol).
const GROUPS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8f8f00", "#aa4499"].map(rgbOf);
const NOTHING = { light: rgbOf("#9aa0a6"), dark: rgbOf("#7d838c") };
// From inconspicuous to conspicuous, in lightness as well as in hue.
const RAMPS = {
  light: ["#c3cad3", "#e69f00", "#8b1a10"].map(rgbOf),
  dark: ["#4d5663", "#e69f00", "#fff3b0"].map(rgbOf),
};

/**
 * @param {string} text
 * @returns {Rgb}
 */
function rgbOf(text) {
  const value = parseInt(text.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/**
 * @param {number} share 0 to 1
 * @param {Theme} theme
 */
export function rampColor(share, theme) {
  const stops = RAMPS[theme];
  const place = limit(share, 0, 1) * (stops.length - 1);
  const from = Math.min(Math.floor(place), stops.length - 2);
  const [a, b] = /** @type {[Rgb, Rgb]} */ (stops.slice(from, from + 2));
  return /** @type {Rgb} */ (a.map((value, i) => Math.round(value + (b[i] - value) * (place - from))));
}

/**
 * Give the color of an entry of the legend; a figure's entries have the color of their middle.
 *
 * @param {LegendData} legend
 * @param {number} place
 * @param {Theme} theme
 */
export function entryColor(legend, place, theme) {
  if (legend.unknown && place === legend.groups - 1) return NOTHING[theme];
  return legend.bins
    ? rampColor((place + 0.5) / legend.bins, theme)
    : (GROUPS[legend.hued.indexOf(place)] ?? NOTHING[theme]);
}
