// Points into pixels. A hundred thousand small discs are painted into one image in a few milliseconds, on every machine
// the same: no WebGL, so nothing to fall back from. Places are uint16, 0 to 65535, y upwards.

const FULL = 65535;
const UNKNOWN = 65535; // the code of an image without a figure
const [RED_BLUE, GREEN, OPAQUE] = [0xff00ff, 0x00ff00, 255 << 24];

// Told apart also by those who do not see all colours (Okabe and Ito; Tol).
const GROUPS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8f8f00", "#aa4499"];
const NOTHING = { light: "#9aa0a6", dark: "#7d838c" };
// From inconspicuous to conspicuous, in lightness as well as in hue.
const RAMPS = { light: ["#c3cad3", "#e69f00", "#8b1a10"], dark: ["#4d5663", "#e69f00", "#fff3b0"] };

function rgbOf(text) {
  const value = parseInt(text.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

// Of a share from 0 to 1 on the ramp.
function rampColor(share, theme) {
  const stops = RAMPS[theme].map(rgbOf);
  const place = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
  const from = Math.min(Math.floor(place), stops.length - 2);
  return stops[from].map((value, i) => Math.round(value + (stops[from + 1][i] - value) * (place - from)));
}

// Of an entry of the legend; a figure's entries have the colour of their middle.
function entryColor(legend, place, theme) {
  if (legend.unknown && place === legend.groups - 1) return rgbOf(NOTHING[theme]);
  return legend.bins ? rampColor((place + 0.5) / legend.bins, theme) : rgbOf(GROUPS[place % GROUPS.length]);
}

const pack = ([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r;

class Raster {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.stamps = new Map();
  }

  // Places of all points: Uint16Array of x, y, x, y ...
  setPoints(pairs) {
    const n = pairs.length / 2;
    this.count = n;
    this.x = new Float32Array(n);
    this.y = new Float32Array(n);
    for (let i = 0; i < n; i++) {
      this.x[i] = pairs[2 * i] / FULL;
      this.y[i] = 1 - pairs[2 * i + 1] / FULL; // downwards, as pixels are
    }
    this.codes = null;
    this.mix();
    this.index();
  }

  // Points in an order that mixes all of them: by a step that shares no divisor with their number.
  mix() {
    const common = (a, b) => (b ? common(b, a % b) : a);
    let step = Math.max(1, Math.floor(this.count * 0.618));
    while (common(step, this.count) > 1) step++;
    this.mixed = new Int32Array(this.count);
    for (let i = 0, at = 0; i < this.count; i++, at = (at + step) % this.count) this.mixed[i] = at;
  }

  // Cells of the plane with the points in them, mixed.
  index() {
    const side = (this.side = Math.max(1, Math.min(256, Math.round(Math.sqrt(this.count)))));
    const cell = (value) => Math.min(side - 1, Math.floor(value * side));
    const of = Int32Array.from(this.x, (x, i) => cell(this.y[i]) * side + cell(x));
    this.cells = new Int32Array(side * side + 1);
    for (const place of of) this.cells[place + 1]++;
    for (let i = 0; i < side * side; i++) this.cells[i + 1] += this.cells[i];
    const next = this.cells.slice();
    this.items = new Int32Array(this.count);
    for (const i of this.mixed) this.items[next[of[i]]++] = i;
  }

  // Codes of the points, and what they mean. They are painted cell by cell, which is quick; in a cell high figures come
  // last, and groups are mixed, so that none lies on top.
  setCodes(codes, legend) {
    this.codes = codes;
    this.legend = legend;
    this.entry = Uint16Array.from(codes, (code) => {
      if (!legend.bins) return code;
      return code === UNKNOWN ? legend.bins : Math.floor((code * legend.bins) / FULL);
    });
    this.order = this.items;
    if (legend.bins) {
      this.order = this.items.slice();
      const rising = (a, b) => ((codes[a] + 1) & FULL) - ((codes[b] + 1) & FULL); // those without a figure first
      for (let i = 0; i + 1 < this.cells.length; i++) this.order.subarray(this.cells[i], this.cells[i + 1]).sort(rising);
    }
    this.theme = null;
  }

  setTheme(theme, paper) {
    if (this.theme === theme && this.paper === pack(paper)) return;
    this.theme = theme;
    this.paper = pack(paper);
    const { legend, codes } = this;
    const groups = Array.from({ length: legend.groups }, (_, place) => pack(entryColor(legend, place, theme)));
    const ramp = legend.bins ? Array.from({ length: 256 }, (_, i) => pack(rampColor(i / 255, theme))) : [];
    this.colors = new Uint32Array(this.count);
    for (let i = 0; i < this.count; i++) {
      this.colors[i] = legend.bins && codes[i] !== UNKNOWN ? ramp[codes[i] >> 8] : groups[this.entry[i]];
    }
  }

  // Which points pass the filters (bytes of bits, null for all) and the legend (an entry, -1 for all).
  setLit(bits, only) {
    this.lit = new Uint8Array(this.count);
    for (let i = 0; i < this.count; i++) {
      const passed = bits === null || (bits[i >> 3] >> (i & 7)) & 1;
      this.lit[i] = passed && (only < 0 || this.entry[i] === only) ? 1 : 0;
    }
  }

  // Paint the part of the plane in which `left`, `top` is the first pixel and `scale` pixels are one side.
  paint({ left, top, scale }, radius) {
    const { width, height } = this.canvas;
    if (!this.image || this.image.width !== width || this.image.height !== height) {
      this.image = this.context.createImageData(width, height);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    this.pixels.fill(this.paper);
    this.pass(0, this.stamp(Math.max(0.8, radius * 0.6), 0.13), left, top, scale);
    this.pass(1, this.stamp(radius, 0.9), left, top, scale);
    this.context.putImageData(this.image, 0, 0);
  }

  pass(lit, { reach, dx, dy, alpha }, left, top, scale) {
    const { width, height } = this.canvas;
    const { x, y, colors, order, pixels, count } = this;
    const places = dx.map((u, s) => u + dy[s] * width);
    for (let k = 0; k < count; k++) {
      const i = order[k];
      if (this.lit[i] !== lit) continue;
      const px = Math.round((x[i] - left) * scale);
      const py = Math.round((y[i] - top) * scale);
      if (px < reach || py < reach || px >= width - reach || py >= height - reach) continue;
      const color = colors[i];
      const rb = color & RED_BLUE; // two colors in one number: half the multiplications
      const g = color & GREEN;
      const at = py * width + px;
      for (let s = 0; s < places.length; s++) {
        const under = pixels[at + places[s]];
        const underRb = under & RED_BLUE;
        const underG = under & GREEN;
        const mixedRb = (underRb + (Math.imul(rb - underRb, alpha[s]) >> 8)) & RED_BLUE;
        const mixedG = (underG + (Math.imul(g - underG, alpha[s]) >> 8)) & GREEN;
        pixels[at + places[s]] = OPAQUE | mixedRb | mixedG;
      }
    }
  }

  // Pixels of a disc with how much of each it covers, 0 to 256.
  stamp(radius, opacity) {
    const key = `${radius.toFixed(2)} ${opacity}`;
    if (this.stamps.has(key)) return this.stamps.get(key);
    const reach = Math.ceil(radius + 0.5);
    const [dx, dy, alpha] = [[], [], []];
    for (let v = -reach; v <= reach; v++) {
      for (let u = -reach; u <= reach; u++) {
        const cover = Math.min(Math.max(radius + 0.5 - Math.hypot(u, v), 0), 1);
        if (cover > 0.02) [u, v, Math.round(cover * opacity * 256)].forEach((value, i) => [dx, dy, alpha][i].push(value));
      }
    }
    const made = { reach, dx: Int32Array.from(dx), dy: Int32Array.from(dy), alpha: Int32Array.from(alpha) };
    this.stamps.set(key, made);
    return made;
  }

  // The lit point nearest to a place in the plane, not further than `most`; -1 when there is none.
  nearest(x, y, most) {
    const { side, cells, items } = this;
    const cell = (value) => Math.min(side - 1, Math.max(0, Math.floor(value * side)));
    let best = -1;
    let least = most * most;
    for (let v = cell(y - most); v <= cell(y + most); v++) {
      for (let u = cell(x - most); u <= cell(x + most); u++) {
        for (let k = cells[v * side + u]; k < cells[v * side + u + 1]; k++) {
          const i = items[k];
          const d = (this.x[i] - x) ** 2 + (this.y[i] - y) ** 2;
          if (this.lit[i] && d <= least) [best, least] = [i, d];
        }
      }
    }
    return best;
  }

  // The nearest lit point on one side of another; what lies aside counts double.
  towards(from, dx, dy) {
    let best = -1;
    let least = Infinity;
    for (let i = 0; i < this.count; i++) {
      const [x, y] = [this.x[i] - this.x[from], this.y[i] - this.y[from]];
      const ahead = x * dx + y * dy;
      const aside = Math.abs(x * dy - y * dx);
      if (this.lit[i] && ahead > 1e-6 && aside <= 2 * ahead && ahead + 2 * aside < least) [best, least] = [i, ahead + 2 * aside];
    }
    return best;
  }

  // Points with room for a picture each: one of every cell of a grid that stays where it is while the map moves.
  spread({ left, top, scale }, cell, most) {
    const step = 2 ** Math.ceil(Math.log2(cell / scale)); // sides of cells are powers of two, so that zooming keeps them
    const { width, height } = this.canvas;
    const taken = new Map();
    for (const i of this.mixed) {
      if (taken.size === most) break;
      const px = (this.x[i] - left) * scale;
      const py = (this.y[i] - top) * scale;
      if (!this.lit[i] || px < 0 || py < 0 || px > width || py > height) continue;
      const key = Math.floor(this.x[i] / step) * 65536 + Math.floor(this.y[i] / step);
      if (!taken.has(key)) taken.set(key, i);
    }
    return [...taken.values()];
  }
}
