// The way to Serin: calls of its API, and the stream of what changes.

const KEY = "serin-secret";
const RETRY_MS = [500, 1000, 2000, 4000];
// Serin says something every five seconds.
const SILENCE_MS = 15000;

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const secret = {
  get: () => sessionStorage.getItem(KEY),
  set: (it) => sessionStorage.setItem(KEY, it),
  forget: () => sessionStorage.removeItem(KEY),
};

function headers(more) {
  const known = secret.get();
  return known ? { authorization: `Bearer ${known}`, ...more } : { ...more };
}

export async function call(method, path, body, more) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: headers({ ...(body === undefined ? {} : { "content-type": "application/json" }), ...more }),
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Refused(0, "Serin does not answer. Nothing may have changed.");
  }
  const said = answer.headers.get("content-type")?.startsWith("application/json") ? await answer.json() : null;
  if (!answer.ok) throw new Refused(answer.status, said?.error?.message ?? said?.Reason ?? `status ${answer.status}`);
  return said;
}

// Of what is there now: a change that names it is refused once something else is.
export async function tagOf(path) {
  const answer = await fetch(path, { headers: headers() });
  return answer.ok ? answer.headers.get("etag") : null;
}

// Of ESA's dialect, which alone publishes apps.
export const action = (name, params) => call("POST", "/", params, { "x-acs-action": name });

export const routinePath = (name) => `/api/v1/routines/${encodeURIComponent(name)}`;

// One stream at a time: of what is looked at. It is closed while nobody sees the page.
export class Live {
  constructor({ event, state, locked }) {
    Object.assign(this, { event, state, locked });
    this.query = null;
    this.turn = 0;
    document.addEventListener("visibilitychange", () => this.begin());
  }

  look(query) {
    this.query = new URLSearchParams(query).toString();
    this.begin();
  }

  begin() {
    this.abort?.abort();
    this.turn += 1;
    if (this.query !== null && !document.hidden) this.follow(this.turn);
  }

  async follow(turn) {
    for (let failures = 0; turn === this.turn; ) {
      const abort = new AbortController();
      this.abort = abort;
      try {
        const answer = await fetch(`/dashboard/events?${this.query}`, { headers: headers(), signal: abort.signal });
        if (answer.status === 401) return this.locked();
        if (!answer.ok) throw new Refused(answer.status, `status ${answer.status}`);
        failures = 0;
        await this.read(answer.body, turn, abort);
      } catch {
        // What was wrong is the same to the reader: there is nothing new.
      }
      if (turn !== this.turn) return;
      this.state("lost");
      await new Promise((done) => setTimeout(done, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]));
      failures += 1;
    }
  }

  async read(body, turn, abort) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const silence = setTimeout(() => abort.abort(), SILENCE_MS);
      const { value, done } = await reader.read().finally(() => clearTimeout(silence));
      if (done || turn !== this.turn) return;
      text += value;
      const events = text.split("\n\n");
      text = events.pop();
      for (const event of events) {
        const [, name, data] = event.match(/^event: (\w+)\ndata: (.*)$/s) ?? [];
        if (name === "hello") this.state("live");
        if (name) this.event(name, JSON.parse(data));
      }
      this.event("drawn", null);
    }
  }
}

// How fast counts grow: by a key, over the last seconds.
export class Pace {
  static WINDOW_MS = 5000;

  constructor() {
    this.seen = new Map();
  }

  reset() {
    this.seen.clear();
  }

  note(key, total) {
    const now = performance.now();
    const seen = this.seen.get(key) ?? [];
    const last = seen.at(-1);
    if (last && total < last.total) seen.length = 0;
    seen.push({ now, total });
    while (seen.length > 2 && seen[1].now < now - Pace.WINDOW_MS) seen.shift();
    this.seen.set(key, seen);
  }

  // A second; null while it is not known.
  of(key) {
    const seen = this.seen.get(key);
    if (!seen) return null;
    const now = performance.now();
    const last = seen.at(-1).total;
    const since = seen.findLast((it) => it.now <= now - Pace.WINDOW_MS) ?? seen[0];
    const took = (now - since.now) / 1000;
    return took < 0.4 ? null : (last - since.total) / took;
  }
}
