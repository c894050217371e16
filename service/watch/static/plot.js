// The drawing of one chart: lines or a stack over time, marks of events, a cursor and a selection, as SVG.

import { attribute, pool, svg, text } from "./dom.js";
import { look } from "./looks.js";
import { brief, clock, shortClock, withUnit } from "./numbers.js";
import { placed, spread, stacked, timeTicks, valueAxis } from "./scales.js";

const NARROW_EM = 25;
const LABEL_EM = { one: 5, narrow: 8, wide: 12.5 };
const CHARACTER_EM = 0.53;
const CHARACTERS_OF_VALUE = 7;

export class Plot {
  constructor(meta) {
    this.meta = meta;
    this.isFull = false;
    this.layers = Object.fromEntries(["areas", "axis", "events", "lines", "labels", "times"].map((name) => [name, svg("g", { class: name })]));
    this.selection = svg("rect", { class: "selection", width: 0 });
    this.cursorLine = svg("line", { class: "cursor", visibility: "hidden" });
    this.cursorTime = svg("text", { class: "cursor-time", "text-anchor": "middle" });
    this.node = svg("svg", { "aria-hidden": "true", focusable: "false" }, ...Object.values(this.layers), this.selection, this.cursorLine, this.cursorTime);
  }

  resize(width, height) {
    const em = parseFloat(getComputedStyle(this.node).fontSize);
    const isNarrow = width < NARROW_EM * em;
    const right = em * (this.meta.series.length === 1 ? LABEL_EM.one : isNarrow ? LABEL_EM.narrow : LABEL_EM.wide);
    Object.assign(this, { width, height, em, isNarrow });
    this.box = { left: 4.2 * em, right: width - right, top: 0.9 * em, bottom: height - 1.9 * em };
    attribute(this.node, "viewBox", `0 0 ${width} ${height}`);
  }

  // data: {time, series: {name: values}, from, to, events}
  draw(data) {
    if (!this.box) return;
    const { left, right, top, bottom } = this.box;
    const { form, unit, series } = this.meta;
    this.data = data;
    this.values = series.map((name) => data.series[name] ?? []);
    this.heights = form === "stack" ? stacked(this.values) : this.values;
    this.axis = valueAxis(unit, form, this.heights, this.isFull);
    this.y = placed(this.axis, top, bottom);
    this.x = (time) => left + ((time - data.from) / (data.to - data.from || 1)) * (right - left);
    this.drawAxis();
    this.drawTimes();
    this.drawEvents();
    this.drawSeries();
    this.drawLabels();
  }

  drawAxis() {
    const { left, right } = this.box;
    const lines = pool(this.layers.axis, "g", this.axis.ticks.length);
    this.axis.ticks.forEach((tick, index) => {
      const group = lines[index];
      if (!group.firstChild) group.append(svg("line"), svg("text", { "text-anchor": "end", dy: "0.32em" }));
      const [line, label] = group.children, y = this.y(tick).toFixed(1);
      for (const [name, value] of [["x1", left], ["x2", right], ["y1", y], ["y2", y]]) attribute(line, name, value);
      attribute(label, "x", left - 0.5 * this.em);
      attribute(label, "y", y);
      text(label, (this.meta.unit === "per_second" ? withUnit : brief)[this.meta.unit](tick));
    });
  }

  drawTimes() {
    const ticks = timeTicks(this.data.from, this.data.to, (this.box.right - this.box.left) / (4.6 * this.em));
    const labels = pool(this.layers.times, "text", ticks.length);
    const form = ticks.length > 1 && ticks[1] - ticks[0] < 60 ? clock : shortClock;
    ticks.forEach((tick, index) => {
      attribute(labels[index], "x", this.x(tick).toFixed(1));
      attribute(labels[index], "y", this.height - 0.3 * this.em);
      attribute(labels[index], "text-anchor", "middle");
      text(labels[index], form(tick));
    });
  }

  drawEvents() {
    const marks = pool(this.layers.events, "g", this.data.events.length);
    const { top, bottom } = this.box, half = 0.35 * this.em;
    this.data.events.forEach((event, index) => {
      const mark = marks[index], x = this.x(event.time).toFixed(1);
      if (!mark.firstChild) mark.append(svg("title"), svg("path", { class: "at" }), svg("path", { class: "flag" }));
      const [title, line, flag] = mark.children;
      text(title, `${clock(event.time)} ${event.source}: ${event.text}`);
      attribute(line, "d", `M${x} ${bottom}V${top}`);
      attribute(flag, "d", `M${x} ${top}l${-half} ${-2 * half}h${2 * half}z`);
    });
  }

  drawSeries() {
    const isStack = this.meta.form === "stack";
    const lines = pool(this.layers.lines, "path", this.heights.length);
    const areas = pool(this.layers.areas, "path", isStack ? this.heights.length : 0);
    this.heights.forEach((heights, index) => {
      const { colour, dash } = look(this.meta.series[index], index);
      const runs = this.runs(heights);
      attribute(lines[index], "class", isStack ? `edge c${colour}` : `series c${colour} d${dash}`);
      attribute(lines[index], "d", runs.map((run) => this.path(heights, run)).join(""));
      if (!isStack) return;
      attribute(areas[index], "class", `area c${colour}`);
      attribute(areas[index], "d", runs.map((run) => this.area(heights, this.heights[index - 1], run)).join(""));
    });
  }

  // Indexes of values without a gap between them.
  runs(heights) {
    const runs = [];
    const { time } = this.data;
    let before = null;
    heights.forEach((height, index) => {
      if (height === null || height === undefined) return;
      const isNext = before === index - 1 && time[index] - time[before] <= 1.5 * this.data.step;
      if (isNext) runs.at(-1).push(index);
      else runs.push([index]);
      before = index;
    });
    return runs;
  }

  points(heights, run) {
    return run.map((index) => `${this.x(this.data.time[index]).toFixed(1)} ${this.y(heights[index]).toFixed(1)}`);
  }

  // A value between two gaps is a dot: a line of no length with round ends.
  path(heights, run) {
    const points = this.points(heights, run);
    return `M${points.length > 1 ? points.join("L") : `${points[0]}h0.01`}`;
  }

  area(heights, below, run) {
    const floor = below ? this.points(below, run).reverse() : [run.at(-1), run[0]].map((index) => `${this.x(this.data.time[index]).toFixed(1)} ${this.box.bottom}`);
    return `M${[...this.points(heights, run), ...floor].join("L")}Z`;
  }

  // The name of each series at its end, with its present value where there is room.
  drawLabels() {
    const { right, top, bottom } = this.box;
    const last = this.data.time.length - 1;
    const ends = this.heights.map((heights, index) => this.end(heights, index, last));
    const places = spread(ends, 1.25 * this.em, top, bottom);
    const labels = pool(this.layers.labels, "g", ends.length);
    places.forEach((y, index) => {
      const { colour, dash } = look(this.meta.series[index], index);
      const group = labels[index];
      if (!group.firstChild) group.append(svg("path"), svg("text", { dy: "0.32em" }));
      attribute(group.firstChild, "class", this.meta.form === "stack" ? `sample c${colour}` : `series c${colour} d${dash}`);
      attribute(group.firstChild, "d", `M${right + 0.4 * this.em} ${y.toFixed(1)}h${1.2 * this.em}`);
      attribute(group.lastChild, "x", right + 1.9 * this.em);
      attribute(group.lastChild, "y", y.toFixed(1));
    });
    this.name(last);
  }

  end(heights, index, last) {
    const below = this.meta.form === "stack" && index > 0 ? this.heights[index - 1][last] : 0;
    const height = heights[last] ?? null;
    if (height === null) return this.box.bottom;
    return this.meta.form === "stack" ? (this.y(height) + this.y(below ?? 0)) / 2 : this.y(height);
  }

  name(at) {
    const { series, unit } = this.meta;
    [...this.layers.labels.children].forEach((group, index) => {
      const value = brief[unit](this.values[index][at]);
      const isRoom = !this.isNarrow && (series[index].length + CHARACTERS_OF_VALUE) * CHARACTER_EM + 1.9 <= LABEL_EM.wide;
      text(group.lastChild, series.length === 1 ? value : isRoom ? `${series[index]} ${value}` : series[index]);
    });
  }

  // The cursor at the point with an index, or none.
  point(index) {
    const isShown = index !== null && Boolean(this.box) && index < this.data.time.length;
    attribute(this.cursorLine, "visibility", isShown ? "visible" : "hidden");
    text(this.cursorTime, isShown ? clock(this.data.time[index]) : "");
    this.name(isShown ? index : this.data.time.length - 1);
    const half = 2.4 * this.em, x = isShown ? this.x(this.data.time[index]).toFixed(1) : -Infinity;
    for (const tick of this.layers.times.children) attribute(tick, "visibility", Math.abs(tick.getAttribute("x") - x) < 2 * half ? "hidden" : "visible");
    if (!isShown) return;
    for (const [name, value] of [["x1", x], ["x2", x], ["y1", this.box.top], ["y2", this.box.bottom]]) attribute(this.cursorLine, name, value);
    attribute(this.cursorTime, "x", Math.min(Math.max(x, half), this.width - half));
    attribute(this.cursorTime, "y", this.height - 0.3 * this.em);
  }

  select(range) {
    const [start, end] = range && this.box ? [this.x(range.from), this.x(range.to)] : [0, 0];
    for (const [name, value] of [["x", start], ["width", end - start], ["y", this.box?.top ?? 0], ["height", this.box ? this.box.bottom - this.box.top : 0]]) attribute(this.selection, name, value);
  }

  timeAt(x) {
    const { left, right } = this.box, { from, to } = this.data;
    return from + Math.min(1, Math.max(0, (x - left) / (right - left))) * (to - from);
  }
}
