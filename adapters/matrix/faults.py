"""What servers answer and what aiohttp raises, in our words.

Of what others wrote only a server's own words for a refusal that we do not know are quoted, short and without anything
that looks like a token; and what a library raised is never kept as the cause, since it may hold a request.

Refused and Unreachable have these kinds of their own here:
    Refused
    +-- NotThere      what was asked about does not exist, or is nothing that we may know of
    +-- TooLarge      more than the server takes
    +-- AtLimit       the server is full, or serves nobody now: nothing is wrong with what was asked
    +-- AuthWanted    the server wants to hear once more who asks, though the login is valid
    Unreachable
    +-- Flooded       too much was sent: the server names the pause; it did not happen
    +-- LoginEnded    the access token is not valid any more, or the account is no more; only a person can help
"""

import asyncio
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import aiohttp

from adapters.chat import ChatError, Refused, RoomGone, Unreachable

_MOST_CHARS: Final = 200
_LONGEST_PAUSE_S: Final = 3_600.0
_USUAL_PAUSE_S: Final = 5.0  # what a server means that limits us and does not say for how long
_TOO_MANY: Final = 429
_LOGIN_ENDED_PAUSE_S: Final = 300.0
LOG_IN_AGAIN: Final = "run `roomwise matrix login`, or name a new token and its device in the settings"


class NotThere(Refused):
    """What was asked about does not exist for us; or, when not `is_known`, the server does not know such a question."""

    def __init__(self, message: str, *, is_known: bool = True) -> None:
        super().__init__(message)
        self.is_known = is_known


class TooLarge(Refused):
    """More than the server takes."""


class AtLimit(Refused):
    """The server is at a limit of its own, whatever it is asked."""


class AuthWanted(Refused):
    """Who asks must prove anew who it is (user-interactive authentication): each of `flows` names stages that do."""

    def __init__(self, *, flows: Sequence[Sequence[str]], session: str) -> None:
        super().__init__("the server wants the account's password for this")
        self.flows = [list(stages) for stages in flows]
        self.session = session


class Flooded(Unreachable):
    """Too much was sent; it did not happen."""


class LoginEnded(Unreachable):
    """The login is over; it did not happen. `is_soft`: the device and its keys are still good."""

    def __init__(self, message: str, *, is_soft: bool = False) -> None:
        super().__init__(message, retry_after_s=_LOGIN_ENDED_PAUSE_S)
        self.is_soft = is_soft


_TOKEN: Final = f"the server does not accept the access token (any more): {LOG_IN_AGAIN}"
_ENDED: Final[Mapping[str, str]] = {
    "M_UNKNOWN_TOKEN": _TOKEN,
    "M_MISSING_TOKEN": _TOKEN,
    "M_USER_DEACTIVATED": "the account was deactivated: use another one",
    "M_USER_LOCKED": "the account is locked: who runs the server can unlock it",
    "M_USER_SUSPENDED": "the account is suspended: who runs the server can say why",
}
_REFUSALS: Final[Mapping[str, tuple[type[Refused], str]]] = {
    "M_NOT_FOUND": (NotThere, "it is not there"),
    "M_TOO_LARGE": (TooLarge, "it is larger than the server takes"),
    "M_GUEST_ACCESS_FORBIDDEN": (Refused, "the room is not open to this account"),
    "M_UNSUPPORTED_ROOM_VERSION": (Refused, "the server does not support the room's version"),
    "M_INCOMPATIBLE_ROOM_VERSION": (Refused, "the server does not support the room's version"),
    "M_CONSENT_NOT_GIVEN": (Refused, "the server asks that somebody logs in as this account and agrees to its terms"),
    "M_RESOURCE_LIMIT_EXCEEDED": (AtLimit, "the server is at a limit of its own: who runs it can say which"),
    "M_BAD_JSON": (Refused, "the server does not accept the content"),
    "M_INVALID_PARAM": (Refused, "the server does not accept the content"),
}
_NOT_IN_ROOM: Final = ("not in room", "not joined", "not invited", "unknown room", "you don't have permission to view")

# What aiohttp raises before anything of the request has left us.
_UNSENT: Final = (aiohttp.ClientConnectorError, aiohttp.InvalidURL, aiohttp.ConnectionTimeoutError)


def fault_of(status: int, body: Any) -> ChatError:
    """Say in our words what a server answered instead of success. `body` is its JSON, or None when it sent none."""
    said: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
    if status == 401 and isinstance(said.get("flows"), list):
        return AuthWanted(flows=_flows(said["flows"]), session=str(said.get("session") or ""))
    code, words = str(said.get("errcode") or ""), str(said.get("error") or "")
    if code in _ENDED:
        return LoginEnded(_ENDED[code], is_soft=said.get("soft_logout") is True)
    if code == "M_LIMIT_EXCEEDED" or status == _TOO_MANY:
        wait_s = pause_s(said.get("retry_after_ms"))
        return Flooded(f"the server asks to wait {wait_s:.0f} s", retry_after_s=wait_s)
    if not code:
        return _without_a_code(status)
    if status >= 500:
        return Unreachable(f"the server failed (status {status}, {_told(code)})", may_have_happened=True)
    return _refusal(code, words)


def transport_fault(error: Exception) -> Unreachable:
    """Say in our words why no answer came. Nothing of the error is kept but its class."""
    what = type(error).__name__
    if isinstance(error, _UNSENT):
        return Unreachable(f"the server cannot be reached ({what})")
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return Unreachable("the server did not answer in time", may_have_happened=True)
    return Unreachable(f"no answer from the server ({what})", may_have_happened=True)


def pause_s(retry_after_ms: Any) -> float:
    """How long a server asks to wait, in seconds; it may say anything."""
    if not isinstance(retry_after_ms, int | float) or isinstance(retry_after_ms, bool):
        return _USUAL_PAUSE_S
    if not math.isfinite(retry_after_ms) or retry_after_ms < 0:
        return _USUAL_PAUSE_S
    return min(_LONGEST_PAUSE_S, retry_after_ms / 1000)


def _without_a_code(status: int) -> ChatError:
    """What is meant by a status that came without the JSON of a Matrix server: mostly a proxy in between speaks."""
    if status in (401, 403, 407):
        return Unreachable(f"something before the server refuses us (status {status}): is matrix.homeserver right?")
    if status == 404:
        return Unreachable("what answers is no Matrix server (status 404): is matrix.homeserver right?")
    if status == 413:
        return TooLarge("it is larger than the server takes")
    if 300 <= status < 400:
        return Unreachable(
            f"the server sends us elsewhere (status {status}): put the address that it means into matrix.homeserver"
        )
    if status < 300:
        return Unreachable("what answers sent no JSON: is matrix.homeserver right?", may_have_happened=True)
    return Unreachable(f"the server failed (status {status})", may_have_happened=status >= 500)


def _flows(said: list[Any]) -> list[list[str]]:
    """The ways to prove who we are that a server offers, each as its stages."""
    stages = [flow.get("stages") for flow in said if isinstance(flow, Mapping)]
    return [[str(stage) for stage in each] for each in stages if isinstance(each, list)]


def _refusal(code: str, words: str) -> ChatError:
    if code == "M_FORBIDDEN":
        if any(part in words.lower() for part in _NOT_IN_ROOM):
            return RoomGone("the bot is not in the room (any more)")
        return Refused("the bot has not the right: an administrator of the room can give it")
    if code == "M_UNRECOGNIZED":
        return NotThere("the server does not know this call", is_known=False)
    if code in _REFUSALS:
        kind, reason = _REFUSALS[code]
        return kind(reason)
    return Refused(f"the server refused it: {_told(f'{code} {words}')}")


def _told(words: str) -> str:
    """A server's words without what looks like a token or an address."""
    return re.sub(r"\w+://\S+|[\w+/=.-]{24,}", "…", words)[:_MOST_CHARS]
