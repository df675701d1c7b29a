"""Answers in private chats as they are written: Telegram's drafts in place of a placeholder and its edits.

A draft is no message: it has no id, no buttons, and goes by itself. So we name it ourselves, "draft:NUMBER:AFTER",
with the id of the question, behind which the final text will lie. The final text cannot be put in a draft's place: an
edit to it is refused, whereupon it is sent as a message of its own. Whether it was sent already by a run of the program
that has ended can be told only by looking, so then it is looked for first.
"""

import hashlib
from typing import Final, NamedTuple

from adapters.chat import Refused, Reply, Sent, Stage
from adapters.telegram.budget import Rank
from adapters.telegram.parts import shown
from adapters.telegram.writing import Place, Writing, number_of

_PREFIX: Final = "draft"
_GROWING: Final = (Stage.WAITING, Stage.PREVIEW)


class Draft(NamedTuple):
    """A draft's number, and the id that its final text lies behind."""

    number: int
    after: int


def draft_of(message_id: str) -> Draft | None:
    """Read the name of a draft; None for what is a message."""
    kind, _, rest = message_id.partition(":")
    number, _, after = rest.partition(":")
    return Draft(int(number), int(after)) if kind == _PREFIX and number.isdecimal() and after.isdecimal() else None


class Drafts:
    """Shows drafts where they are wanted and Telegram takes them; a chat where it refuses one gets messages again."""

    def __init__(self, writing: Writing, *, is_on: bool) -> None:
        self._writing = writing
        self._is_on = is_on
        self._refused: set[int] = set()
        self._begun: set[str] = set()

    def fit(self, place: Place, reply: Reply) -> bool:
        """Whether a new reply begins as a draft."""
        is_wanted = self._is_on and place.is_private and place.chat not in self._refused
        return is_wanted and reply.stage is Stage.WAITING and number_of(reply.reply_to) is not None

    async def begin(self, place: Place, reply: Reply, *, key: str) -> Sent | None:
        """Show the first draft of a reply; None when Telegram refuses it. Raises Unreachable and RoomMoved."""
        digest = hashlib.sha256(key.encode()).digest()
        draft = Draft(int.from_bytes(digest[:4], "big") >> 1 or 1, number_of(reply.reply_to) or 0)
        try:
            await self._writing.draft(place, draft.number, shown(reply), rank=Rank.PLACEHOLDER)
        except Refused:
            self._refused.add(place.chat)
            return None
        name = f"{_PREFIX}:{draft.number}:{draft.after}"
        self._begun.add(name)
        return Sent(name)

    async def grow(self, place: Place, draft: Draft, reply: Reply) -> None:
        """Show the text so far. Raises Refused for what is no draft any more, and Unreachable."""
        if reply.stage not in _GROWING:
            raise Refused("a draft cannot hold a final text: it must be sent")
        await self._writing.draft(place, draft.number, shown(reply), rank=Rank.PREVIEW)

    def end(self, message_id: str) -> bool:
        """Forget a draft; false when it is not one of this run."""
        is_ours = message_id in self._begun
        self._begun.discard(message_id)
        return is_ours
