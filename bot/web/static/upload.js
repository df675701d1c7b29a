// Files on their way to the server: each with its progress; sent with the next message.

import { $, icon, make, say, size } from "./page.js";

const holder = $("attached");
let files = [];

/** The files for the message; null while one is still on its way. They leave the composer. */
export function takeFiles() {
  if (files.some((file) => file.request)) return null;
  const taken = files.filter((file) => file.kept).map((file) => file.kept);
  files = [];
  draw();
  return taken;
}

export function watchFiles(room) {
  const button = $("attach");
  if (!button) return;
  const input = $("files");
  button.hidden = false;
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    attach(room, [...input.files]);
    input.value = "";
  });
  let depth = 0;
  const over = (step) => {
    depth = Math.max(0, depth + step);
    document.body.classList.toggle("dropping", depth > 0);
  };
  const hasFiles = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
  addEventListener("dragenter", (event) => hasFiles(event) && over(1));
  addEventListener("dragleave", (event) => hasFiles(event) && over(-1));
  addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    over(-depth);
    attach(room, [...event.dataTransfer.files]);
  });
}

export function attach(room, chosen) {
  for (const blob of chosen) start(room, { name: blob.name, bytes: blob.size, share: 0 }, blob);
  draw();
}

function start(room, file, blob) {
  const request = new XMLHttpRequest();
  const body = new FormData();
  body.append("file", blob, file.name);
  file.request = request;
  files.push(file);
  request.upload.onprogress = (event) => {
    file.share = event.total ? event.loaded / event.total : 0;
    if (file.bar) file.bar.value = file.share;
  };
  request.onloadend = () => {
    file.request = null;
    const answer = request.response || {};
    if (request.status === 201) file.kept = answer;
    else file.problem = answer.error?.message || say("web.upload_failed");
    if (file.problem) $("alert").textContent = `${file.name}: ${file.problem}`;
    draw();
  };
  request.open("POST", `/api/rooms/${room}/upload`);
  request.responseType = "json";
  request.setRequestHeader("X-CSRF-Token", document.body.dataset.csrf);
  request.send(body);
}

function draw() {
  document.querySelector(".send").disabled = files.some((file) => file.request);
  holder.replaceChildren(...files.map((file) => {
    const remove = make("button", { type: "button", "aria-label": say("web.remove_file", { name: file.name }) }, icon("close"));
    remove.addEventListener("click", () => {
      file.request?.abort();
      files = files.filter((other) => other !== file);
      draw();
      $("write").focus();
    });
    file.bar = file.request ? make("progress", { max: 1, value: file.share, "aria-label": say("web.progress") }) : null;
    return make("li", { className: `file${file.problem ? " wrong" : ""}` }, icon("file"), make("span", {}, file.name),
      file.bar || make("small", {}, file.problem || size(file.bytes)), remove);
  }));
}
