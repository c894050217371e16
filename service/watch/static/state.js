// What is said of the whole: the sentence, and what is wrong.

import { byId, text } from "./dom.js";
import { share } from "./numbers.js";

const HEADING = "Cache · Product Overview";

function troubles({ instances, redis, postgres, shadow, nginx }) {
  const silent = instances.filter((each) => each.state !== "up").map((each) => each.address);
  const open = instances.filter((each) => each.breaker_open).map((each) => each.address);
  return [
    silent.length && `silent: ${silent.join(", ")}`,
    redis.state !== "up" && `Redis is ${redis.state}`,
    postgres.state !== "up" && "Postgres is down",
    ...postgres.replicas.filter((each) => each.state !== "up").map((each) => `replica down: ${each.address}`),
    open.length && `breaker of Redis open: ${open.join(", ")}`,
    shadow.wrong_total > 0 && `${shadow.wrong_total} wrong in shadow verification`,
    nginx.state === "missing" && "nginx's access log is missing",
  ].filter(Boolean);
}

let announced = "";

// The figures change each second and are not announced; the rest is, when it is of another state.
export function showState(numbers) {
  const [facts, ...rest] = numbers.sentence.split("; ");
  const found = troubles(numbers);
  text(byId("facts"), rest.length ? `${facts};` : facts);
  const key = JSON.stringify([found, numbers.instances.length]);
  if (key !== announced) text(byId("state"), rest.join("; "));
  announced = key;
  byId("sentence").dataset.state = found.length ? "warning" : "fine";
  document.title = `${share(numbers.kinds.all["1m"].rate)} ${HEADING}`;
}
