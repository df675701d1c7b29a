"""Who is at the other end: a signed-in browser, the holder of an API token, or a command of this machine."""

import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from bot.rights import Actor, Kind, Place, Way, decide
from bot.state.queries import people, sessions, tokens
from bot.state.tables import Person, WebSession
from bot.web.answers import ApiError
from bot.web.parts import WebParts
from config.texts import best_language

IDLE: Final = timedelta(hours=12)
_BEARER: Final = "bearer "
# Only says in the API's description how a program signs in; `find_visitor` reads the header.
KEY: Final = Depends(HTTPBearer(auto_error=False, scheme_name="key", description="A token, or the machine's own key"))
_WAYS: Final = {Way.WEB: Kind.WEB, Way.TOKEN: Kind.API, Way.SHELL: Kind.SHELL}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody with his rights as they are at this request. `csrf` and `session` (the cookie) are of browsers only."""

    actor: Actor
    person: Person | None
    language: str
    csrf: str = ""
    session: str = ""

    def place(self, project: str | None = None, room: str | None = None) -> Place:
        """Where this visitor stands, for the gate."""
        return Place(kind=_WAYS[self.actor.way], room=room, project=project)

    def may(self, action: str, *, project: str | None = None, room: str | None = None) -> bool:
        """What the gate says."""
        return decide(self.actor, action, self.place(project, room)).allowed

    def check(self, action: str, *, project: str | None = None, room: str | None = None) -> None:
        """Raise ApiError 404 unless the gate allows it; unknown and forbidden are the same to see."""
        if not self.may(action, project=project, room=room):
            raise ApiError(404, "not_allowed")


def parts_of(request: Request) -> WebParts:
    """The parts that the server was built with."""
    parts: WebParts = request.app.state.parts
    return parts


def cookie_name(request: Request) -> str:
    """The session cookie's name; browsers give __Host- to this very host over https only."""
    return "__Host-roomwise" if request.url.scheme == "https" else "roomwise"


def language_of(request: Request, person: Person | None = None) -> str:
    """The person's language, else the browser's, else the service's."""
    wishes = [wish.partition(";")[0].strip() for wish in request.headers.get("accept-language", "").split(",")]
    return best_language(person.language if person else None, *wishes, default=parts_of(request).language)


async def find_visitor(request: Request) -> Visitor | None:
    """Whoever the request proves to be; None for a stranger. An Authorization header is taken before a cookie."""
    header = request.headers.get("authorization", "")
    if header:
        return await _by_key(request, header)
    token = request.cookies.get(cookie_name(request))
    return await _by_cookie(request, token) if token else None


async def any_visitor(request: Request) -> Visitor:
    """A visitor, for reading. Raises ApiError 401 for a stranger."""
    visitor = await find_visitor(request)
    if visitor is None:
        raise ApiError(401, "not_signed_in")
    return visitor


async def acting_visitor(request: Request) -> Visitor:
    """A visitor, for changing something: a browser must send the page's token. Raises ApiError 401 or 403."""
    visitor = await any_visitor(request)
    if visitor.session and not is_same(request.headers.get("x-csrf-token", ""), visitor.csrf):
        raise ApiError(403, "csrf")
    return visitor


def is_same(given: str, expected: str) -> bool:
    """Whether two secrets are equal, in constant time; an empty one equals nothing."""
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())


async def _by_key(request: Request, header: str) -> Visitor | None:
    parts = parts_of(request)
    key = header[len(_BEARER) :].strip() if header.lower().startswith(_BEARER) else ""
    if is_same(key, parts.service_key):
        return Visitor(Actor.of_shell(), None, language_of(request))
    now = parts.clock()
    token = await parts.db.read(lambda session: tokens.by_token(session, key, now=now))
    if token is None:
        return None
    actor = await parts.db.read(lambda session: tokens.load_actor(session, token, now=now))
    person = await parts.db.read(lambda session: people.get(session, token.person))
    if actor.is_banned:
        return None
    if token.used_at is None or token.used_at <= now - tokens.USED_STEP:
        await parts.db.write(lambda session: tokens.use(session, key, now=now))
    return Visitor(actor, person, language_of(request, person))


async def _by_cookie(request: Request, token: str) -> Visitor | None:
    parts = parts_of(request)
    now = parts.clock()
    found = await open_session(parts, token)
    if found is None:
        return None
    actor = await parts.db.read(lambda session: people.load_actor(session, found.person, now=now, way=Way.WEB))
    person = await parts.db.read(lambda session: people.get(session, found.person))
    if person is None or actor.is_banned:
        return None
    if found.seen_at <= now - sessions.SEEN_STEP:
        await parts.db.write(lambda session: sessions.use(session, token, now=now))
    return Visitor(actor, person, language_of(request, person), found.csrf, token)


async def open_session(parts: WebParts, token: str) -> WebSession | None:
    """The session of a cookie, unless it has ended or nobody used it for 12 hours."""
    now = parts.clock()
    found = await parts.db.read(lambda session: sessions.by_token(session, token, now=now))
    return None if found is None or now - found.seen_at > IDLE else found


def room_name(project: str, person: str) -> str:
    """The native id of a person's own web room in a project."""
    return f"{project}.{person}"


def own_room(visitor: Visitor, room: str) -> str:
    """The project of a web room, if the room is this visitor's own. Raises ApiError 404."""
    project, _, person = room.partition(".")
    if visitor.person is None or not project or person != visitor.person.id:
        raise ApiError(404, "not_allowed")
    visitor.check("read_project", project=project, room=room)
    return project
