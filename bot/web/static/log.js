// The conversation as it is shown: rows in order, days, groups of bubbles, the end of the scroll, older rows on demand.

import { $, ask, clock, dayName, icon, make, parse, sameDay, say } from "./page.js";

const chat = $("chat");
const log = $("log");
const scroll = $("scroll");
const down = $("down");
const room = chat?.dataset.room;
const NEAR_PX = 80;
const LEAD_PX = 64;
const GROUP_MS = 5 * 60_000;
let hasOlder = chat?.dataset.older === "yes";
let isLoading = false;
let isAtEnd = true;
let missed = 0;
const listeners = [];

const reduced = matchMedia("(prefers-reduced-motion: reduce)");
const rows = () => [...log.querySelectorAll(":scope > .row")];
const seqOf = (row) => Number(row.dataset.seq || Infinity);

/** Calls `listener(row, isNew, before)` for each row that is shown or replaced. */
export const onRow = (listener) => listeners.push(listener);
export const lastSeq = () => Math.max(0, ...rows().map((row) => Number(row.dataset.seq || 0)));

/** Shows a row that came from the server, at its place, in place of an earlier state of it. */
export function show(html, { key } = {}) {
  const row = parse(html).querySelector(".row");
  const old = document.getElementById(row.id) || (key && log.querySelector(`[data-key="${CSS.escape(key)}"]`));
  if (old && Number(old.dataset.change || 0) > Number(row.dataset.change)) return;
  $("hello")?.remove();
  const before = old?.querySelector(".body")?.textContent || "";
  if (old) keepState(old, row);
  place(row, old);
  dress(row);
  arrange();
  for (const listener of listeners) listener(row, !old, before);
  if (isAtEnd) follow(row);
  else if (!old && !row.classList.contains("mine")) countMissed();
}

/** Shows a row of our own making (waiting to be sent) at the end. */
export function append(row) {
  $("hello")?.remove();
  row.classList.add("fresh");
  log.append(row);
  dress(row);
  arrange();
  toEnd();  // at once: an answer that comes while one scrolls would count as missed
}

function place(row, old) {
  if (old?.dataset.seq) return old.replaceWith(row);
  old?.remove();
  if (!old) row.classList.add("fresh");
  const after = rows().find((other) => seqOf(other) > seqOf(row));
  if (after) after.before(row);
  else log.append(row);
}

function keepState(old, row) {
  const fold = row.querySelector(".sources");
  if (fold && old.querySelector(".sources")?.open) fold.open = true;
  const focused = old.contains(document.activeElement) && document.activeElement.dataset;
  if (!focused?.action) return;
  queueMicrotask(() => row.querySelector(`[data-action="${CSS.escape(focused.action)}"]`)?.focus());
}

/** Local times, copy buttons. */
function dress(row) {
  const time = row.querySelector(".meta time");
  if (time) time.textContent = clock(row.dataset.at);
  for (const pre of row.querySelectorAll(".body pre")) {
    if (pre.parentElement.classList.contains("block")) continue;
    const block = make("div", { className: "block" });
    pre.replaceWith(block);
    pre.tabIndex = 0;
    const copy = make("button", { type: "button", className: "copy", title: say("web.copy"), "aria-label": say("web.copy") }, icon("copy"));
    block.append(pre, copy);
  }
}

/** Day lines, bubbles grouped by author, quotes of what is answered from further up, ticks of answered questions. */
export function arrange() {
  for (const day of log.querySelectorAll(":scope > .day")) day.remove();
  let last = null;
  for (const row of rows()) {
    const isNewDay = !last || !sameDay(last.dataset.at, row.dataset.at);
    if (isNewDay) row.before(make("li", { className: "day" }, make("span", { className: "pill" }, dayName(row.dataset.at))));
    const joined = !isNewDay && isSame(last, row);
    row.classList.toggle("joined", joined);
    if (last) last.classList.toggle("tail", !joined);
    quote(row, last);
    if (row.dataset.replyTo && (row.dataset.stage === "final" || row.dataset.stage === "notice")) tick(row.dataset.replyTo);
    last = row;
  }
  last?.classList.add("tail");
}

const isSame = (a, b) =>
  a.classList.contains("mine") === b.classList.contains("mine") && new Date(b.dataset.at) - new Date(a.dataset.at) < GROUP_MS;

function quote(row, last) {
  const target = row.dataset.replyTo && document.getElementById(`m-${row.dataset.replyTo}`);
  const bubble = row.querySelector(".bubble");
  const shown = bubble.querySelector(".quote");
  if (!target || target === last || row.classList.contains("mine")) return shown?.remove();
  if (shown) return;
  const text = target.querySelector(".body").textContent.trim().slice(0, 120);
  const button = make("button", { type: "button", className: "quote", dir: "auto" }, text);
  button.addEventListener("click", () => target.scrollIntoView({ block: "center", behavior: reduced.matches ? "auto" : "smooth" }));
  bubble.querySelector("h2").after(button);
}

function tick(seq) {
  const mark = document.querySelector(`#m-${CSS.escape(seq)} .tick`);
  if (!mark || mark.dataset.state === "answered") return;
  mark.dataset.state = "answered";
  mark.replaceChildren(icon("checks"), make("span", { className: "unseen" }, say("web.state.answered")));
}

export function toEnd(behavior = "auto") {
  scroll.scrollTo({ top: scroll.scrollHeight, behavior });
  isAtEnd ||= behavior === "auto";
  missed = 0;
  drawDown();
}

/** Keeps the end in view, but never scrolls the beginning of a long answer away: one reads from there. */
function follow(row) {
  if (row.classList.contains("mine")) return toEnd();
  const top = row.getBoundingClientRect().top - scroll.getBoundingClientRect().top + scroll.scrollTop - LEAD_PX;
  scroll.scrollTop = Math.min(top, scroll.scrollHeight - scroll.clientHeight);
}

function countMissed() {
  missed += 1;
  drawDown();
}

function drawDown() {
  down.hidden = isAtEnd && missed === 0;
  const count = down.querySelector("b");
  count.hidden = missed === 0;
  count.textContent = missed;
  down.setAttribute("aria-label", missed ? say("web.to_end_new", { count: missed }) : say("web.to_end"));
}

/** Loads what was said before the first row, and keeps the view where it is. */
export async function loadOlder() {
  if (!hasOlder || isLoading) return;
  isLoading = true;
  const first = rows()[0];
  try {
    const page = await ask("GET", `/api/rooms/${room}/messages?before=${first.dataset.seq}&limit=30`);
    const height = scroll.scrollHeight - scroll.scrollTop;
    for (const message of page.messages) {
      if (document.getElementById(`m-${message.seq}`)) continue;
      const row = parse(message.html).querySelector(".row");
      first.before(row);
      dress(row);
    }
    hasOlder = page.has_more;
    arrange();
    scroll.scrollTop = scroll.scrollHeight - height;
  } catch {
    // The next scroll tries again.
  }
  isLoading = false;
}

export function startLog() {
  for (const row of rows()) dress(row);
  arrange();
  const target = location.hash.startsWith("#m-") && document.getElementById(location.hash.slice(1));
  if (target) target.scrollIntoView({ block: "center" });
  else toEnd();
  scroll.addEventListener("scroll", () => {
    isAtEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_PX;
    if (isAtEnd) missed = 0;
    drawDown();
    if (scroll.scrollTop < 300) loadOlder();
  }, { passive: true });
  new ResizeObserver(() => isAtEnd && toEnd()).observe(scroll);
  down.addEventListener("click", () => toEnd(reduced.matches ? "auto" : "smooth"));
  log.addEventListener("click", copyCode);
}

async function copyCode(event) {
  const button = event.target.closest(".copy");
  if (!button) return;
  await navigator.clipboard.writeText(button.parentElement.querySelector("pre").innerText);
  button.classList.add("done");
  button.replaceChildren(icon("check"));
  button.setAttribute("aria-label", say("web.copied"));
  setTimeout(() => {
    button.classList.remove("done");
    button.replaceChildren(icon("copy"));
    button.setAttribute("aria-label", say("web.copy"));
  }, 1500);
}
