// The page of the watch process: binds the controls, and shows what the feed receives.

import { Charts } from "./charts.js";
import { attribute, byId, text } from "./dom.js";
import { Feed } from "./feed.js";
import { WINDOW_WORDS, clock } from "./numbers.js";
import { showPanels } from "./panels.js";
import { showRates, showSparks, showTiers } from "./rates.js";
import { showState } from "./state.js";
import { change, link, onChange, view } from "./view.js";

// Whoever wants less motion gets charts that step, each tenth second.
const CHARTS_EVERY = matchMedia("(prefers-reduced-motion: reduce)").matches ? 10 : 1;
const COPIED_MS = 2000;

const charts = new Charts(byId("charts"));
let newest = null;
let drawnAt = -Infinity;

function receive(numbers, points) {
  newest = numbers;
  text(byId("clock"), clock(numbers.time));
  attribute(byId("clock"), "datetime", new Date(numbers.time * 1000).toISOString());
  showState(numbers);
  showRates(numbers);
  showTiers(numbers);
  showPanels(numbers);
  const isChanged = charts.points !== points;
  if (!isChanged && numbers.time - drawnAt < CHARTS_EVERY) return;
  drawnAt = numbers.time;
  charts.show(points, feed.meta, view.range ? points.events : numbers.events);
  showSparks(points, view.range ? "range of the charts" : `last ${WINDOW_WORDS[view.window]}`);
}

function lose(time, error) {
  const notice = byId("lost");
  if (!notice.hidden) return;
  const why = { TimeoutError: "it takes too long", TypeError: "no connection" }[error.name] ?? error.message;
  const numbers = newest ? `the numbers below are of ${clock(newest.time)}` : "there are no numbers yet";
  text(notice, `The watch process has not responded since ${clock(time)} (${why}); ${numbers}. It is asked again every second.`);
  notice.hidden = false;
  mark();
}

function find() {
  if (byId("lost").hidden) return;
  byId("lost").hidden = true;
  mark();
}

// live, paused or not current: beside the clock, and in how the numbers look.
function mark() {
  const state = byId("lost").hidden ? (view.isPaused ? "paused" : "live") : "not current";
  text(byId("mark"), state);
  document.body.dataset.shown = state;
}

function show() {
  document.documentElement.dataset.theme = view.theme;
  byId("theme").value = view.theme;
  document.querySelector(`#window [value="${view.window}"]`).checked = true;
  attribute(byId("pause"), "aria-pressed", view.isPaused);
  text(byId("pause"), view.isPaused ? "Go on" : "Pause");
  mark();
}

const localInput = (time) => new Date(time * 1000 - new Date(time * 1000).getTimezoneOffset() * 60000).toISOString().slice(0, 19);

function fillRange() {
  if (!charts.points) return;
  const { from, to } = charts.span();
  byId("range").from.value = localInput(from);
  byId("range").to.value = localInput(to);
}

function submitRange(event) {
  event.preventDefault();
  const [from, to] = ["from", "to"].map((name) => Date.parse(event.target[name].value) / 1000);
  text(byId("range-error"), to > from ? "" : "The end has to be later than the start.");
  if (to > from) charts.zoom({ from, to });
}

async function copy() {
  const button = byId("copy");
  const address = link(charts.points ? charts.span() : view.range);
  try {
    await navigator.clipboard.writeText(address);
    text(button, "Copied");
  } catch {
    history.replaceState(null, "", address);
    text(button, "It is in the address bar");
  }
  setTimeout(() => text(button, "Copy link"), COPIED_MS);
}

const togglePause = () => change({ isPaused: !view.isPaused });

function bind() {
  byId("window").addEventListener("change", (event) => change({ window: event.target.value, ...(view.range && { range: null }) }));
  byId("pause").addEventListener("click", togglePause);
  byId("copy").addEventListener("click", copy);
  byId("theme").addEventListener("change", (event) => change({ theme: event.target.value }));
  byId("back").addEventListener("click", () => charts.back());
  byId("range").addEventListener("submit", submitRange);
  byId("range").parentElement.addEventListener("toggle", fillRange);
  document.querySelector(".skip").addEventListener("click", (event) => (event.preventDefault(), byId("rates").focus()));
}

text(byId("zone"), Intl.DateTimeFormat().resolvedOptions().timeZone);
onChange(show);
show();
bind();
const feed = new Feed(receive, lose, find);
feed.resume();
