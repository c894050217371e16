// From values to positions: domains of axes, and round numbers on them.

const STEPS_OF_TIME = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800];
const FLOORS_OF_SHARES = [0.99, 0.9, 0.5];
const LEAST_RATIO_FOR_LOGARITHMS = 20;

const isNumber = (value) => value !== null && value !== undefined;

export function extent(lists) {
  let least = Infinity, most = -Infinity;
  for (const list of lists) for (const value of list) if (isNumber(value)) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return least > most ? [0, 0] : [least, most];
}

// The sums of the series up to each one; where one is unknown it counts as nothing, where all are there is a gap.
export function stacked(lists) {
  const below = lists[0].map(() => 0);
  const isGap = lists[0].map((_, index) => lists.every((list) => !isNumber(list[index])));
  return lists.map((list) => list.map((value, index) => {
    below[index] += value ?? 0;
    return isGap[index] ? null : below[index];
  }));
}

function roundStep(rough, base) {
  const power = base ** Math.floor(Math.log(rough) / Math.log(base));
  const factors = base === 1024 ? [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] : [1, 2, 2.5, 5, 10];
  return factors.find((factor) => factor * power >= rough * 0.999) * power;
}

function evenly(least, most, step) {
  const many = Math.round((most - least) / step);
  return Array.from({ length: many + 1 }, (_, index) => least + index * step);
}

// {low, high, ticks, isLogarithmic}. A rate starts at 0 % if `isFull`, else as high as leaves nothing out.
export function valueAxis(unit, form, lists, isFull) {
  const [least, most] = extent(lists);
  if (unit === "share" && form === "lines") return shareAxis(most === 0 || isFull ? 0 : least, most);
  if (unit === "seconds" && lists.length > 1 && least > 0 && most / least > LEAST_RATIO_FOR_LOGARITHMS) return decades(least, most);
  const step = roundStep((most || 1) / 4, unit === "bytes" ? 1024 : 10);
  const high = Math.ceil((most || 1) / step - 1e-9) * step;
  return { low: 0, high, ticks: evenly(0, high, step), isLogarithmic: false };
}

function shareAxis(least, most) {
  const low = FLOORS_OF_SHARES.find((floor) => floor <= least) ?? 0;
  const high = Math.max(1, Math.ceil(most));
  return { low, high, ticks: [low, (low + high) / 2, high], isLogarithmic: false };
}

function decades(least, most) {
  const low = Math.floor(Math.log10(least)), high = Math.ceil(Math.log10(most));
  const ticks = evenly(low, high, 1).map((power) => 10 ** power);
  return { low: 10 ** low, high: 10 ** high, ticks, isLogarithmic: true };
}

export function placed({ low, high, isLogarithmic }, top, bottom) {
  const at = isLogarithmic ? Math.log : (value) => value;
  const factor = (bottom - top) / (at(high) - at(low));
  return (value) => bottom - (at(Math.max(low, value)) - at(low)) * factor;
}

// Round times of day between two moments, no more than `most` of them.
export function timeTicks(from, to, most) {
  const step = STEPS_OF_TIME.find((each) => (to - from) / each <= most) ?? STEPS_OF_TIME.at(-1);
  const offset = new Date(from * 1000).getTimezoneOffset() * 60;
  const first = Math.ceil((from - offset) / step) * step + offset;
  const ticks = [];
  for (let time = first; time <= to; time += step) ticks.push(time);
  return ticks;
}

// Positions of labels near those wanted, at least `gap` apart, between top and bottom.
export function spread(wanted, gap, top, bottom) {
  const order = wanted.map((_, index) => index).sort((a, b) => wanted[a] - wanted[b] || b - a);
  const places = [...wanted];
  let free = top;
  for (const index of order) free = (places[index] = Math.max(places[index], free)) + gap;
  free = bottom;
  for (const index of order.reverse()) free = (places[index] = Math.min(places[index], free)) - gap;
  return places;
}
