// How a series is drawn in every chart: its colour, and its dashes, so that it is never known by colour alone.

// One colour for one meaning, in every chart; the other names take the next one.
const COLOURS = {
  hit: 0, cache: 0, product: 0, ours: 0, stored: 0, made: 0, equal: 0, used: 0,
  stale: 1, styles: 1, replayed: 1, "allowed-stale": 1, expirations: 1, "old-api": 1, shared: 1, limit: 4,
  miss: 2, related: 2, refused: 2, evictions: 2, waits: 2, loads: 3, instance: 3, card: 3, bypass: 3,
  summary: 5, error: 5, wrong: 5, unavailable: 5, open: 5, all: 4, nginx: 4, "Redis'": 4,
};

export function look(name, index) {
  const colour = COLOURS[name.split(" ")[0]] ?? index % 6;
  return { colour, dash: name.endsWith("p99") ? 1 : name.endsWith("p50") ? 0 : colour };
}
