"""Who may send next: finals first, then command replies, placeholders, previews, reactions. Pure; times are seconds.

The server counts all that an account sends in all rooms, and refuses what is too much. So there is one line for all,
and a bucket as the server has one: `burst` tokens, of which `per_second` come back. What may be dropped never waits: a
preview goes only while every answer that has begun still finds room for its final text, or else not at all.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

_AHEAD: Final = 2  # tokens kept for a question that nobody has asked yet: placeholder and final text
_PROMISE_S: Final = 900.0  # no answer takes longer; a placeholder that stands longer was forgotten
_SHORTEST_S: Final = 0.25
_LEAST_FLOOD_S: Final = 0.5
_MOST_ROOMS: Final = 1_000
_ROUNDING: Final = 1e-9  # of a token, which sums of fractions may miss


class Rank(IntEnum):
    """Who goes first."""

    FINAL = 0  # final texts and failures
    NOTICE = 1  # replies to commands, and what is taken back
    PLACEHOLDER = 2
    PREVIEW = 3  # dropped where there is no room
    REACTION = 4  # likewise


@dataclass(eq=False, slots=True)
class Ticket:
    """A place in the line. `goes` once it is granted; `message` is the one that is edited, "" for none."""

    rank: Rank
    room: str
    message: str
    number: int
    goes: bool = False


@dataclass
class Line:
    """The line of one account. A room sends one thing at a time, so that nothing in it is overtaken."""

    burst: int
    per_second: float
    _level: float = field(init=False)
    _filled_s: float = field(init=False, default=float("-inf"))
    _waiting: list[Ticket] = field(init=False, default_factory=list)
    _busy: set[str] = field(init=False, default_factory=set)
    _served: dict[str, int] = field(
        init=False, default_factory=dict
    )  # by room: the latest number that it was served at
    _promised: dict[str, float] = field(init=False, default_factory=dict)  # by message: until when it counts
    _previews: dict[str, int] = field(init=False, default_factory=dict)  # by message
    _number: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._level = float(self.burst)

    def join(self, rank: Rank, room: str, *, message: str = "") -> Ticket:
        """Stand in line; `grant` says when it is one's turn."""
        self._number += 1
        ticket = Ticket(rank, room, message, self._number)
        self._waiting.append(ticket)
        return ticket

    def try_now(self, rank: Rank, room: str, now_s: float, *, message: str = "") -> Ticket | float:
        """A ticket that goes at once, for what may be dropped; else the seconds after which it is worth another try."""
        wait_s = self._drop_wait_s(rank, room, now_s)
        if wait_s > 0:
            return max(wait_s, _SHORTEST_S)
        ticket = self.join(rank, room, message=message)
        self._go(ticket)
        if rank is Rank.PREVIEW:
            self._previews[message] = self._previews.get(message, 0) + 1
        return ticket

    def grant(self, now_s: float) -> list[Ticket]:
        """Let go all whose turn it is; they hold their rooms until `done`."""
        granted: list[Ticket] = []
        while (ticket := self._next(now_s)) is not None:
            self._go(ticket)
            granted.append(ticket)
        return granted

    def wait_s(self, now_s: float) -> float | None:
        """Seconds until a token comes for somebody who waits for one; None when only a room's end helps, or nobody waits."""
        heads = [ticket for ticket in self._waiting if ticket.room not in self._busy]
        if not heads:
            return None
        needed = min(self._needed(ticket, now_s) for ticket in heads)
        return max(_SHORTEST_S / 10, (needed - self._tokens(now_s)) / self.per_second)

    def expected_s(self, ticket: Ticket, now_s: float) -> float:
        """Seconds that a ticket has to wait for tokens at least, those before it served."""
        before = sum(1 for other in self._waiting if _order(other, self._served) < _order(ticket, self._served))
        return max(0.0, (before + self._needed(ticket, now_s) - self._tokens(now_s)) / self.per_second)

    def leave(self, ticket: Ticket) -> None:
        """Go away without having sent anything; what was granted is given back."""
        if ticket in self._waiting:
            self._waiting.remove(ticket)
        elif ticket.goes:
            self._level = min(float(self.burst), self._level + 1)
            self.done(ticket)

    def done(self, ticket: Ticket) -> None:
        """What the ticket was for has been sent, or has failed after it left us."""
        ticket.goes = False
        self._busy.discard(ticket.room)

    def flood(self, ticket: Ticket, now_s: float, retry_after_s: float) -> None:
        """The server refused it, since it was too much. The ticket stands in line again, in its old place."""
        wait_s = max(retry_after_s, _LEAST_FLOOD_S)
        self._tokens(now_s)
        self._level = 1 - wait_s * self.per_second  # so that there is one token when the server has one
        self.done(ticket)
        self._served.pop(ticket.room, None)
        if ticket.rank < Rank.PREVIEW:
            self._waiting.append(ticket)

    def promise(self, message: str, now_s: float) -> None:
        """A placeholder stands: a final text will come in its place, and finds room."""
        self._promised[message] = now_s + _PROMISE_S

    def keep(self, message: str) -> None:
        """The final text has come, or never will."""
        self._promised.pop(message, None)
        self._previews.pop(message, None)

    def previews_of(self, message: str) -> int:
        """How many previews of a message have gone out."""
        return self._previews.get(message, 0)

    def _promises(self, now_s: float) -> int:
        for message in [message for message, until_s in self._promised.items() if until_s <= now_s]:
            self.keep(message)
        return len(self._promised)

    def _drop_wait_s(self, rank: Rank, room: str, now_s: float) -> float:
        if room in self._busy or self._waiting:
            return _SHORTEST_S
        ahead = min(_AHEAD, self.burst // 4) + (1 if rank is Rank.REACTION else 0)
        needed = 1 + self._promises(now_s) + ahead
        return (min(needed, self.burst) - self._tokens(now_s) - _ROUNDING) / self.per_second

    def _next(self, now_s: float) -> Ticket | None:
        free = [ticket for ticket in self._waiting if ticket.room not in self._busy]
        first = min(free, key=lambda ticket: _order(ticket, self._served), default=None)
        if first is None or self._tokens(now_s) + _ROUNDING < self._needed(first, now_s):
            return None
        return first

    def _needed(self, ticket: Ticket, now_s: float) -> float:
        """How many tokens must be there. Old promises may be broken ones, so they hold at most half of the bucket."""
        if ticket.rank < Rank.PLACEHOLDER:
            return 1.0
        return 1.0 + min(self._promises(now_s), self.burst // 2)

    def _go(self, ticket: Ticket) -> None:
        self._waiting.remove(ticket)
        self._level -= 1
        self._busy.add(ticket.room)
        self._number += 1
        self._served.pop(ticket.room, None)
        self._served[ticket.room] = self._number
        if len(self._served) > _MOST_ROOMS:
            del self._served[next(iter(self._served))]
        ticket.goes = True

    def _tokens(self, now_s: float) -> float:
        if now_s > self._filled_s:
            if self._filled_s > float("-inf"):
                self._level = min(float(self.burst), self._level + (now_s - self._filled_s) * self.per_second)
            self._filled_s = now_s
        return self._level


def _order(ticket: Ticket, served: dict[str, int]) -> tuple[int, int, int]:
    """By rank; among equals the room first that was served longest ago; in a room as they came."""
    return (ticket.rank, served.get(ticket.room, 0), ticket.number)
