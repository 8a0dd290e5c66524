// The collection: what is known of its images, fetched in blocks and packs when it is needed, each once.

/**
 * @typedef {{ title: string, images: number, block: number, pack: number, lists: string[], network: string,
 *   upload: number, labels: { name: string, images: number }[] }} Info upload: answers to a picture, 0 without a network
 * @typedef {{ paths: string[], labels: number[], bytes: number[], neighbors: number[][], distances: number[][] }} Block
 * @typedef {{ row: number, path: string, label: string | null, neighbors: number[], distances: number[] }} Picture
 */

const PACKS = 200; // thumbnail packs that stay in memory

export class Collection {
  /** @param {Info} info */
  constructor(info) {
    this.info = info;
    /** @type {Map<string, Promise<any>>} */
    this.lists = new Map();
    /** @type {Map<number, Promise<string[]>>} */
    this.packs = new Map();
  }

  static async open() {
    return new Collection(await json("collection"));
  }

  /**
   * Fetch a list, such as "duplicates" or a block of images.
   *
   * @param {string} name
   */
  list(name) {
    const known = this.lists.get(name) ?? json(name);
    this.lists.set(name, known);
    return known;
  }

  /**
   * @param {number} row
   * @returns {Promise<Picture>}
   */
  async picture(row) {
    const { block, labels } = this.info;
    /** @type {Block} */
    const found = await this.list(`images-${Math.floor(row / block)}`);
    const i = row % block;
    const label = labels[found.labels[i] ?? -1]?.name ?? null;
    const [path = "", neighbors = [], distances = []] = [found.paths[i], found.neighbors[i], found.distances[i]];
    return { row, path, label, neighbors, distances };
  }

  /**
   * List the rows whose path or label holds some text, or that have a label.
   *
   * @param {string} text
   * @param {string} label
   */
  async find(text, label) {
    const { images, block, labels } = this.info;
    const wanted = text.toLocaleLowerCase();
    const names = labels.map(({ name }) => name.toLocaleLowerCase().includes(wanted));
    const code = labels.findIndex(({ name }) => name === label);
    const numbers = Array.from({ length: Math.ceil(images / block) }, (_, number) => number);
    /** @type {Block[]} */
    const blocks = await Promise.all(numbers.map((number) => this.list(`images-${number}`)));
    return blocks.flatMap((part, number) =>
      part.paths.flatMap((path, i) => {
        const mine = part.labels[i] ?? -1;
        const found = (names[mine] || path.toLocaleLowerCase().includes(wanted)) && (!label || mine === code);
        return found ? [number * block + i] : [];
      }),
    );
  }

  /**
   * Return the address of a thumbnail; empty where there is none.
   *
   * @param {number} row
   */
  async thumbnail(row) {
    const { pack } = this.info;
    const number = Math.floor(row / pack);
    const known = this.packs.get(number) ?? this.unpack(number);
    this.packs.delete(number); // the last used comes last
    this.packs.set(number, known);
    const [oldest] = this.packs.keys();
    if (this.packs.size > PACKS && oldest !== undefined) {
      const gone = this.packs.get(oldest);
      this.packs.delete(oldest);
      for (const url of (await gone) ?? []) URL.revokeObjectURL(url);
    }
    return (await known)[row % pack] ?? "";
  }

  /** @param {number} number */
  async unpack(number) {
    const { pack, block } = this.info;
    const first = number * pack;
    /** @type {[Block, Response]} */
    const [images, answer] = await Promise.all([
      this.list(`images-${Math.floor(first / block)}`),
      get(`thumbnails-${number}.bin`),
    ]);
    const all = await answer.arrayBuffer();
    let start = 0;
    return images.bytes.slice(first % block, (first % block) + pack).map((size) => {
      start += size;
      return size ? URL.createObjectURL(new Blob([all.slice(start - size, start)], { type: "image/jpeg" })) : "";
    });
  }
}

/** @param {string} name */
async function json(name) {
  return (await get(`${name}.json`)).json();
}

/** @param {string} name */
async function get(name) {
  const answer = await fetch(`data/${name}`);
  if (!answer.ok) throw new Error(`data/${name}: ${answer.status} ${answer.statusText}`);
  return answer;
}
