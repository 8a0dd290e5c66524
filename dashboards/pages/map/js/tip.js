// What is said of the image under the pointer, or at the keyboard's place: its picture, name, label and figure.

const HALF = 92; // pixels from the middle of the tip to its side, with some room
const HEIGHT = 240;

class Tip {
  constructor(raster) {
    this.raster = raster;
    this.names = new Map();
    this.root = make("div", "tip");
    this.root.hidden = true;
    this.said = make("div", "said"); // for screen readers
    this.said.setAttribute("aria-live", "polite");
  }

  hide() {
    this.shown = -1;
    this.root.hidden = true;
  }

  // Show an image that lies at a place of a stage `width` pixels wide; its name comes when it has been fetched.
  async show(i, { addresses, legend }, [x, y], width) {
    this.shown = i;
    const image = make("img");
    image.alt = "";
    image.src = `${addresses.thumbnails}${i}.jpg`;
    const words = make("div", "words");
    this.root.replaceChildren(image, words);
    this.root.style.left = `${limit(x, HALF, width - HALF)}px`;
    this.root.style.top = `${y}px`;
    this.root.classList.toggle("below", y < HEIGHT);
    this.root.hidden = false;
    const { path, label } = await this.named(`${addresses.names}${i}.json`);
    if (this.shown !== i) return;
    const value = this.meaning(i, legend);
    image.alt = path;
    words.replaceChildren(make("div", "label", label ?? "no label"), make("div", "path", path));
    if (value) words.append(make("div", "value", value));
    this.said.textContent = [label, path, value].filter(Boolean).join(", ");
  }

  async named(address) {
    if (!this.names.has(address)) this.names.set(address, await names(address));
    return this.names.get(address);
  }

  // What the color of a point says; its label is said anyway.
  meaning(i, { name, bins, low, high, digits, entries, label }) {
    const code = this.raster.codes[i];
    if (label) return "";
    const entry = entries.find(({ place }) => place === this.raster.entry[i]);
    const figure = bins && code !== UNKNOWN ? (low + (code / (UNKNOWN - 1)) * (high - low)).toFixed(digits) : entry?.name;
    return figure ? `${name}: ${figure}` : "";
  }
}
