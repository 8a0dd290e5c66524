// The base of all views. A view outlives the reruns of its page, takes new data, and reports what the user does.

import { make } from "./elements.js";

const SIDEWAYS = ["ArrowLeft", "ArrowRight"];
const AGAIN = 1500; // milliseconds after which a report is sent again
const REPEATS = 3;

/**
 * What Streamlit calls a component with: at first, and again for each rerun.
 *
 * @template Data
 * @typedef {object} Call
 * @property {Data} data What Python sent.
 * @property {ShadowRoot} parentElement The component's place on the page.
 * @property {(name: string, value: unknown) => void} setTriggerValue
 */

/**
 * A view of `Data` inside `root`. It reports `Events`: the names of Streamlit's triggers, each with its value.
 *
 * @template Data
 * @template {object} Events
 */
export class View {
  /**
   * @param {Call<Data>} call The first one.
   * @param {string} className Of the root.
   */
  constructor(call, className) {
    this.data = call.data;
    this.send = call.setTriggerValue;
    this.turn = 0;
    this.shown = ""; // the data as text; a view that empties it is updated at the next call in any case
    this.closing = new AbortController();
    this.root = make("div", className);
    call.parentElement.append(this.root);
  }

  /**
   * Take the data of a call; update the view when they differ from those that it shows.
   *
   * @param {Call<Data>} call
   */
  show(call) {
    this.turn += 1;
    this.send = call.setTriggerValue;
    const text = JSON.stringify(call.data);
    if (text === this.shown) return;
    const before = this.shown ? this.data : null;
    this.data = call.data;
    this.shown = text;
    this.update(before);
  }

  /**
   * Bring what is on the page in line with `this.data`. Each view has its own.
   *
   * @param {Data | null} _before The data until now; null at first.
   */
  update(_before) {
    throw new Error(`${this.constructor.name} has no update`);
  }

  close() {
    this.closing.abort();
    this.root.remove();
  }

  /**
   * Report what the user did.
   *
   * @template {keyof Events & string} Name
   * @param {Name} name
   * @param {Events[Name]} value
   */
  trigger(name, value) {
    this.send(name, value);
  }

  /**
   * Report something again until a part of the view is gone or settled: a rerun of the page may swallow it.
   *
   * @template {keyof Events & string} Name
   * @param {HTMLElement} part
   * @param {Name} name
   * @param {Events[Name]} value
   * @param {number} [repeats]
   */
  insist(part, name, value, repeats = REPEATS) {
    this.settle(part);
    this.trigger(name, value);
    const again = () => (repeats && part.isConnected ? this.insist(part, name, value, repeats - 1) : this.settle(part));
    part.dataset.sent = String(setTimeout(again, AGAIN));
  }

  /** @param {HTMLElement} part */
  settle(part) {
    clearTimeout(Number(part.dataset.sent));
    delete part.dataset.sent;
  }

  /**
   * Listen until the view is closed.
   *
   * @template {keyof HTMLElementEventMap} Type
   * @param {HTMLElement | Document} target
   * @param {Type} type
   * @param {(event: HTMLElementEventMap[Type]) => void} act
   * @param {AddEventListenerOptions} [options]
   */
  on(target, type, act, options) {
    target.addEventListener(type, /** @type {EventListener} */ (act), { signal: this.closing.signal, ...options });
  }

  /**
   * Listen to keys without Ctrl, Meta and Alt. A key that means something here does not reach Streamlit's own shortcuts.
   *
   * @param {HTMLElement} target
   * @param {(event: KeyboardEvent) => boolean} act Returns true for a key that means something.
   */
  onKeys(target, act) {
    this.on(target, "keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !act(event)) return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  /**
   * Let a step to the side enter this view while nothing on the page has the focus.
   *
   * @param {() => boolean} can There is something to enter.
   * @param {() => void} act
   */
  onEntry(can, act) {
    this.on(document, "keydown", (event) => {
      if (!SIDEWAYS.includes(event.key) || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
      if (event.defaultPrevented || document.activeElement !== document.body) return;
      if (document.querySelector('[role="dialog"]') || !can()) return;
      event.preventDefault();
      act();
    });
  }

  /** The element of this component that has the focus. */
  get focused() {
    return /** @type {ShadowRoot} */ (this.root.getRootNode()).activeElement;
  }
}

/**
 * Make what Streamlit wants as the default export of a script: a function for all places of the component on the page.
 *
 * @template Data
 * @param {new (call: Call<Data>) => View<Data, any>} Kind
 * @returns {(call: Call<Data>) => () => void} Gives what Streamlit calls when the component leaves the page.
 */
export function component(Kind) {
  /** @type {WeakMap<ShadowRoot, View<Data, any>>} */
  const views = new WeakMap();
  return (call) => {
    const view = views.get(call.parentElement) ?? new Kind(call);
    views.set(call.parentElement, view);
    view.show(call);
    const { turn } = view;
    return () => {
      if (view.turn !== turn) return; // an earlier call's, run late: a newer call is showing
      view.close();
      views.delete(call.parentElement);
    };
  };
}
