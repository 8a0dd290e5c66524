// The picture of a walk: thumbnails as nodes, the graph's edges between them.

import { make, makeSvg } from "../../../widgets/js/elements.js";
import { described, ICONS } from "./words.js";

/** @import { WalkNode } from "./words.js" */

/**
 * An edge; its two ends are rows, the first lists the second.
 *
 * @typedef {object} WalkEdge
 * @property {number} from
 * @property {number} to
 * @property {number} width
 * @property {boolean} mutual
 * @property {boolean} cross Between two neighbours.
 * @property {string} title
 */

/** @typedef {{ line: SVGPathElement, edge: WalkEdge }} Line */

export class Picture {
  /**
   * @param {(row: number) => void} click
   * @param {(row: number) => void} look Called for an image under the pointer or with the focus.
   */
  constructor(click, look) {
    this.click = click;
    this.look = look;
    this.center = -1;
    /** @type {Map<number, WalkNode>} */
    this.nodes = new Map();
    /** @type {Map<number, SVGGElement>} */
    this.groups = new Map();
    /** @type {Line[]} */
    this.lines = [];
    this.root = make("div", "picture");
  }

  /**
   * @param {number} side
   * @param {WalkNode[]} nodes The centre first.
   * @param {WalkEdge[]} edges
   */
  draw(side, nodes, edges) {
    const center = /** @type {WalkNode} */ (nodes[0]);
    this.center = center.row;
    this.nodes = new Map(nodes.map((node) => [node.row, node]));
    const svg = makeSvg("svg", { viewBox: `${-side / 2} ${-side / 2} ${side} ${side}`, role: "group" });
    svg.setAttribute("aria-label", `${center.title} with ${nodes.length - 1} pictures around it`);
    this.lines = edges.flatMap((edge) => this.line(edge));
    const lines = makeSvg("g", { class: "edges" });
    lines.append(...this.lines.map(({ line }) => line));
    this.groups = new Map(nodes.map((node) => [node.row, this.group(node)]));
    const layer = makeSvg("g", { class: "nodes" });
    layer.append(...[...this.groups.values()].reverse()); // the centre on top
    svg.append(lines, layer);
    this.root.replaceChildren(svg);
  }

  /**
   * @param {WalkEdge} edge
   * @returns {Line[]} One; none if an end is not in the picture.
   */
  line(edge) {
    const [a, b] = [this.nodes.get(edge.from), this.nodes.get(edge.to)];
    if (!a || !b) return [];
    const classes = ["edge", edge.mutual ? "mutual" : "one-way", edge.cross ? "cross" : "tree"];
    if (a.dim || b.dim) classes.push("dim");
    const middle = `${((a.x + b.x) / 2) * 0.84} ${((a.y + b.y) / 2) * 0.84}`;
    const way = edge.cross ? `Q${middle} ` : "L"; // a straight line between neighbours would pass under others
    const d = `M${a.x} ${a.y}${way}${b.x} ${b.y}`;
    const line = makeSvg("path", { class: classes.join(" "), d, "stroke-width": edge.width });
    line.append(makeSvg("title", {}, edge.title));
    return [{ line, edge }];
  }

  /** @param {WalkNode} node */
  group(node) {
    const { row, r } = node;
    const group = makeSvg("g", { class: `node ring-${node.ring}`, transform: `translate(${node.x} ${node.y})` });
    group.classList.toggle("dim", node.dim);
    group.classList.toggle("in-basket", node.basket);
    group.setAttribute("role", "button");
    group.setAttribute("aria-label", described(node));
    group.setAttribute("tabindex", "-1");
    const image = thumbnail(node);
    image.addEventListener("error", () => group.classList.add("missing"));
    group.append(makeSvg("title", {}, described(node)), makeSvg("circle", { class: "back", r }), image);
    group.append(makeSvg("text", { class: "none", y: 6 }, "no thumbnail"));
    group.append(makeSvg("circle", { class: "frame", r }), makeSvg("circle", { class: "ringed", r: r + 5 }));
    if (node.same !== null) group.append(badge(r, node.same ? "same" : "other", 1));
    if (node.kind !== "usual") group.append(badge(r, node.kind, -1));
    group.addEventListener("click", () => this.click(row));
    group.addEventListener("pointerenter", () => this.look(row));
    group.addEventListener("focus", () => this.look(row));
    return group;
  }

  /**
   * Mark an image and its edges, and let it alone take part in the Tab order.
   *
   * @param {number} row
   */
  choose(row) {
    for (const [other, group] of this.groups) {
      group.setAttribute("tabindex", other === row ? "0" : "-1");
      group.classList.toggle("chosen", other === row);
    }
    for (const { line, edge } of this.lines) {
      const touches = edge.from === row || edge.to === row;
      line.classList.toggle("lit", touches && row !== this.center);
    }
  }

  /**
   * Find the nearest image in a direction; what lies aside counts double.
   *
   * @param {number} row
   * @param {[number, number]} direction
   */
  towards(row, [dx, dy]) {
    const from = this.nodes.get(row);
    let best = row;
    let least = Infinity;
    if (!from) return best;
    for (const node of this.nodes.values()) {
      const [x, y] = [node.x - from.x, node.y - from.y];
      const ahead = x * dx + y * dy;
      const aside = Math.abs(x * dy - y * dx);
      if (ahead < 1 || aside > 2 * ahead) continue;
      if (ahead + 2 * aside < least) [best, least] = [node.row, ahead + 2 * aside];
    }
    return best;
  }

  /** @param {number} row */
  focus(row) {
    this.groups.get(row)?.focus({ preventScroll: true });
  }

  /**
   * Show that an action was sent.
   *
   * @param {number} row
   */
  flash(row) {
    this.groups.get(row)?.classList.add("sent");
  }
}

/** @param {WalkNode} node */
function thumbnail({ r, src }) {
  const box = { x: -r, y: -r, width: 2 * r, height: 2 * r };
  return makeSvg("image", { href: src, ...box, preserveAspectRatio: "xMidYMid slice" });
}

/**
 * @param {number} r
 * @param {string} kind
 * @param {number} side 1 for the right, -1 for the left.
 */
function badge(r, kind, side) {
  const node = makeSvg("g", { class: `badge ${kind}`, transform: `translate(${side * r * 0.72} ${-r * 0.72})` });
  node.append(makeSvg("circle", { r: 15 }));
  const icon = ICONS[kind];
  if (icon) node.append(makeSvg("path", { d: icon, transform: "scale(0.9) translate(-12 -12)" }));
  else node.append(makeSvg("text", { y: 6.5 }, kind === "same" ? "=" : "≠"));
  return node;
}
