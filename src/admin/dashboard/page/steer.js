// Changes who gets what: a slider that says who would move before anybody does.

import { ask, count, debounce, h, moment, say, short, show, toast } from "./dom.js";
import { action, call, routinePath, tagOf } from "./live.js";

const STEPS = [1, 5, 10, 25, 50];

export class Steer {
  constructor(app, { name }, environment) {
    Object.assign(this, { app, name, environment, live: null, versions: [], dirty: false, mayWrite: true, turn: 0 });
    this.older = h("select", { id: "older", onchange: () => this.touched() });
    this.newer = h("select", { id: "newer", onchange: () => this.touched() });
    this.slider = h("input", {
      type: "range", id: "share", min: 0, max: 100, step: 1, value: 0, "aria-describedby": "preview",
      oninput: () => this.touched(),
    });
    this.output = h("output", { htmlFor: "share", className: "share-value" });
    this.steps = h("div", { className: "steps", role: "group", "aria-label": "Shares to choose" },
      STEPS.map((it) => h("button", { type: "button", className: "step", onclick: () => this.slideTo(it) }, `${it} %`)));
    this.preview = h("div", { className: "preview", id: "preview", "aria-live": "polite" });
    this.problem = h("p", { className: "problem", role: "alert" });
    this.deploy = h("button", { type: "button", className: "primary", id: "deploy", onclick: () => this.apply() }, "Deploy");
    this.reset = h("button", { type: "button", className: "quiet", onclick: () => this.back() }, "Discard");
    this.promote = h("button", { type: "button", id: "promote", onclick: () => this.promoted() }, "Promote…");
    this.rollback = h("button", { type: "button", id: "rollback", onclick: () => this.rolledBack() }, "Roll back…");
    this.two = h("div", { className: "slide" },
      h("div", { className: "ends" },
        h("label", { className: "end newer", htmlFor: "newer" }, h("span", { className: "caption" }, "This share gets"), this.newer),
        h("label", { className: "end older", htmlFor: "older" }, h("span", { className: "caption" }, "Everybody else gets"), this.older)),
      h("label", { className: "slider", htmlFor: "share" }, h("span", { className: "hidden" }, "Share of users of the first version, in percent"), this.slider),
      h("div", { className: "under" }, this.output, this.steps));
    this.readOnly = h("p", { className: "help" }, "This key only reads, so it changes nothing.");
    this.root = h("section", { className: "card steer", "aria-labelledby": "steer-title" },
      h("h2", { id: "steer-title" }, "Change it"), this.two, this.preview, this.problem,
      h("div", { className: "buttons" }, this.rollback, this.promote, h("span", { className: "spring" }), this.reset, this.deploy), this.readOnly);
    this.ask = debounce(220, () => this.asked());
  }

  may(mayWrite) {
    this.mayWrite = mayWrite;
    show(this.readOnly, !mayWrite);
    this.paint();
  }

  // What is there: the live deployment, and the versions, newest first.
  update(live, versions) {
    const known = versions.filter((it) => it.status === "available").map((it) => it.code_version);
    const changed = live?.deployment_id !== this.live?.deployment_id || known.join() !== this.versions.join();
    this.live = live;
    this.versions = known;
    if (!changed && this.started) return;
    this.started = true;
    if (this.dirty) this.ask();
    else this.back();
  }

  // As it is deployed.
  back() {
    this.dirty = false;
    const [older, newer] = this.live?.versions ?? [];
    const other = this.versions.find((it) => it !== older?.code_version);
    const [first, second] = [older?.code_version ?? this.versions.at(-1), newer?.code_version ?? (older ? other : this.versions[0])];
    this.fill(this.older, first);
    this.fill(this.newer, second);
    this.slider.value = newer ? newer.percentage : this.live ? 0 : 100;
    this.paint();
    this.preview.replaceChildren();
    say(this.problem, "");
    if (!this.live && this.versions.length) this.ask();
  }

  fill(select, chosen) {
    select.replaceChildren(...this.versions.map((it) => h("option", { value: it, selected: it === chosen }, it)));
  }

  slideTo(share) {
    this.slider.value = share;
    this.touched();
    this.slider.focus();
  }

  touched() {
    this.dirty = true;
    this.paint();
    this.ask();
  }

  shares() {
    const [older, newer, share] = [this.older.value, this.newer.value, Number(this.slider.value)];
    if (share === 0 || older === newer) return [{ code_version: older, percentage: 100 }];
    if (share === 100) return [{ code_version: newer, percentage: 100 }];
    return [{ code_version: older, percentage: 100 - share }, { code_version: newer, percentage: share }];
  }

  isLive() {
    const text = (shares) => shares.map((it) => `${it.code_version}@${it.percentage}`).sort().join();
    return Boolean(this.live) && text(this.live.versions) === text(this.shares());
  }

  paint() {
    const share = this.slider.value;
    this.slider.style.setProperty("--share", `${share}%`);
    say(this.output, `${share} %`);
    this.slider.setAttribute("aria-valuetext", `${share} percent get ${this.newer.value}`);
    const one = this.versions.length < 2;
    show(this.two, !one && this.mayWrite);
    show(this.root, this.versions.length > 0);
    const same = this.versions.length === 0 || this.isLive();
    this.deploy.disabled = !this.mayWrite || same;
    show(this.reset, this.dirty && !same);
    const isCanary = this.live?.versions.length === 2;
    show(this.promote, isCanary);
    show(this.rollback, Boolean(this.live));
    this.promote.disabled = this.rollback.disabled = !this.mayWrite;
    say(this.deploy, this.live || one === false ? "Deploy" : `Give everybody ${short(this.versions[0] ?? "")}`);
    for (const step of this.steps.children) step.setAttribute("aria-pressed", step.textContent === `${share} %`);
  }

  path(what) {
    return `${routinePath(this.name)}/environments/${this.environment}/${what}`;
  }

  async rehearsed(shares) {
    return call("POST", this.path("deployment"), { code_versions: shares, dry_run: true });
  }

  async asked() {
    const turn = (this.turn += 1);
    say(this.problem, "");
    // A dry run is a POST, which a key that only reads may not send.
    if (!this.mayWrite || this.versions.length === 0 || this.isLive()) return this.preview.replaceChildren();
    try {
      // First, so that what is live may be newer than the tag, but never older.
      const tag = this.live ? await tagOf(`${routinePath(this.name)}/environments/${this.environment}`) : null;
      const told = await this.rehearsed(this.shares());
      if (turn !== this.turn) return;
      this.tag = tag;
      this.preview.replaceChildren(...consequence(told, Boolean(this.live)));
    } catch (error) {
      if (turn !== this.turn) return;
      this.preview.replaceChildren();
      say(this.problem, error.message);
    }
  }

  async apply(shares = this.shares()) {
    this.deploy.disabled = true;
    try {
      // What was previewed is deployed over what it was previewed against.
      const more = this.tag ? { "if-match": this.tag } : {};
      this.made(await call("POST", this.path("deployment"), { code_versions: shares }, more));
    } catch (error) {
      this.ask();
      say(this.problem, error.message);
      toast(error.message, true);
    }
    this.paint();
  }

  made(deployed) {
    this.dirty = false;
    this.tag = null;
    this.preview.replaceChildren();
    const moved = deployed.moved ? ` ${deployed.moved.percent} % of users moved.` : "";
    toast(`Deployment ${deployed.deployment_id} is live in ${this.environment}.${moved}`);
    this.app.deployed?.();
  }

  async promoted() {
    const newer = this.live.versions[1].code_version;
    const shares = [{ code_version: newer, percentage: 100 }];
    const body = h("div", null, h("p", null, "Everybody gets ", h("code", null, newer), `. Now ${this.live.versions[1].percentage} % do.`));
    this.tellIn(body, shares);
    const agreed = await ask("Promote the newer version", body, h("button", { className: "primary", value: "yes" }, "Promote"));
    if (agreed) await this.apply(shares);
  }

  async tellIn(body, shares) {
    try {
      body.append(...consequence(await this.rehearsed(shares), true));
    } catch (error) {
      body.append(h("p", { className: "problem" }, error.message));
    }
  }

  // To `chosen`, or to what is chosen in the dialog; first the one before.
  async rolledBack(chosen) {
    let past;
    try {
      const query = new URLSearchParams({ routine: this.name, environment: this.environment, limit: 50 });
      past = (await call("GET", `/dashboard/deployments?${query}`)).deployments;
      if (chosen && !past.some((it) => it.deployment_id === chosen)) {
        // Older than those: asked for by itself, so that no other is chosen in its place.
        query.set("before", String(BigInt(chosen) + 1n));
        query.set("limit", "1");
        const [found] = (await call("GET", `/dashboard/deployments?${query}`)).deployments;
        if (found?.deployment_id !== chosen) return toast(`There is no deployment ${chosen} any more.`, true);
        past.push(found);
      }
    } catch (error) {
      return toast(error.message, true);
    }
    past = past.filter((it) => it.deployment_id !== this.live?.deployment_id);
    if (past.length === 0) return toast("There is no earlier deployment.", true);
    const select = h("select", { id: "to" }, past.map((it) => h("option", {
      value: it.deployment_id, selected: it.deployment_id === chosen,
    }, `${it.deployment_id} · ${moment(it.created_ms)} · ${it.versions.map((of) => `${short(of.code_version)} ${of.percentage} %`).join(", ")}`)));
    const told = h("div", { className: "preview", "aria-live": "polite" });
    const tell = async () => {
      const to = past.find((it) => it.deployment_id === select.value);
      const box = h("div");
      await this.tellIn(box, to.versions.map(({ code_version, percentage }) => ({ code_version, percentage })));
      if (select.value === to.deployment_id) told.replaceChildren(...box.childNodes);
    };
    select.addEventListener("change", tell);
    const done = ask("Roll back",
      h("div", null, h("label", { htmlFor: "to" }, "Deploy again what was deployed as"), select, told),
      h("button", { className: "primary", value: "yes" }, "Roll back"));
    tell();
    if (!(await done)) return;
    try {
      this.made(await call("POST", this.path("rollback"), { deployment_id: select.value }));
    } catch (error) {
      toast(error.message, true);
    }
  }
}

// Of an app: one version gets a share, and the baseline, which had everybody last, keeps the rest.
export class Publish {
  constructor(app, row, environment) {
    Object.assign(this, { app, row, environment, live: null, mayWrite: true });
    this.version = h("select", { id: "newer", onchange: () => this.paint() });
    this.slider = h("input", { type: "range", id: "share", min: 1, max: 100, value: 100, oninput: () => this.paint() });
    this.output = h("output", { htmlFor: "share", className: "share-value" });
    this.problem = h("p", { className: "problem", role: "alert" });
    this.deploy = h("button", { type: "button", className: "primary", id: "deploy", onclick: () => this.publish() }, "Publish");
    this.rollback = h("button", { type: "button", id: "rollback", onclick: () => this.rolledBack() }, "Roll back…");
    this.root = h("section", { className: "card steer", "aria-labelledby": "steer-title" },
      h("h2", { id: "steer-title" }, "Change it"),
      h("div", { className: "ends" }, h("label", { className: "end newer", htmlFor: "newer" }, h("span", { className: "caption" }, "This share gets"), this.version)),
      h("label", { className: "slider", htmlFor: "share" }, h("span", { className: "hidden" }, "Share of users, in percent"), this.slider),
      h("div", { className: "under" }, this.output, h("p", { className: "help" }, "The version that had everybody last keeps the rest.")),
      this.problem, h("div", { className: "buttons" }, this.rollback, h("span", { className: "spring" }), this.deploy));
  }

  may(mayWrite) {
    this.mayWrite = mayWrite;
    this.paint();
  }

  update(live, versions) {
    const known = `${live?.deployment_id} ${versions.map((it) => it.version_id).join()}`;
    if (this.known === known) return;
    Object.assign(this, { known, live });
    const newest = live?.versions.at(-1);
    this.version.replaceChildren(...versions.map((it) => h("option", { value: it.version_id, selected: it.version_id === newest?.code_version }, it.version_id)));
    this.slider.value = newest?.percentage ?? 100;
    show(this.root, versions.length > 0);
    this.paint();
  }

  paint() {
    const share = this.slider.value;
    this.slider.style.setProperty("--share", `${share}%`);
    say(this.output, `${share} %`);
    const same = this.live?.versions.at(-1);
    this.deploy.disabled = !this.mayWrite || (same?.code_version === this.version.value && same.percentage === Number(share));
    show(this.rollback, this.environment === "production" && Boolean(this.live));
    this.rollback.disabled = !this.mayWrite;
  }

  async act(name, params, done) {
    say(this.problem, "");
    try {
      await action(name, { AppId: this.row.key, ...params });
      toast(done);
      this.app.deployed();
    } catch (error) {
      say(this.problem, error.message);
    }
  }

  publish() {
    const params = { VersionId: this.version.value, PublishEnv: this.environment === "production" ? "prod" : "staging", PublishType: "percentage", Percentage: Number(this.slider.value) };
    return this.act("PublishEdgeContainerAppVersion", params, `${this.version.value} is published in ${this.environment}.`);
  }

  async rolledBack(to) {
    const select = h("select", { id: "to" }, [...this.version.options].map((it) => h("option", { value: it.value, selected: it.value === to }, it.value)));
    const agreed = await ask("Roll back",
      h("div", null, h("label", { htmlFor: "to" }, "Everybody gets again"), select, h("p", { className: "help" }, "What waits for its time is dropped.")),
      h("button", { className: "primary", value: "yes" }, "Roll back"));
    if (agreed) await this.act("RollbackEdgeContainerAppVersion", { VersionId: select.value }, "Rolled back.");
  }
}

// What a dry run tells, in sentences.
function consequence(told, isReplaced) {
  const lines = [];
  if (!isReplaced) {
    lines.push(h("p", { className: "big" }, "The first deployment here: nobody is served yet."));
  } else if (told.users === 0) {
    lines.push(h("p", { className: "big" }, told.least.percent === 0 ? "Nobody moves." : `${told.least.percent} % of users move.`),
      h("p", { className: "help" }, "Nobody with a key came within the last hour, so there is no number of users."));
  } else {
    const share = ((100 * told.moved.users) / told.users).toFixed(1).replace(".0", "");
    lines.push(h("p", { className: "big" }, told.moved.users === 0 ? "Nobody moves." : `${count(told.moved.users)} of ${count(told.users)} users move`,
      told.moved.users > 0 && h("small", null, ` ${share} %, with ${count(told.moved.requests)} of ${count(told.requests)} requests of the last hour`)));
  }
  for (const it of told.moves ?? []) {
    if (it.users > 0) lines.push(h("p", { className: "help" }, `${count(it.users)} from ${short(it.from)} to ${short(it.to)}`));
  }
  for (const it of told.dangers ?? []) lines.push(h("p", { className: "danger" }, it.text));
  return lines;
}
