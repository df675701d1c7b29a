"""What we ask of a sync: what we read, and nothing else, since servers and clients spend most of their time on the rest."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

STATE: Final = (
    "m.room.create",
    "m.room.name",
    "m.room.canonical_alias",
    "m.room.member",
    "m.room.power_levels",
    "m.room.join_rules",
    "m.room.history_visibility",
    "m.room.encryption",
    "m.room.tombstone",
)
SPOKEN: Final = ("m.room.message", "m.room.encrypted", "m.reaction", "m.room.redaction", "m.sticker")
TIMELINE_EVENTS: Final = 50
PAGE_EVENTS: Final = 100

_NOTHING: Final[Mapping[str, Sequence[str]]] = {"types": ()}


@cache
def sync_filter() -> str:
    """The filter of a sync, as JSON. Of members only those are sent who said something, and we ourselves."""
    return json.dumps(
        {
            "presence": _NOTHING,
            "account_data": _NOTHING,
            "room": {
                "account_data": _NOTHING,
                "ephemeral": _NOTHING,
                "state": {"types": list(STATE), "lazy_load_members": True},
                "timeline": {
                    "types": [*STATE, *SPOKEN],
                    "limit": TIMELINE_EVENTS,
                    "lazy_load_members": True,
                },
            },
        },
        separators=(",", ":"),
    )


@cache
def page_filter() -> str:
    """The filter of a page of a room's past, as JSON: the same events as in a sync."""
    return json.dumps({"types": [*STATE, *SPOKEN], "lazy_load_members": True}, separators=(",", ":"))
