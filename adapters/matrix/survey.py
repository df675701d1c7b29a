"""What the server speaks, and the rooms that the account is in, for `roomwise check matrix`."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import aiohttp

from adapters.chat import ChatError, Finding
from adapters.matrix.client import CLIENT_API, Login, ask, part
from adapters.matrix.members import Create, level_of
from adapters.matrix.roomstate import RoomState, whole
from adapters.matrix.wire import read

_OLDEST: Final = (1, 4)  # threads, and the relations that answers are made of
_MOST_ROOMS: Final = 30
_USUAL_TO_REDACT: Final = 50


async def survey(session: aiohttp.ClientSession, login: Login) -> list[Finding]:
    """A line for the versions, and one for each room with what we may do there."""
    return [await _versions(session, login), *await _rooms(session, login)]


async def _versions(session: aiohttp.ClientSession, login: Login) -> Finding:
    try:
        said = await ask(session, "GET", f"{login.homeserver}/_matrix/client/versions")
    except ChatError as error:
        return Finding("matrix versions", is_ok=False, detail=str(error), cure="try again in a while")
    known = [version for version in map(_number, _texts(said, "versions")) if version]
    newest = max(known, default=None)
    if newest is None or newest < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        cure = "update the server: threads and edits are not certain to work"
        return Finding("matrix versions", is_ok=False, detail=f"expected v{oldest} or newer", cure=cure)
    return Finding("matrix versions", is_ok=True, detail=f"up to v{newest[0]}.{newest[1]}")


async def _rooms(session: aiohttp.ClientSession, login: Login) -> Sequence[Finding]:
    try:
        said = await ask(session, "GET", f"{login.homeserver}{CLIENT_API}/joined_rooms", token=login.token)
    except ChatError as error:
        return [Finding("matrix rooms", is_ok=False, detail=str(error), cure="try again in a while")]
    joined = _texts(said, "joined_rooms")
    cure = "" if joined else "invite the account into a room, or write to it alone"
    found = [Finding("matrix rooms", is_ok=True, detail=f"in {len(joined)}", cure=cure)]
    found += [await _room(session, login, room) for room in joined[:_MOST_ROOMS]]
    if len(joined) > _MOST_ROOMS:
        found.append(Finding("matrix more rooms", is_ok=True, detail=f"{len(joined) - _MOST_ROOMS} are not shown"))
    return found


async def _room(session: aiohttp.ClientSession, login: Login, room: str) -> Finding:
    name = f"matrix room {room}"
    url = f"{login.homeserver}{CLIENT_API}/rooms/{part(room)}/state"
    try:
        said = await ask(session, "GET", url, token=login.token)
    except ChatError as error:
        return Finding(name, is_ok=False, detail=str(error), cure="see that the account is still in that room")
    events = [one for one in map(read, said) if one is not None] if isinstance(said, list) else []
    state = whole(events)
    if state.create is None:
        return Finding(name, is_ok=False, detail="the server does not tell what it is", cure="try again in a while")
    return _told(name, state, state.create, login.user)


def _told(name: str, state: RoomState, create: Create, me: str) -> Finding:
    facts = state.facts(me)
    kind = "a space" if state.is_space else facts.kind
    sort = [kind, "encrypted" if facts.is_encrypted else "not encrypted", *(["public"] if facts.is_public else [])]
    if state.is_space:
        return Finding(name, is_ok=True, detail=f"{facts.title}: {', '.join(sort)}; nothing is answered in spaces")
    level = math.inf if me in create.above else level_of(me, state.power, create)
    may_write = level >= _level(state.power, "events_default", 0)
    may_delete = level >= _level(state.power, "redact", _USUAL_TO_REDACT)
    told = [*sort, "may write" if may_write else "may not write"]
    if may_delete:
        told.append("may delete others' messages: secrets that somebody typed are taken out")
    cure = "" if may_write else "give the account the power level that messages need in that room"
    return Finding(name, is_ok=may_write, detail=f"{facts.title}: {', '.join(told)}", cure=cure)


def _level(power: Mapping[str, Any] | None, key: str, usual: int) -> int:
    found = power.get(key) if power is not None else None
    return found if isinstance(found, int) else usual


def _number(version: str) -> tuple[int, int] | None:
    match = re.fullmatch(r"v(\d{1,3})\.(\d{1,3})", version)
    return (int(match[1]), int(match[2])) if match else None


def _texts(said: Any, key: str) -> list[str]:
    found = said.get(key) if isinstance(said, Mapping) else None
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
