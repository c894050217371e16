// One chart on the page: its title, a sentence with its numbers, the drawing, the numbers as a table and as CSV.

import { attribute, el, text } from "./dom.js";
import { DASH, moment, withUnit } from "./numbers.js";
import { Plot } from "./plot.js";
import { view } from "./view.js";

export class Figure {
  constructor(meta) {
    this.meta = meta;
    this.plot = new Plot(meta);
    const id = `chart-${meta.id}`;
    this.words = el("p", { class: "words", id: `${id}-words` });
    this.axisButton = el("button", { type: "button", hidden: "" });
    this.axisNote = el("span", { class: "axis-note" });
    this.field = el("div", {
      class: "field", tabindex: "0", role: "slider", "aria-label": `${meta.title}: time`, "aria-valuemin": "0",
      "aria-valuemax": "1", "aria-valuenow": "1", "aria-describedby": this.words.id,
    }, this.plot.node);
    this.table = el("table");
    this.details = el("details", {}, el("summary", {}, "Table"),
      el("div", { class: "scroll tall", tabindex: "0", role: "region", "aria-label": `${meta.title}: table` }, this.table));
    this.csv = el("a", { href: "#", download: `${meta.id}.csv`, "aria-label": `${meta.title}: CSV` }, "CSV");
    this.node = el("figure", { id, "aria-labelledby": `${id}-title` },
      el("figcaption", {}, el("h3", { id: `${id}-title` }, meta.title)), this.words, this.field,
      el("div", { class: "more" }, this.details, this.csv, this.axisNote, this.axisButton));
    this.listen();
  }

  listen() {
    this.axisButton.addEventListener("click", () => {
      this.plot.isFull = !this.plot.isFull;
      this.show(this.plot.data);
    });
    this.details.addEventListener("toggle", () => this.details.open && this.fill());
  }

  show(data) {
    this.plot.draw(data);
    if (!this.plot.data) return;
    this.describe();
    this.noteAxis();
    const span = view.range ?? { window: view.window };
    attribute(this.csv, "href", `dashboard/points.csv?${new URLSearchParams({ chart: this.meta.id, ...span })}`);
    attribute(this.field, "aria-valuemin", data.from);
    attribute(this.field, "aria-valuemax", data.to);
    if (this.details.open) this.fill();
  }

  // An axis that leaves something out says so, on the button that shows all of it.
  noteAxis() {
    const { low, isLogarithmic } = this.plot.axis;
    this.axisButton.hidden = !(this.meta.unit === "share" && low > 0) && !this.plot.isFull;
    text(this.axisButton, `axis ${low * 100}–100 %`);
    text(this.axisNote, isLogarithmic ? "logarithmic axis" : "");
  }

  point(index) {
    this.plot.point(index);
    this.describe(index);
  }

  describe(index = null) {
    const { time } = this.plot.data;
    const at = index ?? time.length - 1;
    const values = this.meta.series.map((name, each) => `${name} ${withUnit[this.meta.unit](this.plot.values[each][at])}`);
    const words = time.length ? `${moment(time[at])}: ${values.join(", ")}.` : "No points in this range.";
    text(this.words, words);
    attribute(this.field, "aria-valuenow", time[at] ?? 0);
    if (document.activeElement === this.field || !this.field.hasAttribute("aria-valuetext")) attribute(this.field, "aria-valuetext", words);
  }

  // Newest first. It is written once for each new point, and only while it is open.
  fill() {
    const { time } = this.plot.data;
    if (this.filled === `${time[0]} ${time.at(-1)}`) return;
    this.filled = `${time[0]} ${time.at(-1)}`;
    const head = el("tr", {}, ...["Time", ...this.meta.series].map((name) => el("th", { scope: "col" }, name)));
    const form = withUnit[this.meta.unit];
    const body = time.map((second, at) => el("tr", {}, el("th", { scope: "row" }, moment(second)),
      ...this.plot.values.map((values) => el("td", {}, values.length ? form(values[at]) : DASH))));
    this.table.replaceChildren(el("thead", {}, head), el("tbody", {}, ...body.reverse()));
  }
}
