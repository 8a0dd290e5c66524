// A picture with a rectangle that is drawn, moved and resized. `data` is {src, name, crop}; crops are [left, top, right,
// bottom] in whole percent; a new one is reported as the trigger "crop" when the pointer or the key is released.

const LEAST = 4; // percent, of each side
const HINT = "Drag over the part that counts. Keys: arrows move it, Shift and arrows resize it, Escape takes all of it.";
const ARROWS = { ArrowLeft: [-2, 0], ArrowRight: [2, 0], ArrowUp: [0, -2], ArrowDown: [0, 2] };

export default viewOnce((parent) => new Editor(parent));

class Editor {
  constructor(parent) {
    this.turn = 0;
    this.root = make("div", "crop");
    this.stage = make("div", "stage");
    this.image = make("img");
    this.image.draggable = false;
    this.image.addEventListener("load", () => {
      this.stage.style.setProperty("--shape", this.image.naturalWidth / this.image.naturalHeight);
    });
    this.part = make("div", "part");
    this.part.tabIndex = 0;
    this.part.setAttribute("role", "application");
    this.part.setAttribute("aria-roledescription", "selection");
    for (const y of ["top", "bottom"]) for (const x of ["left", "right"]) this.part.append(handle(x, y));
    this.stage.append(this.image, this.part);
    this.root.append(this.stage, make("p", "", HINT));
    parent.append(this.root);
    this.stage.addEventListener("pointerdown", (event) => this.begin(event));
    this.stage.addEventListener("pointermove", (event) => this.drag(event));
    this.stage.addEventListener("pointerup", () => this.end());
    this.stage.addEventListener("pointercancel", () => this.end());
    this.part.addEventListener("keydown", (event) => this.pressed(event));
    this.part.addEventListener("keyup", (event) => { if (event.key in ARROWS) this.send(); });
  }

  close() {
    this.root.remove();
  }

  show(data, trigger) {
    this.turn += 1;
    this.trigger = trigger;
    if (this.image.getAttribute("src") !== data.src) this.image.src = data.src;
    this.image.alt = data.name;
    if (!this.grip && String(data.crop) !== this.sent) {
      this.crop = [...data.crop];
      this.sent = String(data.crop);
      this.draw();
    }
    return this.turn;
  }

  draw() {
    const [left, top, right, bottom] = this.crop;
    this.part.style.inset = `${top}% ${100 - right}% ${100 - bottom}% ${left}%`;
    const round = this.crop.map(Math.round);
    this.part.setAttribute("aria-label", `Selection from ${round[0]} % to ${round[2]} % across, ${round[1]} % to ${round[3]} % down`);
  }

  send() {
    const crop = this.crop.map(Math.round);
    if (String(crop) === this.sent) return;
    this.sent = String(crop);
    this.trigger("crop", crop);
  }

  // The place of a pointer in percent of the picture.
  at(event) {
    const box = this.stage.getBoundingClientRect();
    return [100 * (event.clientX - box.left) / box.width, 100 * (event.clientY - box.top) / box.height].map((v) => limit(v, 0, 100));
  }

  begin(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.part.focus({ preventScroll: true });
    this.stage.setPointerCapture(event.pointerId);
    const start = this.at(event);
    const whole = this.crop[2] - this.crop[0] > 99 && this.crop[3] - this.crop[1] > 99;
    const corner = event.target.closest(".handle")?.dataset;
    const inside = !whole && event.target.closest(".part");
    this.grip = { start, from: [...this.crop], corner, way: corner ? "resize" : inside ? "move" : "draw" };
  }

  drag(event) {
    if (!this.grip) return;
    const { start, from, corner, way } = this.grip;
    const now = this.at(event);
    if (way === "move") this.crop = moved(from, now[0] - start[0], now[1] - start[1]);
    else if (way === "draw") this.crop = between(start, now);
    else this.crop = between([from[corner.x === "left" ? 2 : 0], from[corner.y === "top" ? 3 : 1]], now);
    this.draw();
  }

  end() {
    if (!this.grip) return;
    const { from } = this.grip;
    this.grip = null;
    const [left, top, right, bottom] = this.crop;
    if (right - left < LEAST || bottom - top < LEAST) this.crop = from; // a click, no rectangle
    this.draw();
    this.send();
  }

  pressed(event) {
    const step = ARROWS[event.key];
    if (event.key === "Escape") {
      this.crop = [0, 0, 100, 100];
      this.draw();
      this.send();
    } else if (step && event.shiftKey) {
      const [left, top, right, bottom] = this.crop;
      this.crop = [left, top, limit(right + step[0], left + LEAST, 100), limit(bottom + step[1], top + LEAST, 100)];
      this.draw();
    } else if (step) {
      this.crop = moved(this.crop, step[0], step[1]);
      this.draw();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

function moved([left, top, right, bottom], dx, dy) {
  const x = limit(dx, -left, 100 - right);
  const y = limit(dy, -top, 100 - bottom);
  return [left + x, top + y, right + x, bottom + y];
}

function between([x1, y1], [x2, y2]) {
  return [Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2)];
}

function handle(x, y) {
  const node = make("span", "handle");
  node.dataset.x = x;
  node.dataset.y = y;
  return node;
}
