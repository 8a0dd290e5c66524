// The tools of the map, with a button and a key each.

const TOOLS = {
  pan: { key: "p", name: "Move the map", icon: "M12 3v18M3 12h18M12 3l-2.5 2.5M12 3l2.5 2.5M12 21l-2.5-2.5M12 21l2.5-2.5M3 12l2.5-2.5M3 12l2.5 2.5M21 12l-2.5-2.5M21 12l-2.5 2.5" },
  lasso: { key: "l", name: "Draw around images (or hold Shift)", icon: "M12 4c5 0 8.5 2.3 8.5 5.5S17 15 12 15s-8.5-2.3-8.5-5.5S7 4 12 4M7.5 14.3c-1.8 1.4-1.6 3.6.3 4.1c1.7.5 2.4 1.200 1.200 2.600" },
  box: { key: "x", name: "Draw a box around images", icon: "M4 4h3M10 4h4M17 4h3v3M20 10v4M20 17v3h-3M14 20h-4M7 20H4v-3M4 14v-4M4 7V4" },
};
const BUTTONS = {
  in: { key: "+", name: "Closer", icon: "M12 5v14M5 12h14" },
  out: { key: "-", name: "Further away", icon: "M5 12h14" },
  fit: { key: "0", name: "All of the map", icon: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5" },
  help: { key: "?", name: "Show what the keys do", icon: "M9 9.200a3 3 0 1 1 4.300 2.700c-.9.45-1.300 1-1.300 2.100M12 17.300v.1" },
};
const HELP = [
  ["← → ↑ ↓", "to the next image on that side"], ["Enter", "ask with it"], ["Shift + arrows", "move the map"], ["+, -", "closer, further away"],
  ["0", "all of the map"], ["l, x", "draw around images, draw a box"], ["p", "move the map again"], ["Escape", "take area and query away"], ["?", "show or hide this list"],
];

class Toolbar {
  constructor(use) {
    this.bar = make("div", "bar");
    this.bar.setAttribute("role", "toolbar");
    this.bar.setAttribute("aria-label", "Tools of the map");
    for (const [kind, { name, key, icon }] of Object.entries({ ...TOOLS, ...BUTTONS })) {
      const button = make("button", "tool");
      button.type = "button";
      button.dataset.kind = kind;
      button.title = `${name} (${key})`;
      button.setAttribute("aria-label", name);
      button.append(drawing(icon));
      button.addEventListener("click", () => use(kind));
      this.bar.append(button);
    }
    this.help = make("div", "help");
    this.help.hidden = true;
    const keys = make("dl");
    for (const [key, what] of HELP) keys.append(make("dt", "", key), make("dd", "", what));
    this.help.append(make("strong", "", "Keys"), keys);
  }

  choose(tool) {
    for (const button of this.bar.children) {
      if (button.dataset.kind in TOOLS) button.setAttribute("aria-pressed", String(button.dataset.kind === tool));
    }
  }

  toggleHelp() {
    this.help.hidden = !this.help.hidden;
  }

  // What a key stands for.
  of(pressed) {
    const wanted = pressed === "=" ? "+" : pressed;
    return Object.entries({ ...TOOLS, ...BUTTONS }).find(([, { key }]) => key === wanted)?.[0];
  }
}
