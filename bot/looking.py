"""How a source is looked at, in words and as plain values: when, what its host allows, and what is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from adapters.forge import Allowance
from bot.state.queries.polls import Due
from bot.state.tables import Source
from bot.timing import ago, ahead
from config.texts import catalogue, say
from pipelines.types import Shown


@dataclass(frozen=True, slots=True)
class Looks:
    """What is known beside a source's own row: its repository, and what its host and credential may be asked."""

    due: Due
    allowances: Sequence[Allowance] = field(default_factory=tuple)

    def paused(self, now: datetime) -> Allowance | None:
        """The pause that holds the source up now, the one that ends last."""
        pauses = [(one.paused_until, one) for one in self.allowances if one.paused_until is not None]
        return max((pair for pair in pauses if pair[0] > now), key=lambda pair: pair[0], default=(None, None))[1]

    @property
    def allowance(self) -> Allowance | None:
        """What the host last said that may be asked, when it says so at all."""
        return next((one for one in self.allowances if one.remaining is not None), None)


def problem_text(row: Source, language: str) -> str:
    """Say what is wrong with a source, in the language of the room; '' when nothing is."""
    word = str(row.counts.get("problem") or (row.state_reason if row.state == "hidden" else ""))
    if not word and not row.last_error:
        return ""
    key = f"problem.{word}"
    return say(key if key in catalogue(language) else "problem.failed", language)


def look_lines(looks: Looks, shown: Shown | None, language: str, *, now: datetime) -> list[str]:
    """One line for each thing worth knowing of how a source is followed."""
    row = looks.due.source
    lines = []
    if shown is not None and shown.ref:
        values = {"ref": shown.ref, "commit": shown.commit[:10]}
        lines.append(say("status.version", language, **values, ago=ago(shown.at, now=now, language=language)))
    lines += [say(f"status.{word}", language) for word, holds in _marks(looks).items() if holds]
    if (paused := looks.paused(now)) is not None and paused.paused_until is not None:
        reason = paused.reason if f"status.paused_{paused.reason}" in catalogue(language) else "outage"
        host = paused.key.partition(" ")[0]
        lines.append(say(f"status.paused_{reason}", language, host=host, time=_clock(paused.paused_until)))
    lines += _limit_line(looks.allowance, language, now=now)
    asked = ago(row.last_run_at, now=now, language=language)
    if row.next_due_at is None:
        lines.append(say("status.asked", language, ago=asked))
    else:
        when = ahead(row.next_due_at, now=now, language=language)
        lines.append(say("status.asked_next", language, ago=asked, when=when))
    return lines


def _marks(looks: Looks) -> Mapping[str, bool]:
    repository = looks.due.repository
    return {
        "private": repository is not None and repository.is_private is True,
        "archived": repository is not None and repository.is_archived,
    }


def _limit_line(allowance: Allowance | None, language: str, *, now: datetime) -> list[str]:
    if allowance is None or allowance.resets_at is None or allowance.resets_at <= now:
        return []
    values = {"remaining": _number(allowance.remaining, language), "most": _number(allowance.most, language)}
    return [say("status.limit", language, **values, time=_clock(allowance.resets_at))]


def _number(value: int | None, language: str) -> str:
    return "?" if value is None else f"{value:,}".replace(",", "." if language == "de" else ",")


def _clock(time: datetime) -> str:
    return f"{time:%H:%M} UTC"


def looks_as_json(looks: Looks, *, now: datetime) -> dict[str, Any]:
    """The same as `roomwise status --json` prints it; times are ISO 8601 in UTC, null when there is none."""
    row, repository, paused, allowance = looks.due.source, looks.due.repository, looks.paused(now), looks.allowance
    return {
        "problem": str(row.counts.get("problem") or ""),
        "last_asked_at": _iso(row.last_run_at),
        "is_private": bool(repository.is_private) if repository is not None else row.is_private,
        "is_archived": repository.is_archived if repository is not None else False,
        "paused_until": _iso(paused.paused_until) if paused is not None else None,
        "paused_reason": paused.reason if paused is not None else "",
        "requests_left": allowance.remaining if allowance is not None else None,
        "requests_most": allowance.most if allowance is not None else None,
        "requests_reset_at": _iso(allowance.resets_at) if allowance is not None else None,
    }


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time is not None else None
