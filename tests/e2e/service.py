"""The real service in a process of its own, and a browser that signs in to it."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.forked import Forked

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 180.0  # a machine that does much else takes its time to start a program
PROJECT = "zebra"
HANDBOOK = """# The handbook

## Holidays

Everybody has thirty days of holiday a year, agreed with the team two weeks before.

## Deployments

A deployment starts when the release branch is tagged, and takes about ten minutes.
"""
_QUIET = {"ROOMWISE_SOURCES__FIRST_PROJECT": "false", "ROOMWISE_LOG__FORMAT": "json"}


def environment(folder: Path, **more: str) -> dict[str, str]:
    """The environment of a `roomwise` that touches nothing outside `folder`."""
    ours = {name: value for name, value in os.environ.items() if not name.upper().startswith("ROOMWISE_")}
    kept = {"PYTHONPATH": str(ROOT), "ROOMWISE_KEY_FILE": str(folder / "roomwise.key")}
    return {**ours, **kept, **_QUIET, **more}


def roomwise(folder: Path, *words: str, program: str = "bot", **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end over the data folder `folder`/data; `program` is what `python -m` starts."""
    command = [sys.executable, "-m", program, *words, "--data-dir", str(folder / "data")]
    with tempfile.TemporaryDirectory(prefix="roomwise-test-") as made:
        printed, logged = Path(made, "printed"), Path(made, "logged")
        ended = Forked(command, environment(folder, **more), folder=folder, printed=printed, logged=logged)
        code = ended.wait(timeout=2 * WAIT_S)
        return subprocess.CompletedProcess(command, code, printed.read_text("utf-8"), logged.read_text("utf-8"))


@dataclass
class Service:
    """`roomwise run` over `folder`/data on a free port. `log` is what it wrote to standard error."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    process: Forked | None = None
    indexed: dict[str, Any] = field(default_factory=dict)  # what the last `index` gave

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    @property
    def log(self) -> str:
        """Everything that was logged."""
        return (self.folder / "log").read_text("utf-8", errors="replace")

    def start(self) -> "Service":
        """Start it and wait until it listens."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "bot", "run", "--port", "0", "--data-dir", str(self.data)]
        surroundings = environment(self.folder, **self.settings)
        self.process = Forked(command, surroundings, folder=self.folder, logged=self.folder / "log")
        try:
            until(lambda: self._holder().get("address"), "the service listens")
        except AssertionError:
            self.process.kill()
            raise
        return self

    def stop(self) -> int:
        """End it in good order and give its exit code."""
        if self.process is None:
            return 0
        self.process.terminate()
        return self.process.wait(timeout=WAIT_S)

    def _holder(self) -> dict[str, Any]:
        if self.process is not None and self.process.poll() is not None:
            raise AssertionError(f"the service ended with {self.process.poll()}: {self.log}")
        try:
            found: dict[str, Any] = json.loads((self.data / "service.json").read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found

    @property
    def address(self) -> str:
        """Where it listens."""
        return str(self._holder()["address"])

    def shell(self) -> httpx.Client:
        """A command of the same machine."""
        key = self._holder()["key"]
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=self.address, headers=headers, trust_env=False, timeout=WAIT_S)

    def stranger(self) -> httpx.Client:
        """A browser that nobody signed in."""
        return httpx.Client(base_url=self.address, trust_env=False, timeout=WAIT_S)

    def index(self, *sources: Path, project: str) -> dict[str, Any]:
        """Follow folders and index them now."""
        body = {"sources": [str(source) for source in sources], "project": project}
        with self.shell() as http:
            lines = http.post("/api/index", json=body).text.splitlines()
        self.indexed = json.loads(lines[-1])
        return self.indexed

    def ask(self, question: str, *, project: str) -> dict[str, Any]:
        """One question over the API."""
        with self.shell() as http:
            answer: dict[str, Any] = http.post("/api/ask", json={"question": question, "project": project}).json()
        return answer

    def login_link(self) -> str:
        """A fresh link, as a path."""
        with self.shell() as http:
            return "/login/" + str(http.post("/api/login-links").json()["url"]).rpartition("/")[2]

    def owner(self) -> "Browser":
        """A browser signed in as owner."""
        browser = Browser(self.stranger())
        browser.sign_in(self.login_link())
        return browser


@dataclass
class Browser:
    """Somebody's browser with its session and the token of its page."""

    http: httpx.Client
    csrf: str = ""

    def sign_in(self, link: str) -> httpx.Response:
        """Open the link, press its button, and keep the token of the page."""
        shown = self.http.get(link)
        nonce = re.search(r'name="nonce" value="([^"]+)"', shown.text)
        done = self.http.post(link, data={"nonce": nonce[1] if nonce else ""})
        page = self.http.get("/")
        found = re.search(r'data-csrf="([^"]+)"|name="csrf" value="([^"]+)"', page.text)
        self.csrf = (found[1] or found[2]) if found else ""
        return done

    def room(self, name: str) -> str:
        """Open the page of a project by its name and give the room's name."""
        page = self.http.get("/").text
        for project in dict.fromkeys(re.findall(r'href="/chat/([a-z0-9]+)"', page)):
            shown = self.http.get(f"/chat/{project}").text
            room = re.search(rf'"({project}\.[a-z0-9]+)"', shown)
            if room and "<h1" in shown and name in shown.split("<h1", 1)[1].split("</h1>", 1)[0]:
                return room[1]
        raise AssertionError(f"expected a project {name!r} on the page, got {page}")

    def post(self, path: str, body: object) -> httpx.Response:
        """Post JSON as the page does."""
        return self.http.post(path, json=body, headers={"X-CSRF-Token": self.csrf})

    def write(self, room: str, text: str) -> httpx.Response:
        """Send a message."""
        return self.post(f"/api/rooms/{room}/messages", {"key": uuid.uuid4().hex, "text": text})

    def say(self, room: str, text: str) -> str:
        """Send a message and give the HTML of the answer to it."""
        sent = self.write(room, text)
        assert 202 == sent.status_code, sent.text
        return self.answer_to(room, sent.json()["seq"])

    def answer_to(self, room: str, seq: int) -> str:
        """The HTML of the settled answer to a message."""

        def settled() -> str:
            rows = self.http.get(f"/api/rooms/{room}/messages", params={"limit": 100}).json()["messages"]
            html = "".join(str(row["html"]) for row in rows if f'data-reply-to="{seq}"' in row["html"])
            return html if re.search(r'data-stage="(final|notice|failed)"', html) else ""

        return str(until(settled, f"message {seq} is answered"))


def until(found: Any, what: str) -> Any:
    """Ask until there is something. For processes of their own, which tell nobody when they are ready."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        value = found()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"expected within {WAIT_S} s: {what}")


def plain(html: str) -> str:
    """What a reader sees, without tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))
