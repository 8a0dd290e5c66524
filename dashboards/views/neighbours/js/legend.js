// What the lines and icons in the picture of a walk mean.

import { make, makeSvg } from "../../../widgets/js/elements.js";
import { withIcon } from "./words.js";

const LABELS = ["= same label as the centre", "≠ other label"];

export function makeLegend() {
  const legend = make("div", "legend");
  legend.append(
    line("mutual", "bold: mutual, each lists the other"),
    line("one-way", "dashed: one way, from the inner to the outer"),
    make("span", "item", "thicker: closer"),
    ...["hub", "antihub"].map((kind) => withIcon("span", "item", kind, kind)),
    ...LABELS.map((text) => make("span", "item", text)),
  );
  return legend;
}

/**
 * @param {string} kind
 * @param {string} text
 */
function line(kind, text) {
  const item = make("span", "item");
  const svg = makeSvg("svg", { viewBox: "0 0 40 12", width: 40, height: 12, "aria-hidden": "true" });
  svg.append(makeSvg("path", { class: `edge ${kind}`, d: "M2 6H38", "stroke-width": kind === "mutual" ? 5 : 2.5 }));
  item.append(svg, make("span", "", text));
  return item;
}
