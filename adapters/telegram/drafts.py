"""Answers in private chats as they are written: Telegram's drafts in place of a placeholder and its edits.

A draft is no message: it has no id, no buttons, and goes by itself. So it has a name of ours in place of an id. The
final text cannot take a draft's place: the edit is refused, whereupon the caller sends it as a message of its own,
recorded and looked for like any other.
"""

import hashlib
from typing import Final, NamedTuple

from adapters.chat import Refused, Reply, RoomGone, Sent, Stage
from adapters.telegram.budget import Rank
from adapters.telegram.parts import shown
from adapters.telegram.writing import Place, Writing, number_of

_PREFIX: Final = "draft:"


class Draft(NamedTuple):
    """A draft by its number, which is not 0."""

    number: int


def draft_of(message_id: str) -> Draft | None:
    """Read the name of a draft; None for what is a message."""
    number = number_of(message_id.removeprefix(_PREFIX)) if message_id.startswith(_PREFIX) else None
    return Draft(number) if number else None


class Drafts:
    """Shows drafts where they are wanted and Telegram takes them; a chat where it refuses one gets messages again."""

    def __init__(self, writing: Writing, *, is_on: bool) -> None:
        self._writing = writing
        self._is_on = is_on
        self._refused: set[int] = set()

    def fit(self, place: Place, reply: Reply) -> bool:
        """Whether a new reply begins as a draft."""
        is_wanted = self._is_on and place.is_private and place.chat not in self._refused
        return is_wanted and reply.stage is Stage.WAITING

    async def begin(self, place: Place, reply: Reply, *, key: str) -> Sent | None:
        """Show the first draft of a reply; None when Telegram refuses it. Raises ChatError."""
        digest = hashlib.sha256(key.encode()).digest()
        draft = Draft(int.from_bytes(digest[:4], "big") >> 1 or 1)
        try:
            await self._writing.draft(place, draft.number, shown(reply), rank=Rank.PLACEHOLDER)
        except RoomGone:
            raise
        except Refused:
            self._refused.add(place.chat)
            return None
        return Sent(f"{_PREFIX}{draft.number}")

    async def grow(self, place: Place, draft: Draft, reply: Reply) -> None:
        """Show the text so far. Raises Refused and Unreachable."""
        await self._writing.draft(place, draft.number, shown(reply), rank=Rank.PREVIEW)
