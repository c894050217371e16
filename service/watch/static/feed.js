// Asks the watch process once a second while the page is seen and not paused. Of the points only later ones are asked for.

import { WINDOWS } from "./numbers.js";
import { onChange, view } from "./view.js";

const EVERY_MS = 1000;
const DEADLINE_MS = 4000;

async function ask(path, parameters = {}) {
  const query = new URLSearchParams(parameters).toString();
  const response = await fetch(query ? `${path}?${query}` : path, { cache: "no-store", signal: AbortSignal.timeout(DEADLINE_MS) });
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return response.json();
}

export const askEntry = (kind, id) => ask("dashboard/entry.json", { kind, id });

export class Feed {
  // `receive(numbers, points)` takes what was asked for; `lose(time, why)` and `find()` are told of silence and its end.
  constructor(receive, lose, find) {
    Object.assign(this, { receive, lose, find, points: null, meta: null, turn: 0, answered: Date.now() });
    onChange((now, before) => this.changed(now, before));
    document.addEventListener("visibilitychange", () => document.hidden || this.resume());
  }

  changed(now, before) {
    if (now.window !== before.window || now.range?.from !== before.range?.from || now.range?.to !== before.range?.to) {
      this.points = null;
      this.resume();
    } else if (before.isPaused && !now.isPaused) this.resume();
    else if (now.isPaused) this.resume(false);
  }

  // Turns that were under way are forgotten; one at once, if wanted.
  resume(isWanted = true) {
    clearTimeout(this.timer);
    this.turn += 1;
    if (isWanted) this.run(this.turn);
  }

  async run(turn) {
    const started = performance.now();
    try {
      const [numbers, points] = await Promise.all([ask("dashboard.json"), this.askPoints()]);
      if (turn !== this.turn) return;
      this.answered = Date.now();
      this.find();
      this.keep(points, numbers.time);
      this.receive(numbers, this.points);
    } catch (error) {
      if (turn !== this.turn) return;
      this.lose(this.answered / 1000, error);
    }
    const isToGoOn = !document.hidden && !(view.isPaused && this.points);
    if (isToGoOn) this.timer = setTimeout(() => this.run(turn), Math.max(100, EVERY_MS - (performance.now() - started)));
  }

  async askPoints() {
    const span = view.range ?? { window: view.window };
    if (!this.points) return ask("dashboard/points.json", { ...span, meta: 1 });
    if (view.range) return null;
    return ask("dashboard/points.json", { ...span, since: this.points.time.at(-1) ?? 0 });
  }

  // Puts later points behind those that are there; whatever is older than the window goes.
  keep(points, now) {
    if (!points) return;
    this.meta = points.meta ?? this.meta;
    const held = this.points;
    if (!held || held.step !== points.step) {
      this.points = points;
      return;
    }
    const first = points.time[0] ?? Infinity;
    const oldest = now - WINDOWS[view.window] - points.step;
    const isKept = held.time.map((time) => time < first && time >= oldest);
    const joined = (before, later) => [...before.filter((_, index) => isKept[index]), ...later];
    held.time = joined(held.time, points.time);
    for (const [id, { series }] of Object.entries(points.charts)) {
      const mine = held.charts[id].series;
      for (const name of Object.keys(series)) mine[name] = joined(mine[name], series[name]);
    }
    held.events = points.events;
    Object.assign(held, { from: points.from, to: points.to });
  }
}
