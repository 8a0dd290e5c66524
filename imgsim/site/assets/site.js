// The page's address chooses what is shown: #/, #/image/ROW, #/map, #/duplicates, #/label_errors, #/upload.

import { Collection } from "./collection.js";
import { make } from "./elements.js";
import { map } from "./map.js";
import { address, browse, duplicates, image, label_errors } from "./pages.js";
import { upload } from "./upload.js";

/** @type {Record<string, (collection: Collection, asked: URLSearchParams, row: string) => Promise<Node[]>>} */
const SHOW = { "": browse, image, map, duplicates, label_errors, upload };
const NAMES = /** @type {Record<string, string>} */ ({
  map: "Map",
  duplicates: "Duplicates",
  label_errors: "Doubtful labels",
  upload: "Your picture",
});

const main = /** @type {HTMLElement} */ (document.querySelector("main"));
const navigation = /** @type {HTMLElement} */ (document.querySelector("nav"));
const box = /** @type {HTMLInputElement} */ (document.querySelector("input"));
let turn = 0;

async function start() {
  const collection = await Collection.open();
  const { title, lists, upload: answers } = collection.info;
  document.title = title;
  const home = document.querySelector(".title");
  if (home) home.textContent = title;
  const pages = ["", ...lists, ...(answers ? ["upload"] : [])];
  const links = pages.map((name) => make("a", { href: `#/${name}` }, NAMES[name] ?? "Browse"));
  navigation.replaceChildren(...links);
  box.form?.addEventListener("submit", (event) => {
    event.preventDefault();
    window.location.hash = address("", new URLSearchParams(), { q: box.value.trim() });
  });
  window.addEventListener("hashchange", () => show(collection));
  await show(collection);
}

/** @param {Collection} collection */
async function show(collection) {
  turn += 1;
  const mine = turn;
  const { pathname, searchParams } = new URL(window.location.hash.slice(1) || "/", window.location.origin);
  const [name = "", row = ""] = pathname.slice(1).split("/");
  box.value = searchParams.get("q") ?? "";
  for (const link of navigation.children) {
    if (link.getAttribute("href") === `#/${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  try {
    const parts = await (SHOW[name] ?? browse)(collection, searchParams, row);
    if (mine === turn) main.replaceChildren(...parts);
  } catch (problem) {
    if (mine === turn) fail(problem);
  }
  if (mine === turn) window.scrollTo(0, 0);
}

/** @param {unknown} problem */
function fail(problem) {
  main.replaceChildren(make("p", {}, `This cannot be shown: ${problem instanceof Error ? problem.message : problem}`));
}

start().catch(fail);
