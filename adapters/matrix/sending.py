"""All that goes out to Matrix: messages, edits, what is taken back, reactions, and the small signs of being at work."""

import contextlib
import time
from collections.abc import Callable, Collection, Sequence
from typing import Final

from adapters.chat import (
    Addressed,
    Attachment,
    ChatError,
    Event,
    Message,
    Refused,
    Reply,
    RoomAddress,
    Sent,
    Stage,
    Unreachable,
)
from adapters.matrix import contents
from adapters.matrix.abilities import MOST_EDITS
from adapters.matrix.contents import Content
from adapters.matrix.downloads import Downloads
from adapters.matrix.line import Line, Rank
from adapters.matrix.looking import Looking, Tried
from adapters.matrix.parts import Shown, shown
from adapters.matrix.posting import Guard, Posting, Server, transaction_of
from adapters.matrix.presence import Presence
from adapters.matrix.queue import Queue
from adapters.matrix.surroundings import Surroundings
from config.matrix import Matrix
from config.texts import best_language, say

_MESSAGE: Final = "m.room.message"
_REACTION: Final = "m.reaction"
_GROWING: Final = (Stage.WAITING, Stage.PREVIEW)
_EXEMPT_BURST: Final = 100
_EXEMPT_PER_SECOND: Final = 50.0


class Sending:
    """Speaks for one account. `ticks` counts seconds."""

    def __init__(
        self,
        server: Server,
        guard: Guard,
        settings: Matrix,
        around: Surroundings,
        *,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = server
        self._clock = around.clock
        self._spawn = around.spawn
        self._seeds = not settings.rate_limited
        self._queue = Queue(_line(settings), clock=ticks)
        self._posting = Posting(server, guard)
        self._looking = Looking(server, around.state, around.clock)
        self._presence = Presence(server, ticks)
        self._downloads = Downloads(server)

    async def send(self, room: RoomAddress, reply: Reply, *, key: str) -> Sent:
        """Post a reply that one message can hold. The same key never makes a second message. Raises ChatError.

        Where a second one cannot be excluded, after days or on a device that has lost its past, it says so itself.
        """

        async def act() -> str:
            return await self._once(room, reply, key)

        event = await self._queue.carry(_rank(reply), room.room, act)
        self._went(room, event, reply)
        return Sent(event)

    async def edit(self, room: RoomAddress, message_id: str, reply: Reply, *, key: str) -> None:  # noqa: ARG002
        """Replace a message of ours. Raises ChatError: Refused when somebody took it back, and the caller sends it.

        A preview finds room at once or raises Unreachable, which says when to come again. An edit twice is one that
        nobody sees, so each has a transaction id of its own: under that of its text, a text that comes back after
        another would be taken for the first.
        """
        is_growing = reply.stage in _GROWING
        if is_growing and self._queue.previews_of(message_id) >= MOST_EDITS - 1:
            raise Refused(f"expected at most {MOST_EDITS} edits of a message: the final text is the last")
        txn = transaction_of(self._server.device, f"edit/{message_id}/{time.time_ns()}")
        content = contents.edit(shown(reply), reply.stage, message_id)

        async def act() -> None:
            if not is_growing and not await self._posting.is_standing(room.room, message_id):
                raise Refused("the message was taken back by somebody")
            await self._posting.post(room.room, _MESSAGE, content, txn=txn)

        rank = Rank.PREVIEW if is_growing else _rank(reply)
        try:
            await self._queue.carry(rank, room.room, act, message=message_id)
        except Refused:
            self._queue.keep(message_id)
            raise
        self._went(room, message_id, reply)

    async def delete(self, room: RoomAddress, message_id: str) -> None:
        """Take a message back; one that is gone already is no error. Raises Refused where we may not, and Unreachable."""
        self._queue.keep(message_id)

        async def act() -> None:
            await self._posting.redact(room.room, message_id)

        await self._queue.carry(Rank.NOTICE, room.room, act)
        await self._presence.rest(room.room)

    async def react(self, room: RoomAddress, message_id: str, emoji: str) -> None:
        """Put one reaction on a message, where there is room within the limit and we may. Never fails.

        Reactions are not encrypted by the protocol, in no room.
        """
        txn = transaction_of(self._server.device, f"react/{message_id}/{emoji}")

        async def act() -> None:
            await self._posting.post(room.room, _REACTION, contents.reaction(message_id, emoji), txn=txn)

        with contextlib.suppress(ChatError):  # one that is there already is refused, too
            await self._queue.carry(Rank.REACTION, room.room, act)

    async def typing(self, room: RoomAddress) -> None:
        """Show that we are at work, not more often than it goes away. Never fails."""
        await self._presence.work(room.room)

    def took_up(self, events: Sequence[Event]) -> None:
        """What came is stored: show of what was said to us that it was read, of the last in each room and thread."""
        latest = {
            event.room: event.message_id
            for event in events
            if isinstance(event, Message) and event.addressed is not Addressed.AMBIENT
        }
        for room, message in latest.items():
            self._spawn(self._presence.read(room, message))

    async def download(self, attachment: Attachment, *, max_bytes: int) -> bytes:
        """Fetch an attachment, decrypted. Raises Refused when it is larger, gone or not what was sent, and Unreachable."""
        return await self._downloads.fetch(attachment, max_bytes=max_bytes)

    async def find(
        self,
        room: RoomAddress,
        reply: Reply,  # noqa: ARG002
        *,
        key: str,
        after: str | None,  # noqa: ARG002
        known: Collection[str] = (),  # noqa: ARG002
    ) -> Sent | None:
        """Look for a reply whose sending was interrupted. Raises Unreachable, and Refused where nobody can tell."""
        tried = await self._looking.tried(key)
        if tried is None:
            return None
        can_tell, event = await self._looking.find(room.room, tried)
        if not can_tell:
            raise Refused("so much was said in the room since that a message of ours cannot be looked for")
        return None if event is None else Sent(event)

    async def _once(self, room: RoomAddress, reply: Reply, key: str) -> str:
        """Send what is not there yet; gives the event's id."""
        txn = transaction_of(self._server.device, key)
        tried = await self._looking.note(key, txn)
        found, is_doubtful = await self._earlier(room, tried, txn)
        if found is None:
            found = await self._fresh(room, reply, key, txn=txn, tried=tried, is_doubtful=is_doubtful)
        await self._looking.settle(key)
        return found

    async def _earlier(self, room: RoomAddress, tried: Tried | None, txn: str) -> tuple[str | None, bool]:
        """What was sent before, and whether something may have been that cannot be found."""
        if tried is None:
            return None, False
        can_tell, found = await self._looking.find(room.room, tried)
        return found, not can_tell and not tried.is_sure(txn, self._clock())

    async def _fresh(
        self, room: RoomAddress, reply: Reply, key: str, *, txn: str, tried: Tried | None, is_doubtful: bool
    ) -> str:
        show = shown(reply)
        if is_doubtful:
            mark = say("delivery.perhaps_again", best_language(reply.language))
            show = Shown(f"{mark}\n\n{show.plain}", f"<p>{mark}</p>\n{show.html}")
        content: Content = contents.message(show, reply.stage, room, reply_to=reply.reply_to)
        try:
            return await self._posting.post(room.room, _MESSAGE, content, txn=txn)
        except Refused:
            await self._looking.settle(key)
            raise
        except Unreachable as error:
            if tried is None and not error.may_have_happened:
                await self._looking.settle(key)
            raise

    def _went(self, room: RoomAddress, message: str, reply: Reply) -> None:
        """A message stands: what belongs to it follows by itself."""
        if reply.stage in _GROWING:
            self._queue.promise(message)
            self._spawn(self._presence.work(room.room))
            return
        self._queue.keep(message)
        self._spawn(self._follow(room, message, reply))

    async def _follow(self, room: RoomAddress, message: str, reply: Reply) -> None:
        """Stop looking busy, and put up the reactions that people only have to tap where nobody limits us."""
        await self._presence.rest(room.room)
        if not self._seeds:
            return
        for button in (button for row in reply.buttons for button in row):
            emoji = contents.emoji_of(button.action)
            if emoji is not None:
                await self.react(room, message, emoji)


def _line(settings: Matrix) -> Line:
    if settings.rate_limited:
        return Line(settings.burst, settings.messages_per_second)
    return Line(_EXEMPT_BURST, _EXEMPT_PER_SECOND)


def _rank(reply: Reply) -> Rank:
    if reply.stage is Stage.NOTICE:
        return Rank.NOTICE
    return Rank.PLACEHOLDER if reply.stage in _GROWING else Rank.FINAL
