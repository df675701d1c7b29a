// Puts the page together: the theme, the contacts, and for an open room its log, queue, stream and composer.

import { $, ask, briefTime, kept, make, newKey, parse, say } from "./page.js";
import { announce } from "./announce.js";
import { startComposer } from "./composer.js";
import { lastSeq, loadOlder, onRow, show, startLog } from "./log.js";
import { enqueue, retrySoon, startQueue } from "./queue.js";
import { listen } from "./stream.js";
import { startViewer } from "./viewer.js";

const root = document.documentElement;
const chat = $("chat");
const LIST_MS = 15_000;

function startTheme() {
  const button = $("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const draw = () => {
    button.querySelector("span").textContent = say(isDark() ? "web.theme_light" : "web.theme_dark");
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    draw();
    localStorage.setItem("roomwise.theme", root.dataset.theme);
  });
  dark.addEventListener("change", draw);
  draw();
}

function startMenu() {
  const menu = document.querySelector(".menu");
  document.addEventListener("click", (event) => !menu.contains(event.target) && menu.removeAttribute("open"));
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.removeAttribute("open");
    menu.querySelector("summary").focus();
  });
  $("leave").addEventListener("submit", () => kept.dropAll());
}

const localTimes = () => {
  for (const time of document.querySelectorAll(".person time")) time.textContent = briefTime(time.dateTime);
};

/** The list alone: the first project where there is room beside it, else a list that is looked up now and then. */
function startList() {
  const first = document.querySelector(".person");
  if (first && matchMedia("(min-width: 860px)").matches) return location.replace(first.href);
  const look = async () => {
    if (document.visibilityState !== "visible") return;
    const response = await fetch("/", { credentials: "same-origin" }).catch(() => null);
    const list = response?.ok && parse(await response.text()).querySelector("#people");
    if (list) showContacts({ html: list.outerHTML });
    else if (response?.status === 401) location.reload();
  };
  setInterval(look, LIST_MS);
  document.addEventListener("visibilitychange", look);
  addEventListener("pageshow", (event) => event.persisted && look());
}

function showProgress(progress) {
  const strip = $("progress");
  if (!strip.hidden && !progress.text) showIndexed();
  strip.hidden = !progress.text;
  strip.querySelector("span").textContent = progress.text || "";
  strip.querySelector("progress").value = progress.share ?? 1;
}

/** What a page shows that was opened before anything was indexed: how many sources there are, and first questions. */
async function showIndexed() {
  const response = await fetch(location.pathname, { credentials: "same-origin" }).catch(() => null);
  if (!response?.ok) return;
  const fresh = parse(await response.text());
  for (const id of ["presence", "starters"]) {
    const found = fresh.getElementById(id);
    if (found) $(id)?.replaceChildren(...found.childNodes);
  }
}

function showContacts({ html }) {
  const list = $("people");
  const focused = list.contains(document.activeElement) && document.activeElement.dataset.room;
  list.outerHTML = html;
  localTimes();
  if (focused) document.querySelector(`.person[data-room="${CSS.escape(focused)}"]`)?.focus();
}

function showState(text, { link } = {}) {
  const strip = $("offline");
  strip.hidden = !text;
  strip.firstElementChild.textContent = text || "";
  if (link) strip.firstElementChild.append(" ", make("a", { href: "/" }, link));
}

/** Tells the server what was seen, at most once a second and only while somebody looks. */
function startReading(room) {
  let told = Number(chat.dataset.read);
  let timer = 0;
  const tell = () => {
    const seq = lastSeq();
    timer = 0;
    if (seq <= told || document.visibilityState !== "visible") return;
    told = seq;
    ask("POST", `/api/rooms/${room}/read`, { seq }).catch(() => { told = 0; });
  };
  const soon = () => { timer ||= setTimeout(tell, 1000); };
  onRow(soon);
  document.addEventListener("visibilitychange", soon);
  soon();
}

/** A button under an answer. Thumbs say at once what was pressed; a second press takes the vote back. */
async function press(room, button) {
  const message = Number(button.closest(".row").dataset.seq);
  const { action, data } = button.dataset;
  const path = `/api/rooms/${room}`;
  try {
    if (action === "up" || action === "down") {
      const isOn = button.getAttribute("aria-pressed") !== "true";
      for (const thumb of button.parentElement.querySelectorAll(".thumb")) thumb.setAttribute("aria-pressed", String(isOn && thumb === button));
      return await ask("POST", `${path}/rate`, { key: newKey(), message, value: isOn ? (action === "up" ? 1 : -1) : null });
    }
    button.disabled = true;
    await ask("POST", `${path}/press`, { key: newKey(), message, action, data });
    setTimeout(() => { button.disabled = false; }, 2000);
  } catch (error) {
    button.disabled = false;
    $("alert").textContent = error.message;
    showState(error.message);
    setTimeout(() => showState(""), 6000);
  }
}

function startRoom() {
  const room = chat.dataset.room;
  startLog();
  onRow((row) => announce(row));
  startQueue(room, { up: () => showState(""), down: (text) => showState(text) });
  startReading(room);
  startComposer(room, (message) => enqueue(room, message));
  $("log").addEventListener("click", (event) => {
    const button = event.target.closest("[data-action]");
    if (button) press(room, button);
  });
  listen(room, Number(chat.dataset.change), {
    row: (row) => show(row.html, { key: row.key }),
    contacts: showContacts,
    progress: showProgress,
    up: () => {
      showState("");
      retrySoon();
    },
    down: (text) => showState(text),
    out: () => showState(say("web.signed_out"), { link: say("web.sign_in_again") }),
  });
  if ($("scroll").scrollHeight <= $("scroll").clientHeight) loadOlder();
}

startTheme();
startMenu();
localTimes();
startViewer();
if (chat) startRoom();
else startList();
