"""Events and replies as JSON text, for the sealed columns that keep them between steps."""

from dataclasses import dataclass
from typing import Any, Final

import structlog
from pydantic import TypeAdapter, ValidationError

from adapters.chat import Deleted, Edited, Event, Message, Pressed, Rated, Reply, RoomChanged, Unreadable
from bot.state.queries import inbox
from bot.state.tables import Inbox
from bot.state.vault import Vault
from pipelines.types import Citation

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Body:
    """What a message of ours is to say; None: it is to be taken back.

    `tried` is what an earlier try said that may have arrived, where that was something else.
    """

    reply: Reply | None
    tried: Reply | None

    @property
    def sent(self) -> Reply | None:
        """What stands on the network if the earlier try arrived."""
        return self.tried or self.reply


_EVENTS: Final[dict[str, TypeAdapter[Any]]] = {
    "message": TypeAdapter(Message),
    "edited": TypeAdapter(Edited),
    "deleted": TypeAdapter(Deleted),
    "pressed": TypeAdapter(Pressed),
    "rated": TypeAdapter(Rated),
    "room_changed": TypeAdapter(RoomChanged),
    "unreadable": TypeAdapter(Unreadable),
}
_KINDS: Final = {
    Message: "message",
    Edited: "edited",
    Deleted: "deleted",
    Pressed: "pressed",
    Rated: "rated",
    RoomChanged: "room_changed",
    Unreadable: "unreadable",
}
_REPLY: Final = TypeAdapter(Reply)
_BODY: Final = TypeAdapter(Body)
_CITATIONS: Final = TypeAdapter(tuple[Citation, ...])


def kind_of(event: Event) -> str:
    """The event's kind as the inbox names it, such as "room_changed"."""
    return _KINDS[type(event)]


def pack_event(event: Event) -> str:
    """The event as JSON; its kind is kept beside it, see `kind_of`."""
    return _EVENTS[kind_of(event)].dump_json(event).decode("utf-8")


def unpack_event(kind: str, text: str) -> Event:
    """The event that `pack_event` packed. Raises ValueError for text of another shape."""
    event: Event = _EVENTS[kind].validate_json(text)
    return event


def event_in(row: Inbox, vault: Vault) -> Event | None:
    """The event that an inbox row holds; None when its text is gone, or was written by another version."""
    body = inbox.body_of(row, vault)
    try:
        return None if body is None else unpack_event(row.kind, body)
    except ValueError:
        log.warning("inbox.unreadable", kind=row.kind)
        return None


def pack_reply(reply: Reply) -> str:
    """The reply as JSON."""
    return _REPLY.dump_json(reply).decode("utf-8")


def unpack_reply(text: str) -> Reply:
    """The reply that `pack_reply` packed. Raises ValueError for text of another shape."""
    return _REPLY.validate_json(text)


def pack_body(body: Body) -> str:
    """The body as JSON; where nothing else was tried, that of its reply alone."""
    if body.reply is not None and body.tried is None:
        return pack_reply(body.reply)
    return _BODY.dump_json(body).decode("utf-8")


def unpack_body(text: str) -> Body:
    """The body that `pack_body` packed. Raises ValueError for text of another shape."""
    try:
        return Body(unpack_reply(text), None)
    except ValidationError:
        return _BODY.validate_json(text)


def pack_citations(citations: tuple[Citation, ...]) -> str:
    """The citations as JSON, quotes included."""
    return _CITATIONS.dump_json(citations).decode("utf-8")


def unpack_citations(text: str) -> tuple[Citation, ...]:
    """The citations that `pack_citations` packed. Raises ValueError for text of another shape."""
    return _CITATIONS.validate_json(text)
