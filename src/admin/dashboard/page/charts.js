// Lines over the last hour, as SVG.

import { h, s, time } from "./dom.js";

const HEIGHT = 168;
const EDGE = { top: 14, right: 12, bottom: 24, left: 50 };

// A number at or above `most` that divides well.
function roof(most) {
  if (!(most > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 4, 6, 8, 10].map((it) => it * power).find((it) => it >= most * 0.999);
}

export class Chart {
  // `tell` makes a text of a value.
  constructor(title, { tell, most = null, hint = "" }) {
    Object.assign(this, { tell, most });
    this.now = h("p", { className: "chart-now" });
    this.plot = h("div", { className: "plot" });
    this.root = h("figure", { className: "chart card" },
      h("figcaption", null, h("h3", null, title), hint && h("p", { className: "help" }, hint)), this.now, this.plot);
    this.observer = new ResizeObserver(() => this.data && this.draw(this.data));
    this.observer.observe(this.plot);
  }

  // { begin, end, lines: [{ name, kind, points: [[ms, value | null]] }], band: [[ms, least, most]], step, marks: [{ ms, label }] }
  draw(data) {
    this.data = data;
    const width = this.plot.clientWidth;
    if (width < 80) return;
    const { begin, end, lines, band = [], step = [], marks = [] } = data;
    const span = end - begin;
    const values = [
      ...lines.flatMap((line) => line.points.map((it) => it[1])),
      ...step.map((it) => it[1]), ...band.slice(Math.floor(band.length / 20)).map((it) => it[2]),
    ].filter((it) => it !== null);
    const top = Math.min(roof(Math.max(0, ...values) * 1.05), this.most ?? Infinity);
    const x = (ms) => EDGE.left + ((ms - begin) / span) * (width - EDGE.left - EDGE.right);
    const y = (value) => HEIGHT - EDGE.bottom - (Math.min(value, top) / top) * (HEIGHT - EDGE.top - EDGE.bottom);
    const seen = (it) => it[0] >= begin && it[0] <= end + 1000;
    const path = (points) => {
      let pen = "M";
      let text = "";
      for (const [ms, value] of points) {
        if (value === null) pen = "M";
        else {
          // One that stands alone is a dot.
          text += `${pen}${x(ms).toFixed(1)} ${y(value).toFixed(1)}${pen === "M" ? "h0" : ""}`;
          pen = "L";
        }
      }
      return text;
    };
    const svg = s("svg", { class: "svg", width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img" });
    for (const part of [0, 0.5, 1]) {
      svg.append(
        s("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(top * part), y2: y(top * part) }),
        s("text", { class: "tick", x: EDGE.left - 8, y: y(top * part) + 4, "text-anchor": "end" }, this.tell(top * part)));
    }
    const parts = width < 420 ? 2 : 4;
    for (let part = 0; part <= parts; part += 1) {
      const ms = begin + (span * part) / parts;
      const anchor = part === parts ? "end" : part === 0 ? "start" : "middle";
      svg.append(s("text", { class: "tick", x: x(ms), y: HEIGHT - 6, "text-anchor": anchor }, part === parts ? "now" : time(ms)));
    }
    for (const mark of marks.filter((it) => it.ms > begin && it.ms <= end)) {
      svg.append(
        s("line", { class: "deployed", x1: x(mark.ms), x2: x(mark.ms), y1: EDGE.top, y2: HEIGHT - EDGE.bottom }, s("title", null, mark.label)),
        s("circle", { class: "deployed-dot", cx: x(mark.ms), cy: EDGE.top - 3, r: 3 }, s("title", null, mark.label)));
    }
    for (const run of runs(band.filter(seen))) {
      const there = run.map(([ms, , most]) => `${x(ms).toFixed(1)} ${y(most).toFixed(1)}`);
      const back = run.toReversed().map(([ms, least]) => `${x(ms).toFixed(1)} ${y(least).toFixed(1)}`);
      svg.append(s("path", { class: "expected", d: `M${[...there, ...back].join("L")}Z` }));
    }
    if (step.length) svg.append(s("path", { class: "asked", d: path(step.filter(seen)) }));
    for (const line of lines) svg.append(s("path", { class: `line ${line.kind}`, d: path(line.points.filter(seen)) }));
    this.pointer(svg, { x, y, begin, end, span, lines });
    this.plot.replaceChildren(svg);
    this.last = lines.map((line) => line.points.findLast((it) => it[1] !== null));
    this.name(lines, this.last, "now");
    svg.setAttribute("aria-label", this.now.textContent);
  }

  // What each line is at a moment, each with its colour.
  name(lines, points, when) {
    const parts = lines.map((line, at) => points[at] && h("span", null, h("i", { className: `key ${line.kind}` }), `${line.name} ${this.tell(points[at][1])}`)).filter(Boolean);
    this.now.replaceChildren(...(parts.length ? [h("span", { className: "when" }, when), ...parts] : ["nothing yet"]));
  }

  // What the lines were where the pointer is.
  pointer(svg, { x, y, begin, end, span, lines }) {
    const hair = s("line", { class: "hair", y1: EDGE.top, y2: HEIGHT - EDGE.bottom });
    const group = s("g", { class: "pointed", visibility: "hidden" }, hair);
    const dots = lines.map((line) => s("circle", { class: `dot ${line.kind}`, r: 3.5 }));
    group.append(...dots);
    svg.append(group);
    svg.addEventListener("pointermove", (event) => {
      const ms = begin + ((event.offsetX - x(begin)) / (x(end) - x(begin))) * span;
      const near = lines.map((line) => line.points.reduce((best, it) =>
        it[1] !== null && Math.abs(it[0] - ms) < Math.abs((best?.[0] ?? Infinity) - ms) ? it : best, null));
      const first = near.find(Boolean);
      if (!first || Math.abs(first[0] - ms) > 60e3) return group.setAttribute("visibility", "hidden");
      group.setAttribute("visibility", "visible");
      hair.setAttribute("x1", x(first[0]));
      hair.setAttribute("x2", x(first[0]));
      near.forEach((it, at) => {
        dots[at].setAttribute("visibility", it ? "inherit" : "hidden");
        if (it) dots[at].setAttribute("cx", x(it[0]));
        if (it) dots[at].setAttribute("cy", y(it[1]));
      });
      this.name(lines, near, time(first[0]));
    });
    svg.addEventListener("pointerleave", () => {
      group.setAttribute("visibility", "hidden");
      this.name(lines, this.last, "now");
    });
  }

  end() {
    this.observer.disconnect();
  }
}

// A band begins anew with each deployment.
function runs(band) {
  const all = [];
  for (const it of band) {
    const run = all.at(-1);
    if (run && run.at(-1)[3] === it[3]) run.push(it);
    else all.push([it]);
  }
  return all;
}
