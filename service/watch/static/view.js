// What is shown: window, range, pause and theme. It is kept in the hash of the address, so that a link restores it.

import { WINDOWS } from "./numbers.js";

const listeners = [];

function parsed() {
  const hash = new URLSearchParams(location.hash.slice(1));
  const from = Number(hash.get("from")), to = Number(hash.get("to"));
  return {
    window: hash.get("window") in WINDOWS ? hash.get("window") : "5m",
    range: from > 0 && to > from ? { from, to } : null,
    isPaused: hash.get("paused") === "1",
    theme: ["light", "dark"].includes(hash.get("theme")) ? hash.get("theme") : "",
  };
}

export let view = parsed();

function address({ window, range, isPaused, theme }) {
  const hash = new URLSearchParams({ window });
  if (range) hash.set("from", Math.floor(range.from)), hash.set("to", Math.ceil(range.to));
  if (isPaused) hash.set("paused", "1");
  if (theme) hash.set("theme", theme);
  return `${location.pathname}${location.search}#${hash}`;
}

// The address of what is shown, with the range and without going on from there.
export const link = (range) => new URL(address({ ...view, range }), location.href).href;

// A range is a step of its own in the browser's history, so that its back button leaves it.
export function change(parts) {
  const next = { ...view, ...parts };
  history["range" in parts ? "pushState" : "replaceState"](null, "", address(next));
  arrive(next);
}

export const onChange = (listener) => listeners.push(listener);

function arrive(next) {
  const before = view;
  view = next;
  for (const listener of listeners) listener(view, before);
}

addEventListener("popstate", () => arrive(parsed()));
