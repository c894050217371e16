// The boxes and lists: instances, stores, documents, events. A field of the page names the number that it shows.

import { attribute, byId, el, number, rows, text } from "./dom.js";
import { showEntry } from "./entry.js";
import { DASH, bytes, count, decimal, latency, moment, perSecond, percent, seconds, share } from "./numbers.js";
import { change } from "./view.js";

const AROUND_EVENT_SECONDS = 120;
const OUTCOMES = ["hit", "stale", "miss", "bypass", "error"];

const words = (value) => value ?? DASH;
const FORMS = {
  bytes, count, decimal, latency, moment, perSecond, percent, seconds, share, words,
  state: words,
  alarm: count,
  limit: (value) => (value === 0 ? "none" : bytes(value)),
  sampled: (value) => (value ? "sampled" : ""),
};

const fields = [...document.querySelectorAll("[data-field]")].map((node) => ({ node, path: node.dataset.field.split("."), form: node.dataset.form }));

export function showFields(numbers) {
  for (const { node, path, form } of fields) {
    const value = path.reduce((part, name) => part?.[name], numbers) ?? null;
    number(node, value, FORMS[form]);
    if (form === "state") attribute(node, "data-state", value ?? "");
    if (form === "alarm") attribute(node, "data-state", value > 0 ? "wrong" : "");
  }
}

const tableRow = (many) => () => el("tr", {}, el("th", { scope: "row" }), ...Array.from({ length: many }, () => el("td", {}, DASH)));

function showOutcomes({ outcomes }) {
  const items = OUTCOMES.map((name) => ({ name, ...outcomes[name] }));
  rows(byId("outcomes"), items, (item) => item.name, tableRow(3), (row, item) => {
    const [name, speed, p50, p99] = row.children;
    text(name, item.name);
    number(speed, item.per_second, perSecond);
    number(p50, item.p50, latency);
    number(p99, item.p99, latency);
  });
}

function updateInstance(row, each) {
  const isUp = each.state === "up";
  const [address, state, ...cells] = row.children;
  text(address, each.address);
  text(state, isUp ? "up" : each.last_seen ? `silent since ${moment(each.last_seen)}` : "silent, never seen");
  attribute(state, "data-state", each.state);
  const shown = [
    moment(each.since), words(each.version), words(each.worker && String(each.worker)), perSecond(each.per_second), share(each.rate),
    perSecond(each.errors_per_second), each.breaker_open ? "open" : "closed", `${count(each.connections_busy)} of ${count(each.connections)}`,
  ];
  cells.forEach((node, index) => text(node, isUp || index < 3 ? shown[index] : DASH));
  attribute(cells[5], "data-state", isUp && each.errors_per_second > 0 ? "wrong" : "");
  attribute(cells[6], "data-state", isUp && each.breaker_open ? "down" : "");
}

function updateServer(row, each) {
  const [address, state, ...cells] = row.children;
  text(address, each.address);
  text(state, each.state);
  attribute(state, "data-state", each.state);
  const shown = [
    moment(each.up_since), share(each.hit_rate), bytes(each.used_bytes), FORMS.limit(each.max_bytes), count(each.keys),
    perSecond(each.commands_per_second), count(each.evicted), count(each.clients), count(each.replicas),
  ];
  cells.forEach((node, index) => text(node, each.state === "up" ? shown[index] : DASH));
}

// One server alone is in the box below.
function showServers({ servers }) {
  const several = servers.length > 1 ? servers : [];
  byId("servers-of-redis").hidden = !several.length;
  rows(byId("servers"), several, (each) => each.address, tableRow(10), updateServer);
}

const replica = ({ address, state, lag_seconds: lag }) => `${address} ${state === "up" ? `${seconds(lag)} behind` : "down"}`;

function makeDocument({ kind, id }) {
  const button = el("button", { type: "button", class: "link" }, `${kind} ${id}`);
  button.addEventListener("click", () => showEntry(kind, id));
  return el("li", {}, button, " ", el("span", { class: "about" }));
}

// The order stays as it is while somebody points at the list or is in it: what is to be pressed must not move away.
function showDocuments(parent, documents) {
  const key = ({ kind, id }) => `${kind} ${id}`;
  const isHeld = parent.children.length > 0 && parent.matches(":hover, :focus-within");
  const inOrder = isHeld ? [...parent.children].map((row) => documents.find((each) => key(each) === row.dataset.key) ?? row.document) : documents;
  parent.classList.toggle("empty", !inOrder.length);
  rows(parent, inOrder, key, makeDocument, (row, each) => {
    row.document = each;
    number(row.lastChild, each.per_second, (x) => `~ ${perSecond(x)}/s`);
  });
}

function makeEvent(event) {
  const button = el("button", { type: "button", class: "link" }, moment(event.time));
  button.addEventListener("click", () => {
    change({ range: { from: event.time - AROUND_EVENT_SECONDS, to: event.time + AROUND_EVENT_SECONDS } });
    byId("charts-title").scrollIntoView();
  });
  return el("li", {}, button, " ", el("b", {}, event.kind), ` ${event.source}: ${event.text}`);
}

function showEvents(events) {
  const parent = byId("events");
  parent.classList.toggle("empty", !events.length);
  rows(parent, [...events].reverse(), (event) => `${event.time} ${event.kind} ${event.source} ${event.text}`, makeEvent, () => {});
}

export function showPanels(numbers) {
  showFields(numbers);
  showOutcomes(numbers);
  rows(byId("instances"), numbers.instances, (each) => each.address, tableRow(9), updateInstance);
  showServers(numbers.redis);
  text(byId("replicas"), numbers.postgres.replicas.map(replica).join(", ") || "none");
  showDocuments(byId("hottest"), numbers.hottest);
  showDocuments(byId("missed"), numbers.missed);
  showEvents(numbers.events);
}
