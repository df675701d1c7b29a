"""The line of messages that cannot be read yet, on the disk and in memory.

Only what the server shows of a message is kept: which event, of whom, when, and the name of its key.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Self

from adapters.matrix.opening import session_of
from adapters.network import AdapterState

_NOTE: Final = "waiting/"
_TOLD: Final = "unreadable/"
_DEVICE: Final = "device/"
MOST_WAITING: Final = 500
LONGEST_WAIT: Final = timedelta(days=14)
_LATELY: Final = timedelta(hours=24)

Address = tuple[str, str]
"""A room and a sender in it: in whose way of reaching us something is wrong."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that cannot be read yet. `sent_ms` is the server's time, `seen_at` ours; `number` is its place in line.

    `thread` is the root of its thread, "" for none. `maker` and `device` are what it says itself of the device that it
    is from. `is_for_us` says that its sender should know that we cannot read it, `is_before_us` that our device was new
    when it came.
    """

    event: str
    room: str
    session: str
    sender: str
    device: str
    maker: str
    thread: str
    sent_ms: int
    seen_at: str
    number: int
    is_for_us: bool
    is_before_us: bool = False
    is_told: bool = False

    @classmethod
    def seen_now(
        cls, room: str, event: Mapping[str, Any], now: datetime, *, number: int, is_for_us: bool
    ) -> Self | None:
        """What is kept of an event; None for one that no key reads, such as one that was taken back."""
        name, sender = _text(event, "event_id"), _text(event, "sender")
        if not name or not sender or not session_of(event):
            return None
        content, sent_ms = event["content"], event.get("origin_server_ts")
        relation = content.get("m.relates_to")
        is_in_thread = isinstance(relation, Mapping) and relation.get("rel_type") == "m.thread"
        return cls(
            name,
            room,
            session_of(event),
            sender,
            device=_text(content, "device_id"),
            maker=_text(content, "sender_key"),
            thread=_text(relation, "event_id") if is_in_thread else "",
            sent_ms=sent_ms if isinstance(sent_ms, int) else 0,
            seen_at=now.isoformat(),
            number=number,
            is_for_us=is_for_us,
        )

    @classmethod
    def read(cls, kept: Any) -> Self | None:
        """One as it was kept, None when it is something else."""
        try:
            return cls(**kept)
        except TypeError:
            return None

    @property
    def seen(self) -> datetime:
        """When it came."""
        return datetime.fromisoformat(self.seen_at)

    @property
    def address(self) -> Address:
        """Its room and its sender."""
        return self.room, self.sender


class Unread:
    """The messages of one account that wait, and who was told of it and has not been read since."""

    def __init__(self, state: AdapterState) -> None:
        self._state = state
        self._waiting: dict[str, Waiting] | None = None
        self._told: set[Address] = set()
        self._new_device = ""

    async def begin(self, device: str) -> None:
        """Know what waits, and whether our device is new: what comes with its first sync was not written for it.

        No clock could tell: ours and the server's may differ.
        """
        await self._all()
        self._new_device = device if await self._state.get(_DEVICE + device) is None else ""

    async def acknowledged(self) -> None:
        """A sync is stored: our device is new no longer."""
        device, self._new_device = self._new_device, ""
        if device:
            await self._state.put(_DEVICE + device, value=True)

    async def in_order(self) -> list[Waiting]:
        """All that wait, oldest first."""
        return sorted((await self._all()).values(), key=lambda one: one.number)

    async def add(self, room: str, event: Mapping[str, Any], now: datetime, *, is_for_us: bool) -> None:
        """Keep an event durably, once; too many and too old ones are let go."""
        waiting = await self._all()
        number = 1 + max((each.number for each in waiting.values()), default=0)
        made = Waiting.seen_now(room, event, now, number=number, is_for_us=is_for_us)
        if made is None or made.event in waiting:
            return
        one = waiting[made.event] = replace(made, is_before_us=self._new_device != "")
        await self._state.put(_NOTE + one.event, asdict(one))
        in_order = await self.in_order()
        too_many = in_order[: max(0, len(in_order) - MOST_WAITING)]
        for old in {*too_many, *(each for each in in_order if now - each.seen > LONGEST_WAIT)}:
            await self.drop(old.event)

    async def drop(self, event: str) -> None:
        """Wait for an event no longer."""
        (await self._all()).pop(event, None)
        await self._state.drop(_NOTE + event)

    async def tell(self, event: str) -> None:
        """Remember that the grace of an event is over, and its sender was told if it is for us."""
        waiting = await self._all()
        if event not in waiting:
            return
        one = waiting[event] = replace(waiting[event], is_told=True)
        await self._state.put(_NOTE + event, asdict(one))
        if one.is_for_us and one.address not in self._told:
            self._told.add(one.address)
            await self._state.put(_told_key(one.address), list(one.address))

    async def can_read(self, address: Address) -> None:
        """Remember that a sender in a room can be read (again)."""
        await self._all()
        if address in self._told:
            self._told.discard(address)
            await self._state.drop(_told_key(address))

    def knows(self, address: Address) -> bool:
        """Whether a sender in a room was told, and has not been read since."""
        return address in self._told

    def lately(self, now: datetime) -> int:
        """How many of the last 24 hours wait still, of those that were looked at."""
        return sum(now - one.seen < _LATELY for one in (self._waiting or {}).values())

    async def _all(self) -> dict[str, Waiting]:
        if self._waiting is None:
            kept = [Waiting.read(value) for value in (await self._state.under(_NOTE)).values()]
            told = (await self._state.under(_TOLD)).values()
            self._told = {(str(room), str(sender)) for room, sender in told}
            self._waiting = {one.event: one for one in kept if one is not None}
        return self._waiting


def _text(said: Any, name: str) -> str:
    """The text under a name, "" when something else is there."""
    found = said.get(name) if isinstance(said, Mapping) else None
    return found if isinstance(found, str) else ""


def _told_key(address: Address) -> str:
    return f"{_TOLD}{address[0]} {address[1]}"
