// Elements, texts and numbers. What comes from outside is only ever set as text.

const SVG = "http://www.w3.org/2000/svg";

function filled(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [of, it] of Object.entries(value)) node.style.setProperty(of, it);
    else if (name in node && !(node instanceof SVGElement) && name !== "list") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(9).filter((it) => it !== null && it !== undefined && it !== false));
  return node;
}

// An element; `className` and the like are set as properties, `aria-label` and the like as attributes.
export const h = (tag, props, ...children) => filled(document.createElement(tag), props, children);
export const s = (tag, props, ...children) => filled(document.createElementNS(SVG, tag), props, children);

// Changes a text only where it differs, so that selections and screen readers are left alone.
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function show(node, shown) {
  node.hidden = !shown;
}

const whole = new Intl.NumberFormat("en");
export const count = (it) => whole.format(Math.round(it));

// A count as short as it reads.
export function brief(it) {
  if (it < 10000) return count(it);
  const [by, unit] = it < 1e6 ? [1e3, "k"] : it < 1e9 ? [1e6, "M"] : [1e9, "G"];
  return `${(it / by).toPrecision(3)} ${unit}`;
}

export function rate(it) {
  return it >= 100 ? brief(it) : it >= 9.95 ? it.toFixed(0) : it === 0 ? "0" : it.toFixed(1);
}

export function percent(part, whole, digits = 1) {
  if (!whole) return "–";
  const it = (100 * part) / whole;
  return `${it === 0 || it === 100 ? it : it.toFixed(digits)} %`;
}

export function millis(it) {
  if (it === null || it === undefined) return "–";
  if (it >= 10000) return `${(it / 1000).toFixed(1)} s`;
  return it >= 100 ? `${Math.round(it)} ms` : `${Number(it.toPrecision(2))} ms`;
}

// Of a long version, its end: that is where two of them differ.
export const short = (version) => (version.length > 10 ? `…${version.slice(-4)}` : version);

const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
export const time = (ms) => clock.format(ms);
export const moment = (ms) => day.format(ms);

export function ago(ms, now) {
  const s = Math.max(0, Math.round((now - ms) / 1000));
  if (s < 5) return "just now";
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.round(s / 60)} min ago`;
  if (s < 86400) return `${Math.round(s / 3600)} h ago`;
  const days = Math.round(s / 86400);
  return `${days} day${days === 1 ? "" : "s"} ago`;
}

export function debounce(wait, call) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...args), wait);
  };
}

export function toast(text, isBad = false) {
  const node = h("p", { className: isBad ? "toast bad" : "toast" }, text);
  document.getElementById("toasts").append(node);
  setTimeout(() => node.remove(), isBad ? 9000 : 5000);
}

export function copyButton(text) {
  const button = h("button", { className: "quiet", type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      say(button, "Copied");
    } catch {
      say(button, "Select it by hand");
    }
    setTimeout(() => say(button, "Copy"), 1500);
  });
  return button;
}

// A dialog that ends with what its form was submitted with, or null.
export function ask(title, body, buttons) {
  return new Promise((done) => {
    const form = h("form", { method: "dialog" },
      h("h2", { id: "dialog-title" }, title), body,
      h("div", { className: "buttons" },
        h("button", { type: "button", className: "quiet", onclick: () => node.close("") }, "Cancel"),
        buttons));
    const node = h("dialog", { "aria-labelledby": "dialog-title" }, form);
    const before = document.activeElement;
    node.addEventListener("close", () => {
      node.remove();
      before?.focus?.();
      done(node.returnValue || null);
    });
    document.body.append(node);
    node.showModal();
  });
}
