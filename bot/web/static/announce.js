// Reads answers to people who listen: whole sentences as they come, politely, never the half of one.

import { $, say } from "./page.js";

const spoken = new Map();
let lines = [];
let timer = 0;

/** Says what is new in a row, up to the end of its last sentence; all of it when it is final. */
export function announce(row) {
  if (row.classList.contains("mine")) return;
  const text = speech(row.querySelector(".body"));
  const done = spoken.get(row.id) || 0;
  const isOver = row.dataset.stage !== "preview" && row.dataset.stage !== "waiting";
  const rest = text.slice(done);
  const end = isOver ? rest.length : sentencesEnd(rest);
  if (end === 0) return;
  spoken.set(row.id, done + end);
  lines.push((done === 0 ? `${say("web.roomwise")}: ` : "") + rest.slice(0, end).trim());
  clearTimeout(timer);
  timer = setTimeout(speak, 250);
}

/** The words of an answer: without numbers of citations, which change while it grows, and without code. */
function speech(body) {
  if (!body) return "";
  const copy = body.cloneNode(true);
  for (const silent of copy.querySelectorAll(".cite, pre, button")) silent.remove();
  return copy.textContent.replace(/ ?\[\d+\]/g, "").replace(/\s+([.,;:!?])/g, "$1").trim();
}

const sentencesEnd = (text) => {
  let end = 0;
  for (const match of text.matchAll(/[.!?…:;。！？]["'»”)]*(?=\s)|\n\n/gu)) end = match.index + match[0].length;
  return end;
};

function speak() {
  const live = $("live");
  for (const line of lines) {
    const said = document.createElement("p");
    said.textContent = line;
    live.append(said);
  }
  lines = [];
  while (live.childElementCount > 12) live.firstElementChild.remove();
}
