// What every module needs of the page: its texts, small element builders, requests, and what the browser keeps.

const data = document.body.dataset;
const texts = data.texts ? JSON.parse(data.texts) : {};
const owner = `roomwise.${data.person || "nobody"}.`;

export const $ = (id) => document.getElementById(id);

/** The sentence `key` of the page's language with {names} filled in. */
export function say(key, values = {}) {
  return (texts[key] || key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** An element; `set` are properties, or attributes when they contain "-" or the element has no such property. */
export function make(tag, set = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(set)) {
    if (name in element && !name.includes("-")) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export function icon(name) {
  const holder = document.createElement("template");
  holder.innerHTML = `<svg class="icon" aria-hidden="true"><use href="#i-${name}"/></svg>`;
  return holder.content.firstChild;
}

/** The elements in a piece of HTML that our own server rendered. */
export function parse(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  return holder.content;
}

/** Asks our server; gives the JSON. Throws {status, message}; status 0 means that nothing came back. */
export async function ask(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: { "X-CSRF-Token": data.csrf, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
    });
  } catch {
    throw { status: 0, message: say("web.offline") };
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw { status: response.status, message: answer.error?.message || say("web.refused") };
  return answer;
}

/** What this person's browser remembers; storage that is full or forbidden remembers until the page goes. */
const spare = new Map();
export const kept = {
  get(name, otherwise) {
    try {
      const text = localStorage.getItem(owner + name) ?? spare.get(name);
      return text == null ? otherwise : JSON.parse(text);
    } catch {
      return otherwise;
    }
  },
  put(name, value) {
    const text = JSON.stringify(value);
    spare.set(name, text);
    try {
      localStorage.setItem(owner + name, text);
    } catch {
      // Kept in `spare` only.
    }
  },
  drop(name) {
    spare.delete(name);
    try {
      localStorage.removeItem(owner + name);
    } catch {
      // Nothing was kept.
    }
  },
  dropAll() {
    spare.clear();
    for (const name of Object.keys(localStorage)) if (name.startsWith(owner)) localStorage.removeItem(name);
  },
};

export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const lang = document.documentElement.lang;
const zone = navigator.languages.find((each) => each.startsWith(lang)) || lang;
const clockOf = new Intl.DateTimeFormat(zone, { hour: "2-digit", minute: "2-digit" });
const dayOf = new Intl.DateTimeFormat(zone, { weekday: "long", day: "numeric", month: "long" });
const shortOf = new Intl.DateTimeFormat(zone, { day: "2-digit", month: "2-digit", year: "2-digit" });

export const clock = (at) => clockOf.format(new Date(at));
export const sameDay = (a, b) => new Date(a).toDateString() === new Date(b).toDateString();

/** "Today", "Yesterday" or the date in words. */
export function dayName(at, now = new Date()) {
  const yesterday = new Date(now);
  yesterday.setDate(now.getDate() - 1);
  if (sameDay(at, now)) return say("web.today");
  if (sameDay(at, yesterday)) return say("web.yesterday");
  return dayOf.format(new Date(at));
}

/** For the contact list: the time today, else the date. */
export const briefTime = (at) => (sameDay(at, new Date()) ? clock(at) : shortOf.format(new Date(at)));

/** A file's size in words, as the server says it too. */
export function size(bytes) {
  const [value, unit] = bytes < 1e6 ? [Math.max(1, Math.floor(bytes / 1e3)), "kB"] : [bytes / 1e6, "MB"];
  return `${new Intl.NumberFormat(zone, { maximumFractionDigits: 1 }).format(value)} ${unit}`;
}
