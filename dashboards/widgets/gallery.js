// A grid of pictures with actions. `data` is {tiles, actions, size, label}; an action is reported as the
// trigger "action" = {kind, row}. Text of users (names, labels) only ever becomes textContent or an attribute.

const ACTIONS = {
  query: { key: "q", name: "Make this the query", icon: "M10.5 4a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13M15.3 15.3L20 20" },
  more: { key: "+", name: "More like this", icon: "M12 5v14M5 12h14" },
  less: { key: "-", name: "Less like this", icon: "M5 12h14" },
  details: { key: "d", name: "Details", icon: "M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17M12 11v5.5M12 7.6v.1" },
  basket: { key: "b", name: "Add to basket", icon: "M4 9.5h16l-1.6 9.5H5.6zM8.5 9.5L11 4.5M15.5 9.5L13 4.5" },
  walk: {
    key: "w",
    name: "Walk from here",
    icon: "M6 9.5a2.5 2.5 0 1 0 0 5a2.5 2.5 0 0 0 0-5M18 3.5a2.5 2.5 0 1 0 0 5a2.5 2.5 0 0 0 0-5" +
      "M18 15.5a2.5 2.5 0 1 0 0 5a2.5 2.5 0 0 0 0-5M8.2 10.8L15.8 7.2M8.2 13.2L15.8 16.8",
  },
};
const BASKET_OUT = "Remove from basket";
const NO_PICTURE = "M4 5h16v14H4zM4 16l4.5-4.5l3.5 3.5M14 13l2-2l4 4M3 3l18 18";
const CHECK = "M5 12.5l4.5 4.5L19 7.5";
const DUPLICATE = "M8.5 8.5h11v11h-11zM15.5 4.5h-11v11";
const STEPS = { ArrowLeft: -1, ArrowRight: 1 };
const ROWS = { ArrowUp: -1, ArrowDown: 1 };

export default viewOnce((parent) => new Gallery(parent));

class Gallery {
  constructor(parent) {
    this.turn = 0;
    this.active = 0;
    this.tiles = [];
    this.items = [];
    this.stop = new AbortController();
    this.root = make("div", "gallery");
    this.list = make("ul", "tiles");
    this.help = make("div", "help");
    this.help.hidden = true;
    this.hint = make("button", "hint", "? keys");
    this.hint.type = "button";
    this.hint.title = "Show what the keys do (?)";
    this.hint.setAttribute("aria-expanded", "false");
    this.root.append(this.list, this.hint, this.help);
    parent.append(this.root);
    const listening = { signal: this.stop.signal };
    this.root.addEventListener("click", (event) => this.clicked(event), listening);
    this.root.addEventListener("keydown", (event) => this.pressed(event), listening);
    this.root.addEventListener("focusin", (event) => this.focused(event), listening);
    document.addEventListener("keydown", (event) => this.entered(event), listening);
    this.list.addEventListener("load", (event) => picture(event, "there"), { ...listening, capture: true });
    this.list.addEventListener("error", (event) => picture(event, "missing"), { ...listening, capture: true });
  }

  close() {
    this.stop.abort();
    this.root.remove();
  }

  // Show data, reusing what is there already; returns the number of this turn.
  show(data, trigger) {
    this.turn += 1;
    this.trigger = trigger;
    const text = JSON.stringify(data);
    if (text === this.text) return this.turn;
    this.text = text;
    const hadFocus = this.list.contains(this.root.getRootNode().activeElement);
    const row = this.tiles[this.active]?.row;
    const sameActions = String(data.actions) === String(this.actions);
    this.tiles = data.tiles;
    this.actions = data.actions;
    this.root.dataset.size = data.size;
    this.root.dataset.empty = String(data.tiles.length === 0);
    this.list.setAttribute("aria-label", data.label);
    this.explain();
    this.fill(sameActions);
    const kept = this.tiles.findIndex((tile) => tile.row === row);
    this.activate(Math.max(kept, 0));
    if (hadFocus) this.main(this.active)?.focus({ preventScroll: true });
    return this.turn;
  }

  fill(sameActions) {
    const known = new Map(sameActions ? this.items.map((item) => [item.key, item]) : []);
    this.items = this.tiles.map((tile, place) => {
      const key = `${tile.row} ${tile.src}`;
      const item = known.get(key) ?? { key, node: this.blank(tile) };
      known.delete(key);
      const text = JSON.stringify(tile);
      if (item.text !== text) dress(item.node, tile, this.actions);
      item.text = text;
      item.node.dataset.place = String(place);
      return item;
    });
    const nodes = this.items.map((item) => item.node);
    const same = nodes.length === this.list.children.length && nodes.every((node, i) => node === this.list.children[i]);
    if (!same) this.list.replaceChildren(...nodes);
  }

  // The parts of a tile that stay when its text changes.
  blank(tile) {
    const node = make("li", "tile");
    const frame = make("div", "frame");
    const main = make("button", "main");
    main.type = "button";
    main.dataset.kind = this.actions[0] ?? "";
    const image = make("img");
    image.loading = "lazy";
    image.decoding = "async";
    image.draggable = false;
    image.src = tile.src;
    const missing = make("span", "missing");
    missing.append(drawing(NO_PICTURE), make("span", "", "no thumbnail"));
    main.append(image, missing);
    const bar = make("div", "actions");
    for (const kind of this.actions) bar.append(actionButton(kind));
    frame.append(main, make("span", "chip rank"), make("span", "chip duplicate"), make("span", "chip kept"), bar);
    frame.querySelector(".kept").append(drawing(CHECK));
    const facts = make("div", "facts");
    facts.append(make("span", "distance"), make("span", "mark"));
    const path = make("div", "path");
    path.append(make("span", "folder"), make("span", "file"));
    node.append(frame, facts, make("div", "label"), path, make("div", "note"));
    return node;
  }

  explain() {
    const lines = [["← → ↑ ↓", "move"], ["Home, End", "first, last"]];
    this.actions.forEach((kind, i) => lines.push([i === 0 ? `Enter, ${ACTIONS[kind].key}` : ACTIONS[kind].key, ACTIONS[kind].name]));
    lines.push(["?", "show or hide this list"]);
    const list = make("dl");
    for (const [keys, what] of lines) list.append(make("dt", "", keys), make("dd", "", what));
    this.help.replaceChildren(make("strong", "", "Keys"), list);
    this.help.setAttribute("role", "note");
  }

  toggleHelp() {
    this.help.hidden = !this.help.hidden;
    this.hint.setAttribute("aria-expanded", String(!this.help.hidden));
  }

  main(place) {
    return this.items[place]?.node.querySelector(".main");
  }

  // One tile at a time takes part in the Tab order.
  activate(place) {
    this.active = Math.min(Math.max(place, 0), Math.max(this.items.length - 1, 0));
    this.items.forEach((item, i) => {
      for (const button of item.node.querySelectorAll("button")) button.tabIndex = i === this.active ? 0 : -1;
    });
  }

  move(place) {
    this.activate(place);
    const main = this.main(this.active);
    main?.focus({ preventScroll: true });
    main?.scrollIntoView({ block: "nearest" });
  }

  columns() {
    const tops = this.items.map((item) => item.node.offsetTop);
    const second = tops.findIndex((top) => top > tops[0]);
    return second < 0 ? tops.length : second;
  }

  act(kind, place) {
    const tile = this.tiles[place];
    if (!tile || !this.actions.includes(kind)) return;
    const node = this.items[place].node;
    node.classList.remove("sent");
    void node.offsetWidth; // starts the animation anew
    node.classList.add("sent");
    this.trigger("action", { kind, row: tile.row });
  }

  place(event) {
    const tile = event.target.closest?.(".tile");
    return tile ? Number(tile.dataset.place) : -1;
  }

  clicked(event) {
    const button = event.target.closest?.("button");
    if (button === this.hint) this.toggleHelp();
    else if (button?.dataset.kind) this.act(button.dataset.kind, this.place(event));
  }

  focused(event) {
    const place = this.place(event);
    if (place >= 0 && place !== this.active) this.activate(place);
  }

  // A step to the side while nothing has the focus enters the first gallery of the page.
  entered(event) {
    if (!(event.key in STEPS) || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (event.defaultPrevented || document.activeElement !== document.body || !this.tiles.length) return;
    if (document.querySelector('[role="dialog"]')) return;
    event.preventDefault();
    this.move(this.active);
  }

  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const place = this.place(event);
    if (event.key === "?") this.toggleHelp();
    else if (event.key === "Escape" && !this.help.hidden) this.toggleHelp();
    else if (place < 0) return;
    else if (event.key in STEPS) this.move(place + STEPS[event.key]);
    else if (event.key in ROWS) this.moveRow(place, ROWS[event.key] * this.columns());
    else if (event.key === "Home") this.move(0);
    else if (event.key === "End") this.move(this.items.length - 1);
    else {
      const pressed = event.key.toLowerCase();
      const kind = this.actions.find((name) => ACTIONS[name].key === pressed || (name === "more" && pressed === "="));
      if (!kind || event.repeat) return;
      this.act(kind, place);
    }
    event.preventDefault();
    event.stopPropagation(); // keys that mean something here must not reach Streamlit's own shortcuts
  }

  moveRow(place, step) {
    if (place + step >= 0 && place + step < this.items.length) this.move(place + step);
  }
}

// Write what a tile says.
function dress(node, tile, actions) {
  const { title, note, duplicate, keep } = tile;
  const label = tile.label ?? "";
  const mark = tile.same === null ? "" : tile.same ? "= same" : "≠ other";
  const distance = tile.distance === null ? "" : tile.distance.toFixed(3);
  const cut = title.lastIndexOf("/") + 1;
  node.dataset.same = tile.same === null ? "unknown" : String(tile.same);
  node.classList.toggle("in-basket", tile.basket);
  put(node, ".rank", tile.rank === null ? "" : String(tile.rank), "Rank");
  put(node, ".duplicate", keep ? "keep" : duplicate ?? "", keep ? "Of its group the one to keep" : "Duplicate");
  node.querySelector(".duplicate").prepend(drawing(keep ? CHECK : DUPLICATE));
  put(node, ".distance", distance, "Distance");
  put(node, ".mark", mark, tile.same ? "Same label as the query" : "Another label than the query");
  put(node, ".label", label, label);
  put(node, ".folder", title.slice(0, cut));
  put(node, ".file", title.slice(cut));
  put(node, ".note", note, note);
  node.querySelector(".path").title = title;
  node.querySelector(".facts").hidden = !distance && !mark;
  const kept = node.querySelector(".kept");
  kept.hidden = !tile.basket;
  kept.title = "In the basket";
  node.querySelector("img").alt = title;
  const said = [tile.rank === null ? "" : `rank ${tile.rank}`, title, label && `label ${label}`];
  said.push(mark && (tile.same ? "same label" : "other label"), distance && `distance ${distance}`);
  said.push(keep ? "the one to keep" : duplicate ?? "", note, tile.basket ? "in the basket" : "");
  const main = node.querySelector(".main");
  const first = ACTIONS[actions[0]];
  main.setAttribute("aria-label", [first?.name ?? "", said.filter(Boolean).join(", ")].filter(Boolean).join(": "));
  main.title = first ? `${first.name} (Enter)\n${title}` : title;
  for (const button of node.querySelectorAll(".actions button")) name(button, tile, title);
}

function name(button, tile, title) {
  const { kind } = button.dataset;
  const out = kind === "basket" && tile.basket;
  const does = out ? BASKET_OUT : ACTIONS[kind].name;
  button.title = `${does} (${ACTIONS[kind].key})`;
  button.setAttribute("aria-label", `${does}: ${title}`);
  button.setAttribute("aria-keyshortcuts", ACTIONS[kind].key === "+" ? "Plus" : ACTIONS[kind].key);
  if (kind === "basket") button.setAttribute("aria-pressed", String(tile.basket));
}

function actionButton(kind) {
  const button = make("button", "action");
  button.type = "button";
  button.dataset.kind = kind;
  button.append(drawing(ACTIONS[kind].icon));
  return button;
}

function picture(event, state) {
  const tile = event.target.closest?.(".tile");
  if (tile) tile.dataset.picture = state;
}

function put(node, place, text, title = "") {
  const part = node.querySelector(place);
  part.textContent = text;
  part.hidden = text === "";
  if (title) part.title = title;
}
