// A grid of pictures; each thumbnail is fetched when it comes near the window.

import { make } from "./elements.js";

/** @import { Collection } from "./collection.js" */

/**
 * Show pictures as links to their neighbours.
 *
 * @param {Collection} collection
 * @param {number[]} rows
 * @param {(place: number) => { note?: string, keep?: boolean }} [about] What is written below each.
 */
export async function tiles(collection, rows, about = () => ({})) {
  const pictures = await Promise.all(rows.map((row) => collection.picture(row)));
  const near = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        fill(collection, /** @type {HTMLElement} */ (target));
      }
    },
    { rootMargin: "400px" },
  );
  const items = pictures.map(({ row, path, label }, place) => {
    const { note = "", keep = false } = about(place);
    const frame = make("span", { className: "frame" });
    frame.dataset.row = String(row);
    near.observe(frame);
    const parts = [frame, make("span", { className: "path" }, path)];
    for (const text of [label, note]) if (text) parts.push(make("span", { className: "note" }, text));
    return make("li", { className: keep ? "keep" : "" }, make("a", { href: `#/image/${row}`, title: path }, ...parts));
  });
  return make("ul", { className: "tiles" }, ...items);
}

/**
 * @param {Collection} collection
 * @param {HTMLElement} frame
 */
async function fill(collection, frame) {
  const src = await collection.thumbnail(Number(frame.dataset.row));
  frame.replaceChildren(src ? make("img", { src, alt: "" }) : "no thumbnail");
}
