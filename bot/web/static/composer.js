// Where one types: drafts per room, Enter sends, commands after "/", files by button, drop and paste.

import { $, ask, kept, make } from "./page.js";
import { attach, takeFiles, watchFiles } from "./upload.js";

const form = $("compose");
const box = $("write");
const list = $("commands");
let commands = null;
let chosen = -1;

export function startComposer(room, send) {
  const draft = `draft.${room}`;
  box.value = kept.get(draft, "");
  fit();
  if (matchMedia("(pointer: fine)").matches) box.focus({ preventScroll: true });

  const submit = async () => {
    const text = box.value.trim();
    const attachments = takeFiles();
    if (attachments === null || (!text && attachments.length === 0)) return;
    send({ text, attachments });
    box.value = "";
    kept.drop(draft);
    suggest();
    fit();
    box.focus();
  };
  box.addEventListener("input", () => {
    kept.put(draft, box.value);
    fit();
    suggest();
  });
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (pickByKey(event)) return event.preventDefault();
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    submit();
  });
  box.addEventListener("blur", () => setTimeout(close, 150));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  $("starters")?.addEventListener("click", (event) => {
    const button = event.target.closest(".starter");
    if (button) send({ text: button.textContent, attachments: [] });
  });
  list.addEventListener("mousedown", (event) => {
    const item = event.target.closest("li");
    if (!item) return;
    event.preventDefault();
    use(item.dataset.name);
  });
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-controls", "commands");
  watchFiles(room);
  box.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files || [])];
    if (!files.length || !$("attach")) return;
    event.preventDefault();
    attach(room, files);
  });
}

/** For browsers without field-sizing. */
function fit() {
  if (CSS.supports("field-sizing", "content")) return;
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
}

async function suggest() {
  const typed = box.value;
  if (!/^\/[\p{L}\p{N}]*( [\p{L}\p{N}]*)?$/u.test(typed)) return close();
  commands ??= ask("GET", `/api/commands?room=${$("chat").dataset.room}`).then((answer) => answer.commands, () => []);
  const all = await commands;
  if (box.value !== typed) return;
  const found = all.filter((each) => each.name.startsWith(typed.slice(1).toLowerCase()) && each.name !== typed.slice(1));
  if (!found.length) return close();
  list.replaceChildren(...found.slice(0, 40).map((each, at) =>
    make("li", { id: `command-${at}`, role: "option", "data-name": each.name }, make("b", {}, `/${each.name}`), make("span", {}, each.summary))));
  list.hidden = false;
  // What is typed is a command already: Enter sends it, and only an arrow takes one that goes on from it.
  if (!all.some((each) => each.name === typed.slice(1))) return choose(0);
  chosen = -1;
  box.removeAttribute("aria-activedescendant");
}

function close() {
  list.hidden = true;
  chosen = -1;
  box.removeAttribute("aria-activedescendant");
}

function choose(at) {
  chosen = (at + list.children.length) % list.children.length;
  [...list.children].forEach((item, index) => item.setAttribute("aria-selected", String(index === chosen)));
  list.children[chosen].scrollIntoView({ block: "nearest" });
  box.setAttribute("aria-activedescendant", `command-${chosen}`);
}

function use(name) {
  box.value = `/${name} `;
  box.dispatchEvent(new Event("input"));
  box.focus();
}

function pickByKey(event) {
  if (list.hidden) return false;
  if (event.key === "ArrowDown") choose(chosen + 1);
  else if (event.key === "ArrowUp") choose(Math.max(chosen, 0) - 1);
  else if (event.key === "Escape") close();
  else if (event.key === "Tab") use(list.children[Math.max(chosen, 0)].dataset.name);
  else if (event.key === "Enter" && chosen >= 0 && list.children[chosen].dataset.name !== box.value.slice(1).trim()) use(list.children[chosen].dataset.name);
  else return false;
  return true;
}
