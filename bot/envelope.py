"""Events and replies as JSON text, for the sealed columns that keep them between steps."""

from typing import Any, Final

from pydantic import TypeAdapter

from adapters.chat import Deleted, Edited, Event, Message, Pressed, Rated, Reply, RoomChanged, Unreadable
from pipelines.types import Citation

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


def pack_reply(reply: Reply) -> str:
    """The reply as JSON."""
    return _REPLY.dump_json(reply).decode("utf-8")


def unpack_reply(text: str) -> Reply:
    """The reply that `pack_reply` packed. Raises ValueError for text of another shape."""
    return _REPLY.validate_json(text)


def pack_citations(citations: tuple[Citation, ...]) -> str:
    """The citations as JSON, quotes included."""
    return _CITATIONS.dump_json(citations).decode("utf-8")


def unpack_citations(text: str) -> tuple[Citation, ...]:
    """The citations that `pack_citations` packed. Raises ValueError for text of another shape."""
    return _CITATIONS.validate_json(text)
