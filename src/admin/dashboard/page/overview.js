// All routines and apps: who gets what, and whether it goes well.

import { count, debounce, h, percent, rate, say, short, show } from "./dom.js";
import { call } from "./live.js";

const PAGE = 50;

export const hrefOf = (row, environment = "production") =>
  `#/${row.kind}/${encodeURIComponent(row.key)}/${environment}`;

export const ended = (version) => version.classes.reduce((sum, it) => sum + it, 0);
export const bad = (version) => version.classes[5];

// From so many of a version's answers on, 5xx are worth a word: one in a hundred.
export const fails = (version) => bad(version) * 100 >= ended(version) && bad(version) > 0;

// Of two versions: what was asked for, what was seen, and what is to be expected.
export function standing(live) {
  const [older, newer] = live.versions;
  if (!newer || newer.percentage === null) return null;
  const of = live.check.versions.find((it) => it.code_version === newer.code_version);
  const users = live.check.users;
  return {
    older,
    newer,
    asked: newer.percentage,
    users,
    seen: users ? (100 * of.users) / users : null,
    least: users ? (100 * of.expected_least) / users : null,
    most: users ? (100 * of.expected_most) / users : null,
    isBad: live.check.verdict === "mismatch",
  };
}

// A bar: filled as far as was seen, a mark where it was asked for, a shade where it is expected.
export class Bar {
  constructor() {
    this.fill = h("i", { className: "fill" });
    this.band = h("i", { className: "band" });
    this.mark = h("i", { className: "mark" });
    this.root = h("div", { className: "bar", role: "img" }, this.fill, this.band, this.mark);
  }

  update(live) {
    const it = standing(live);
    const set = (node, from, to) => {
      node.style.setProperty("--from", `${from}%`);
      node.style.setProperty("--size", `${to - from}%`);
    };
    this.root.classList.toggle("whole", !it);
    show(this.band, it?.least !== undefined && it?.least !== null);
    show(this.mark, Boolean(it));
    if (!it) {
      set(this.fill, 0, 0);
      this.root.setAttribute("aria-label", live.regions ? "divided by regions" : "one version has all users");
      return;
    }
    const seen = it.seen ?? it.asked;
    set(this.fill, 0, seen);
    this.fill.classList.toggle("unseen", it.seen === null);
    this.mark.style.setProperty("--from", `${it.asked}%`);
    if (it.least !== null) set(this.band, it.least, it.most);
    this.root.classList.toggle("bad", it.isBad);
    const seenText = it.seen === null ? "nobody was seen yet" : `${it.seen.toFixed(1)} % seen`;
    this.root.setAttribute("aria-label", `${it.newer.code_version}: ${it.asked} % asked for, ${seenText}`);
  }
}

class Cell {
  constructor(environment, pace) {
    Object.assign(this, { environment, pace });
    this.bar = new Bar();
    this.what = h("p", { className: "what" });
    this.how = h("p", { className: "how" });
    this.body = h("div", null, this.bar.root, this.what, this.how);
    this.nothing = h("p", { className: "nothing" }, "nothing deployed");
    this.root = h("div", { className: "cell" }, h("h3", null, environment), this.body, this.nothing);
  }

  update(id, live) {
    show(this.body, Boolean(live));
    show(this.nothing, !live);
    this.live = live;
    if (!live) return;
    this.key = `${id}/${this.environment}`;
    this.bar.update(live);
    const it = standing(live);
    if (it) {
      const seen = it.seen === null ? "" : ` · ${it.seen.toFixed(1)} % seen`;
      say(this.what, `${short(it.newer.code_version)} at ${it.asked} %${seen}`);
      this.what.title = `${it.newer.code_version}: ${it.asked} %; ${it.older.code_version}: ${100 - it.asked} %`;
    } else if (live.regions) {
      say(this.what, `${short(live.versions.at(-1).code_version)} in ${live.regions.join(", ")}`);
    } else {
      say(this.what, `everybody gets ${short(live.versions[0].code_version)}`);
      this.what.title = live.versions[0].code_version;
    }
    this.pace.note(this.key, live.versions.reduce((sum, version) => sum + version.assigned, 0));
    this.tick();
  }

  tick() {
    const { live } = this;
    if (!live) return;
    const all = live.versions.reduce((sum, version) => sum + ended(version), 0);
    const failed = live.versions.reduce((sum, version) => sum + bad(version), 0);
    const unwell = live.versions.filter((version) => version.unwell).length;
    const pace = this.pace.of(this.key);
    const parts = [`${pace === null ? "…" : rate(pace)} requests/s`];
    if (failed) parts.push(`${percent(failed, all, 2)} 5xx`);
    if (unwell) parts.push("upstream unwell");
    if (live.check.verdict === "mismatch") parts.unshift("not what was asked for");
    say(this.how, parts.join(" · "));
    this.how.classList.toggle("bad", live.check.verdict === "mismatch" || unwell > 0 || live.versions.some(fails));
  }
}

class Row {
  constructor(row, pace) {
    this.name = h("h2", null, row.name);
    this.text = h("p", { className: "text" });
    this.cells = ["production", "staging"].map((environment) => new Cell(environment, pace));
    const link = h("a", { className: "row", href: hrefOf(row) },
      h("div", { className: "who" }, this.name, this.text),
      this.cells.map((cell) => cell.root));
    this.root = h("li", null, link);
    this.update(row);
  }

  update(row) {
    const versions = `${row.versions} version${row.versions === 1 ? "" : "s"}`;
    say(this.text, [row.kind === "app" ? "edge container app" : null, row.description || null, versions]
      .filter(Boolean).join(" · "));
    for (const cell of this.cells) cell.update(row.id, row[cell.environment]);
  }
}

export class Overview {
  constructor(app) {
    this.app = app;
    this.rows = new Map();
    this.search = "";
    this.offset = 0;
    this.field = h("input", {
      type: "search", id: "search", placeholder: "Search", autocomplete: "off", spellcheck: false,
      "aria-label": "Search routines and apps", "aria-keyshortcuts": "/",
      oninput: debounce(150, () => this.find(this.field.value.trim().toLowerCase())),
    });
    this.summary = h("p", { className: "lead", role: "status" }, " ");
    this.list = h("ul", { className: "rows" });
    this.none = h("p", { className: "nothing" }, "No routine or app has such a name.");
    this.range = h("span", null);
    this.before = h("button", { type: "button", className: "quiet", onclick: () => this.turn(-PAGE) }, "Previous");
    this.after = h("button", { type: "button", className: "quiet", onclick: () => this.turn(PAGE) }, "Next");
    this.pages = h("nav", { className: "pages", "aria-label": "Pages" }, this.before, this.range, this.after);
    this.make = h("button", { type: "button", onclick: () => newRoutine(app) }, "New routine");
    this.full = h("div", null,
      h("div", { className: "head" }, h("div", null, h("h1", null, "Who gets what"), this.summary),
        h("div", { className: "find" }, this.field, this.make)),
      this.list, this.none, this.pages, legend());
    this.empty = firstSteps(app);
    this.root = h("div", null, this.full, this.empty);
    show(this.full, false);
    show(this.empty, false);
    show(this.none, false);
  }

  query() {
    return { search: this.search, offset: this.offset, limit: PAGE };
  }

  find(search) {
    if (search === this.search) return;
    Object.assign(this, { search, offset: 0 });
    this.app.look(this.query());
  }

  turn(by) {
    this.offset = Math.max(0, this.offset + by);
    this.app.look(this.query());
    scrollTo(0, 0);
  }

  event(name, said) {
    if (name === "hello") {
      show(this.make, said.may_write);
    } else if (name === "row") {
      const row = this.rows.get(said.id);
      if (row) row.update(said);
      else this.rows.set(said.id, new Row(said, this.app.pace));
    } else if (name === "list") {
      this.show(said);
    }
  }

  show({ routines, apps, found, offset, rows }) {
    const isEmpty = routines + apps === 0;
    show(this.full, !isEmpty);
    show(this.empty, isEmpty);
    const kinds = [`${count(routines)} routine${routines === 1 ? "" : "s"}`];
    if (apps) kinds.push(`${count(apps)} app${apps === 1 ? "" : "s"}`);
    say(this.summary, this.search ? `${count(found)} of ${kinds.join(" and ")}` : kinds.join(" and "));
    // Of a page that another one has taken the place of, the rows may still come.
    const nodes = rows.map((id) => this.rows.get(id)?.root).filter(Boolean);
    const same = nodes.length === this.list.children.length && nodes.every((it, at) => it === this.list.children[at]);
    if (!same) this.list.replaceChildren(...nodes);
    for (const id of this.rows.keys()) if (!rows.includes(id)) this.rows.delete(id);
    show(this.none, found === 0);
    show(this.pages, found > PAGE);
    say(this.range, `${count(offset + 1)} to ${count(offset + rows.length)} of ${count(found)}`);
    this.before.disabled = offset === 0;
    this.after.disabled = offset + rows.length >= found;
  }

  tick() {
    for (const row of this.rows.values()) for (const cell of row.cells) cell.tick();
  }
}

function legend() {
  const sample = (className, text) => h("span", null, h("i", { className: `key ${className}` }), text);
  return h("p", { className: "legend" },
    sample("newer", "newer version, as seen"), sample("older", "older version"),
    sample("asked", "asked for"), sample("expected", "expected of an honest split, but for one time in a thousand"));
}

export function newRoutine(app) {
  let dialog = null;
  const problem = h("p", { className: "problem", role: "alert" });
  const field = h("input", {
    id: "new-name", required: true, maxLength: 41, pattern: "[a-z][a-z0-9\\-]{0,39}[a-z0-9]", autocomplete: "off",
    spellcheck: false, "aria-describedby": "new-help",
  });
  const form = h("form", { className: "make" },
    h("label", { htmlFor: "new-name" }, "Name of the routine"),
    h("div", { className: "line" }, field, h("button", { type: "submit", className: "primary" }, "Create")),
    h("p", { className: "help", id: "new-help" }, "Lower-case letters, digits and hyphens, starting with a letter."), problem);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const made = await call("POST", "/api/v1/routines", { name: field.value });
      dialog?.close();
      location.hash = `#/routine/${encodeURIComponent(made.name)}/production`;
    } catch (error) {
      say(problem, error.message);
    }
  });
  if (app === null) return form;
  dialog = h("dialog", { "aria-label": "New routine" }, h("h2", null, "New routine"), form,
    h("div", { className: "buttons" }, h("button", { type: "button", className: "quiet", onclick: () => dialog.close() }, "Cancel")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  field.focus();
  return dialog;
}

function firstSteps() {
  const step = (number, title, ...body) => h("li", null, h("span", { className: "number", "aria-hidden": "true" }, number),
    h("div", null, h("h2", null, title), body));
  return h("div", { className: "first" },
    h("h1", null, "Nothing is routed yet"),
    h("p", { className: "lead" }, "A routine has versions. Serin gives each user one of them, and the same one every time."),
    h("ol", null,
      step("1", "Create a routine", newRoutine(null)),
      step("2", "Give it versions", h("p", null, "Each is an address where your backend answers, or the built-in backend that names its version.")),
      step("3", "Deploy, and move the slider", h("p", null, "Send a few percent of the users to the newer version. You see who moves before they do."))),
    h("p", { className: "or" }, "Or see one that is set up: end this Serin and run ", h("code", null, "serin demo"),
      ". Or declare routines in the config: ", h("code", null, "configs/example.toml"), " explains every key."));
}
