// The query: one pinned picture, or several with weights, and past queries. `data` is {terms, past, most}; what the
// user does is reported as the trigger "step" = {kind, place, weight}. Text of users only ever becomes textContent or an
// attribute.

const ICONS = {
  only: "M10.5 4a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13M15.3 15.3L20 20",
  crop: "M7 3v14h14M3 7h14v14",
  whole: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  details: "M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17M12 11v5.5M12 7.6v.1",
  remove: "M6 6l12 12M18 6L6 18",
  back: "M19 12H5M11 6l-6 6l6 6",
};
const NAMES = {
  only: "Ask with this alone",
  crop: "Ask with a part of it",
  whole: "Ask with all of it again",
  details: "Details",
  remove: "Take it out of the query",
};
const STEP = 0.25;

export default viewOnce((parent) => new View(parent));

class View {
  constructor(parent) {
    this.turn = 0;
    this.root = make("div", "query");
    this.root.addEventListener("click", (event) => this.clicked(event));
    parent.append(this.root);
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
    this.data = data;
    const focus = this.root.getRootNode().activeElement?.dataset;
    const { terms, past } = data;
    this.single = terms.length === 1 && terms[0].weight === 1;
    this.root.dataset.single = String(this.single);
    const list = make("ul", "terms");
    list.setAttribute("aria-label", "The query");
    list.append(...terms.map((term, place) => this.term(term, place)));
    this.root.replaceChildren(...(past.length ? [this.trail(past)] : []), list);
    if (focus?.kind) this.focus(focus);
    return this.turn;
  }

  // Keep the focus on the button that stands where the one that was pressed stood.
  focus({ kind, place, by }) {
    const turning = by === undefined ? "" : `[data-by="${by}"]`;
    this.root.querySelector(`[data-kind="${kind}"][data-place="${place}"]${turning}`)?.focus();
  }

  trail(past) {
    const nav = make("nav", "trail");
    nav.setAttribute("aria-label", "Past queries");
    const back = button("back", past.length - 1, "Back to the query before");
    back.append(drawing(ICONS.back));
    nav.append(back);
    past.forEach((query, place) => {
      const more = query.more ? ` and ${query.more} more` : "";
      const crumb = button("back", place, `Back to ${query.name}${more}`);
      crumb.classList.add("crumb");
      if (query.src) crumb.append(image(query.src, ""));
      else crumb.append(make("span", "", "?"));
      if (query.more) crumb.append(make("span", "more", `+${query.more}`));
      nav.append(crumb);
    });
    return nav;
  }

  term(term, place) {
    const item = make("li", "term");
    item.dataset.minus = String(term.weight < 0);
    const picture = make("div", "picture");
    const part = term.crop ? ", only the marked part" : "";
    const img = image(term.src, `Query: ${term.name}${part}`);
    const box = make("span", "box");
    img.addEventListener("error", () => picture.classList.add("missing"));
    img.addEventListener("load", () => box.style.setProperty("--shape", img.naturalWidth / img.naturalHeight));
    box.append(img);
    if (term.crop) box.append(mark(term.crop));
    picture.append(box, make("span", "absent", "no thumbnail"));
    const words = make("div", "words");
    if (term.unread) words.append(make("div", "unread", "this model cannot read it"));
    if (term.label) words.append(make("div", "label", term.label));
    const name = make("div", "name", term.name);
    name.title = term.name;
    words.append(name);
    if (term.about) words.append(make("div", "about", term.about));
    if (!this.single) words.append(this.weight(term, place));
    item.append(picture, words, this.actions(term, place));
    return item;
  }

  weight(term, place) {
    const box = make("div", "weight");
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", `Weight of ${term.name}`);
    const less = this.stepper(term, place, -STEP, "−", "Count it less; below zero: unlike it");
    const more = this.stepper(term, place, STEP, "+", "Count it more");
    const sign = term.weight < 0 ? "−" : "+";
    const value = make("output", "value", `${sign} ${Math.abs(term.weight).toFixed(2)}`);
    value.title = term.weight < 0 ? "Answers shall be unlike it" : "Answers shall be like it";
    box.append(less, value, more, make("span", "way", term.weight < 0 ? "unlike" : "like"));
    return box;
  }

  stepper(term, place, by, text, does) {
    let weight = Math.round((term.weight + by) * 100) / 100;
    if (Math.abs(weight) < 0.005) weight = by; // zero would take it out: step over
    const node = button("weight", place, `${does}: ${term.name}`);
    node.textContent = text;
    node.title = does;
    node.dataset.weight = String(weight);
    node.disabled = Math.abs(weight) > this.data.most;
    node.dataset.by = String(by);
    return node;
  }

  actions(term, place) {
    const kinds = term.crop ? ["crop", "whole"] : ["crop"];
    if (term.row !== null) kinds.push("details");
    if (!this.single) kinds.push("only", "remove");
    const bar = make("div", "actions");
    for (const kind of kinds) {
      const node = button(kind, place, `${NAMES[kind]}: ${term.name}`);
      node.title = NAMES[kind];
      node.append(drawing(ICONS[kind]));
      if (this.single && kind === "crop") node.append(make("span", "", "Crop"));
      if (this.single && kind === "whole") node.append(make("span", "", "Whole"));
      if (this.single && kind === "details") node.append(make("span", "", "Details"));
      bar.append(node);
    }
    return bar;
  }

  clicked(event) {
    const pressed = event.target.closest?.("button");
    if (!pressed) return;
    const { kind, place, weight } = pressed.dataset;
    this.trigger("step", { kind, place: Number(place), weight: Number(weight ?? 0) });
  }
}

// The part of a picture that counts: all else is dimmed. `crop` is left, top, right, bottom in percent.
function mark([left, top, right, bottom]) {
  const part = make("span", "part");
  part.style.inset = `${top}% ${100 - right}% ${100 - bottom}% ${left}%`;
  return part;
}

function button(kind, place, label) {
  const node = make("button");
  node.type = "button";
  node.dataset.kind = kind;
  node.dataset.place = String(place);
  node.title = label;
  node.setAttribute("aria-label", label);
  return node;
}

function image(src, alt) {
  const node = make("img");
  node.decoding = "async";
  node.draggable = false;
  node.alt = alt;
  node.src = src;
  return node;
}
