"""Webhooks: where they go, what was sent, and what came of it."""

import hashlib
import hmac
import itertools
import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from tests.fakes.github.people import App
from tests.fakes.github.repositories import Repository

_hook_numbers = itertools.count(30_001)
_attempt_numbers = itertools.count(50_000_000_001)
# GitHub waits for ten seconds.
PATIENCE_S = 10.0


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(slots=True)
class Hook:
    """A webhook of a repository or an App. `secret` signs what is sent."""

    owner: Repository | App
    url: str
    secret: str
    events: Sequence[str] = ("push",)
    is_active: bool = True
    number: int = field(default_factory=lambda: next(_hook_numbers))
    created_at: datetime = field(default_factory=_now)
    attempts: list["Attempt"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something that happened, ready to be sent. Every attempt at it has the same `guid`."""

    hook: Hook
    event: str
    body: bytes
    repository_id: int | None = None
    installation_id: int | None = None
    guid: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def payload(self) -> dict[str, Any]:
        """The body's JSON."""
        payload: dict[str, Any] = json.loads(self.body)
        return payload

    def headers(self, secret: str) -> dict[str, str]:
        """The headers that go along, signed with a secret."""
        owner = self.hook.owner
        kind, number = ("integration", owner.app_id) if isinstance(owner, App) else ("repository", owner.number)
        signed = hmac.new(secret.encode(), self.body, hashlib.sha256).hexdigest()
        return {
            "accept": "*/*",
            "content-type": "application/json",
            "user-agent": "GitHub-Hookshot/e1a2b3c",
            "x-github-delivery": self.guid,
            "x-github-event": self.event,
            "x-github-hook-id": str(self.hook.number),
            "x-github-hook-installation-target-id": str(number),
            "x-github-hook-installation-target-type": kind,
            "x-hub-signature-256": f"sha256={signed}",
        }


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to send a delivery. A status code of 0: nobody was reached, or nobody answered in time."""

    delivery: Delivery
    request_headers: dict[str, str]
    status_code: int
    status: str
    duration_s: float
    is_redelivery: bool
    response_headers: dict[str, str]
    response_text: str
    number: int = field(default_factory=lambda: next(_attempt_numbers))
    delivered_at: datetime = field(default_factory=_now)


async def post(delivery: Delivery, *, secret: str) -> Attempt:
    """Send a delivery, signed with `secret`, and note it at its hook."""
    headers = delivery.headers(secret)
    started = time.monotonic()
    code, status, answer = 0, "failed to connect to host", None
    try:
        # Where it goes is a server of the test's, whose certificate only the test trusts.
        async with httpx.AsyncClient(verify=False, timeout=PATIENCE_S) as client:
            answer = await client.post(delivery.hook.url, content=delivery.body, headers=headers)
        code, status = answer.status_code, "OK" if answer.is_success else answer.reason_phrase
    except httpx.TimeoutException:
        status = "timed out"
    except httpx.TransportError:
        pass
    return note(
        delivery,
        headers,
        code=code,
        status=status,
        duration_s=time.monotonic() - started,
        answer=answer,
    )


def lose(delivery: Delivery) -> Attempt:
    """Note a delivery as failed that never was sent."""
    return note(
        delivery,
        delivery.headers(delivery.hook.secret),
        code=0,
        status="failed to connect to host",
        duration_s=PATIENCE_S,
        answer=None,
    )


def note(
    delivery: Delivery,
    headers: dict[str, str],
    *,
    code: int,
    status: str,
    duration_s: float,
    answer: httpx.Response | None,
) -> Attempt:
    """Note an attempt at its hook. It is a redelivery when there was one before."""
    attempt = Attempt(
        delivery,
        headers,
        code,
        status,
        round(duration_s, 2),
        any(one.delivery.guid == delivery.guid for one in delivery.hook.attempts),
        dict(answer.headers) if answer else {},
        answer.text if answer else "",
    )
    delivery.hook.attempts.append(attempt)
    return attempt
