"""Answers of a host, as tests word them, and a clock that stands still until it is moved."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx

from adapters.dialing import Answer, CheckedClient
from adapters.github.api import GithubApi

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def answer(status: int = 200, body: Any = None, **headers: str) -> Answer:
    """An answer with JSON; `_` in a header's name stands for the dash."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, b"" if body is None else json.dumps(body).encode())


def date(at: datetime) -> str:
    """A time as the Date header has it."""
    return format_datetime(at, usegmt=True)


class Clock:
    """Says the time that it was set to."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def ahead(self, seconds: float) -> None:
        """Move on."""
        self.at += timedelta(seconds=seconds)


class Script:
    """Plays answers one a request, the last one again and again, and keeps the requests."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        now = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return httpx.Response(now.status, headers=dict(now.headers), content=now.body)

    @property
    def paths(self) -> list[str]:
        """What was asked: method and path with query."""
        return [f"{one.method} {one.url.raw_path.decode()}" for one in self.asked]


def api(script: Script, clock: Clock | None = None, host: str = "github.com") -> GithubApi:
    """A client of a host that plays a script."""
    return GithubApi(host, CheckedClient(httpx.MockTransport(script)), now=clock or Clock())
