// The nearest reference images of a picture, by a model that `imgsim export MODEL NAME.onnx` wrote.

/**
 * @typedef {{ id: string, distance: number, label?: string }} Neighbor
 * @typedef {{ png: string, nearest: Neighbor[] }} Golden a test image, and what Python says are its nearest references
 * @typedef {{ ids: string[], labels?: string[], outputs: string, golden: Golden[] }} References
 * @typedef {{ data: Uint8Array, width: number, height: number }} Picture RGB, row by row
 */

/**
 * Load ONNX Runtime Web from a folder that holds its `ort.wasm.min.mjs` and the two `ort-wasm-simd-threaded` files.
 * @param {string} folder the whole address, with a slash at its end
 */
export async function loadRuntime(folder) {
  const ort = await import(`${folder}ort.wasm.min.mjs`);
  ort.env.wasm.wasmPaths = folder;
  return ort;
}

/** A model that is loaded: `await Search.open(ort, "model.onnx")`. */
export class Search {
  /**
   * @param {any} ort the module onnxruntime-web
   * @param {any} session
   * @param {References} references
   */
  constructor(ort, session, references) {
    this.ort = ort;
    this.session = session;
    this.references = references;
  }

  /**
   * Load a model and its side file, which lies beside it.
   * @param {any} ort
   * @param {string} url
   */
  static async open(ort, url) {
    const answer = await fetch(`${url}.references.json`);
    if (!answer.ok) throw new Error(`${url}.references.json: ${answer.status} ${answer.statusText}`);
    const references = await answer.json();
    if (references.format !== 1) throw new Error(`${url}.references.json has format ${references.format}, not 1`);
    const session = await ort.InferenceSession.create(url, { executionProviders: ["wasm"] });
    return new Search(ort, session, references);
  }

  /**
   * The nearest references of a picture of any size, nearest first.
   * @param {Picture} picture
   * @param {number} k
   * @returns {Promise<Neighbor[]>}
   */
  async nearest(picture, k = 5) {
    const image = new this.ort.Tensor("uint8", picture.data, [picture.height, picture.width, 3]);
    const found = await this.session.run({ image });
    if (found.indices) {
      return [...found.indices.data].slice(0, k).map((row, i) => this.#neighbor(row, found.distances.data[i]));
    }
    if (!found.distance) throw new Error(`a model with outputs="${this.references.outputs}" names no neighbors`);
    const distances = found.distance.data;
    const rows = [...distances.keys()].sort((a, b) => distances[a] - distances[b] || a - b);
    return rows.slice(0, k).map((row) => this.#neighbor(row, distances[row]));
  }

  /**
   * Compare the answers to the test images with Python's: do this once on each new device.
   * @returns {Promise<{ images: number, agreement: number, error: number }>} share of equal ids, largest difference
   */
  async checkGolden() {
    let [asked, equal, error] = [0, 0, 0];
    for (const golden of this.references.golden) {
      const bytes = Uint8Array.from(atob(golden.png), (letter) => letter.charCodeAt(0));
      const found = await this.nearest(await decode(new Blob([bytes])), golden.nearest.length);
      for (const [i, neighbor] of found.entries()) {
        asked += 1;
        equal += Number(neighbor.id === golden.nearest[i].id);
        error = Math.max(error, Math.abs(neighbor.distance - golden.nearest[i].distance));
      }
    }
    return { images: this.references.golden.length, agreement: asked ? equal / asked : 0, error };
  }

  /**
   * @param {number} row
   * @param {number} distance
   * @returns {Neighbor}
   */
  #neighbor(row, distance) {
    return { id: this.references.ids[row] ?? String(row), distance, label: this.references.labels?.[row] };
  }
}

/**
 * Decode a file as imgsim does: upright, sRGB, transparency laid over white.
 * @param {Blob} file
 * @returns {Promise<Picture>}
 */
export async function decode(file) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser gives no canvas");
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const rgba = context.getImageData(0, 0, width, height).data;
  const data = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < data.length; from += 4) {
    data[to++] = rgba[from];
    data[to++] = rgba[from + 1];
    data[to++] = rgba[from + 2];
  }
  return { data, width, height };
}
