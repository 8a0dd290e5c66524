// Groups of copies: each is kept or spared by a click or a key, whole groups by a button.

import { closest, limit, make } from "../../../widgets/js/elements.js";
import { ARROWS, KeyHelp } from "../../../widgets/js/keys.js";
import { component, View } from "../../../widgets/js/view.js";
import { Wishes } from "../../../widgets/js/wishes.js";
import { ACTS, groupNode, markCopy } from "./copy_nodes.js";

/** @import { Call } from "../../../widgets/js/view.js" */
/** @import { CopyGroup, GroupAct } from "./copy_nodes.js" */

/**
 * @typedef {object} CopiesData
 * @property {CopyGroup[]} groups
 * @property {GroupAct[]} acts Decisions that are offered about a group.
 */

/**
 * @typedef {object} CopiesEvents
 * @property {{ keep: number[], spare: number[] }} choices
 * @property {{ act: GroupAct, row: number }} group
 * @property {number} details
 */

const FLICKER = 450; // milliseconds; two pictures change place about twice a second

/** @extends {View<CopiesData, CopiesEvents>} */
class Copies extends View {
  /** @param {Call<CopiesData>} call */
  constructor(call) {
    super(call, "copies");
    this.choices = new Wishes((keep, spare) => this.trigger("choices", { keep, spare }));
    this.flickering = 0;
    this.list = make("div", "groups");
    this.said = make("div", "said");
    this.said.setAttribute("role", "status");
    this.help = new KeyHelp([]);
    this.root.append(this.list, this.said, this.help.button, this.help.box);
    this.on(this.root, "click", (event) => this.clicked(event));
    this.onKeys(this.root, (event) => this.pressed(event));
    this.on(this.root, "focusout", () => this.still());
    this.onEntry(
      () => this.mains.length > 0,
      () => this.mains[0]?.focus(),
    );
  }

  /** @param {Call<CopiesData>} call */
  show(call) {
    super.show(call);
    this.choices.settle(new Map(this.copies.map(({ row, keep, decided }) => [row, decided ? keep : null])));
  }

  get copies() {
    return this.data.groups.flatMap(({ copies }) => copies);
  }

  get mains() {
    return /** @type {HTMLButtonElement[]} */ ([...this.list.querySelectorAll(".copy .main")]);
  }

  explain() {
    /** @type {[string, string][]} */
    const acts = this.data.acts.map((act) => [ACTS[act][0], `${ACTS[act][1]} (the group)`]);
    this.help.list([
      ["← → ↑ ↓", "move"],
      ["Enter", "keep or spare"],
      ["k, s", "keep, spare"],
      ["f", "flicker between it and the one to keep"],
      ["d", "details"],
      ...acts,
    ]);
  }

  /** @param {CopiesData | null} before */
  update(before) {
    this.still();
    if (String(before?.acts) !== String(this.data.acts)) this.explain();
    const { focused } = this;
    const row = closest(focused, ".copy")?.dataset.row;
    const group = closest(focused, ".group");
    const place = group ? [...this.list.children].indexOf(group) : -1;
    this.list.replaceChildren(...this.data.groups.map((group) => groupNode(group, this.data.acts)));
    for (const [row, keep] of this.choices.wanted) this.mark(row, keep);
    if (place < 0) return;
    const same = row && this.list.querySelector(`.copy[data-row="${row}"] .main`);
    const next = this.list.children[limit(place, 0, this.list.children.length - 1)]?.querySelector(".main");
    const target = same || next;
    if (target instanceof HTMLElement) target.focus({ preventScroll: target === same });
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const button = closest(event, "button");
    const act = button?.dataset.act;
    const row = Number(closest(button, ".copy")?.dataset.row);
    if (act) this.decide(/** @type {GroupAct} */ (act), button);
    else if (button?.classList.contains("details")) this.trigger("details", row);
    else if (button?.classList.contains("main")) this.choose(row, !this.isKept(row));
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (this.help.pressed(event.key)) return true;
    const node = closest(event, ".copy");
    const key = event.key.toLowerCase();
    const act = this.data.acts.find((one) => ACTS[one][0] === key);
    if (act && !event.repeat && this.decide(act, closest(event, ".group"))) return true;
    if (!node) return false;
    const row = Number(node.dataset.row);
    const arrow = ARROWS[event.key];
    if (arrow) this.move(node, arrow);
    else if (event.repeat) return key === "f";
    else if (key === "k" || key === "s") this.choose(row, key === "k");
    else if (key === "d") this.trigger("details", row);
    else if (key === "f") this.flicker(node);
    else return false;
    return true;
  }

  /**
   * Go to the copy beside; up and down, to the group above or below.
   *
   * @param {HTMLElement} node
   * @param {[number, number]} arrow
   */
  move(node, [right, down]) {
    const group =
      down > 0 ? node.closest(".group")?.nextElementSibling : node.closest(".group")?.previousElementSibling;
    const place = this.mains.findIndex((main) => main.closest(".copy") === node) + right;
    const target = down ? group?.querySelector(".main") : this.mains[limit(place, 0, this.mains.length - 1)];
    if (target instanceof HTMLElement) target.focus();
  }

  /**
   * @param {GroupAct} act
   * @param {Element | null} inside
   */
  decide(act, inside) {
    const group = closest(inside, ".group");
    if (group) this.insist(group, "group", { act, row: Number(group.dataset.row) });
    return group !== null;
  }

  /** @param {number} row */
  isKept(row) {
    return this.choices.wanted.get(row) ?? this.copies.find((copy) => copy.row === row)?.keep ?? false;
  }

  /**
   * Keep or spare a copy; the last one to keep stays.
   *
   * @param {number} row
   * @param {boolean} keep
   */
  choose(row, keep) {
    const group = this.data.groups.find(({ copies }) => copies.some((copy) => copy.row === row));
    if (!group) return;
    const others = group.copies.filter((copy) => copy.row !== row && this.isKept(copy.row)).length + group.more;
    this.said.textContent = !keep && !others ? "One copy has to stay: keep another one first." : "";
    if (!keep && !others) return;
    this.mark(row, keep);
    this.choices.add(row, keep);
  }

  /**
   * @param {number} row
   * @param {boolean} keep
   */
  mark(row, keep) {
    const node = this.list.querySelector(`.copy[data-row="${row}"]`);
    if (node instanceof HTMLElement) markCopy(node, keep, true);
  }

  /**
   * Let the picture change place with the first other one to keep, until a key or the loss of the focus ends it.
   *
   * @param {HTMLElement} node
   */
  flicker(node) {
    const running = this.flickering;
    this.still();
    const row = Number(node.dataset.row);
    const copies = this.data.groups.find((group) => group.copies.some((copy) => copy.row === row))?.copies ?? [];
    const others = copies.filter((copy) => copy.row !== row);
    const other = others.find((copy) => this.isKept(copy.row)) ?? others[0];
    const image = node.querySelector("img");
    if (running || !other || !image) return;
    const own = image.src;
    let turn = false;
    this.flickering = setInterval(() => {
      turn = !turn;
      image.src = turn ? other.src : own;
      this.said.textContent = turn ? `Shown: ${other.title}` : "Shown: its own picture";
    }, FLICKER);
    this.restore = () => {
      image.src = own;
    };
  }

  still() {
    clearInterval(this.flickering);
    if (this.flickering) this.said.textContent = "";
    this.flickering = 0;
    this.restore?.();
    this.restore = undefined;
  }

  close() {
    this.still();
    super.close();
  }
}

export default component(Copies);
