// The pages: each returns its elements.

import { count, make } from "./elements.js";
import { tiles } from "./tiles.js";

/** @import { Collection } from "./collection.js" */

/** @typedef {URLSearchParams} Asked What the address asks for. */

const PAGE = 60; // pictures
const GROUPS = 20;
const TIERS = /** @type {Record<string, string>} */ ({
  same_bytes: "identical files",
  same_picture: "the same picture",
  look_alike: "look-alikes",
});

/**
 * Show all images, or those whose path or label holds the text, page by page.
 *
 * @param {Collection} collection
 * @param {Asked} asked
 */
export async function browse(collection, asked) {
  const [text, label] = [asked.get("q") ?? "", asked.get("label") ?? ""];
  const all = !text && !label;
  const rows = all ? [...Array(collection.info.images).keys()] : await collection.find(text, label);
  const page = pages(rows.length, PAGE, asked);
  const found = text ? ` with “${text}” in path or label` : "";
  const heading = make("h1", {}, `${count(rows.length, "image")}${found}`);
  const bar = make("div", { className: "bar" }, labels(collection, asked), page.links);
  return [heading, bar, await tiles(collection, rows.slice(page.start, page.end)), page.links.cloneNode(true)];
}

/**
 * @param {Collection} collection
 * @param {Asked} asked
 */
function labels(collection, asked) {
  const options = collection.info.labels.map(({ name, images }) => {
    return make("option", { value: name, selected: name === asked.get("label") }, `${name} (${images})`);
  });
  const choice = make("select", { ariaLabel: "Label" }, make("option", { value: "" }, "All labels"), ...options);
  choice.addEventListener("change", () => {
    window.location.hash = address("", asked, { label: choice.value, page: "" });
  });
  return options.length ? choice : "";
}

/**
 * Show an image and its neighbours.
 *
 * @param {Collection} collection
 * @param {Asked} _asked
 * @param {string} row
 */
export async function image(collection, _asked, row) {
  const picture = await collection.picture(Number(row));
  const src = await collection.thumbnail(picture.row);
  return [
    make("h1", {}, picture.path),
    src ? make("img", { src, alt: picture.path }) : make("p", {}, "There is no thumbnail."),
    make("p", {}, picture.label ?? ""),
    make("h2", {}, "Nearest images"),
    await tiles(collection, picture.neighbors, (place) => ({ note: picture.distances[place]?.toFixed(3) })),
  ];
}

/**
 * @param {Collection} collection
 * @param {Asked} asked
 */
export async function duplicates(collection, asked) {
  const { of, groups } = await collection.list("duplicates");
  const page = pages(groups.length, GROUPS, asked, "duplicates");
  const shown = groups
    .slice(page.start, page.end)
    .map(async (/** @type {{ tier: string, rows: number[], keep: boolean[], reasons: string[] }} */ group) => {
      const about = (/** @type {number} */ i) => ({ note: group.reasons[i] ?? "", keep: group.keep[i] ?? false });
      const heading = make("h2", {}, `${count(group.rows.length, "file")}: ${TIERS[group.tier] ?? group.tier}`);
      return make("section", { className: "group" }, heading, await tiles(collection, group.rows, about));
    });
  return [make("h1", {}, `${count(of, "group")} of duplicates`), ...(await Promise.all(shown)), page.links];
}

/**
 * @param {Collection} collection
 * @param {Asked} asked
 */
export async function label_errors(collection, asked) {
  /** @type {{ of: number, suspects: { row: number, suggestion: string, votes: number, probability: number }[] }} */
  const { of, suspects } = await collection.list("label_errors");
  const page = pages(suspects.length, PAGE, asked, "label_errors");
  const shown = suspects.slice(page.start, page.end);
  const about = (/** @type {number} */ i) => ({
    note: shown[i] ? `${shown[i].suggestion}? ${count(shown[i].votes, "vote")}` : "",
  });
  const rows = shown.map(({ row }) => row);
  return [make("h1", {}, `${count(of, "doubtful label")}`), await tiles(collection, rows, about), page.links];
}

/**
 * Divide a list into pages.
 *
 * @param {number} length
 * @param {number} size
 * @param {Asked} asked
 * @param {string} [name] Of the page in the address.
 */
function pages(length, size, asked, name = "") {
  const last = Math.max(Math.ceil(length / size), 1);
  const page = Math.min(Math.max(Number(asked.get("page") ?? 1) || 1, 1), last);
  const links = make("div", { className: "bar" });
  const to = (/** @type {number} */ number) => address(name, asked, { page: String(number) });
  if (page > 1) links.append(make("a", { href: to(page - 1) }, "Previous"));
  if (last > 1) links.append(`${page} of ${last}`);
  if (page < last) links.append(make("a", { href: to(page + 1) }, "Next"));
  return { start: (page - 1) * size, end: page * size, links };
}

/**
 * Return the address of a page with changed parameters; empty ones are left out.
 *
 * @param {string} name
 * @param {Asked} asked
 * @param {Record<string, string>} changes
 */
export function address(name, asked, changes) {
  const parameters = new URLSearchParams({ ...Object.fromEntries(asked), ...changes });
  for (const [key, value] of [...parameters]) if (!value) parameters.delete(key);
  const rest = parameters.toString();
  return `#/${name}${rest ? `?${rest}` : ""}`;
}
