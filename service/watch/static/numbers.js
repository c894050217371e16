// Numbers as text. null and undefined are a dash: nothing happened, or nothing is known.

export const DASH = "–";
const KIBI = 1024;
const MINUTE = 60, HOUR = 3600, DAY = 86400;

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const one = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const two = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });
const many = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 4 });
const time = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const minutes = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

const known = (form) => (value) => (value === null || value === undefined ? DASH : form(value));

// Rounded down: 100 % is said only of all.
export const percent = known((x) => (Math.floor(x * 1000 + 1e-6) / 10).toFixed(x > 0 && x < 1 ? 1 : 0));

export const share = known((x) => (x > 0 && x < 0.001 ? "< 0.1 %" : `${percent(x)} %`));

// To the last one as long as they are read one by one.
export const count = known((n) => (n < 1e6 ? whole : many).format(n));

export const decimal = known((n) => (Math.abs(n) < 1 ? two : Math.abs(n) < 100 ? one : whole).format(n));

export const perSecond = decimal;

export const bytes = known((n) => {
  const power = n < KIBI ? 0 : Math.min(4, Math.floor(Math.log(n) / Math.log(KIBI)));
  return `${decimal(n / KIBI ** power)} ${["B", "KiB", "MiB", "GiB", "TiB"][power]}`;
});

export const seconds = known((s) => {
  if (s === 0) return "0 s";
  if (s < 0.001) return `${decimal(s * 1e6)} µs`;
  if (s < 1) return `${decimal(s * 1e3)} ms`;
  if (s < 2 * MINUTE) return `${decimal(s)} s`;
  if (s < 2 * HOUR) return `${whole.format(s / MINUTE)} min`;
  return s < 2 * DAY ? `${decimal(s / HOUR)} h` : `${decimal(s / DAY)} days`;
});

// What is measured in whole milliseconds, and is never nothing.
export const latency = known((s) => (s === 0 ? "< 1 ms" : seconds(s)));

export const clock = known((s) => time.format(s * 1000));

export const shortClock = known((s) => minutes.format(s * 1000));

// With the day unless it is today.
export const moment = known((s) => {
  const today = day.format(Date.now());
  const that = day.format(s * 1000);
  return that === today ? clock(s) : `${that}, ${clock(s)}`;
});

export const withUnit = {
  share,
  seconds,
  bytes,
  count: decimal,
  per_second: known((x) => `${decimal(x)}/s`),
};

// On an axis, and beside it, where the unit is known.
export const brief = { ...withUnit, share: known((x) => `${percent(x).replace(".0", "")} %`), per_second: decimal };

export const WINDOWS = { "5m": 5 * MINUTE, "1h": HOUR, "24h": DAY };
export const WINDOW_WORDS = { "5m": "5 minutes", "1h": "hour", "24h": "24 hours" };
