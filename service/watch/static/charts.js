// All charts, made from the description that comes with the points: one cursor, one selection, one range.

import { attribute, byId, el, text } from "./dom.js";
import { Figure } from "./figure.js";
import { WINDOWS, WINDOW_WORDS, clock, moment } from "./numbers.js";
import { change, view } from "./view.js";

const LEAST_DRAG_PIXELS = 5;

export class Charts {
  constructor(parent) {
    Object.assign(this, { parent, figures: new Map(), cursor: null, selection: null, points: null, events: [] });
    this.sizes = new ResizeObserver((entries) => entries.forEach((entry) => this.resized(entry.target)));
    this.sights = new IntersectionObserver((entries) => entries.forEach((entry) => this.seen(entry)), { rootMargin: "50px" });
    addEventListener("beforeprint", () => this.draw(true));
  }

  make(meta) {
    for (const each of meta) {
      if (this.figures.has(each.id)) continue;
      const figure = new Figure(each);
      this.figures.set(each.id, figure);
      this.parent.append(figure.node);
      this.listen(figure);
      this.sizes.observe(figure.field);
      this.sights.observe(figure.node);
    }
  }

  resized(field) {
    const figure = [...this.figures.values()].find((each) => each.field === field);
    figure.plot.resize(field.clientWidth, field.clientHeight);
    if (this.points) this.drawOne(figure);
  }

  seen({ target, isIntersecting }) {
    const figure = [...this.figures.values()].find((each) => each.node === target);
    figure.isSeen = isIntersecting;
    if (isIntersecting && this.points) this.drawOne(figure);
  }

  show(points, meta, events) {
    if (meta) this.make(meta);
    this.points = points;
    this.events = events;
    this.draw();
  }

  span() {
    if (view.range) return view.range;
    const to = this.points.time.at(-1) ?? this.points.to;
    return { from: to - WINDOWS[view.window], to };
  }

  draw(isForAll = false) {
    for (const figure of this.figures.values()) if (isForAll || figure.isSeen) this.drawOne(figure);
    const { from, to } = this.span();
    text(byId("range-words"), view.range ? `${moment(from)} to ${clock(to)}` : `last ${WINDOW_WORDS[view.window]}`);
    byId("back").hidden = !view.range;
  }

  drawOne(figure) {
    const { from, to } = this.span();
    const { time, step, charts } = this.points;
    const events = this.events.filter((event) => event.time >= from && event.time <= to);
    figure.show({ time, step, from, to, events, series: charts[figure.meta.id]?.series ?? {} });
    figure.point(this.index());
    figure.plot.select(this.selection);
  }

  index() {
    if (this.cursor === null || !this.points.time.length) return null;
    const { time } = this.points;
    const next = time.findIndex((each) => each >= this.cursor);
    if (next < 1) return next === 0 ? 0 : time.length - 1;
    return this.cursor - time[next - 1] < time[next] - this.cursor ? next - 1 : next;
  }

  move(time) {
    this.cursor = time;
    if (!this.points) return;
    const index = this.index();
    for (const figure of this.figures.values()) if (figure.isSeen && figure.plot.data) figure.point(index);
  }

  select(range) {
    this.selection = range && range.from > range.to ? { from: range.to, to: range.from } : range;
    for (const figure of this.figures.values()) if (figure.isSeen && figure.plot.data) figure.plot.select(this.selection);
  }

  // Shows a range of whole seconds, two at least.
  zoom({ from, to }) {
    this.select(null);
    change({ range: { from: Math.floor(from), to: Math.max(Math.ceil(to), Math.floor(from) + 2) } });
  }

  back() {
    this.select(null);
    if (view.range) change({ range: null });
  }

  listen(figure) {
    const { field, plot } = figure;
    const timeOf = (event) => plot.timeAt(event.clientX - field.getBoundingClientRect().left);
    let pressed = null;
    field.addEventListener("pointerdown", (event) => {
      if (event.button || !plot.data) return;
      pressed = { x: event.clientX, time: timeOf(event) };
      field.setPointerCapture(event.pointerId);
    });
    field.addEventListener("pointermove", (event) => {
      if (!plot.data) return;
      this.move(timeOf(event));
      if (pressed && Math.abs(event.clientX - pressed.x) > LEAST_DRAG_PIXELS) this.select({ from: pressed.time, to: timeOf(event) });
    });
    field.addEventListener("pointerup", () => {
      pressed = null;
      if (this.selection) this.zoom(this.selection);
    });
    field.addEventListener("pointercancel", () => {
      pressed = null;
      this.select(null);
    });
    field.addEventListener("pointerleave", () => pressed || this.move(null));
    field.addEventListener("dblclick", () => this.back());
    field.addEventListener("keydown", (event) => this.key(event));
    field.addEventListener("blur", () => (this.move(null), this.select(null)));
  }

  key(event) {
    const { time } = this.points ?? { time: [] };
    const at = this.points ? this.index() ?? time.length - 1 : 0;
    const far = Math.max(1, Math.round(time.length / 10));
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -far, PageUp: far, Home: -at, End: time.length - 1 - at };
    if (event.key === "Enter" && this.selection) this.zoom(this.selection);
    else if (event.key === "Escape") this.selection ? this.select(null) : this.back();
    else if (event.key in steps && time.length) {
      const to = time[Math.min(time.length - 1, Math.max(0, at + steps[event.key]))];
      this.anchor = event.shiftKey ? this.anchor ?? time[at] : null;
      this.move(to);
      this.select(event.shiftKey ? { from: this.anchor, to } : null);
    } else return;
    event.preventDefault();
  }
}
