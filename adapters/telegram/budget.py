"""What may go out when: one budget for each chat, which messages and edits share, and one for the whole bot.

Telegram counts both together: 20 a minute in a group, about one a second in a private chat, 30 a second in all. What it
refuses for that it answers with 429 and a pause that may be long, so it must not come to that: final texts, notices and
placeholders wait for their turn, and previews go only where all of the others surely find room.
"""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from adapters.chat import Unreachable
from adapters.telegram.window import Window
from config.telegram import Telegram

_MINUTE_S: Final = 60.0
_BURST_S: Final = 5.0  # what a private chat may get in this time may come at once
_LONGER_S: Final = 0.1  # than the network's span is ours: its clock is another
_SECOND_S: Final = 1.0
_PATIENCE_S: Final = 3.0  # whoever must wait longer is told so, and holds nobody up meanwhile
_LOOK_AGAIN_S: Final = 0.25  # somebody before us may have gone
_SHORTEST_S: Final = 0.001
_AHEAD: Final = 4  # places kept from previews for two questions that nobody has asked yet: placeholder and final text
_PROMISE_S: Final = 900.0  # no answer takes longer; a placeholder that stands longer was forgotten
_MANY_CHATS: Final = 500
_GLOBAL_CHATS: Final = 3  # so many chats flooded within
_GLOBAL_WITHIN_S: Final = 2.0  # this: then all of them are
_GLOBAL_PAUSE_S: Final = 30.0


class Rank(IntEnum):
    """Who goes first."""

    FINAL = 0  # final texts, failures and notices
    PLACEHOLDER = 1
    PREVIEW = 2  # never waits


@dataclass(slots=True)
class Granted:
    """A turn; it does not count in its chat when it came to nothing that the network counts there."""

    counts: bool = True


@dataclass(slots=True)
class _Chat:
    """One chat's window, the placeholders in it that will become final texts, and when its last previews went."""

    window: Window
    promised: dict[str, float] = field(default_factory=dict)  # message id: until when it counts
    previews: deque[float] = field(default_factory=deque)

    def promises(self, now_s: float) -> int:
        """How many final texts are still to come."""
        for message in [message for message, until_s in self.promised.items() if until_s <= now_s]:
            del self.promised[message]
        return len(self.promised)

    def preview_wait_s(self, now_s: float) -> float:
        """Seconds until a preview may go, 0 for now.

        Every running answer needs its final text; what is left is for previews, the first of them soon after each
        other, the later ones spread over the window.
        """
        while self.previews and self.previews[0] + self.window.span_s <= now_s:
            self.previews.popleft()
        promises = self.promises(now_s)
        ahead = min(_AHEAD, self.window.most // 4)
        others = self.window.used(now_s) - len(self.previews)
        spare = max(1, self.window.most - others - promises - ahead)
        last_s = self.previews[-1] if self.previews else float("-inf")
        gap_s = self.window.span_s / spare * min(1.0, 2 * len(self.previews) / spare)
        free_s = self.window.wait_s(now_s, before=self.window.waiting + promises + ahead)
        return max(free_s, last_s + gap_s - now_s)


class Budget:
    """Grants turns. `clock` counts seconds, `sleep` waits for some."""

    def __init__(
        self, settings: Telegram, *, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._chats: dict[int, _Chat] = {}
        self._all = Window(settings.messages_per_second, _SECOND_S)
        self._floods: deque[tuple[float, int]] = deque()

    @asynccontextmanager
    async def turn(self, chat: int, rank: Rank) -> AsyncIterator[Granted]:
        """Wait for one message's or edit's turn, and count it.

        Raises Unreachable, which says when to come again, for a preview that finds no room now, and for anything else
        that would have to wait longer than a few seconds.
        """
        one = self._chat(chat)
        await self._admit(one, rank)
        granted = Granted()
        one.window.begin()
        try:
            await self._admit_in_all(rank)
            if rank is Rank.PREVIEW:
                one.previews.append(self._clock())
            yield granted
        finally:
            one.window.end(self._clock(), counts=granted.counts)

    def promise(self, chat: int, message: str) -> None:
        """A placeholder stands: a final text will come in its place, and finds room."""
        self._chat(chat).promised[message] = self._clock() + _PROMISE_S

    def keep(self, chat: int, message: str) -> None:
        """The final text has come, or never will."""
        if chat in self._chats:
            self._chats[chat].promised.pop(message, None)

    def flood(self, chat: int, wait_s: float) -> None:
        """The network asked us to wait: in this chat, and everywhere when it asks so in several chats at once."""
        now_s = self._clock()
        wait_s += _LONGER_S
        self._chat(chat).window.flood(now_s, wait_s)
        self._floods.append((now_s, chat))
        while self._floods[0][0] + _GLOBAL_WITHIN_S < now_s:
            self._floods.popleft()
        if len({flooded for _, flooded in self._floods}) >= _GLOBAL_CHATS:
            self._all.flood(now_s, min(wait_s, _GLOBAL_PAUSE_S))
            self._floods.clear()

    def went_well(self, chat: int) -> None:
        """The network took a message."""
        self._chat(chat).window.went_well()
        self._all.went_well()

    def _chat(self, chat: int) -> _Chat:
        if chat not in self._chats:
            if len(self._chats) >= _MANY_CHATS:
                self._forget_idle()
            self._chats[chat] = _Chat(self._window(chat))
        return self._chats[chat]

    def _window(self, chat: int) -> Window:
        if chat < 0:
            return Window(self._settings.group_messages_per_minute, _MINUTE_S + _LONGER_S)
        per_minute = self._settings.chat_messages_per_minute
        most = max(1, int(per_minute * _BURST_S / _MINUTE_S))
        return Window(most, most * _MINUTE_S / per_minute + _LONGER_S)

    def _forget_idle(self) -> None:
        now_s = self._clock()
        for chat, one in list(self._chats.items()):
            if one.window.is_idle(now_s) and not one.promises(now_s):
                del self._chats[chat]

    async def _admit(self, one: _Chat, rank: Rank) -> None:
        if rank is not Rank.PREVIEW:
            await self._stand_in_line(one.window, rank, one)
            return
        now_s = self._clock()
        wait_s = max(one.preview_wait_s(now_s), self._all.pause_s(now_s))
        is_crowded = self._all.waiting > 0 or self._all.left(now_s) <= self._all.most // 2
        if wait_s > 0 or is_crowded:
            raise Unreachable("no room for a preview now", retry_after_s=max(wait_s, _LOOK_AGAIN_S))

    async def _admit_in_all(self, rank: Rank) -> None:
        if rank is not Rank.PREVIEW:
            await self._stand_in_line(self._all, rank)
        self._all.begin()
        self._all.end(self._clock())  # the setting leaves room below what Telegram allows: so its beginning may count

    async def _stand_in_line(self, window: Window, rank: Rank, one: _Chat | None = None) -> None:
        """Wait for one's turn. A placeholder leaves room for the final texts that are promised already.

        Old promises may be broken ones, so they hold at most half of the places.
        """
        turn = window.join(rank)
        patience_ends_s = self._clock() + _PATIENCE_S
        try:
            while True:
                now_s = self._clock()
                promises = one.promises(now_s) if one is not None and rank is Rank.PLACEHOLDER else 0
                wait_s = window.wait_s(now_s, before=window.before(turn) + min(promises, window.most // 2))
                if wait_s <= 0:
                    return
                if now_s + wait_s > patience_ends_s:
                    raise Unreachable(
                        f"expected room within a minute's limit, got {wait_s:.0f} s to wait", retry_after_s=wait_s
                    )
                await self._sleep(min(max(wait_s, _SHORTEST_S), _LOOK_AGAIN_S))
        finally:
            window.leave(turn)
