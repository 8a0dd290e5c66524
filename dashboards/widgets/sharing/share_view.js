// A button that copies the page's address, in which the version is a number.

import { make, makeButton } from "../js/elements.js";
import { component, View } from "../js/view.js";

/** @import { Call } from "../js/view.js" */

/**
 * @typedef {object} ShareData
 * @property {string} version
 */

const SAID_FOR = 2000; // milliseconds

/** @extends {View<ShareData, {}>} */
class Share extends View {
  /** @param {Call<ShareData>} call */
  constructor(call) {
    super(call, "share");
    this.button = makeButton("", "Share");
    this.button.title = "Copy a link to this page; it shows the same tomorrow";
    this.said = make("span", "said");
    this.said.setAttribute("role", "status");
    this.root.append(this.button, this.said);
    this.on(this.button, "click", () => this.copy());
  }

  update() {}

  async copy() {
    const address = new URL(window.location.href);
    address.searchParams.set("version", this.data.version);
    try {
      await navigator.clipboard.writeText(address.href);
      this.said.textContent = "Link copied";
    } catch {
      this.said.textContent = "Copy it from the address bar"; // browsers copy on localhost and by https alone
    }
    setTimeout(() => {
      this.said.textContent = "";
    }, SAID_FOR);
  }
}

export default component(Share);
