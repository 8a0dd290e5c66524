// Small things that the parts of the map share.

async function numbers(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(String(answer.status));
  return new Uint16Array(await answer.arrayBuffer());
}

async function names(address) {
  const answer = await fetch(address).catch(() => null);
  return answer?.ok ? answer.json() : { path: "", label: null };
}

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

// A line with fewer corners, none of those left out further from it than `most` (Douglas and Peucker).
function simplified(line, most) {
  const parts = [[0, line.length - 1]];
  const kept = new Set(parts[0]);
  const off = ([x, y], [a, b], [c, d]) => {
    const length = Math.hypot(c - a, d - b);
    return length ? Math.abs((c - a) * (b - y) - (a - x) * (d - b)) / length : Math.hypot(x - a, y - b);
  };
  while (parts.length && kept.size < MOST_CORNERS) {
    const [from, to] = parts.shift();
    let [worst, furthest] = [-1, most];
    for (let i = from + 1; i < to; i++) {
      const distance = off(line[i], line[from], line[to]);
      if (distance > furthest) [worst, furthest] = [i, distance];
    }
    if (worst < 0) continue;
    kept.add(worst);
    parts.push([from, worst], [worst, to]);
  }
  return [...kept].sort((a, b) => a - b).map((i) => line[i]);
}
