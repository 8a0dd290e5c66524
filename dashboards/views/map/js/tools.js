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
 * Take every so many corners of a line, so that they are not too many for the address.
 *
 * @param {Point[]} line
 */
export function thinned(line) {
  const step = Math.ceil(line.length / MOST_CORNERS);
  return line.filter((_, i) => i % step === 0);
}
