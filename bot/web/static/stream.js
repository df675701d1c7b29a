// The live connection: server-sent events that continue where the last one ended.

import { ask, say } from "./page.js";

const WAITS_MS = [1000, 2000, 4000, 8000, 15_000];
const QUIET_MS = 45_000;

/** Listens to a room from `after` on; `on` has row, contacts, progress, up, down and out (signed out). */
export function listen(room, after, on) {
  let last = after;
  let failures = 0;
  let source = null;
  let timer = 0;
  let quiet = 0;
  let isOut = false;

  const alive = () => {
    clearTimeout(quiet);
    quiet = setTimeout(again, QUIET_MS);
  };
  const again = () => {
    source?.close();
    clearTimeout(quiet);
    clearTimeout(timer);
    if (isOut) return;
    if (failures > 0) on.down(say("web.reconnecting"));
    if (failures > 0) lookIn();
    timer = setTimeout(open, failures === 0 ? 300 : WAITS_MS[Math.min(failures - 1, WAITS_MS.length - 1)]);
    failures += 1;
  };
  const leave = () => {
    isOut = true;
    source.close();
    clearTimeout(quiet);
    clearTimeout(timer);
    on.out();
  };
  /** A stream does not tell why it cannot be opened: ask whether the session is over. */
  const lookIn = () => ask("GET", `/api/commands?room=${room}`).catch((error) => {
    if (!isOut && (error.status === 401 || error.status === 404)) leave();
    return error.status;
  });
  const open = () => {
    clearTimeout(timer);
    source = new EventSource(`/api/rooms/${room}/stream?after=${last}`);
    source.onopen = () => {
      failures = 0;
      alive();
      on.up();
    };
    source.onerror = again;
    const hear = (name, act) => source.addEventListener(name, (event) => {
      alive();
      act(event);
    });
    hear("row", (event) => {
      last = Math.max(last, Number(event.lastEventId) || 0);
      on.row(JSON.parse(event.data));
    });
    hear("contacts", (event) => on.contacts(JSON.parse(event.data)));
    hear("progress", (event) => on.progress(JSON.parse(event.data)));
    hear("beat", () => {});
    hear("out", leave);
  };
  const now = () => {
    if (isOut || source?.readyState === EventSource.OPEN) return;
    failures = Math.max(failures, 1);
    source?.close();
    open();
  };
  addEventListener("online", now);
  // A service on the same machine is there without a network too.
  addEventListener("offline", async () => (await lookIn()) === 0 && on.down(say("web.offline")));
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => event.persisted && now());
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && now());
  open();
}
