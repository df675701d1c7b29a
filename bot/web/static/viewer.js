// Cited lines: on a desktop beside the conversation, on a phone as a page of their own (then the link is just followed).

import { $, parse } from "./page.js";

const wide = matchMedia("(min-width: 860px)");
let opener = null;

const showCited = (holder) => holder.querySelector("tr.cited")?.scrollIntoView({ block: "center" });

export function startViewer() {
  const panel = $("panel");
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-viewer], .body a[href^='/p/']");
    if (!link || !wide.matches || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    const response = await fetch(link.href, { credentials: "same-origin" }).catch(() => null);
    const viewer = response?.ok && parse(await response.text()).querySelector("#viewer");
    if (!viewer) return location.assign(link.href);
    const heading = viewer.querySelector("h1");
    const title = document.createElement("h2");
    title.textContent = heading.textContent;
    heading.replaceWith(title);
    opener = link;
    panel.replaceChildren(viewer);
    panel.hidden = false;
    document.querySelector(".app").classList.add("split");
    showCited(panel);
    const close = panel.querySelector("[data-close]");
    close.querySelector("use").setAttribute("href", "#i-close");
    close.focus();
  });
  panel.addEventListener("click", (event) => {
    if (!event.target.closest("[data-close]")) return;
    event.preventDefault();
    close();
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && !panel.hidden && close());
}

function close() {
  const panel = $("panel");
  panel.hidden = true;
  panel.replaceChildren();
  document.querySelector(".app").classList.remove("split");
  opener?.isConnected && opener.focus();
}

if (document.querySelector(".viewer-page")) showCited(document);
