// The page: loads ONNX Runtime Web and the model from this server, checks the model, and answers pictures.

import { decode, loadRuntime, Search } from "../../imgsim/site/assets/search.js";

const status = /** @type {HTMLElement} */ (document.querySelector("#status"));
const picture = /** @type {HTMLInputElement} */ (document.querySelector("#picture"));
const caption = /** @type {HTMLElement} */ (document.querySelector("#caption"));
const answer = /** @type {HTMLElement} */ (document.querySelector("#answer"));

/** @param {unknown} problem */
function fail(problem) {
  status.textContent = `It does not work: ${problem instanceof Error ? problem.message : problem}`;
}

async function start() {
  const ort = await loadRuntime(new URL("./ort/", location.href).href);
  const search = await Search.open(ort, new URLSearchParams(location.search).get("model") ?? "model.onnx");
  const { images, agreement, error } = await search.checkGolden();
  const share = (100 * agreement).toFixed(0);
  status.textContent = `Ready. ${images} test images: ${share} % of the ids are Python's, distances within ${error.toExponential(1)}.`;
  picture.disabled = false;
  picture.addEventListener("change", () => show(search).catch(fail));
}

/** @param {Search} search */
async function show(search) {
  const file = picture.files?.[0];
  if (!file) return;
  const found = await search.nearest(await decode(file));
  caption.textContent = `Nearest to ${file.name}`;
  answer.replaceChildren(...found.map((neighbor) => row(neighbor.id, neighbor.label ?? "", neighbor.distance)));
}

/**
 * @param {string} id
 * @param {string} label
 * @param {number} distance
 */
function row(id, label, distance) {
  const line = document.createElement("tr");
  for (const text of [id, label, distance.toFixed(4)]) {
    line.insertCell().textContent = text;
  }
  return line;
}

start().catch(fail);
