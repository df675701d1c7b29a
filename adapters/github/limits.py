"""How much GitHub lets a credential ask, read from its answers. Nothing here talks to anybody.

Source: GitHub's documentation, "Rate limits for the REST API" and "Rate limits and query limits for the GraphQL API":
retry-after counts first, then x-ratelimit-reset once nothing is left, else a minute that doubles each time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from adapters.dialing import Answer
from adapters.forge import Allowance
from adapters.source import SourceUnreachable

LONGEST_S: Final = 3600.0  # what GitHub counts in; whatever says longer is asked again after it
_FIRST_WAIT_S: Final = 60.0
_LONGEST_GUESS_S: Final = 900.0
_FIRST_OUTAGE_S: Final = 15.0
_LONGEST_OUTAGE_S: Final = 600.0
_SECONDARY: Final = ("secondary rate limit", "abuse detection")
_ALL: Final = ""  # a pause that is for requests of every kind

Now = Callable[[], datetime]
"""The time of this machine, UTC."""


def machine_time() -> datetime:
    """Say what time this machine thinks it is, UTC."""
    return datetime.now(UTC)


def server_time(answer: Answer, now: datetime) -> datetime:
    """Say what time the host thinks it is, by the answer's Date; `now` when it does not tell."""
    try:
        told = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return now
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def errors_in(body: Any) -> list[Mapping[str, Any]]:
    """List the errors of a GraphQL answer."""
    told = body.get("errors") if isinstance(body, dict) else None
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def limit_in(answer: Answer, body: Any) -> str:
    """Say which limit an answer reports: primary, secondary, or '' for none."""
    errors = errors_in(body)
    is_graphql = any(error.get("type") in {"RATE_LIMITED", "RATE_LIMIT"} for error in errors)
    said = " ".join(_messages(body, errors))
    is_secondary = any(sign in said for sign in _SECONDARY)
    if answer.status not in {403, 429} and not is_graphql and not (errors and is_secondary):
        return ""
    if "retry-after" in answer.headers or is_secondary:
        return "secondary"
    if answer.headers.get("x-ratelimit-remaining") == "0" or is_graphql or "rate limit exceeded" in said:
        return "primary"
    return "secondary" if answer.status == 429 else ""


def _messages(body: Any, errors: list[Mapping[str, Any]]) -> list[str]:
    whole = [body] if isinstance(body, dict) else []
    return [str(one.get("message", "")).lower() for one in [*whole, *errors]]


def asked_wait_s(answer: Answer, server: datetime) -> float | None:
    """Read retry-after, in seconds or as a date; None when it is missing or senseless."""
    told = answer.headers.get("retry-after", "").strip()
    if told.isdecimal():
        return min(float(told), LONGEST_S)
    try:
        at = parsedate_to_datetime(told)
    except ValueError:
        return None
    return _bounded_s((at if at.tzinfo else at.replace(tzinfo=UTC)) - server)


def counted(allowance: Allowance, answer: Answer, now: datetime) -> Allowance:
    """Take up what an answer tells of its hour. When it ends is reckoned from the host's own clock, not from ours."""
    remaining = _number(answer.headers.get("x-ratelimit-remaining"))
    if remaining is None:
        return allowance
    most = _number(answer.headers.get("x-ratelimit-limit"))
    reset = _number(answer.headers.get("x-ratelimit-reset"))
    resets_at = None
    if reset is not None:
        ahead_s = max(0.0, min(reset - server_time(answer, now).timestamp(), LONGEST_S))
        resets_at = now + timedelta(seconds=ahead_s)
    return replace(allowance, remaining=remaining, most=most, resets_at=resets_at)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() else None


def _bounded_s(span: timedelta) -> float:
    return max(0.0, min(span.total_seconds(), LONGEST_S))


@dataclass(slots=True)
class _Account:
    """What one credential may do, by resource; how often in a row it was limited, or nothing came at all."""

    allowed: dict[str, Allowance] = field(default_factory=dict)
    limited: int = 0
    faults: int = 0


class Ledger:
    """What a host has last said that each credential may do.

    GitHub counts REST ("core") and GraphQL ("graphql") apart; a secondary limit or an outage pauses both. All
    installations of one App are taken as one credential, so the fullest of them pauses the others, too.
    """

    def __init__(self, host: str, *, now: Now = machine_time) -> None:
        self._host = host
        self._now = now
        self._accounts: dict[str, _Account] = {}

    def take(self, credential: str, resource: str, answer: Answer, body: Any) -> None:
        """Take up what an answer says. Raises SourceUnreachable with `retry_after_s` when it says that this is too much."""
        now, account = self._now(), self._accounts.setdefault(credential, _Account())
        account.faults = 0
        known = counted(self._of(credential, resource), answer, now)
        reason = limit_in(answer, body)
        if not reason:
            account.limited = 0
            used_up = known.remaining == 0 and known.resets_at is not None
            pause = replace(known, paused_until=known.resets_at, reason="primary") if used_up else known
            account.allowed[resource] = pause
            return
        until = now + timedelta(seconds=self._wait_s(account, answer, known, reason))
        account.limited += 1
        account.allowed[resource] = known
        where = resource if reason == "primary" else _ALL
        account.allowed[where] = replace(self._of(credential, where), paused_until=until, reason=reason)
        self.check(credential, resource)

    def failed(self, credential: str) -> float:
        """Count an outage, and say for how many seconds nothing is asked now."""
        account = self._accounts.setdefault(credential, _Account())
        wait_s = min(_FIRST_OUTAGE_S * 2.0**account.faults, _LONGEST_OUTAGE_S)
        account.faults = min(account.faults + 1, 10)
        until = self._now() + timedelta(seconds=wait_s)
        account.allowed[_ALL] = replace(self._of(credential, _ALL), paused_until=until, reason="outage")
        return wait_s

    def check(self, credential: str, resource: str, *, spare: float = 0.0) -> None:
        """Raise SourceUnreachable with `retry_after_s` while nothing may be asked.

        `spare` is the share of the hour, 0 to 1, that whoever can wait leaves to those who cannot.
        """
        known, now = self._of(credential, resource), self._now()
        if spare and known.remaining is not None and known.resets_at is not None and known.resets_at > now:
            wait_s = (known.resets_at - now).total_seconds()
            if known.remaining < spare * (known.most or 0) and wait_s <= LONGEST_S:
                raise SourceUnreachable(
                    f"expected {spare:.0%} of this hour's requests to {self._host!r} to be left, got {known.remaining}",
                    retry_after_s=wait_s,
                )
        pause = self._pause(credential, resource)
        if pause.paused_until is not None:
            wait_s = (pause.paused_until - self._now()).total_seconds()
            what = (
                "to be over its outage"
                if pause.reason == "outage"
                else f"to take requests again ({pause.reason} limit)"
            )
            raise SourceUnreachable(
                f"expected {self._host!r} {what}, got {wait_s:.0f} s that are left to wait", retry_after_s=wait_s
            )

    def allowance(self, credential: str, resource: str = "graphql") -> Allowance:
        """Say what a credential may do: what is left of the resource's hour, and the pause that counts for it."""
        pause = self._pause(credential, resource)
        return replace(self._of(credential, resource), paused_until=pause.paused_until, reason=pause.reason)

    def restore(self, allowance: Allowance) -> None:
        """Take up what was known before a restart; what belongs to another host is left out."""
        host, _, credential = allowance.key.partition(" ")
        if host == self._host:
            account = self._accounts.setdefault(credential, _Account())
            account.allowed["graphql"] = allowance
            if allowance.reason != "primary":
                account.allowed[_ALL] = allowance

    def _of(self, credential: str, resource: str) -> Allowance:
        account = self._accounts.get(credential)
        unknown = Allowance(f"{self._host} {credential}")
        return account.allowed.get(resource, unknown) if account else unknown

    def _pause(self, credential: str, resource: str) -> Allowance:
        """Give the later of the pauses that count, one without pause when there is none.

        One that is longer than any that is ever given comes of a clock that was wrong meanwhile, and does not count.
        """
        now, longest = self._now(), timedelta(seconds=LONGEST_S + 1)
        pauses = [
            one
            for one in (self._of(credential, resource), self._of(credential, _ALL))
            if one.paused_until is not None and now < one.paused_until <= now + longest
        ]
        none = Allowance(f"{self._host} {credential}")
        return max(pauses, key=lambda one: one.paused_until or now, default=none)

    def _wait_s(self, account: _Account, answer: Answer, known: Allowance, reason: str) -> float:
        """Say how long to ask nothing: as long as the host says, else a minute, doubled each further time."""
        now = self._now()
        told = asked_wait_s(answer, server_time(answer, now))
        if told is not None:
            return max(told, 1.0)
        if reason == "primary" and known.remaining == 0 and known.resets_at is not None:
            return (known.resets_at - now).total_seconds() + 1.0
        return min(_FIRST_WAIT_S * 2.0 ** min(account.limited, 10), _LONGEST_GUESS_S)
