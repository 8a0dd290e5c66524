// The map. `data` says where points, codes, names and thumbnails are fetched, and what the URL says; what the user does is
// reported as the triggers "query" (row), "area" (corners), "only" (entry of the legend, -1 for all) and "clear".
// The part that is shown goes into the URL from here: no rerun is needed for it. Names and labels only ever become
// textContent or an attribute.

const STEPS = 10000; // areas and views are written in these
const MOST_CORNERS = 60;
const NEAR = 14; // pixels between the pointer and the point it means
const ZOOMS = [0.5, 400];
const HOME = "5000.5000.100"; // all of the map
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
export default viewOnce((parent) => new MapView(parent));

class MapView {
  constructor(parent) {
    this.turn = 0;
    this.hovered = -1;
    this.pointers = new Map();
    this.under = make("canvas");
    this.over = make("canvas");
    for (const canvas of [this.under, this.over]) canvas.setAttribute("aria-hidden", "true"); // the tip says what is there
    this.raster = new Raster(this.under);
    this.tip = new Tip(this.raster);
    this.build();
    parent.append(this.root);
    this.overlay = new Overlay(this.over, this.raster, () => this.draw());
    this.sizes = new ResizeObserver(() => this.resized());
    this.sizes.observe(this.stage);
  }

  build() {
    this.root = make("div", "map");
    this.stage = make("div", "stage");
    this.stage.tabIndex = 0;
    this.stage.setAttribute("role", "application");
    this.wait = make("div", "wait", "Fetching the map …");
    this.tools = new Toolbar((kind) => this.use(kind));
    this.legend = new Legend((place) => this.trigger("only", place));
    this.stage.append(this.under, this.over, this.tip.root, this.tools.bar, this.wait, this.tools.help, this.tip.said);
    this.root.append(this.stage, this.legend.root);
    const on = (name, act, options) => this.stage.addEventListener(name, (event) => act.call(this, event), options);
    on("pointerdown", this.pressed);
    on("pointermove", this.moved);
    on("pointerup", this.released);
    on("pointercancel", this.released);
    on("pointerleave", () => this.hover(-1));
    on("wheel", this.wheeled, { passive: false });
    on("keydown", this.keyed);
    this.root.addEventListener("transitionend", () => this.draw()); // light and dark: see map_view.css
    this.choose("pan");
  }

  close() {
    this.sizes.disconnect();
    clearTimeout(this.later);
    this.root.remove();
  }

  // Show data; what has not changed is not fetched again. Returns the number of this turn.
  show(data, trigger) {
    this.turn += 1;
    this.trigger = trigger;
    setTimeout(() => this.writeView()); // what the server puts into the URL may lack it
    const text = JSON.stringify(data);
    if (text === this.text) return this.turn;
    this.text = text;
    const before = this.data;
    this.data = data;
    this.stage.setAttribute("aria-label", `Map of ${data.count} images. Arrow keys go from image to image, Enter asks with one, question mark shows all keys.`);
    this.area = data.area;
    if (before?.addresses.points !== data.addresses.points) this.view = null;
    if (before?.view !== data.view) this.view = null; // a link says which part
    if (this.theme) this.legend.show(data, this.theme);
    this.fetch();
    return this.turn;
  }

  // Points and codes, each once.
  async fetch() {
    const { points, codes } = this.data.addresses;
    try {
      if (this.points !== points) {
        this.wait.hidden = false;
        const pairs = await numbers(points);
        if (this.data.addresses.points !== points) return;
        this.raster.setPoints(pairs);
        [this.points, this.codes] = [points, null];
      }
      if (this.codes !== codes) {
        const found = await numbers(codes);
        if (this.data.addresses.codes !== codes || this.points !== points) return;
        this.raster.setCodes(found, this.data.legend);
        this.codes = codes;
      }
      this.wait.hidden = true;
    } catch {
      this.wait.textContent = "The map could not be fetched. Reload the page.";
      return;
    }
    this.raster.setLit(this.data.passed === null ? null : bytes(this.data.passed), this.data.only);
    this.hover(-1);
    this.resized();
  }

  // The pixels of both canvases, as many as the screen has; the view stays.
  resized() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (!width || !height || !this.codes) return;
    this.ratio = Math.min(window.devicePixelRatio || 1, 2);
    for (const canvas of [this.under, this.over]) {
      const [w, h] = [Math.round(width * this.ratio), Math.round(height * this.ratio)];
      if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
    }
    if (!this.view) this.view = this.readView();
    this.draw();
  }

  // A view is its middle, and how many times closer than all of the map it is.
  readView() {
    const [x, y, zoom] = (this.data.view || HOME).split(".").map(Number);
    return { x: x / STEPS, y: 1 - y / STEPS, zoom: limit(zoom / 100, ...ZOOMS) };
  }

  writeView() {
    if (!this.view || !this.root.isConnected) return;
    const { x, y, zoom } = this.view;
    const text = [limit(x, 0, 1) * STEPS, limit(1 - y, 0, 1) * STEPS, zoom * 100].map(Math.round).join(".");
    const address = new URL(window.location.href);
    if (text === HOME) address.searchParams.delete("view");
    else address.searchParams.set("view", text);
    if (address.href !== window.location.href) window.history.replaceState(window.history.state, "", address);
  }

  // Which pixel is where.
  window() {
    const { width, height } = this.under;
    const scale = (Math.min(width, height) - 28 * this.ratio) * this.view.zoom;
    return { scale, left: this.view.x - width / 2 / scale, top: this.view.y - height / 2 / scale };
  }

  pixel(i) {
    const { left, top, scale } = this.window();
    return [(this.raster.x[i] - left) * scale, (this.raster.y[i] - top) * scale];
  }

  plane(event) {
    const box = this.stage.getBoundingClientRect();
    const { left, top, scale } = this.window();
    return [left + ((event.clientX - box.left) * this.ratio) / scale, top + ((event.clientY - box.top) * this.ratio) / scale];
  }

  draw() {
    if (this.frame || !this.view || !this.codes) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (!this.view || !this.codes || !this.raster.lit) return;
      const { backgroundColor, color: ink, accentColor: accent } = getComputedStyle(this.root);
      const paper = backgroundColor.match(/\d+/g).slice(0, 3).map(Number);
      this.theme = paper[0] * 0.3 + paper[1] * 0.6 + paper[2] * 0.1 > 128 ? "light" : "dark";
      this.legend.show(this.data, this.theme);
      this.raster.setTheme(this.theme, paper);
      const { data, area, hovered, ratio, drawing: drawn } = this;
      const radius = ratio * Math.min(7, Math.max(1.1, 150 / Math.sqrt(this.raster.count + 400)) * this.view.zoom ** 0.3);
      const window = this.window();
      this.raster.paint(window, radius);
      this.overlay.draw({ window, ratio, radius, data, area, drawn, closed: this.tool === "box", hovered, ink, accent });
    });
  }

  // What the pointer, or the keyboard, is at.
  hover(i) {
    if (i === this.hovered) return;
    this.hovered = i;
    this.stage.classList.toggle("on-point", i >= 0);
    if (i < 0) this.tip.hide();
    else this.tip.show(i, this.data, this.pixel(i).map((value) => value / this.ratio), this.stage.clientWidth);
    if (this.view && this.codes) this.draw();
  }

  use(kind) {
    if (kind in TOOLS) this.choose(kind);
    else if (kind === "help") this.tools.toggleHelp();
    else if (!this.view) return;
    else if (kind === "fit") this.look({ x: 0.5, y: 0.5, zoom: 1 });
    else this.zoom(kind === "in" ? 1.5 : 1 / 1.5, [this.view.x, this.view.y]);
  }

  choose(tool) {
    this.tool = tool;
    this.stage.dataset.tool = tool;
    this.tools.choose(tool);
  }

  // Show another part; the URL says so when the hand rests.
  look(view) {
    this.view = { x: limit(view.x, -0.2, 1.2), y: limit(view.y, -0.2, 1.2), zoom: limit(view.zoom, ...ZOOMS) };
    this.draw();
    clearTimeout(this.later);
    this.later = setTimeout(() => this.writeView(), 300);
  }

  // Closer by a factor, with a place of the plane staying where it is.
  zoom(factor, [x, y]) {
    const zoom = limit(this.view.zoom * factor, ...ZOOMS);
    const share = this.view.zoom / zoom;
    this.look({ x: x + (this.view.x - x) * share, y: y + (this.view.y - y) * share, zoom });
  }

  wheeled(event) {
    if (!this.view) return;
    event.preventDefault();
    this.hover(-1);
    this.zoom(Math.exp(-limit(event.deltaY * (event.deltaMode ? 20 : 1), -200, 200) / 300), this.plane(event));
  }

  pressed(event) {
    if (!this.view || event.button > 0 || event.target.closest(".bar, .help")) return;
    this.stage.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.start(event));
    if (this.pointers.size === 1 && (this.tool !== "pan" || event.shiftKey)) this.drawing = [this.plane(event)];
    else if (this.pointers.size > 1) this.drawing = null;
  }

  start(event) {
    return { x: event.clientX, y: event.clientY, far: 0 };
  }

  moved(event) {
    if (!this.view) return;
    const hand = this.pointers.get(event.pointerId);
    if (!hand) {
      if (event.pointerType !== "touch" && !event.target.closest(".bar, .help")) this.hover(this.at(event));
      return;
    }
    const before = [...this.pointers.values()].map(({ x, y }) => [x, y]);
    const [dx, dy] = [event.clientX - hand.x, event.clientY - hand.y];
    Object.assign(hand, { x: event.clientX, y: event.clientY, far: hand.far + Math.hypot(dx, dy) });
    if (hand.far > 4) this.hover(-1);
    if (this.drawing) this.draws(event);
    else if (this.pointers.size === 1) this.shift(dx, dy);
    else this.pinch(before, event);
  }

  shift(dx, dy) {
    const { scale } = this.window();
    this.look({ ...this.view, x: this.view.x - (dx * this.ratio) / scale, y: this.view.y - (dy * this.ratio) / scale });
  }

  pinch([a, b], event) {
    const [c, d] = [...this.pointers.values()].map(({ x, y }) => [x, y]);
    const wide = (p, q) => Math.hypot(p[0] - q[0], p[1] - q[1]);
    this.shift((c[0] + d[0] - a[0] - b[0]) / 2, (c[1] + d[1] - a[1] - b[1]) / 2);
    if (wide(a, b) > 10) this.zoom(wide(c, d) / wide(a, b), this.plane(event));
  }

  draws(event) {
    const here = this.plane(event);
    const first = this.drawing[0];
    if (this.tool === "box") this.drawing = [first, [here[0], first[1]], here, [first[0], here[1]]];
    else this.drawing.push(here);
    this.draw();
  }

  released(event) {
    const hand = this.pointers.get(event.pointerId);
    if (!hand) return;
    this.pointers.delete(event.pointerId);
    const drawn = this.drawing;
    this.drawing = null;
    if (event.type === "pointercancel") this.draw();
    else if (hand.far < 5) this.ask(this.at(event));
    else if (drawn) this.enclose(drawn);
  }

  at(event) {
    return this.raster.nearest(...this.plane(event), (NEAR * this.ratio) / this.window().scale);
  }

  ask(i) {
    if (i < 0) return this.draw();
    this.hover(i);
    this.trigger("query", i);
  }

  enclose(drawn) {
    const corners = simplified(drawn, 1.5 / this.window().scale);
    this.area = corners;
    this.draw();
    if (corners.length < 3) return;
    const step = (value) => Math.round(limit(value, 0, 1) * STEPS);
    this.trigger("area", corners.map(([x, y]) => `${step(x)}.${step(1 - y)}`).join("~"));
  }

  keyed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== this.stage || !this.view) return;
    const tool = this.tools.of(event.key);
    if (event.key in ARROWS && event.shiftKey) this.shift(...ARROWS[event.key].map((value) => -60 * value));
    else if (event.key in ARROWS) this.step(...ARROWS[event.key]);
    else if (event.key === "Enter" && this.hovered >= 0) this.ask(this.hovered);
    else if (event.key === "Escape") this.escape();
    else if (tool) this.use(tool);
    else return;
    event.preventDefault();
    event.stopPropagation(); // keys that mean something here must not reach Streamlit's own shortcuts
  }

  escape() {
    if (!this.tools.help.hidden) this.tools.toggleHelp();
    else if (this.hovered >= 0) this.hover(-1);
    else this.trigger("clear", true);
  }

  step(dx, dy) {
    const from = this.hovered >= 0 ? this.hovered : this.data.query;
    const next = from === null ? this.raster.nearest(this.view.x, this.view.y, 2) : this.raster.towards(from, dx, dy);
    if (next < 0) return;
    const [x, y] = this.pixel(next);
    const edge = 40 * this.ratio;
    if (x < edge || y < edge || x > this.under.width - edge || y > this.under.height - edge) {
      this.look({ ...this.view, x: this.raster.x[next], y: this.raster.y[next] });
    }
    this.hover(next);
  }
}
