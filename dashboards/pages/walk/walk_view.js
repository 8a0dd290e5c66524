// The picture of a walk. `data` is {side, center, nodes, edges, links}; what the user does is reported as the trigger
// "action" = {kind, row}. Names and labels only ever become textContent or an attribute.

const SPACE = "http://www.w3.org/2000/svg";
const ACTIONS = {
  walk: { key: "Enter", name: "Centre here" },
  query: { key: "q", name: "Make this the query" },
  details: { key: "d", name: "Details" },
  basket: { key: "b", name: "Add to basket" },
};
// Signs that not every font has.
const SIGNS = {
  mutual: "M3 8.5h17M16 4.5l4 4l-4 4M21 15.5H4M8 11.5l-4 4l4 4",
  "one-way": "M3 12h17M15 7l5 5l-5 5",
  hub: "M12 3.5l2.5 5.7l6.2 .6l-4.7 4.1l1.4 6.1l-5.4-3.2l-5.4 3.2l1.4-6.1l-4.7-4.1l6.2-.6z",
  antihub: "M12 4.5a7.5 7.5 0 1 0 0 15a7.5 7.5 0 0 0 0-15M18.5 4.5l-13 15",
};
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const HELP = [
  ["← → ↑ ↓", "to the nearest picture on that side"], ["Tab", "into the picture, on to the buttons and the list"],
  ["Home", "back to the centre"], ["Enter", "centre the picture"], ["q", "make it the query"], ["d", "details"],
  ["b", "into the basket, or out of it"], ["Backspace", "one step back"], ["?", "show or hide this list"],
];

export default viewOnce((parent) => new View(parent));

class View {
  constructor(parent) {
    this.turn = 0;
    this.root = make("div", "walk");
    this.picture = make("div", "picture");
    this.panel = make("section", "panel");
    this.panel.setAttribute("aria-label", "The chosen picture");
    this.list = make("section", "list");
    this.help = make("div", "help");
    this.help.hidden = true;
    const keys = make("dl");
    for (const [key, what] of HELP) keys.append(make("dt", "", key), make("dd", "", what));
    this.help.append(make("strong", "", "Keys"), keys);
    const side = make("div", "side");
    side.append(this.panel, this.list);
    const inside = make("div", "inside");
    inside.append(this.picture, side);
    this.root.append(inside, this.legend(), this.help);
    parent.append(this.root);
    this.root.addEventListener("keydown", (event) => this.pressed(event));
  }

  close() {
    this.root.remove();
  }

  show(data, trigger) {
    this.turn += 1;
    this.trigger = trigger;
    const text = JSON.stringify(data);
    if (text === this.text) return this.turn;
    this.text = text;
    const moved = this.data?.center !== data.center;
    const active = this.root.getRootNode().activeElement;
    const hadFocus = this.root.contains(active);
    const inPicture = this.picture.contains(active);
    this.data = data;
    this.byRow = new Map(data.nodes.map((node) => [node.row, node]));
    if (moved || !this.byRow.has(this.chosen)) this.chosen = data.center;
    this.draw();
    this.fillList();
    this.choose(this.chosen);
    if (inPicture || (hadFocus && moved)) this.groups.get(this.chosen).focus({ preventScroll: true });
    return this.turn;
  }

  draw() {
    const { side, nodes, edges } = this.data;
    const svg = part("svg", { viewBox: `${-side / 2} ${-side / 2} ${side} ${side}`, role: "group" });
    svg.setAttribute("aria-label", `${nodes[0].title} with ${nodes.length - 1} pictures around it`);
    const lines = part("g", { class: "edges" });
    this.lines = edges.map((edge) => {
      const line = this.line(edge);
      lines.append(line);
      return [edge, line];
    });
    const layer = part("g", { class: "nodes" });
    this.groups = new Map(nodes.map((node) => [node.row, this.node(node)]));
    layer.append(...[...this.groups.values()].reverse()); // the centre on top
    svg.append(lines, layer);
    this.picture.replaceChildren(svg);
  }

  line(edge) {
    const [a, b] = [this.byRow.get(edge.from), this.byRow.get(edge.to)];
    const classes = ["edge", edge.mutual ? "mutual" : "one-way", edge.cross ? "cross" : "tree"];
    if (a.dim || b.dim) classes.push("dim");
    const bend = edge.cross ? 0.16 : 0; // the others are curves: a straight one would pass under nodes
    const middle = [(a.x + b.x) / 2 * (1 - bend), (a.y + b.y) / 2 * (1 - bend)];
    const d = edge.cross ? `M${a.x} ${a.y}Q${middle[0]} ${middle[1]} ${b.x} ${b.y}` : `M${a.x} ${a.y}L${b.x} ${b.y}`;
    const line = part("path", { class: classes.join(" "), d, "stroke-width": edge.width });
    const title = part("title");
    title.textContent = edge.title;
    line.append(title);
    return line;
  }

  node(node) {
    const group = part("g", { class: `node ring-${node.ring}`, transform: `translate(${node.x} ${node.y})` });
    group.classList.toggle("dim", node.dim);
    group.classList.toggle("in-basket", node.basket);
    group.setAttribute("role", "button");
    group.setAttribute("aria-label", described(node));
    group.setAttribute("tabindex", "-1");
    const clip = `clip-${node.row}`;
    const shape = part("clipPath", { id: clip });
    shape.append(part("circle", { r: node.r }));
    const image = part("image", {
      href: node.src, x: -node.r, y: -node.r, width: 2 * node.r, height: 2 * node.r,
      preserveAspectRatio: "xMidYMid slice", "clip-path": `url(#${clip})`,
    });
    image.addEventListener("error", () => group.classList.add("missing"));
    const title = part("title");
    title.textContent = described(node);
    group.append(title, shape, part("circle", { class: "back", r: node.r }), image);
    const none = part("text", { class: "none", y: 6 });
    none.textContent = "no thumbnail";
    group.append(none, part("circle", { class: "frame", r: node.r }), part("circle", { class: "ringed", r: node.r + 5 }));
    if (node.same !== null) this.badge(group, node, node.same ? "same" : "other", 1);
    if (node.kind !== "usual") this.badge(group, node, node.kind, -1);
    group.addEventListener("click", () => this.act("walk", node.row));
    group.addEventListener("pointerenter", () => this.choose(node.row));
    group.addEventListener("focus", () => this.choose(node.row));
    return group;
  }

  badge(group, node, kind, side) {
    const badge = part("g", { class: `badge ${kind}`, transform: `translate(${side * node.r * 0.72} ${-node.r * 0.72})` });
    badge.append(part("circle", { r: 15 }));
    if (kind in SIGNS) badge.append(part("path", { d: SIGNS[kind], transform: "scale(0.9) translate(-12 -12)" }));
    else {
      const text = part("text", { y: 6.5 });
      text.textContent = kind === "same" ? "=" : "≠";
      badge.append(text);
    }
    group.append(badge);
  }

  // Show a picture's facts beside, and let it alone take part in the Tab order.
  choose(row) {
    this.chosen = row;
    for (const [other, group] of this.groups) {
      group.setAttribute("tabindex", other === row ? "0" : "-1");
      group.classList.toggle("chosen", other === row);
    }
    for (const [edge, line] of this.lines) {
      const touches = edge.from === row || edge.to === row;
      line.classList.toggle("lit", touches && row !== this.data.center);
    }
    const node = this.byRow.get(row);
    const text = JSON.stringify(node);
    if (text === this.told) return;
    this.told = text;
    const image = make("img");
    image.src = node.src;
    image.alt = node.title;
    const facts = make("div", "facts");
    facts.append(make("div", "label", node.label ?? "no label"), make("div", "path", node.title));
    for (const [text, sign] of lines(node, this.byRow)) facts.append(signed("div", "fact", text, sign));
    const buttons = make("div", "buttons");
    for (const kind of Object.keys(ACTIONS)) {
      if (kind === "walk" && row === this.data.center) continue;
      buttons.append(this.button(kind, node));
    }
    const head = make("div", "head");
    head.append(image, facts);
    this.panel.replaceChildren(head, buttons);
  }

  button(kind, node) {
    const name = kind === "basket" && node.basket ? "Remove from basket" : ACTIONS[kind].name;
    const button = make("button", "", name);
    button.type = "button";
    button.title = `${name} (${ACTIONS[kind].key})`;
    if (kind === "basket") button.setAttribute("aria-pressed", String(node.basket));
    button.addEventListener("click", () => this.act(kind, node.row));
    return button;
  }

  fillList() {
    const nodes = this.data.nodes.filter((node) => node.ring === 1);
    const list = make("ol");
    for (const node of nodes) {
      const item = make("li", node.dim ? "dim" : "");
      const button = make("button", "neighbor");
      button.type = "button";
      button.title = "Centre here (Enter)";
      button.setAttribute("aria-label", `Centre here: ${described(node)}`);
      const image = make("img");
      image.src = node.src;
      image.alt = "";
      const words = make("span", "words");
      const mark = node.same === null ? "" : node.same ? "= same label" : "≠ other label";
      const small = make("span", "small", node.distance.toFixed(3));
      small.append(signed("span", "", node.mutual ? "mutual" : "one way", node.mutual ? "mutual" : "one-way"));
      if (mark) small.append(make("span", "", mark));
      words.append(make("span", "name", node.label ?? node.title), small);
      button.append(image, words);
      button.addEventListener("click", () => this.act("walk", node.row));
      button.addEventListener("focus", () => this.choose(node.row));
      button.addEventListener("pointerenter", () => this.choose(node.row));
      item.append(button);
      list.append(item);
    }
    const title = make("h4", "", nodes.length ? `Its ${nodes.length} neighbours, the nearest first` : "No neighbours to show");
    this.list.replaceChildren(title, list);
  }

  legend() {
    const legend = make("div", "legend");
    const line = (kind, text) => {
      const item = make("span", "item");
      const svg = part("svg", { viewBox: "0 0 40 12", width: 40, height: 12, "aria-hidden": "true" });
      svg.append(part("path", { class: `edge ${kind}`, d: "M2 6H38", "stroke-width": kind === "mutual" ? 5 : 2.5 }));
      item.append(svg, make("span", "", text));
      return item;
    };
    legend.append(line("mutual", "bold: mutual, each lists the other"), line("one-way", "dashed: one way, from the inner to the outer"));
    legend.append(make("span", "item", "thicker: closer"));
    for (const kind of ["hub", "antihub"]) legend.append(signed("span", "item", kind, kind));
    for (const text of ["= same label as the centre", "≠ other label"]) legend.append(make("span", "item", text));
    this.hint = make("button", "hint", "? keys");
    this.hint.type = "button";
    this.hint.title = "Show what the keys do (?)";
    this.hint.setAttribute("aria-expanded", "false");
    this.hint.addEventListener("click", () => this.toggleHelp());
    legend.append(this.hint);
    return legend;
  }

  toggleHelp() {
    this.help.hidden = !this.help.hidden;
    this.hint.setAttribute("aria-expanded", String(!this.help.hidden));
  }

  act(kind, row) {
    if (kind === "walk" && row === this.data.center) return;
    this.groups.get(row)?.classList.add("sent");
    this.trigger("action", { kind, row });
  }

  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const inPicture = this.picture.contains(event.target);
    const kind = Object.keys(ACTIONS).find((name) => ACTIONS[name].key === event.key);
    if (event.key === "?") this.toggleHelp();
    else if (event.key === "Escape" && !this.help.hidden) this.toggleHelp();
    else if (event.key === "Backspace") this.trigger("back", true);
    else if (inPicture && event.key in DIRECTIONS) this.move(DIRECTIONS[event.key]);
    else if (inPicture && event.key === "Home") this.focus(this.data.center);
    else if (kind && (inPicture || kind !== "walk")) {
      if (!event.repeat) this.act(kind, this.chosen);
    } else return;
    event.preventDefault();
    event.stopPropagation(); // keys that mean something here must not reach Streamlit's own shortcuts
  }

  focus(row) {
    this.groups.get(row)?.focus({ preventScroll: true });
  }

  // To the nearest picture in a direction; what lies aside counts double.
  move([dx, dy]) {
    const from = this.byRow.get(this.chosen);
    let best = null;
    let least = Infinity;
    for (const node of this.data.nodes) {
      const [x, y] = [node.x - from.x, node.y - from.y];
      const ahead = x * dx + y * dy;
      const aside = Math.abs(x * dy - y * dx);
      if (ahead < 1 || aside > 2 * ahead) continue;
      if (ahead + 2 * aside < least) [best, least] = [node, ahead + 2 * aside];
    }
    if (best) this.focus(best.row);
  }
}

function described(node) {
  const words = [node.title, node.label === null ? "" : `label ${node.label}`];
  if (node.ring > 0) words.push(`distance ${node.distance.toFixed(3)}`, node.mutual ? "mutual" : "one way");
  if (node.same !== null) words.push(node.same ? "same label" : "other label");
  words.push(node.hub, node.dim ? "left out by the filters" : "", node.basket ? "in the basket" : "");
  return words.filter(Boolean).join(", ");
}

// Texts about a node, each with the name of its sign if it has one.
function lines(node, byRow) {
  const words = [];
  if (node.ring > 0) {
    const from = node.ring === 1 ? "the centre" : byRow.get(node.parent).title;
    words.push([`distance ${node.distance.toFixed(3)} from ${from}`]);
    if (node.mutual) words.push(["mutual: each lists the other", "mutual"]);
    else words.push(["one way: it does not list the other back", "one-way"]);
  }
  if (node.same !== null) words.push([node.same ? "= same label as the centre" : "≠ other label than the centre"]);
  words.push([node.hub, node.kind]);
  if (node.dim) words.push(["left out by the filters"]);
  return words;
}

// An element with a text, and a sign before it if there is one of that name.
function signed(tag, className, text, sign) {
  const node = make(tag, className, text);
  if (sign in SIGNS) {
    const svg = drawing(SIGNS[sign]);
    svg.classList.add("sign", sign);
    node.prepend(svg);
  }
  return node;
}

function part(tag, attributes = {}) {
  const node = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}
