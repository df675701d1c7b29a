"""What a browser sends, stored in its room's log and in the inbox by one write."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Batch, Reply
from adapters.web.adapter import ACCOUNT, NETWORK, WebAdapter
from adapters.web.log import Entry
from adapters.web.translate import Draft, as_message, as_pressed, as_rated, check_key
from bot.inbox import Accepted, Inbox, without_secret
from bot.state.weblog import StoredWebLog
from config.texts import best_language, say


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a message stands in its room's log. `is_repeat`: its key was known, nothing new was stored."""

    seq: int
    is_repeat: bool


@dataclass(frozen=True, slots=True)
class WebChat:
    """The web chat as bot.outbox.OwnLog: its log lies in the state database, so a recorded answer has arrived."""

    log: StoredWebLog
    adapter: WebAdapter

    async def put_in(self, session: AsyncSession, room: str, message: str | None, reply: Reply, *, key: str) -> str:
        """See StoredWebLog.put_in."""
        return await self.log.put_in(session, room, message, reply, key=key)

    def wake(self, room: str) -> None:
        """Tell the open pages of a room."""
        self.adapter.wake(room)


class WebMessages:
    """The web chat's way into the inbox. Who may use a room is asked before, by the routes.

    Every method raises ValueError for a key that cannot name a message, LookupError when there is no such room, and
    StateUnavailable when nothing was stored; the browser then sends the same key again.
    """

    def __init__(self, inbox: Inbox, log: StoredWebLog, adapter: WebAdapter, clock: Callable[[], datetime]) -> None:
        self._inbox = inbox
        self._log = log
        self._adapter = adapter
        self._clock = clock

    async def post(self, draft: Draft) -> Posted:
        """Store a message and have it answered. A text with a secret in it is stored neither here nor there."""
        check_key(draft.key)
        shown, secret = without_secret(draft.text.replace("\x00", ""))
        if secret:
            shown = say("inbox.secret_removed", best_language(draft.language))
        seq = 0

        async def log_it(session: AsyncSession) -> Batch:
            nonlocal seq
            seq = await self._log.append_in(session, draft.room, draft.key, _entry(draft, shown))
            return Batch((as_message(draft, seq=seq, now=self._clock()),))

        accepted = await self._accept(Batch(()), alongside=log_it)
        self._adapter.wake(draft.room)
        return Posted(seq, is_repeat=not accepted.stored)

    async def press(self, draft: Draft, *, seq: int, action: str, data: str) -> None:
        """A button under message `seq` was pressed; the draft's key names this one press."""
        await self._accept(Batch((as_pressed(draft, seq=seq, action=action, data=data, now=self._clock()),)))

    async def rate(self, draft: Draft, *, seq: int, value: int | None) -> None:
        """A thumb for message `seq`: 1, -1, or None to take it back."""
        await self._accept(Batch((as_rated(draft, seq=seq, value=value, now=self._clock()),)))

    async def _accept(
        self, batch: Batch, *, alongside: Callable[[AsyncSession], Awaitable[Batch]] | None = None
    ) -> Accepted:
        return await self._inbox.accept(batch, network=NETWORK, account=ACCOUNT, alongside=alongside)


def _entry(draft: Draft, shown: str) -> Entry:
    attachments = [
        {"name": one.name, "media_type": one.media_type, "size_bytes": one.size_bytes} for one in draft.attachments
    ]
    body = {"text": shown, "attachments": attachments}
    return Entry(body=body, stage="sent", author=draft.person, reply_to=draft.reply_to)
