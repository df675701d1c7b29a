"""`roomwise webhook`: what is printed, once, and what is asked before."""

import asyncio
import io
import json
import sys
from pathlib import Path

import pytest

from bot.app import utc_now
from bot.cli.doors import Where
from bot.cli.terminal import make_webhook
from bot.state.database import Database
from bot.state.queries import projects, sources
from bot.state.queries.sources import NewSource
from tests.integration.homes import Home, make_home

PUBLIC = {"ROOMWISE_WEB__PUBLIC_URL": "https://rooms.example.org"}


class Terminal(io.StringIO):
    """Somebody who has typed a line."""

    def isatty(self) -> bool:
        """Yes."""
        return True


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """The project team follows acme/app and a folder; the service has a public address."""

    async def follow() -> None:
        db = await Database.open(plain.data_dir / "state.db", backups=None, clock=utc_now)
        project = await db.write(lambda session: projects.create(session, "team", created_by=None, now=utc_now()))
        for kind, name, location in (
            ("git", "acme/app", "https://github.com/acme/app"),
            ("folder", "docs", "/srv/docs"),
        ):
            new = NewSource(project.id, kind, name, location)
            await db.write(lambda session, new=new: sources.add(session, new, now=utc_now()))  # type: ignore[misc]
        await db.close()

    plain = make_home(tmp_path)
    plain.run("status")  # makes the data folder and the key
    asyncio.run(follow())
    return Home(plain.folder, {**plain.environment, **PUBLIC})


def test_a_secret_is_printed_with_what_else_is_entered(home: Home) -> None:
    """What is entered goes to standard output, the steps beside it; the name may be typed in any case."""
    done = home.run("webhook", "ACME/app", "--project", "team")

    lines = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    secret = lines.pop("Secret")
    assert {
        "Payload URL": "https://rooms.example.org/webhooks/github",
        "Content type": "application/json",
        "SSL verification": "enabled",
        "Events": "individual events: push, repository",
    } == lines
    assert 43 == len(secret)
    assert "https://github.com/acme/app/settings/hooks" in done.stderr
    assert secret not in done.stderr
    assert all(secret.encode() not in path.read_bytes() for path in home.folder.rglob("*") if path.is_file())


def test_a_secret_that_is_there_ends_only_when_somebody_says_so(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """By --yes, or at the terminal; else nothing changes."""
    first = home.json("webhook", "acme/app", "--project", "team")["secret"]

    assert "--yes" in home.fails("webhook", "acme/app", "--project", "team")
    assert first != home.json("webhook", "acme/app", "--project", "team", "--yes")["secret"]
    for name, value in home.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdin", Terminal("no\n"))
    assert 1 == make_webhook("acme/app", project="team", is_sure=False, as_json=True, where=Where())


def test_somebody_at_the_terminal_can_say_yes(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Then the new secret is printed."""
    first = home.json("webhook", "acme/app", "--project", "team")["secret"]
    for name, value in home.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    code = make_webhook("acme/app", project="team", is_sure=False, as_json=True, where=Where())

    printed = capsys.readouterr().out
    second = json.loads(printed[printed.index("{") :])["secret"]
    assert (0, True) == (code, bool(second) and second != first)


def test_what_has_no_webhook_is_said_so(home: Home) -> None:
    """A folder, a name that is none, a project that is none, and a service that nobody can reach."""
    hidden = Home(home.folder, {**home.environment, "ROOMWISE_WEB__PUBLIC_URL": ""})

    assert "no webhook for 'docs'" in home.fails("webhook", "docs", "--project", "team")
    assert "there are: acme/app, docs" in home.fails("webhook", "nothing", "--project", "team")
    assert "expected the name of a project" in home.fails("webhook", "docs", "--project", "nobody")
    assert "Set `web.public_url`" in hidden.fails("webhook", "acme/app", "--project", "team")
