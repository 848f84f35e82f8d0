// One routine or app in one environment: who gets what, how it goes, and what to do about it.

import { brief, count, h, millis, moment, percent, rate, say, short, show } from "./dom.js";
import { Chart } from "./charts.js";
import { call } from "./live.js";
import { Bar, bad, ended, fails, hrefOf, standing } from "./overview.js";
import { Publish, Steer } from "./steer.js";
import { Deployments, Explain, Try, Versions } from "./tools.js";

const ENVIRONMENTS = ["production", "staging"];
const HOUR_MS = 3600e3;

export class SubjectView {
  constructor(app, kind, key, environment) {
    Object.assign(this, { app, kind, key, environment, slices: [], row: null, detail: null, hello: null });
    this.root = h("div", null, h("p", { className: "lead" }, " "));
  }

  query() {
    return { [this.kind]: this.key };
  }

  event(name, said) {
    if (name === "hello") {
      this.hello = said;
      this.clock = said.now_ms - Date.now();
      this.slices = [];
      this.last = undefined;
      this.deployments?.load();
    } else if (name === "detail") {
      this.detail = said;
    } else if (name === "row") {
      this.row = said;
    } else if (name === "slices") {
      this.more(said[this.environment]);
    } else if (name === "subject") {
      this.exists = said.exists;
      if (!said.exists) this.gone();
    } else if (name === "drawn") {
      this.update();
    }
  }

  gone() {
    this.built = false;
    this.root.replaceChildren(back(), h("h1", null, this.key), h("p", { className: "lead" }, `There is no such ${this.kind}.`));
  }

  build() {
    this.built = true;
    const { row, environment } = this;
    this.hosts = h("p", { className: "hosts" });
    this.text = h("p", { className: "lead" });
    this.verdict = h("div", { className: "verdict" });
    this.bar = new Bar();
    this.figures = h("tbody");
    this.heads = h("tr");
    this.nothing = h("p", { className: "lead" });
    this.beside = h("div", { className: "scroll" }, h("table", { className: "figures" }, h("thead", null, this.heads), this.figures));
    this.since = h("p", { className: "help since" }, "Users are counted since the deployment, all else since Serin started.");
    this.now = h("section", { className: "card now", "aria-labelledby": "now-title" },
      h("h2", { id: "now-title" }, "Now"), this.verdict, this.bar.root, this.beside, this.since, this.nothing);
    const percentTold = (it) => `${Number(it.toFixed(it < 1 ? 2 : 1))} %`;
    this.charts = {
      share: new Chart("Share of the newer version", { tell: percentTold, most: 100, hint: "of users since the deployment, and what an honest split keeps to; faint: of requests" }),
      rate: new Chart("Requests a second", { tell: (it) => rate(it) }),
      errors: new Chart("Errors", { tell: percentTold, most: 100, hint: "answered 5xx, by the version or in its place" }),
      slow: new Chart("Latency", { tell: millis, hint: "p50; faint: p99" }),
    };
    this.deployments = new Deployments(this.app, row, environment, (to) => this.steer.rolledBack(to));
    this.explain = new Explain(row, environment);
    this.try = new Try(row.name, this.kind);
    this.versions = new Versions(this.app, row.name);
    const Change = this.kind === "routine" ? Steer : Publish;
    this.steer = new Change({ deployed: () => this.deployments.load() }, row, environment);
    const tabs = ENVIRONMENTS.map((it) => h("a", { href: hrefOf(row, it), className: "tab", "aria-current": it === environment ? "page" : null }, it));
    this.root.replaceChildren(back(),
      h("div", { className: "head" }, h("div", null, h("h1", null, row.name), this.text, this.hosts),
        h("nav", { className: "tabs", "aria-label": "Environment" }, tabs)),
      this.now, this.steer.root,
      h("section", { className: "charts", "aria-label": "The last hour" }, Object.values(this.charts).map((it) => it.root)),
      this.deployments.root, h("div", { className: "pair" }, this.explain.root, this.try.root), this.versions.root);
    document.title = `${row.name} · Serin`;
    this.deployments.load();
  }

  update() {
    const { row, detail, hello } = this;
    if (!row || !detail || this.exists === false) return;
    if (!this.built) this.build();
    const live = row[this.environment];
    for (const part of [this.steer, this.versions, this.deployments]) part.may(hello.may_write);
    if (this.kind === "app") this.versions.may(false);
    const versions = detail.versions.map((it) => it.code_version ?? it.version_id);
    say(this.text, row.description || (row.kind === "app" ? "edge container app" : ""));
    say(this.hosts, [...detail.records, ...(detail.routes ?? [])].join("   "));
    if (JSON.stringify(detail.versions) !== this.knownVersions) {
      this.knownVersions = JSON.stringify(detail.versions);
      this.versions.update(detail.versions);
    }
    this.try.update(versions, detail.records, hello[this.environment]);
    this.steer.update(live, detail.versions);
    if (live && this.liveId !== undefined && this.liveId !== live.deployment_id) this.deployments.load();
    this.liveId = live?.deployment_id;
    this.showNow(live);
    this.draw();
  }

  showNow(live) {
    for (const it of [this.verdict, this.bar.root, this.beside, this.since]) show(it, Boolean(live));
    show(this.nothing, !live);
    if (!live) {
      say(this.nothing, this.detail.versions.length
        ? `Nothing is deployed in ${this.environment}: nobody is served there.`
        : "It has no version yet. Add one below, then give it to everybody.");
      return;
    }
    this.bar.update(live);
    const { pace } = this.app;
    for (const it of live.versions) pace.note(this.paceKey(it), it.assigned);
    this.tell(live);
    this.tick();
  }

  paceKey(version) {
    return `${this.row.id}/${this.environment}/${version.code_version}`;
  }

  tell(live) {
    const it = standing(live);
    const { check } = live;
    const lines = [];
    if (!it) {
      lines.push(live.regions
        ? `${short(live.versions.at(-1).code_version)} answers in ${live.regions.join(", ")}, ${short(live.versions[0].code_version)} everywhere else.`
        : `Everybody gets ${live.versions[0].code_version}.`);
    } else {
      lines.push(`${it.asked} % of users are to get ${short(it.newer.code_version)}.`);
      if (check.verdict === "mismatch") {
        lines.push(`They do not: of ${count(check.users)} users ${it.seen.toFixed(1)} % got it, and ${it.least.toFixed(1)} to ${it.most.toFixed(1)} % was to be expected. An honest split ever looks so bad with a probability of ${check.p_value.toExponential(1)}. It was noticed at user ${count(check.alarm_at_users)}, and stands until the next deployment.`);
      } else if (check.verdict === "as_configured") {
        lines.push(`Of ${count(check.users)} users ${it.seen.toFixed(1)} % got it, where ${it.least.toFixed(1)} to ${it.most.toFixed(1)} % is to be expected.`);
      } else {
        lines.push("No user with a key was answered since the deployment, so there is nothing to compare yet.");
      }
    }
    const calm = lines.length;
    for (const version of live.versions.filter(fails)) {
      lines.push(`${short(version.code_version)} was answered 5xx in ${percent(bad(version), ended(version))} of its requests.`);
    }
    const text = lines.join(" ");
    if (this.toldText !== text) {
      this.toldText = text;
      const [first, ...rest] = lines;
      this.verdict.replaceChildren(h("p", { className: "big" }, first), ...rest.map((line, at) => h("p", { className: check.verdict === "mismatch" || at + 1 >= calm ? "danger" : "help" }, line)));
    }
  }

  tick() {
    const live = this.row?.[this.environment];
    if (!live || !this.built) return;
    // As on the bar and the slider: the newer one first.
    const columns = live.versions.toReversed();
    const isTwo = columns.length === 2;
    const title = columns.map((it) => it.code_version).join();
    if (this.columns !== title) {
      this.columns = title;
      this.heads.replaceChildren(h("td"), ...columns.map((it, at) => h("th", { scope: "col" },
        h("i", { className: `key ${isTwo && at === 0 ? "newer" : "older"}` }), h("code", { title: it.label || it.code_version }, h("span", { className: "full" }, it.code_version), h("span", { className: "short" }, short(it.code_version))))));
      this.cells = new Map();
      this.figures.replaceChildren();
    }
    const fact = (name, of) => {
      if (!this.cells.has(name)) {
        const nodes = columns.map(() => h("td"));
        this.figures.append(h("tr", null, h("th", { scope: "row" }, name), nodes));
        this.cells.set(name, nodes);
      }
      columns.forEach((it, at) => {
        const [text, isBad] = [of(it)].flat();
        say(this.cells.get(name)[at], text);
        this.cells.get(name)[at].classList.toggle("bad", Boolean(isBad));
      });
    };
    const of = (it) => live.check.versions.find((version) => version.code_version === it.code_version);
    fact("Asked for", (it) => (it.percentage === null ? "by region" : `${it.percentage} %`));
    if (isTwo) fact("Users", (it) => (live.check.users ? `${count(of(it)?.users ?? 0)} · ${percent(of(it)?.users ?? 0, live.check.users)}` : "–"));
    fact("Requests", (it) => count(it.assigned));
    fact("A second", (it) => {
      const pace = this.app.pace.of(this.paceKey(it));
      return pace === null ? "…" : rate(pace);
    });
    fact("Answered 5xx", (it) => [`${count(bad(it))} · ${percent(bad(it), ended(it), 2)}`, bad(it) > 0]);
    fact("By class", (it) => ["none", "1xx", "2xx", "3xx", "4xx", "5xx"].map((name, at) => (it.classes[at] ? `${name} ${brief(it.classes[at])}` : "")).filter(Boolean).join("  ") || "–");
    fact("Latency p50", (it) => millis(it.p50_ms));
    fact("p90", (it) => millis(it.p90_ms));
    fact("p99", (it) => millis(it.p99_ms));
    fact("Answers at", (it) => it.upstream ?? "built-in backend");
    fact("Health", (it) => [it.unwell ? `${it.unwell} of ${it.endpoints} unwell: ${it.reason}` : it.endpoints ? "nothing known against it" : "built in", it.unwell > 0]);
  }

  async more(last) {
    if (!last || last === this.last) return;
    this.last = last;
    const after = this.slices.at(-1)?.at_ms ?? 0;
    try {
      const query = new URLSearchParams({ ...this.query(), environment: this.environment, after });
      const said = await call("GET", `/dashboard/history?${query}`);
      this.every = said.every_s;
      const fresh = said.slices.filter((it) => it.at_ms > (this.slices.at(-1)?.at_ms ?? 0));
      this.slices = [...this.slices, ...fresh].filter((it) => it.at_ms > said.now_ms - HOUR_MS);
      this.drawn = null;
      this.draw();
    } catch {
      // The stream tells of the next slice, and that asks for both.
    }
  }

  draw() {
    if (!this.built) return;
    const live = this.row[this.environment];
    const shown = `${this.slices.length} ${this.slices.at(-1)?.at_ms} ${live?.deployment_id} ${this.deployments.shown.length} ${Math.floor(Date.now() / 30e3)}`;
    if (shown === this.drawn) return;
    this.drawn = shown;
    const end = Math.max(Date.now() + this.clock, this.slices.at(-1)?.at_ms ?? 0);
    const step = (this.every ?? 10) * 1000;
    const [older, newer] = live?.versions ?? [];
    const begin = Math.max(end - HOUR_MS, Math.min(end - 10 * 60e3, (this.slices[0]?.at_ms ?? end) - 60e3));
    const names = [older, newer].filter(Boolean).map((it, at) => ({ version: it.code_version, name: short(it.code_version), kind: at ? "newer" : "older" }));
    const marks = this.deployments.shown.map((it) => ({
      ms: it.created_ms,
      label: `deployment ${it.deployment_id}, ${moment(it.created_ms)}: ${it.versions.map((of) => `${short(of.code_version)}${of.percentage === null ? "" : ` ${of.percentage} %`}`).join(", ")}`,
    }));
    const of = (slice, version) => slice.versions.find((it) => it.code_version === version);
    // Where nothing came, a line of counts is at zero, and one of shares is interrupted.
    const line = ({ version, name, kind }, value, empty) => {
      const points = [];
      let before = null;
      for (const slice of this.slices) {
        if (before !== null && slice.at_ms - before > 1.8 * step) points.push([before + step, empty], [slice.at_ms - step, empty]);
        const it = of(slice, version);
        points.push([slice.at_ms, it ? value(it, slice) : empty]);
        before = slice.at_ms;
      }
      if (before !== null && end - before > 1.8 * step) points.push([before + step, empty], [end, empty]);
      return { name, kind, points };
    };
    const data = { begin, end, marks };
    this.charts.rate.draw({ ...data, lines: names.map((it) => line(it, (c) => (c.assigned * 1000) / step, 0)) });
    this.charts.errors.draw({ ...data, lines: names.map((it) => line(it, (c) => (c.classes && ended(c) ? (100 * bad(c)) / ended(c) : null), null)) });
    this.charts.slow.draw({
      ...data,
      lines: [
        ...names.map((it) => line({ ...it, name: `p50 ${it.name}` }, (c) => c.p50_ms ?? null, null)),
        ...names.map((it) => line({ ...it, name: `p99 ${it.name}`, kind: `${it.kind} faint` }, (c) => c.p99_ms ?? null, null)),
      ],
    });
    show(this.charts.share.root, this.slices.some((it) => it.standing) || Boolean(newer));
    const standings = this.slices.filter((it) => it.standing?.users);
    const of2 = (it) => it.standing;
    const share = names[1] && line({ ...names[1], name: "of requests", kind: "newer faint" },
      (c, slice) => (100 * c.assigned) / slice.versions.reduce((sum, it) => sum + it.assigned, 0), null);
    this.charts.share.draw({
      ...data,
      step: this.slices.map((it) => [it.at_ms, it.standing ? it.standing.percentage : null]),
      band: standings.map((it) => [it.at_ms, (100 * of2(it).expected_least) / of2(it).users, (100 * of2(it).expected_most) / of2(it).users, of2(it).deployment_id]),
      lines: [
        { name: "of users", kind: "newer", points: this.slices.map((it) => [it.at_ms, it.standing?.users ? (100 * it.standing.newer_users) / it.standing.users : null]) },
        ...(share ? [share] : []),
      ],
    });
  }

  end() {
    for (const chart of Object.values(this.charts ?? {})) chart.end();
  }
}

const back = () => h("p", { className: "crumb" }, h("a", { href: "#/" }, "All routines"));
