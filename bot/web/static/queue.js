// What was typed and not yet taken by the server: kept in the browser, sent again with the same key until it is.

import { ask, icon, kept, make, newKey, say } from "./page.js";
import { append } from "./log.js";

const WAITS_MS = [500, 1000, 2000, 5000, 10_000, 20_000];
let failures = 0;
let timer = 0;
let isSending = false;
let tell = {};

const waiting = () => kept.get("queue", []);
const store = (list) => kept.put("queue", list);
const change = (key, fields) => store(waiting().map((one) => (one.key === key ? { ...one, ...fields } : one)));
const forget = (key) => store(waiting().filter((one) => one.key !== key));
const rowOf = (key) => document.querySelector(`#log [data-key="${CSS.escape(key)}"]:not([data-seq])`);

/** Keeps a message, shows it as waiting and sends it as soon as it goes. */
export function enqueue(room, message) {
  const one = { room, key: newKey(), at: new Date().toISOString(), ...message };
  store([...waiting(), one]);
  append(draw(one));
  flush();
}

/** Shows what is left of this room from before a reload, and begins to send; tells when it goes `up` and `down`. */
export function startQueue(room, { up, down }) {
  tell = { up, down };
  for (const one of waiting()) {
    if (one.room !== room || document.querySelector(`#log [data-key="${CSS.escape(one.key)}"]`)) continue;
    append(draw(one));
  }
  addEventListener("online", () => retrySoon(0));
  flush();
}

/** Lines may have been lost while the stream was away: try at once. */
export const retrySoon = (wait_ms = 0) => {
  clearTimeout(timer);
  timer = setTimeout(flush, wait_ms);
};

async function flush() {
  if (isSending) return;
  isSending = true;
  let one;
  while ((one = waiting().find((each) => !each.problem))) {
    try {
      const { key, text, reply_to, attachments } = one;
      const answer = await ask("POST", `/api/rooms/${one.room}/messages`, { key, text, reply_to, attachments });
      forget(one.key);
      if (failures > 0) tell.up();
      failures = 0;
      settle(one, answer);
    } catch (error) {
      if (error.status === 0) tell.down(error.message);
      if (isPassing(error)) break;
      change(one.key, { problem: error.message });
      redraw({ ...one, problem: error.message });
    }
  }
  isSending = false;
  if (one) retrySoon(WAITS_MS[Math.min(failures++, WAITS_MS.length - 1)]);
}

const isPassing = (error) => error.status === 0 || error.status === 429 || error.status >= 500 || error.status === 401;

function settle(one, answer) {
  const row = rowOf(one.key);
  if (row) {
    row.dataset.seq = answer.seq;
    row.id = `m-${answer.seq}`;
    row.querySelector(".tick").replaceChildren(icon("check"), make("span", { className: "unseen" }, say("web.state.sent")));
  }
}

function draw(one) {
  const isBad = Boolean(one.problem);
  const state = isBad ? "failed" : "pending";
  const tick = make("span", { className: "tick" }, icon(isBad ? "alert" : "clock"), make("span", { className: "unseen" }, say(`web.state.${state}`)));
  const bubble = make("article", { className: "bubble" },
    make("h2", { className: "unseen" }, say("web.you")),
    make("div", { className: "body plain", dir: "auto" }, one.text),
    ...(one.attachments?.length ? [make("ul", { className: "files" }, ...one.attachments.map((file) => make("li", { className: "file" }, icon("file"), file.name)))] : []),
    ...(isBad ? [make("p", { className: "wrong" }, one.problem), actions(one)] : []),
    make("footer", { className: "meta" }, make("time", {}), tick));
  return make("li", { className: `row mine${isBad ? " failed" : ""}`, "data-key": one.key, "data-at": one.at, "data-stage": state }, bubble);
}

function actions(one) {
  const again = make("button", { type: "button", className: "act" }, say("web.retry"));
  const drop = make("button", { type: "button", className: "act" }, say("web.discard"));
  again.addEventListener("click", () => {
    change(one.key, { problem: undefined });
    redraw({ ...one, problem: undefined });
    retrySoon(0);
  });
  drop.addEventListener("click", () => {
    forget(one.key);
    rowOf(one.key)?.remove();
  });
  return make("div", { className: "acts" }, again, drop);
}

function redraw(one) {
  const row = rowOf(one.key);
  if (!row) return;
  row.remove();
  append(draw(one));
}
