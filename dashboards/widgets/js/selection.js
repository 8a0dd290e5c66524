// The pictures that are selected: one selection for all grids of the window, which the bar at the bottom acts on. The
// browser keeps it for the tab, so that it outlives a reload.

/** @typedef {"label" | "tag" | "basket" | "alike" | "not_alike"} BulkKind */

/**
 * A wish about pictures: those that are selected, or the rows that are named.
 *
 * @typedef {object} Ask
 * @property {BulkKind} kind
 * @property {number[] | null} rows
 */

const SHARED = "imgsimSelection"; // each bundle has its own copy of this file, and the window one selection

/** Tells listeners: "change", and "ask" with an `Ask` as its detail. */
export class Selection extends EventTarget {
  constructor() {
    super();
    /** Rows by version. */
    this.places = kept();
    /** @type {number | null} */
    this.query = null; // row of the stored picture that the page answers
    window.addEventListener("pagehide", () => keep(this.places));
  }

  /** @param {string} place A version. */
  rows(place) {
    return this.places.get(place) ?? new Set();
  }

  /**
   * Select rows of a version, or take them out.
   *
   * @param {string} place
   * @param {Iterable<number>} rows
   * @param {boolean} on
   */
  set(place, rows, on) {
    const all = new Set(this.rows(place));
    for (const row of rows) on ? all.add(row) : all.delete(row);
    this.places.set(place, all);
    this.dispatchEvent(new Event("change"));
  }

  /** @param {string} place */
  clear(place) {
    if (this.places.delete(place)) this.dispatchEvent(new Event("change"));
  }

  /** @param {number | null} row */
  answer(row) {
    if (this.query === row) return;
    this.query = row;
    this.dispatchEvent(new Event("change"));
  }

  /**
   * @param {BulkKind} kind
   * @param {number[] | null} rows
   */
  ask(kind, rows = null) {
    this.dispatchEvent(new CustomEvent("ask", { detail: { kind, rows } }));
  }
}

/** @returns {Map<string, Set<number>>} */
function kept() {
  try {
    const found = /** @type {[string, number[]][]} */ (JSON.parse(sessionStorage.getItem(SHARED) ?? "[]"));
    return new Map(found.map(([place, rows]) => [place, new Set(rows)]));
  } catch {
    return new Map(); // the browser keeps nothing of this site
  }
}

/** @param {Map<string, Set<number>>} places */
function keep(places) {
  try {
    sessionStorage.removeItem(SHARED);
    sessionStorage.setItem(SHARED, JSON.stringify([...places].map(([place, rows]) => [place, [...rows]])));
  } catch {} // nothing is kept of this site, or less than this
}

/** @returns {Selection} */
export function selection() {
  const page = /** @type {any} */ (window);
  page[SHARED] ??= new Selection();
  return page[SHARED];
}
