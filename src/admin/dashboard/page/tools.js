// Beside the slider: the versions, a try of one, why a user gets it, and what was deployed.

import { ago, copyButton, h, moment, say, short, show, toast } from "./dom.js";
import { call, routinePath } from "./live.js";

const OVERRIDE = "x-serin-version-override";

export class Versions {
  constructor(app, name) {
    Object.assign(this, { app, name });
    this.list = h("tbody");
    this.table = h("table", null, h("thead", null, h("tr", null,
      ["Version", "Answers at", "Description", "Made"].map((it) => h("th", { scope: "col" }, it)))), this.list);
    this.scroll = h("div", { className: "scroll" }, this.table);
    this.problem = h("p", { className: "problem", role: "alert" });
    this.upstream = h("input", { id: "upstream", placeholder: "http://127.0.0.1:3000", autocomplete: "off", spellcheck: false });
    this.description = h("input", { id: "description", autocomplete: "off" });
    this.form = h("form", { className: "make" },
      h("div", { className: "fields" },
        h("div", null, h("label", { htmlFor: "upstream" }, "Address of the backend"), this.upstream),
        h("div", null, h("label", { htmlFor: "description" }, "Description"), this.description),
        h("button", { type: "submit" }, "Add version")),
      h("p", { className: "help" }, "Without an address the built-in backend answers, and names its version."), this.problem);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.add();
    });
    this.root = h("section", { className: "card", "aria-labelledby": "versions-title" },
      h("h2", { id: "versions-title" }, "All versions"), this.scroll, this.form);
  }

  may(mayWrite) {
    show(this.form, mayWrite);
  }

  async add() {
    say(this.problem, "");
    const body = { description: this.description.value };
    if (this.upstream.value.trim()) body.upstream = this.upstream.value.trim();
    try {
      const made = await call("POST", `${routinePath(this.name)}/versions`, body);
      this.form.reset();
      toast(`Version ${made.code_version} is there. Nobody gets it yet.`);
    } catch (error) {
      say(this.problem, error.message);
    }
  }

  update(versions) {
    show(this.scroll, versions.length > 0);
    this.list.replaceChildren(...versions.map((it) => h("tr", null,
      h("td", null, h("code", null, it.code_version ?? it.version_id)),
      h("td", null, it.upstream ? h("code", null, it.upstream) : "built-in backend"),
      h("td", null, it.name || it.description || it.remarks || "–"),
      h("td", { title: it.created }, moment(Date.parse(it.created))))));
  }
}

export class Try {
  constructor(name, kind) {
    this.name = name;
    this.select = h("select", { id: "try", onchange: () => this.paint() });
    this.code = h("code");
    this.host = h("select", { id: "try-host", onchange: () => this.paint() });
    this.hosts = h("div", null, h("label", { htmlFor: "try-host" }, "Host"), this.host);
    this.root = h("section", { className: "card", "aria-labelledby": "try-title" },
      h("h2", { id: "try-title" }, "Try one version"),
      h("p", { className: "help" }, `A request that names its version gets it, deployed or not, and is counted in no split. A link cannot: it takes the header ${OVERRIDE}.`),
      h("div", { className: "fields" }, h("div", null, h("label", { htmlFor: "try" }, "Version"), this.select), this.hosts),
      h("pre", { tabIndex: 0, "aria-label": "Command" }, this.code), h("div", { className: "buttons" }, copyButton(() => this.code.textContent)));
  }

  update(versions, hosts, listener) {
    this.listener = reachable(listener);
    const known = `${versions.join()} ${hosts.join()} ${listener}`;
    if (known === this.known) return;
    this.known = known;
    const fill = (select, all) => {
      const before = select.value;
      select.replaceChildren(...all.map((it) => h("option", { value: it, selected: it === before }, it)));
    };
    fill(this.select, versions);
    fill(this.host, hosts);
    show(this.root, versions.length > 0);
    show(this.hosts, hosts.length > 1);
    this.paint();
  }

  paint() {
    say(this.code, `curl -H 'Host: ${this.host.value}' \\\n  -H '${OVERRIDE}: ${this.name}="${this.select.value}"' \\\n  http://${this.listener}/`);
  }
}

// A listener of every address is reached by the name of this page.
function reachable(listener) {
  const [, host, port] = listener.match(/^(.*):(\d+)$/);
  return `${["0.0.0.0", "[::]"].includes(host) ? location.hostname : host}:${port}`;
}

export class Explain {
  constructor(row, environment) {
    this.asked = { [row.kind]: row.name, environment };
    this.field = h("input", { id: "key", placeholder: "user-42", autocomplete: "off", spellcheck: false, required: true });
    this.chain = h("ol", { className: "chain", "aria-live": "polite" });
    const form = h("form", null, h("label", { htmlFor: "key" }, "Key of a user"),
      h("div", { className: "line" }, this.field, h("button", { type: "submit" }, "Explain")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.explain();
    });
    this.root = h("section", { className: "card", "aria-labelledby": "explain-title" },
      h("h2", { id: "explain-title" }, "Why does a user get it?"), form, this.chain);
  }

  async explain() {
    try {
      const query = new URLSearchParams({ ...this.asked, key: this.field.value });
      this.chain.replaceChildren(...links(await call("GET", `/api/v1/explain?${query}`)));
    } catch (error) {
      this.chain.replaceChildren(h("li", { className: "problem" }, error.message));
    }
  }
}

// From a key to its version, a link a fact.
function links(said) {
  const link = (text, ...more) => h("li", null, h("p", null, text), more.map((it) => h("p", { className: "help" }, it)));
  const all = [];
  if (said.deployment_id === null && !said.version) return [link("Nothing is deployed here, so nobody is served.")];
  all.push(link(`The key is “${said.key}”`, "A request brings it in the first source of its sticky list that it has."));
  if (said.position) {
    const place = (said.bucket / 100).toFixed(2);
    const below = said.version === said.newer;
    all.push(
      link(`It stands at ${place} of 100`, `Position ${said.position}, a hash of the key under seed ${said.seed}. It stays there for this release.`),
      link(`${short(said.newer)} has what is below ${said.percentage}`, `${place} is ${below ? "below" : "not below"} it. From ${said.joins_at} % on this user gets ${short(said.newer)}.`));
  } else if (said.reason === "only") {
    all.push(link("One version has all users"));
  } else if (said.regional) {
    all.push(link(`Regions decide: ${said.regional.regions.join(", ")} get ${said.regional.inside}`, "A key says nothing of where its user is."));
  }
  if (said.version) all.push(h("li", { className: "result" }, h("p", null, "So the answer comes from ", h("code", null, said.version)), h("p", { className: "help" }, said.upstream ?? "")));
  return all;
}

export class Deployments {
  constructor(app, row, environment, onRollback) {
    Object.assign(this, { app, onRollback, environment, of: { [row.kind]: row.key, environment }, shown: [], mayWrite: true, isRoutine: row.kind === "routine" });
    this.list = h("tbody");
    this.more = h("button", { type: "button", className: "quiet", onclick: () => this.load(this.next) }, "Earlier ones");
    this.nothing = h("p", { className: "nothing" }, "Nothing was deployed here.");
    this.table = h("div", { className: "scroll" }, h("table", null, h("thead", null, h("tr", null,
      ["Number", "When", "Who gets what", "Moved", "By", ""].map((it) => h("th", { scope: "col" }, it)))), this.list));
    this.root = h("section", { className: "card", "aria-labelledby": "deployments-title" },
      h("h2", { id: "deployments-title" }, "Deployments"), this.table, this.nothing, this.more);
    show(this.more, false);
  }

  may(mayWrite) {
    if (this.mayWrite === mayWrite) return;
    this.mayWrite = mayWrite;
    this.paint();
  }

  async load(before) {
    try {
      const query = new URLSearchParams({ ...this.of, ...(before ? { before } : {}) });
      const said = await call("GET", `/dashboard/deployments?${query}`);
      this.shown = before ? [...this.shown, ...said.deployments] : said.deployments;
      this.next = said.next;
      show(this.more, Boolean(said.next));
      this.paint();
    } catch (error) {
      if (error.status !== 401) toast(error.message, true);
    }
  }

  paint() {
    show(this.nothing, this.shown.length === 0);
    show(this.table, this.shown.length > 0);
    const live = this.shown[0]?.deployment_id;
    this.list.replaceChildren(...this.shown.map((it) => {
      const shares = it.versions.map((of) => h("span", { className: "chip", title: of.code_version },
        `${short(of.code_version)} ${of.percentage === null ? (it.regions ? "" : "") : `${of.percentage} %`}`));
      if (it.regions) shares.push(h("span", { className: "help" }, ` in ${it.regions.join(", ")}`));
      const moved = it.moved ? `${it.moved.exact ? "" : "about "}${it.moved.percent} %` : "–";
      const again = this.isRoutine && this.mayWrite && it.deployment_id !== live
        && h("button", { type: "button", className: "quiet", "aria-label": `Roll back to deployment ${it.deployment_id}`, onclick: () => this.onRollback(it.deployment_id) }, "Roll back to it");
      return h("tr", null,
        h("td", { className: "number" }, it.deployment_id),
        h("td", { title: it.created }, moment(it.created_ms), h("span", { className: "help" }, ` ${ago(it.created_ms, Date.now())}`)),
        h("td", null, shares), h("td", null, moved), h("td", null, it.by ?? "–"),
        h("td", { className: "act" }, it.deployment_id === live ? h("span", { className: "live" }, "live") : again || ""));
    }));
  }
}
