// The map: a point for each image, coloured by its label; the picture under the pointer, and a click for its neighbours.

import { make } from "./elements.js";
import { tiles } from "./tiles.js";

/** @import { Collection } from "./collection.js" */

const SIZE = 960; // pixels of the drawing
const EDGE = 20;
const REACH = 24; // pixels from the pointer to a point
const SHOWN = 12; // pictures beside the map

/** @param {Collection} collection */
export async function map(collection) {
  /** @type {{ rows: number[], places: [number, number][] }} */
  const { rows, places } = await collection.list("map");
  const points = places.map(([x, y]) => [scaled(x), scaled(y)]);
  const canvas = make("canvas", { width: SIZE, height: SIZE });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `Map of ${rows.length} images: near points are similar images`);
  draw(canvas, collection, rows, points);
  const beside = make("div", { ariaLive: "polite" });
  const hint = make("p", {}, "Click on the map to see the images there.");
  canvas.addEventListener("click", async (event) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const at = [((event.clientX - left) * SIZE) / width, ((event.clientY - top) * SIZE) / height];
    const near = nearest(points, at).map((place) => rows[place] ?? 0);
    beside.replaceChildren(near.length ? await tiles(collection, near) : "There is no image here.");
  });
  return [make("h1", {}, "Map"), hint, canvas, beside];
}

/** @param {number} value From 0 to 10,000. */
function scaled(value) {
  return EDGE + ((SIZE - 2 * EDGE) * value) / 10_000;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Collection} collection
 * @param {number[]} rows
 * @param {number[][]} points
 */
async function draw(canvas, collection, rows, points) {
  const context = canvas.getContext("2d");
  if (!context) return;
  const pictures = await Promise.all(rows.map((row) => collection.picture(row)));
  const names = collection.info.labels.map(({ name }) => name);
  for (const [place, [x = 0, y = 0]] of points.entries()) {
    const code = names.indexOf(pictures[place]?.label ?? "");
    context.fillStyle = code < 0 ? "gray" : `hsl(${(code * 137.5) % 360} 60% 50%)`;
    context.beginPath();
    context.arc(x, y, points.length > 5_000 ? 2 : 4, 0, 2 * Math.PI);
    context.fill();
  }
}

/**
 * List the points near a place, the nearest first.
 *
 * @param {number[][]} points
 * @param {number[]} at
 */
function nearest(points, [left = 0, top = 0]) {
  const far = points.map(([x = 0, y = 0], place) => ({ place, distance: Math.hypot(x - left, y - top) }));
  const near = far.filter(({ distance }) => distance < REACH).sort((one, other) => one.distance - other.distance);
  return near.slice(0, SHOWN).map(({ place }) => place);
}
