"""A home for the command line: a folder of settings, documents and data, and a service in a process of its own."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from bot.__main__ import app
from tests.fakes.project import HANDBOOK

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Home:
    """A folder of settings and data, where commands run."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def data_dir(self) -> Path:
        """Where everything is kept."""
        return self.folder / "data"

    @property
    def handbook(self) -> Path:
        """A folder of documents and code."""
        return self.folder / "handbook"

    def run(self, *words: str) -> Result:
        """Run a command to its end."""
        with contextlib.chdir(self.folder):
            done = CliRunner().invoke(app, list(words), env=self.variables)
        if not isinstance(done.exception, SystemExit | None):
            raise done.exception
        return done

    def json(self, *words: str) -> Any:
        """Run a command that works, and read what it prints."""
        done = self.run(*words, "--json")
        assert (0, "") == (done.exit_code, done.stderr), done.output
        return json.loads(done.stdout)

    def fails(self, *words: str, code: int = 1) -> str:
        """Run a command that fails; what it says."""
        done = self.run(*words)
        assert code == done.exit_code, done.output
        return " ".join(done.stderr.split())

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a command."""
        plain = {"ROOMWISE_DATA_DIR": str(self.data_dir), "ROOMWISE_SOURCES__FIRST_PROJECT": "false"}
        return {**plain, "NO_COLOR": "1", "COLUMNS": "200", **self.environment}

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command as a process of its own; it writes its log to the file log."""
        surroundings = {**os.environ, **self.variables, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
        with (self.folder / "log").open("w", encoding="utf-8") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "bot", *words],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                cwd=self.folder,
                env=surroundings,
            )


def make_home(folder: Path) -> Home:
    """A home with the handbook in it; nothing is indexed."""
    home = Home(folder)
    for name, text in HANDBOOK.items():
        path = home.handbook / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return home


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Service:
    """A running `roomwise run` with what it printed first."""

    process: subprocess.Popen[str]
    address: str
    login_url: str


def started(home: Home) -> Service:
    """Start the service and wait until it says where it listens."""
    process = home.start("run", "--port", str(free_port()))
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if "Stop with" in line:
            break
    urls = re.findall(r"http://\S+", said)
    assert urls, said + (home.folder / "log").read_text("utf-8")
    return Service(process, urls[0], urls[1] if len(urls) > 1 else "")
