// Around every page: one step of the browser's history per action, the way back to where the page was scrolled to,
// results that come into view, and the focus that returns when a dialog closes or a choice is drawn anew.

import { closest, focusedElement } from "../js/elements.js";
import { component, View } from "../js/view.js";

/** @import { Call } from "../js/view.js" */

/**
 * @typedef {object} ShellData
 * @property {string} reveal Key of the container that shall come into view.
 * @property {number} turn Grows with each wish.
 * @property {Record<string, string>} pin Parameters of the address that are written where they are missing.
 */

const PATIENCE = 8000; // milliseconds after a run until an act that never succeeds is given up
const START = 1000; // milliseconds in which a run begins that is awaited
const STEADY = 30; // frames in which nothing moves once a page is complete
const INPUTS = /** @type {const} */ (["pointerdown", "keydown", "click", "drop"]);
let revealed = 0; // the last wish of the session; a wish may come before this script does, or before a new view

/** @extends {View<ShellData, {}>} */
class Shell extends View {
  /** @param {Call<ShellData>} call */
  constructor(call) {
    super(call, "shell");
    this.acted = false; // since the last step of the history
    this.actions = 0;
    this.open = false; // a dialog is
    this.top = 0; // where the page was scrolled to when the user acted
    /** @type {Element | null} */
    this.before = null; // had the focus before a dialog opened
    /** @type {{ name: string, place: number, part: HTMLElement } | null} */
    this.chosen = null; // part of a choice that has the focus
    for (const kind of INPUTS) this.on(document, kind, () => this.remember(), { capture: true });
    window.addEventListener("popstate", () => this.returned(), { signal: this.closing.signal });
    this.on(document, "wheel", () => {
      this.actions += 1;
    });
    this.on(document, "focusin", () => this.entered());
    this.on(document, "pointerdown", () => {
      this.chosen = null;
    });
    this.pushed();
    this.dialogs = new MutationObserver(() => this.left());
    this.dialogs.observe(document.body, { childList: true, subtree: true });
  }

  close() {
    super.close();
    this.dialogs.disconnect();
    Reflect.deleteProperty(window.history, "pushState"); // the browser's own again
  }

  /** @param {Call<ShellData>} call */
  show(call) {
    super.show(call);
    setTimeout(() => this.pin()); // after what the server puts into the address
  }

  /** Name collection and version in the address, so that it shows the same tomorrow; no step of the history. */
  pin() {
    const address = new URL(window.location.href);
    for (const [name, value] of Object.entries(this.data.pin)) {
      if (!address.searchParams.has(name)) address.searchParams.set(name, value);
    }
    if (address.href !== window.location.href) window.history.replaceState(window.history.state, "", address);
  }

  update() {
    const { reveal, turn } = this.data;
    if (turn === revealed) return;
    revealed = turn;
    if (!turn) return; // a new session
    const shown = steadily(() => show(reveal));
    this.whenRun(shown, true); // these are data of that run
  }

  remember() {
    this.acted = true;
    this.actions += 1;
    this.top = page()?.scrollTop ?? 0;
    if (!this.open) this.before = focusedElement();
    if (document.activeElement === document.body) this.chosen = null; // the user has gone on
  }

  /** Make one step of what an action of the user pushes, and none of what the page adds to the address by itself. */
  pushed() {
    const { history } = window;
    const push = history.pushState.bind(history);
    history.pushState = (state, title, address) => {
      if (!this.acted) return history.replaceState({ ...history.state, ...state }, title, address);
      this.acted = false;
      history.replaceState({ ...history.state, top: this.top }, "");
      push(state, title, address);
    };
  }

  /** Scroll to where the page was when it was left. */
  returned() {
    this.acted = false;
    const top = Number(window.history.state?.top ?? 0);
    if (!top) return;
    this.whenRun(
      steadily(() => {
        const main = page();
        if (!main) return false;
        const there = Math.abs(main.scrollTop - top) < 2;
        main.scrollTop = top;
        return there;
      }),
    );
  }

  /**
   * Try an act at every frame after the page has run, until it returns true, the user acts, or patience ends.
   *
   * @param {() => boolean} act
   * @param {boolean} began Whether the run has begun.
   */
  whenRun(act, began = false) {
    let start = performance.now();
    const { actions } = this;
    const look = () => {
      const running = document.querySelector(".stApp")?.getAttribute("data-test-script-state") !== "notRunning";
      if (running) start = performance.now();
      const waited = performance.now() - start;
      began ||= running || waited > START;
      if (this.actions !== actions || waited > PATIENCE || (began && !running && act())) return;
      requestAnimationFrame(look);
    };
    look();
  }

  /** Note which part of a choice has the focus, under the name that stays (`dashboards.state.key`). */
  entered() {
    const part = focusedElement();
    const choice = closest(part, '[class*="st-key-choice-"]');
    const name = choice?.className.match(/st-key-choice-[\w-]+-(?=[0-9a-f]{8}\b)/)?.[0];
    this.chosen = part && choice && name ? { name, place: partsOf(choice).indexOf(part), part } : null;
  }

  /** Give the focus back once a dialog is gone, or once a choice is drawn anew as its options read otherwise. */
  left() {
    const open = dialog() !== null;
    const { before, chosen } = this;
    if (document.activeElement === document.body) {
      if (this.open && !open && before instanceof HTMLElement) before.focus({ preventScroll: true });
      else if (chosen && !chosen.part.isConnected) {
        const parts = partsOf(document.querySelector(`[class*="${chosen.name}"]`));
        const option = optionOf(chosen.part);
        const same = parts.find((part) => option && optionOf(part) === option);
        (same ?? parts[Math.min(chosen.place, parts.length - 1)])?.focus({ preventScroll: true });
      }
    }
    this.open = open;
  }
}

function page() {
  return document.querySelector('[data-testid="stMain"]');
}

/**
 * @param {Element | null} choice
 * @returns {HTMLElement[]}
 */
function partsOf(choice) {
  return [...(choice?.querySelectorAll("button, input") ?? [])].filter((part) => part instanceof HTMLElement);
}

/**
 * What a button chooses, without the count of images that its text ends with.
 *
 * @param {HTMLElement} part
 */
function optionOf(part) {
  return part.textContent?.replace(/ \(?[\d,]+\)?$/, "");
}

function dialog() {
  return document.querySelector('[role="dialog"]');
}

/**
 * Repeat an act until it had nothing to do in many frames: parts of a page come and go while it is drawn.
 *
 * @param {() => boolean} act Returns whether there was nothing to do.
 */
function steadily(act) {
  let frames = 0;
  return () => {
    frames = act() ? frames + 1 : 0;
    return frames > STEADY;
  };
}

/**
 * Scroll to a container unless most of the window shows it; false where that was needed, or there is none yet.
 *
 * @param {string} key
 */
function show(key) {
  const node = document.querySelector(`.st-key-${CSS.escape(key)}`);
  if (!node) return false;
  const { top } = node.getBoundingClientRect();
  const shown = top > -1 && top <= window.innerHeight / 2;
  if (!shown) node.scrollIntoView({ block: "start" });
  const main = page();
  const atEnd = main !== null && main.scrollTop + main.clientHeight > main.scrollHeight - 2;
  return shown || atEnd;
}

export default component(Shell);
