"""Deliveries of webhooks that did not arrive while Roomwise was away: GitHub is asked to send them again.

GitHub never does so by itself. A delivery keeps its id when it is sent again, so a repeat does nothing here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from adapters.dialing import Answer
from adapters.source import SourceError, SourceGone, SourceUnreachable

_MOST_PAGES: Final = 10
_MOST_AGAIN: Final = 100  # after a long absence polling is faster than that many deliveries


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """How asking for missed deliveries went.

    `outcome` is a stable word: asked (`again` deliveries come once more), nothing (none were missed), no_hook (none
    with our address), not_allowed (the credential may not look at webhooks).
    """

    outcome: str
    again: int = 0


class Asks(Protocol):
    """Asks the REST API with what may look at webhooks. Raises SourceError's children."""

    async def __call__(self, method: str, path: str) -> Answer:
        """Give an answer that is a success."""


async def catch_up_repository(ask: Asks, repository: str, *, url: str, since: datetime) -> CaughtUp:
    """Ask for what a repository's webhook with our address has missed since a time, each delivery once.

    Raises SourceUnreachable alone.
    """
    try:
        number = await _hook(ask, repository, url)
        if number is None:
            return CaughtUp("no_hook")
        return await _catch_up(ask, f"/repos/{repository}/hooks/{number}/deliveries", since)
    except SourceUnreachable:
        raise
    except SourceError:
        return CaughtUp("not_allowed")


async def catch_up_app(ask: Asks, *, since: datetime) -> CaughtUp:
    """Ask for what an App's own webhook has missed since a time, each delivery once. Raises SourceUnreachable alone."""
    try:
        return await _catch_up(ask, "/app/hook/deliveries", since)
    except SourceUnreachable:
        raise
    except SourceGone as error:
        return CaughtUp("no_hook" if error.reason == "gone" else "not_allowed")
    except SourceError:
        return CaughtUp("not_allowed")


def missed(deliveries: Sequence[Mapping[str, Any]], *, since: datetime) -> list[int]:
    """Name one try of each delivery since a time of which no try was answered 2xx, oldest first.

    `deliveries` are GitHub's, newest first; all tries of one have the same guid.
    """
    answered = {one["guid"] for one in deliveries if 200 <= int(one.get("status_code") or 0) < 300}
    newest: dict[str, int] = {}
    for one in deliveries:
        if one["guid"] not in answered and delivered_at(one) >= since:
            newest.setdefault(one["guid"], int(one["id"]))
    return list(reversed(newest.values()))


def delivered_at(delivery: Mapping[str, Any]) -> datetime:
    """Say when a try was made; what GitHub calls it otherwise is very old."""
    try:
        at = datetime.fromisoformat(str(delivery["delivered_at"]))
    except (KeyError, ValueError):
        return datetime.min.replace(tzinfo=UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


async def _hook(ask: Asks, repository: str, url: str) -> int | None:
    """Find the webhook that has our address."""
    answer = await ask("GET", f"/repos/{repository}/hooks?per_page=100")
    for hook in _rows(answer):
        config = hook.get("config")
        if isinstance(config, dict) and str(config.get("url", "")).rstrip("/") == url.rstrip("/"):
            return int(hook["id"])
    return None


async def _catch_up(ask: Asks, path: str, since: datetime) -> CaughtUp:
    """List deliveries back to a time, then ask for the missed ones. One that GitHub does not have any more is let go."""
    wanted = missed(await _since(ask, path, since), since=since)[-_MOST_AGAIN:]
    again = 0
    for number in wanted:
        try:
            await ask("POST", f"{path}/{number}/attempts")
            again += 1
        except SourceGone as error:
            if error.reason != "gone":
                raise
    return CaughtUp("asked", again) if again else CaughtUp("nothing")


async def _since(ask: Asks, path: str, since: datetime) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    asked = f"{path}?per_page=100"
    for _ in range(_MOST_PAGES):
        answer = await ask("GET", asked)
        page = [one for one in _rows(answer) if "guid" in one and "id" in one]
        found += page
        cursor = _cursor(answer.headers.get("link", ""))
        if not page or not cursor or delivered_at(page[-1]) < since:
            break
        asked = f"{path}?per_page=100&cursor={cursor}"
    return found


def _rows(answer: Answer) -> list[Mapping[str, Any]]:
    body = answer.json()
    return [one for one in body if isinstance(one, dict)] if isinstance(body, list) else []


def _cursor(link: str) -> str:
    """Take the cursor of the next page out of a Link header, '' on the last one."""
    for part in link.split(","):
        if 'rel="next"' in part:
            _, _, rest = part.partition("cursor=")
            return rest.partition(">")[0].partition("&")[0]
    return ""
