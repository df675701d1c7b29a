"""What reactions to our answers mean, and which of them stand. Reactions are in plain text in encrypted rooms too.

Who takes a reaction back deletes its event, and only the event's id is said then: so those that rate are remembered.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from adapters.last import Last
from adapters.matrix import wire

VERIFY: Final = "verify"
NOTES: Final = "reaction/"
_THUMBS: Final = {"👍": 1, "👎": -1}
_GLASSES: Final = frozenset({"🔍", "🔎"})
# Skin tones, and what asks for a picture or for text: they change how a sign looks, not what it says.
_LOOKS: Final = re.compile("[\U0001f3fb-\U0001f3ff\ufe0e\ufe0f]")
_LONGEST_KEY: Final = 16


@dataclass(frozen=True, slots=True)
class Thumb:
    """One rating reaction. `gone_by` is the redaction that took it back, "" while it stands."""

    room: str
    message: str
    sender: str
    value: int
    sent_ms: int
    gone_by: str = ""


def plain(key: str) -> str:
    """The emoji without its variant; "" for what is too long to be one."""
    return _LOOKS.sub("", key) if len(key) <= _LONGEST_KEY else ""


def value_of(key: str) -> int | None:
    """1 or -1 for a thumb, else None."""
    return _THUMBS.get(plain(key))


def asks_to_verify(key: str) -> bool:
    """Whether it is a magnifying glass."""
    return plain(key) in _GLASSES


def means_something(key: str) -> bool:
    """Whether we act on such a reaction."""
    return value_of(key) is not None or asks_to_verify(key)


class Thumbs:
    """The ratings that we know, by the ids of their events."""

    def __init__(self) -> None:
        self._known: Last[str, Thumb] = Last()

    def load(self, kept: Mapping[str, Any]) -> None:
        """Take in what notes hold, by id; what is of another shape is passed over."""
        found = {event: thumb for event, value in kept.items() if (thumb := _read(value)) is not None}
        for event in sorted(found, key=lambda one: found[one].sent_ms):
            self._known.keep(event, found[event])

    def get(self, event: str) -> Thumb | None:
        """The rating of an event; None when it is none that we know."""
        return self._known.get(event)

    def keep(self, event: str, thumb: Thumb) -> None:
        """Remember a rating. One that was taken back already stays so: its event may come again."""
        known = self._known.get(event)
        self._known.keep(event, replace(thumb, gone_by=known.gone_by) if known is not None else thumb)

    def take_back(self, event: str, *, by: str) -> Thumb | None:
        """Remember that a rating was taken back; None when it is none, or another redaction did that."""
        known = self._known.get(event)
        if known is None or known.gone_by not in {"", by}:
            return None
        taken = replace(known, gone_by=by)
        self._known[event] = taken
        return taken

    def standing(self, thumb: Thumb) -> int | None:
        """What the same person's last rating of the same message is; None when none stands."""
        same = (thumb.room, thumb.message, thumb.sender)
        left = [one for one in self._known.values() if not one.gone_by and (one.room, one.message, one.sender) == same]
        return max(left, key=lambda one: one.sent_ms).value if left else None


def pack(thumb: Thumb) -> dict[str, Any]:
    """A rating as it is noted."""
    return asdict(thumb)


def too_old(kept: Mapping[str, Any], *, before_ms: int) -> Iterable[str]:
    """The keys of those from before a time, and of what cannot be read."""
    return [key for key, value in kept.items() if (one := _read(value)) is None or one.sent_ms < before_ms]


def _read(value: object) -> Thumb | None:
    kept = wire.mapping(value)
    room, message, sender = (
        wire.name(kept.get("room"), "!"),
        wire.name(kept.get("message"), "$"),
        wire.user(kept.get("sender")),
    )
    rating = kept.get("value")
    if not room or not message or not sender or rating not in (1, -1):
        return None
    return Thumb(
        room, message, sender, int(rating), wire.count(kept.get("sent_ms")), wire.name(kept.get("gone_by"), "$")
    )
