// What can be done with a picture, on every page alike: its name, its icon and its key.

/**
 * @typedef {object} Action
 * @property {string} name
 * @property {string} icon Path of its drawing.
 * @property {string} key Empty where there is none.
 */

/** @typedef {keyof typeof ACTIONS} Kind */

const LENS = "M10.5 4a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13M15.3 15.3L20 20";

export const ACTIONS = {
  query: { key: "q", name: "Search with this", icon: LENS },
  more: { key: "+", name: "More like this", icon: "M12 5v14M5 12h14" },
  less: { key: "-", name: "Less like this", icon: "M5 12h14" },
  details: {
    key: "d",
    name: "Details",
    icon: "M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17M12 11v5.5M12 7.6v.1",
  },
  basket: { key: "b", name: "Add to basket", icon: "M4 9.5h16l-1.6 9.5H5.6zM8.5 9.5L11 4.5M15.5 9.5L13 4.5" },
  walk: {
    key: "w",
    name: "Walk from here",
    icon:
      "M6 9.5a2.5 2.5 0 1 0 0 5a2.5 2.5 0 0 0 0-5M18 3.5a2.5 2.5 0 1 0 0 5a2.5 2.5 0 0 0 0-5" +
      "M18 15.5a2.5 2.5 0 1 0 0 5a2.5 2.5 0 0 0 0-5M8.2 10.8L15.8 7.2M8.2 13.2L15.8 16.8",
  },
  only: { key: "", name: "Search with this alone", icon: LENS },
  crop: { key: "", name: "Crop: search with a part of it", icon: "M7 3v14h14M3 7h14v14" },
  whole: { key: "", name: "Whole: search with all of it again", icon: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5" },
  remove: { key: "", name: "Take it out of the query", icon: "M6 6l12 12M18 6L6 18" },
  back: { key: "", name: "Back to", icon: "M19 12H5M11 6l-6 6l6 6" },
};

/**
 * Name an action on a picture.
 *
 * @param {Kind} kind
 * @param {boolean} inBasket
 */
export function actionName(kind, inBasket) {
  return kind === "basket" && inBasket ? "Remove from basket" : ACTIONS[kind].name;
}
