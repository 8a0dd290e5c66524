// Small things that the parts of the map share.

/** @typedef {[x: number, y: number]} Point */

const MOST_CORNERS = 60;

/** @param {string} address */
export async function fetchNumbers(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(String(answer.status));
  return new Uint16Array(await answer.arrayBuffer());
}

/**
 * @param {string} address
 * @returns {Promise<{ path: string, label: string | null }>}
 */
export async function fetchNames(address) {
  const answer = await fetch(address).catch(() => null);
  return answer?.ok ? answer.json() : { path: "", label: null };
}

/** @param {string} text In base64. */
export function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} [options]
 */
export function penOf(canvas, options) {
  const pen = canvas.getContext("2d", options);
  if (!pen) throw new Error("this browser has no canvas");
  return pen;
}

/**
 * Leave out corners of a line, none of those left out further from it than `most` (Douglas and Peucker).
 *
 * @param {Point[]} line
 * @param {number} most
 */
export function simplified(line, most) {
  const kept = new Set([0, line.length - 1]);
  const parts = [[0, line.length - 1]];
  while (kept.size < MOST_CORNERS) {
    const [from = 0, to = 0] = parts.shift() ?? [];
    if (!to) break;
    const worst = furthest(line, from, to, most);
    if (worst < 0) continue;
    kept.add(worst);
    parts.push([from, worst], [worst, to]);
  }
  return [...kept].sort((a, b) => a - b).map((i) => /** @type {Point} */ (line[i]));
}

/**
 * Find the corner between two others that lies furthest from their line; -1 when none is further than `most`.
 *
 * @param {Point[]} line
 * @param {number} from
 * @param {number} to
 * @param {number} most
 */
function furthest(line, from, to, most) {
  let [worst, least] = [-1, most];
  for (let i = from + 1; i < to; i++) {
    const distance = distanceToLine(/** @type {Point} */ (line[i]), line[from], line[to]);
    if (distance > least) [worst, least] = [i, distance];
  }
  return worst;
}

/**
 * @param {Point} point
 * @param {Point} from
 * @param {Point} to
 */
function distanceToLine([x, y], [a, b], [c, d]) {
  const length = Math.hypot(c - a, d - b);
  return length ? Math.abs((c - a) * (b - y) - (a - x) * (d - b)) / length : Math.hypot(x - a, y - b);
}
