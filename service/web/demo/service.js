// One way to ask the service, for all that a page asks: deadlines, repeats, and refusals in words for people.

const TRIES = 3;
const MAY_PASS = [409, 429, 503];
// By the code that a problem's type ends with; the detail of the others is plain enough.
const WORDS = {
  "unknown-product": "There is no such product.",
  "unknown-sku": "This is no longer sold.",
  "too-many-lines": "Your cart is full. Remove something from it first.",
  "too-many-items": "Your cart cannot hold more of this.",
  "too-many-requests": "That was too fast.",
  "unavailable": "The shop is not available at the moment.",
};

/** Who wants to know what goes on. */
export const tell = { waiting: () => {}, answered: () => {} };

/** The JSON that a request is answered with, null if there is none. What may pass is tried again when the answer says
 *  so: the same key makes that safe for POST. Throws what a person should know. */
export async function call(method, path, body, key) {
  for (let tries = 1; ; tries++) {
    const answer = await request(method, path, body, key);
    if (answer.status === 200) return JSON.parse(answer.text);
    if (answer.status === 201 || answer.status === 204) return null;
    const mayPass = !answer.status || MAY_PASS.includes(answer.status);
    if (!mayPass || tries === TRIES) throw Object.assign(new Error(reason(answer)), { mayPass });
    tell.waiting(`${reason(answer)} Trying again in ${answer.seconds} s.`);
    await new Promise((goOn) => setTimeout(goOn, answer.seconds * 1000));
  }
}

async function request(method, path, body, key) {
  const headers = { ...(body && { "Content-Type": "application/json" }), ...(key && { "Idempotency-Key": key }) };
  const began = performance.now();
  const result = { seconds: 1 };
  try {
    const signal = AbortSignal.timeout(10_000);
    const answer = await fetch(`../${path}`, { method, headers, signal, body: body && JSON.stringify(body) });
    result.text = await answer.text();
    result.status = answer.status;
    result.cache = answer.headers.has("X-Cache") ? `X-Cache: ${answer.headers.get("X-Cache")}` : "";
    result.seconds = Number(answer.headers.get("Retry-After")) || 1;
  } catch {} // no answer, or only a part of one: there is no status
  const answered = `${result.status ?? "no answer"} ${result.cache ?? ""}`.trim();
  tell.answered(`${method} /${path}`, answered, performance.now() - began);
  return result;
}

function reason({ text }) {
  try {
    const problem = JSON.parse(text);
    return WORDS[problem.type.split("#")[1]] ?? problem.detail;
  } catch {
    return "The shop does not respond.";
  }
}

// Not crypto.randomUUID: that is for https only.
export const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16)).join("-");
