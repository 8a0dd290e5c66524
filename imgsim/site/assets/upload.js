// Your picture: its nearest images, found in the page by ONNX Runtime Web. No byte of the picture leaves the page.

import { count, make } from "./elements.js";
import { decode, loadRuntime, Search } from "./search.js";
import { tiles } from "./tiles.js";

/** @import { Collection } from "./collection.js" */

const LARGEST_ERROR = 0.01; // of a distance: that of an image to itself is least exact

/** @type {Promise<{ search: Search, text: string }> | null} */
let opened = null;
const answer = make("div"); // stays while the visitor looks at another page
let shown = "";

/** @param {Collection} collection */
export async function upload(collection) {
  const status = make("p", {}, "Loading the network…");
  status.setAttribute("role", "status");
  const input = make("input", { type: "file", accept: "image/*", disabled: true });
  const fail = (/** @type {unknown} */ problem) => {
    status.textContent = `It does not work: ${problem instanceof Error ? problem.message : problem}`;
  };
  opened ??= open();
  opened.then(({ search, text }) => {
    status.textContent = text;
    input.disabled = false;
    input.addEventListener("change", () => {
      const [file] = input.files ?? [];
      if (file) show(collection, search, file).then(() => (status.textContent = text), fail);
    });
  }, fail);
  return [make("h1", {}, "Your picture"), status, make("label", {}, "Picture: ", input), answer];
}

/** Load the network, and compare its answers to the test images with Python's. */
async function open() {
  try {
    const folder = new URL("network/", window.location.href).href;
    const search = await Search.open(await loadRuntime(folder), `${folder}model.onnx`);
    const { images, error } = await search.checkGolden();
    const private_ = "The network runs in this page: your picture is not sent anywhere.";
    if (error <= LARGEST_ERROR) return { search, text: `${private_} ${count(images, "test image")} checked.` };
    return { search, text: `${private_} This browser computes other distances than imgsim, by ${error.toFixed(3)}.` };
  } catch (problem) {
    opened = null; // the next visit tries again
    throw problem;
  }
}

/**
 * @param {Collection} collection
 * @param {Search} search
 * @param {File} file
 */
async function show(collection, search, file) {
  const found = await search.nearest(await decode(file), collection.info.upload);
  const rows = found.map(({ id }) => Number(id)); // the side file names no ids: they are row numbers
  const near = await tiles(collection, rows, (place) => ({ note: found[place]?.distance.toFixed(3) }));
  URL.revokeObjectURL(shown);
  shown = URL.createObjectURL(file);
  const picture = make("img", { className: "upload", src: shown, alt: "Your picture" });
  answer.replaceChildren(make("h2", {}, file.name), picture, make("h2", {}, "Nearest images"), near);
}
