// Hit rates and documents per kind, with a sparkline each; and how many each tier answered.

import { attribute, byId, el, number, rows, svg, text } from "./dom.js";
import { count, decimal, latency, perSecond, share } from "./numbers.js";
import { placed, valueAxis } from "./scales.js";

const KINDS = ["all", "product", "styles", "related", "card", "summary"];
const OUTCOMES = ["hit", "stale", "miss", "bypass"];
const WINDOWS = ["now", "1m", "5m", "1h", "24h", "total"];
const SPARK = { width: 120, height: 26 };
const TIERS = {
  nginx: ["requests/s", "answered itself"],
  "fast path": ["requests/s", "matched"],
  Redis: ["documents/s", "fresh or stale"],
  Postgres: ["documents/s", "misses, bypasses"],
};

const cell = (kind, outcome, window) => el("td", { "data-kind": kind, "data-outcome": outcome, "data-window": window, "data-value": "" }, "–");

function makeKinds() {
  for (const kind of KINDS) {
    const line = svg("path", { class: "series c0" });
    const spark = svg("svg", { viewBox: `0 0 ${SPARK.width} ${SPARK.height}`, preserveAspectRatio: "none", "aria-hidden": "true", "data-spark": kind }, line);
    byId("kinds").append(el("tr", { class: kind },
      el("th", { scope: "row" }, kind),
      ...WINDOWS.map((window) => cell(kind, "rate", window)),
      el("td", { class: "spark" }, spark),
      el("td", { "data-speed": kind }, "–"),
      ...OUTCOMES.map((outcome) => cell(kind, outcome, "total"))));
  }
}

// The other counts: what the first table leaves out.
function makeCounts() {
  const windows = WINDOWS.filter((window) => window !== "total");
  byId("counts-head").append(el("tr", {}, ...["Kind", "Outcome", ...windows].map((name) => el("th", { scope: "col" }, name))));
  for (const kind of KINDS) for (const outcome of OUTCOMES) {
    byId("counts").append(el("tr", {}, el("th", { scope: "row" }, kind), el("td", {}, outcome), ...windows.map((window) => cell(kind, outcome, window))));
  }
}

makeKinds();
makeCounts();
const cells = [...document.querySelectorAll("[data-kind][data-outcome][data-window]")];
const speeds = [...document.querySelectorAll("[data-speed]")];
const sparks = [...document.querySelectorAll("[data-spark]")];

export function showRates({ kinds }) {
  for (const node of cells) {
    const { kind, outcome, window } = node.dataset;
    const value = kinds[kind]?.[window]?.[outcome] ?? null;
    number(node, value, outcome === "rate" ? share : count);
  }
  for (const node of speeds) number(node, kinds[node.dataset.speed]?.["1m"]?.per_second, perSecond);
}

export function showSparks(points, title) {
  const { series } = points.charts.rate ?? { series: {} };
  const axis = valueAxis("share", "lines", Object.values(series));
  const y = placed(axis, 2, SPARK.height - 2);
  text(byId("spark-title"), title);
  text(byId("spark-axis"), `${axis.low * 100}–100 %`);
  for (const node of sparks) attribute(node.firstChild, "d", sparkPath(series[node.dataset.spark] ?? [], y));
}

function sparkPath(values, y) {
  const step = SPARK.width / Math.max(1, values.length - 1);
  let isDrawn = false;
  return values.map((value, index) => {
    if (value === null) return (isDrawn = false), "";
    const command = isDrawn ? "L" : "M";
    isDrawn = true;
    return `${command}${(index * step).toFixed(1)} ${y(value).toFixed(1)}`;
  }).join("");
}

function makeTier({ name }) {
  const [unit, what] = TIERS[name] ?? ["requests/s", "answered"];
  const meter = svg("svg", { class: "meter", viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { width: 100, height: 4, class: "rest" }), svg("rect", { width: 0, height: 4, class: "part" }));
  return el("li", {}, el("h3", {}, name), el("p", { class: "share" }, "–"), el("p", { class: "what" }, what), meter,
    el("p", { class: "flow" }, el("b", {}, "–"), " of ", el("b", {}, "–"), ` ${unit}`), el("p", { class: "latency" }, "–"));
}

function updateTier(node, tier, isSampled) {
  const [asked, answered] = [tier.asked_per_second, tier.answered_per_second];
  const [big, flow, times] = ["share", "flow", "latency"].map((name) => node.querySelector(`.${name}`));
  node.classList.toggle("uncounted", !tier.is_counted);
  number(big, tier.share, tier.is_counted ? share : () => "not counted");
  attribute(node.querySelector(".part"), "width", 100 * (tier.share ?? 0));
  number(flow.firstChild, answered, decimal);
  number(flow.children[1], asked, decimal);
  text(times, tier.p99 === null ? "" : `p50 ${latency(tier.p50)}, p99 ${latency(tier.p99)}${isSampled ? ", sampled" : ""}`);
}

export function showTiers({ tiers, nginx }) {
  const isSampled = ({ name }) => name === "nginx" && Boolean(nginx?.is_sampled);
  rows(byId("tiers"), tiers, (tier) => tier.name, makeTier, (node, tier) => updateTier(node, tier, isSampled(tier)));
}
