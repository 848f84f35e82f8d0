// The page: what is looked at, whether Serin is there, and who asks.

import { count, h, say } from "./dom.js";
import { Live, Pace, secret } from "./live.js";
import { Overview, hrefOf } from "./overview.js";
import { SubjectView } from "./subject.js";

const main = document.getElementById("main");
const pace = new Pace();
const digest = document.body.dataset.digest;
let view = null;
let hello = null;

const app = {
  pace,
  look(query) {
    live.look(query);
  },
};

const live = new Live({
  event(name, said) {
    if (name === "hello") {
      // Another Serin may be there now, with other counts and another page.
      if (said.digest !== digest) return location.reload();
      hello = said;
      pace.reset();
      document.querySelector(".brand").title = `Serin ${said.version}`;
    }
    if (name === "process") process(said);
    else view?.event(name, said);
    main.setAttribute("aria-busy", "false");
  },
  state: link,
  locked: lock,
});

function link(state) {
  const root = document.getElementById("link");
  root.className = `link ${state}`;
  const words = { live: hello && !hello.may_write ? "live, read only" : "live", lost: "connection lost, trying again" };
  say(document.getElementById("link-text"), words[state] ?? state);
}

function process(said) {
  link("live");
  const parts = [
    said.alarm_count ? `${count(said.alarm_count)} alarm${said.alarm_count === 1 ? "" : "s"}` : null,
    said.open_tunnels ? `${count(said.open_tunnels)} open WebSocket${said.open_tunnels === 1 ? "" : "s"}` : null,
    said.unwell_count ? `${count(said.unwell_count)} endpoint${said.unwell_count === 1 ? "" : "s"} unwell` : "no endpoint unwell",
  ];
  say(document.getElementById("vitals"), parts.filter(Boolean).join(" · "));
  const alarms = said.alarms.map((it) => h("a", { className: "alarm", href: hrefOf({ kind: it.kind, key: it.key }, it.environment) },
    `The split of ${it.kind} ${it.name} in ${it.environment} is not what was asked for.`));
  const unwell = said.unwell.map((it) => h("p", { className: "alarm mild" }, `${it.endpoint}: ${it.reason}`));
  const root = document.getElementById("alarms");
  const text = [...alarms, ...unwell].map((it) => it.textContent).join("\n");
  if (root.dataset.text !== text) {
    root.dataset.text = text;
    root.replaceChildren(...(alarms.length + unwell.length ? [h("div", { className: "alarms", role: "alert" }, alarms, unwell)] : []));
  }
}

function route() {
  const [kind, key, environment = "production"] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  view?.end?.();
  const isSubject = ["routine", "app"].includes(kind) && key;
  view = isSubject ? new SubjectView(app, kind, key, environment === "staging" ? "staging" : "production") : new Overview(app);
  document.title = isSubject ? `${key} · Serin` : "Serin";
  main.replaceChildren(view.root);
  main.setAttribute("aria-busy", "true");
  live.look(view.query());
  scrollTo(0, 0);
}

// Asks for a secret, and keeps it for this tab alone.
function lock() {
  link("locked");
  const refused = secret.get() !== null;
  secret.forget();
  const field = h("input", { type: "password", id: "secret", required: true, autocomplete: "off" });
  const form = h("form", null, h("label", { htmlFor: "secret" }, "Secret of an access key"),
    h("div", { className: "line" }, field, h("button", { type: "submit", className: "primary" }, "Open")),
    h("p", { className: "help" }, "It stays in this tab, and goes nowhere but to this Serin."),
    h("p", { className: "problem", role: "alert" }, refused ? "No access key has this secret." : ""));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    secret.set(field.value);
    route();
  });
  view = null;
  main.replaceChildren(h("section", { className: "lock card" }, h("h1", null, "Who is asking?"), form));
  main.setAttribute("aria-busy", "false");
  field.focus();
}

addEventListener("hashchange", () => {
  route();
  main.focus({ preventScroll: true });
});
addEventListener("keydown", (event) => {
  const isTyping = event.target.matches?.("input, select, textarea");
  if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey) return;
  const search = document.getElementById("search");
  if (!search) return;
  event.preventDefault();
  search.focus();
});
setInterval(() => view?.tick?.(), 1000);
route();
