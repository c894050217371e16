// One entry of the cache, in a dialog.

import { byId, el, text } from "./dom.js";
import { askEntry } from "./feed.js";
import { bytes, clock, moment, seconds } from "./numbers.js";

const WORDS = {
  missing: "A negative entry: the product does not exist, and the cache remembers that.",
  tombstone: "A tombstone: it was invalidated, and nobody has read it since. The next read is a miss.",
  absent: "Not in Redis. The next read is a miss.",
};

const present = (entry) => (entry.is_fresh ? "In Redis, and fresh." : "In Redis, and stale: the next read gets it and refreshes it in the background.");

function inPostgres({ in_postgres: there, version }) {
  if (there.state !== "up") return "Postgres does not respond";
  if (there.version === null) return "no such product";
  return version !== null && version !== there.version ? `version ${there.version}, not ${version}` : `version ${there.version}`;
}

const fieldsOf = (entry) => [
  ["Key", entry.name],
  ["State", entry.state],
  ["Age", seconds(entry.age_seconds)],
  ["Expires in", seconds(entry.ttl_seconds)],
  ["Fresh until", moment(entry.fresh_until)],
  ["Version", entry.version ?? "–"],
  ["Epoch", entry.epoch ?? "–"],
  ["Size", bytes(entry.bytes)],
  ["Encoding", entry.encoding ?? "–"],
  ["ETag", entry.etag ?? "–"],
  ["In Postgres", inPostgres(entry)],
];

export async function showEntry(kind, id) {
  const dialog = byId("entry"), fields = byId("entry-fields");
  text(byId("entry-title"), `${kind} ${id}`);
  text(byId("entry-words"), "Asking …");
  fields.replaceChildren();
  dialog.showModal();
  try {
    const entry = await askEntry(kind, id);
    text(byId("entry-words"), `${WORDS[entry.state] ?? present(entry)} Seen at ${clock(Date.now() / 1000)}.`);
    fields.replaceChildren(...fieldsOf(entry).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, String(value)))));
  } catch (error) {
    text(byId("entry-words"), `It could not be read: ${error.message}.`);
  }
}
