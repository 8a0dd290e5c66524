// What the user wants of pictures, by row: it is sent together, and again until the page shows it.

const TOGETHER = 60; // milliseconds in which wishes are sent as one
const TRIES = 10; // of what a rerun of the page may swallow

export class Wishes {
  /** @param {(yes: number[], no: number[]) => void} send */
  constructor(send) {
    this.send = send;
    /** @type {Map<number, boolean>} */
    this.wanted = new Map();
    this.tries = 0;
    this.timer = 0;
  }

  /**
   * @param {number} row
   * @param {boolean} yes
   */
  add(row, yes) {
    this.wanted.set(row, yes);
    this.tries = 0;
    this.flush();
  }

  /**
   * Drop wishes that have come true, and those about rows that are not there any more; send the others again.
   *
   * @param {Map<number, boolean | null>} now By the row.
   */
  settle(now) {
    for (const [row, yes] of this.wanted) if ((now.has(row) ? now.get(row) : yes) === yes) this.wanted.delete(row);
    this.flush();
  }

  flush() {
    if (!this.wanted.size || this.tries === TRIES) this.wanted.clear();
    else this.timer ||= setTimeout(() => this.sent(), TOGETHER);
  }

  sent() {
    this.timer = 0;
    if (!this.wanted.size) return;
    this.tries += 1;
    const rows = [...this.wanted.keys()];
    this.send(
      rows.filter((row) => this.wanted.get(row)),
      rows.filter((row) => !this.wanted.get(row)),
    );
  }
}
