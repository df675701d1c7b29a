"""All that goes out to Telegram: messages, edits, deletions, small favours; and files that come in."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Final

from telegram import Bot, ReactionTypeEmoji
from telegram.constants import ChatAction, ReactionEmoji

from adapters.chat import Abilities, Attachment, ChatError, Refused, Reply, RoomAddress, RoomGone, Sent, Stage
from adapters.telegram.budget import Budget, Rank
from adapters.telegram.downloads import Downloads
from adapters.telegram.drafts import Draft, Drafts, draft_of
from adapters.telegram.faults import Flooded, NoMessage, NotOurs, Same
from adapters.telegram.parts import shown
from adapters.telegram.probing import Probing, Sought
from adapters.telegram.writing import Place, Writing, number_of, place_of
from config.telegram import Telegram

# Edits are paced by the budget, which knows the whole chat; bot/reply's own count would only see one room of it.
ABILITIES: Final = Abilities(
    can_react=True,
    can_probe=True,
    must_place=True,
    edit_interval_s=1.0,
    group_edit_interval_s=3.0,
    edits_per_minute=600,
    skip_preview_ms=400,
    max_chars=4_096,
    max_upload_bytes=20_000_000,
)
_GROWING: Final = (Stage.WAITING, Stage.PREVIEW)
_TYPING_S: Final = 4.0  # Telegram shows it for five
_TYPING_ROOMS: Final = 1_000
_FLOOD_S: Final = 1.0
_REACTIONS: Final = frozenset(one.value for one in ReactionEmoji)


class Sending:
    """Speaks for one bot. `clock` counts seconds, `sleep` waits for some."""

    def __init__(
        self,
        bot: Bot,
        settings: Telegram,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._bot = bot
        self._clock = clock
        self._budget = Budget(settings, clock=clock, sleep=sleep)
        self._writing = Writing(bot, self._budget)
        self._probing = Probing(self._writing, clock=clock, sleep=sleep)
        self._drafts = Drafts(self._writing, is_on=settings.drafts)
        self._downloads = Downloads(bot, has_own_server=bool(settings.base_url))
        self._typed_s: dict[str, float] = {}

    @property
    def is_token_refused(self) -> bool:
        """Whether Telegram said last that the token is not valid."""
        return self._writing.is_token_refused

    async def send(self, room: RoomAddress, reply: Reply, *, key: str) -> Sent:
        """Post a reply that one message can hold. Raises ChatError."""
        place = place_of(room)
        if self._drafts.fit(place, reply):
            sent = await self._drafts.begin(place, reply, key=key)
            if sent is not None:
                self._budget.promise(place.chat, sent.message_id)
                return sent
        rank = Rank.PLACEHOLDER if reply.stage is Stage.WAITING else Rank.FINAL
        async with self._probing.posting(place, key):
            message = await self._writing.post(
                place, shown(reply), reply_to=number_of(reply.reply_to), is_quiet=reply.is_quiet, rank=rank
            )
        self._probing.posted(place, message.message_id, key)
        if reply.stage in _GROWING:
            self._budget.promise(place.chat, str(message.message_id))
        return Sent(str(message.message_id))

    async def edit(self, room: RoomAddress, message_id: str, reply: Reply, *, key: str) -> None:  # noqa: ARG002
        """Replace a message of ours; the same text again is no error. Raises ChatError.

        What still grows finds room at once or raises Unreachable, which says when to come again. A draft takes no final
        text: Refused, and the caller sends it, as it does when a message was deleted.
        """
        place = place_of(room)
        draft = draft_of(message_id)
        if draft is not None:
            await self._edit_draft(place, message_id, draft, reply)
            return
        number = number_of(message_id)
        if number is None:
            raise Refused(f"expected a message of ours, got {message_id!r}")
        rank = Rank.PREVIEW if reply.stage in _GROWING else Rank.FINAL
        try:
            await self._writing.change(place, number, shown(reply), rank=rank)
        except Same:
            pass
        except (NoMessage, NotOurs, RoomGone):
            self._budget.keep(place.chat, message_id)
            raise
        if reply.stage in _GROWING:
            self._budget.promise(place.chat, message_id)
        else:
            self._budget.keep(place.chat, message_id)

    async def delete(self, room: RoomAddress, message_id: str) -> None:
        """Take a message back; one that is gone already is no error. Raises Refused where we may not, and Unreachable."""
        place, number = place_of(room), number_of(message_id)
        self._budget.keep(place.chat, message_id)
        if number is None:
            return  # a draft goes by itself
        try:
            await self._writing.told(self._bot.delete_message(place.chat, number))
        except NoMessage:
            return
        except Flooded as flood:
            self._budget.flood(place.chat, flood.retry_after_s or _FLOOD_S)
            raise

    async def react(self, room: RoomAddress, message_id: str, emoji: str) -> None:
        """Put one reaction on a message, where Telegram has that reaction and lets us. Never fails."""
        number = number_of(message_id)
        if emoji not in _REACTIONS or number is None:
            return
        with contextlib.suppress(ChatError):
            await self._writing.told(
                self._bot.set_message_reaction(place_of(room).chat, number, [ReactionTypeEmoji(emoji)])
            )

    async def typing(self, room: RoomAddress) -> None:
        """Show that we are at work, not more often than it goes away. Never fails."""
        now_s = self._clock()
        if now_s - self._typed_s.get(room.room, float("-inf")) < _TYPING_S:
            return
        if len(self._typed_s) >= _TYPING_ROOMS:
            self._typed_s = {one: at_s for one, at_s in self._typed_s.items() if now_s - at_s < _TYPING_S}
        self._typed_s[room.room] = now_s
        with contextlib.suppress(ChatError):
            place = place_of(room)
            await self._writing.told(
                self._bot.send_chat_action(place.chat, ChatAction.TYPING, message_thread_id=place.topic)
            )

    async def answer_callback(self, query: str, *, text: str = "") -> None:
        """Let a pressed button stop waiting, with a short notice if there is one. Never fails: it may be too late."""
        with contextlib.suppress(ChatError):
            await self._writing.told(self._bot.answer_callback_query(query, text=text[:200] or None))

    async def download(self, attachment: Attachment, *, max_bytes: int) -> bytes:
        """Fetch an attachment. Raises Refused when it is larger or gone, and Unreachable."""
        return await self._downloads.fetch(attachment, max_bytes=max_bytes)

    async def find(
        self, room: RoomAddress, reply: Reply, *, key: str, after: str | None, known: Collection[str] = ()
    ) -> Sent | None:
        """Look for a reply whose sending was interrupted; see `ChatAdapter.find`. Raises Unreachable."""
        reply_to = number_of(reply.reply_to)
        sought = Sought(
            shown(reply),
            key,
            reply_to,
            after=max(number_of(after) or 0, reply_to or 0),
            known=frozenset(number for one in known if (number := number_of(one)) is not None),
        )
        found = await self._probing.find(place_of(room), sought)
        return None if found is None else Sent(str(found))

    def saw(self, room: RoomAddress, message_id: str) -> None:
        """A message came in under this id: what we post from now on lies behind it."""
        number = number_of(message_id)
        if number is not None:
            self._probing.saw(place_of(room), number)

    async def _edit_draft(self, place: Place, message_id: str, draft: Draft, reply: Reply) -> None:
        if reply.stage not in _GROWING:
            self._budget.keep(place.chat, message_id)
            raise Refused("a draft cannot hold a final text: it must be sent")
        await self._drafts.grow(place, draft, reply)
