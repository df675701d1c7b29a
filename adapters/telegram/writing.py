"""The calls that Telegram counts, each in its turn: posting, changing and drafting a text."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from telegram import Bot, InlineKeyboardMarkup, LinkPreviewOptions, Message, MessageEntity, ReplyParameters

from adapters.chat import Refused, RoomAddress
from adapters.telegram.budget import Budget, Rank
from adapters.telegram.faults import Flooded, NoMessage, NotOurs, TokenRefused, ask
from adapters.telegram.parts import Outgoing

T = TypeVar("T")

_NO_PREVIEW: Final = LinkPreviewOptions(is_disabled=True)
_FIRST_SUPERGROUP: Final = -1_000_000_000_000  # supergroups and channels have ids below
_FLOOD_S: Final = 1.0
_ADDRESS: Final = re.compile(r"(-?[0-9]{1,18})(?:/([0-9]{1,18}))?")
_NUMBER: Final = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Place:
    """A chat, and the topic in it. A forum's General topic is the chat itself: nothing may name it."""

    chat: int
    topic: int | None = None

    @property
    def is_private(self) -> bool:
        """Whether it is a chat with one person."""
        return self.chat > 0

    @property
    def has_own_ids(self) -> bool:
        """Whether messages are numbered by this chat; elsewhere one row of numbers serves all chats of the bot."""
        return self.chat < _FIRST_SUPERGROUP


def place_of(room: RoomAddress) -> Place:
    """Read a room's address, "CHAT" or "CHAT/TOPIC". Raises Refused for any other."""
    match = _ADDRESS.fullmatch(room.room)
    if match is None:
        raise Refused(f"expected a chat of Telegram, got {room.room!r}")
    return Place(int(match[1]), int(match[2]) if match[2] else None)


def number_of(message_id: str | None) -> int | None:
    """A message's id as Telegram has it; None for what is none."""
    return int(message_id) if message_id is not None and _NUMBER.fullmatch(message_id) else None


class Writing:
    """Writes texts. A flood makes its chat wait, and what was refused for it is written as soon as it may be."""

    def __init__(self, bot: Bot, budget: Budget) -> None:
        self._bot = bot
        self._budget = budget
        self.is_token_refused = False

    async def post(
        self, place: Place, outgoing: Outgoing, *, reply_to: int | None, is_quiet: bool, rank: Rank
    ) -> Message:
        """Post a message. Raises ChatError."""
        return await self.counted(
            place.chat,
            rank,
            lambda: self._bot.send_message(
                place.chat,
                outgoing.text,
                message_thread_id=place.topic,
                entities=_entities(outgoing),
                reply_markup=_keyboard(outgoing),
                reply_parameters=ReplyParameters(reply_to, allow_sending_without_reply=True) if reply_to else None,
                link_preview_options=_NO_PREVIEW,
                disable_notification=is_quiet,
            ),
        )

    async def change(self, place: Place, message: int, outgoing: Outgoing, *, rank: Rank) -> Message | None:
        """Give a message of ours another text and other buttons, or none; returns it as it stands now, if that is told.

        Raises ChatError, of which Same means that it stands there already.
        """
        changed = await self.counted(
            place.chat,
            rank,
            lambda: self._bot.edit_message_text(
                outgoing.text,
                place.chat,
                message,
                entities=_entities(outgoing),
                reply_markup=_keyboard(outgoing),
                link_preview_options=_NO_PREVIEW,
            ),
        )
        return changed if isinstance(changed, Message) else None

    async def draft(self, place: Place, draft: int, outgoing: Outgoing, *, rank: Rank) -> None:
        """Show a text as being written, in a private chat. Raises ChatError."""
        await self.counted(
            place.chat,
            rank,
            lambda: self._bot.send_message_draft(
                place.chat, draft, outgoing.text, message_thread_id=place.topic, entities=_entities(outgoing)
            ),
        )

    async def counted(self, chat: int, rank: Rank, call: Callable[[], Awaitable[T]]) -> T:
        """Do what counts as a message in a chat, when its turn comes. Raises ChatError.

        After a flood it waits like everything else in the chat, and raises Unreachable when that takes long. An edit of
        what is not there, or not ours, does not count: the Bot API server looks the message up first, and answers by
        itself (check_message in tdlib/telegram-bot-api), so that Telegram never sees an edit. It does see the look-up, and
        may answer that with a flood as well: so these calls, too, count within the second that all chats share.
        """
        while True:
            async with self._budget.turn(chat, rank) as granted:
                try:
                    result = await self.told(call())
                except Flooded as flood:
                    self._budget.flood(chat, flood.retry_after_s or _FLOOD_S)
                    continue
                except (NoMessage, NotOurs):
                    granted.counts = False
                    raise
                self._budget.went_well(chat)
                return result

    async def told(self, call: Awaitable[T]) -> T:
        """Wait for a call, and notice when the token is not valid any more. Raises ChatError."""
        try:
            result = await ask(call)
        except TokenRefused:
            self.is_token_refused = True
            raise
        self.is_token_refused = False
        return result


def _entities(outgoing: Outgoing) -> list[MessageEntity] | None:
    return [MessageEntity.de_json(dict(one), None) for one in outgoing.entities] or None


def _keyboard(outgoing: Outgoing) -> InlineKeyboardMarkup | None:
    if not outgoing.keyboard:
        return None
    rows: dict[str, Any] = {"inline_keyboard": outgoing.keyboard}
    return InlineKeyboardMarkup.de_json(rows, None)
