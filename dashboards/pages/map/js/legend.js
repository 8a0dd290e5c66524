// The legend: every group, or range of a figure, with its color; a click leaves only its images lit.

class Legend {
  constructor(choose) {
    this.root = make("div", "legend");
    this.choose = choose;
  }

  show({ legend, only }, theme) {
    const text = JSON.stringify([legend, only, theme]);
    if (text === this.text) return;
    this.text = text;
    const list = make("ul");
    for (const entry of legend.entries) list.append(this.line(entry, legend, only, theme));
    const scrolled = this.root.querySelector("ul")?.scrollTop ?? 0;
    const focus = [...this.root.querySelectorAll("button")].indexOf(this.root.getRootNode().activeElement);
    this.root.replaceChildren(make("h4", "", legend.name), list);
    if (legend.groups > legend.entries.length) {
      this.root.append(make("div", "more", `and ${(legend.groups - legend.entries.length).toLocaleString("en")} smaller ones`));
    }
    list.scrollTop = scrolled;
    if (focus >= 0) list.querySelectorAll("button")[focus]?.focus({ preventScroll: true });
  }

  line(entry, legend, only, theme) {
    const alone = entry.place === only;
    const button = make("button", "entry");
    button.type = "button";
    button.title = alone ? "Show all again" : "Show these only";
    button.setAttribute("aria-pressed", String(alone));
    const swatch = make("span", "swatch");
    swatch.style.background = `rgb(${entryColor(legend, entry.place, theme).join(" ")})`;
    button.append(swatch, make("span", "name", entry.name), make("span", "count", entry.count.toLocaleString("en")));
    button.addEventListener("click", () => this.choose(alone ? -1 : entry.place));
    const item = make("li", only >= 0 && !alone ? "off" : "");
    item.append(button);
    return item;
  }
}
