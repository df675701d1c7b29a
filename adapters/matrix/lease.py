"""Which installation answers for the account: a note in the account's data on the server that its holder renews.

Two that answer at once would answer everything twice, and share a device whose keys only one of them has. Ages are those
that we measure ourselves between two looks, so no clock is compared with another.

Of two installations the later one waits while it sees the other's note change. The same installation, started again
after a crash, goes on at once; so a copy of it would, too, and is told by its number: each start counts one further, and
of two that both run, the one with the lower number was first and puts its note back.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Protocol, Self

from adapters.chat import ChatError, Unreachable
from adapters.matrix.client import part
from adapters.matrix.faults import NotThere
from adapters.network import AdapterState

KIND: Final = "org.roomwise.running"
_STATE: Final = "lease"
RENEW_S: Final = 30.0
MISSED: Final = 3  # renewals in a row, and a note is stale


class Server(Protocol):
    """Asks the homeserver, as `adapters.matrix.client.Client` does."""

    @property
    def user(self) -> str:
        """Our whole user id."""

    @property
    def device(self) -> str:
        """Our device."""

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Its JSON. Raises ChatError."""


class Occupied(Unreachable):
    """Another installation answers for the account; nothing happened."""


@dataclass(frozen=True, slots=True)
class Note:
    """Who answers: an installation, which start of it, how often it was renewed, and where its sync stood then.

    One that `is_over` was left by an installation that has stopped.
    """

    installation: str
    start: int = 0
    beat: int = 0
    cursor: str = ""
    is_over: bool = False

    @classmethod
    def read(cls, content: Any) -> Self | None:
        """The note that account data holds, None when it is empty or of another shape."""
        if not isinstance(content, Mapping) or not isinstance(content.get("installation"), str):
            return None
        start, beat = content.get("start"), content.get("beat")
        if not isinstance(start, int) or not isinstance(beat, int):
            return None
        cursor = content.get("cursor")
        return cls(
            content["installation"],
            start,
            beat,
            cursor=cursor if isinstance(cursor, str) else "",
            is_over=content.get("is_over") is True,
        )

    def is_of(self, other: "Note") -> bool:
        """Whether it is a note of the same start of the same installation."""
        return (self.installation, self.start) == (other.installation, other.start)

    def yields_to(self, seen: "Note | None") -> bool:
        """Whether whoever wrote this must stop once it sees another note in its place."""
        if seen is None or self.is_of(seen):
            return False
        return seen.installation != self.installation or seen.start < self.start


class Lease:
    """Our claim to be the one that answers. `renew_s` is between two renewals.

    `cursor` is where our sync stands.
    """

    def __init__(
        self,
        server: Server,
        state: AdapterState,
        *,
        renew_s: float = RENEW_S,
        elapsed_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = server
        self._state = state
        self._renew_s = renew_s
        self._elapsed_s = elapsed_s
        self._ours: Note | None = None
        self._seen: tuple[Note, float] | None = None
        self._renewed_s = 0.0
        self._renewing = asyncio.Lock()
        self.cursor = ""
        self._behind = ""

    @property
    def is_behind(self) -> bool:
        """Whether the server counted more starts of this installation than we remembered: we are an older copy of it.

        Known once it was taken, and for as long as we have the same device, whose keys are older than their use then.
        """
        return self._behind != "" and self._behind == self._server.device

    @property
    def is_held(self) -> bool:
        """Whether we may answer: it is ours, and was renewed lately, so that nobody can have taken our place."""
        return self._ours is not None and self._elapsed_s() - self._renewed_s < MISSED * self._renew_s

    def expect_held(self) -> None:
        """Raise Occupied, or Unreachable while it is not known who answers."""
        if self._seen is not None:
            raise Occupied(_TAKEN, retry_after_s=self._renew_s)
        if not self.is_held:
            raise Unreachable("not connected yet")

    async def take(self) -> str:
        """Become the one that answers, or see to it that we still are.

        Returns where the sync of another installation stood whose place we take, "" when there was none. Raises
        Occupied while another is alive or may be, with the time after which to try again, and ChatError.
        """
        if self._ours is not None:
            await self.renew()
            return ""
        own = await self._own()
        found = await self._look()
        is_others = found is not None and (found.installation != own.installation or self._seen is not None)
        if found is not None and is_others and not found.is_over:
            self._expect_stale(found)
        start = found.start if found is not None and found.installation == own.installation else 0
        if start > own.start:
            self._behind = self._server.device
        ours = replace(own, start=max(start, own.start) + 1)
        kept = {"installation": ours.installation, "start": ours.start, "behind": self._behind}
        await self._state.put(_STATE, kept)  # by the same write as the new count, which hides it from the next start
        await self._write(ours)
        self._ours, self._seen = ours, None
        return found.cursor if found is not None and is_others else ""

    async def renew(self) -> None:
        """Renew it when it is time. Raises Occupied when it was lost, and ChatError; then it still is ours."""
        async with self._renewing:
            await self._renew()

    async def _renew(self) -> None:
        ours = self._ours
        if ours is None or self._elapsed_s() - self._renewed_s < self._renew_s / 2:
            return
        found = await self._look()
        if found is not None and ours.yields_to(found):
            self._ours = None
            self._seen = (found, self._elapsed_s())
            raise Occupied(_TAKEN, retry_after_s=self._renew_s)
        renewed = replace(ours, beat=ours.beat + 1, cursor=self.cursor)
        await self._write(renewed)
        if self._ours is not None:  # else it was released meanwhile
            self._ours = renewed

    async def run(self) -> None:
        """Renew it until it is lost or released. What fails is tried again."""
        while self._ours is not None:
            await asyncio.sleep(self._renew_s)
            with suppress(ChatError):
                await self.renew()

    async def release(self) -> None:
        """Leave our place to whoever wants it. Raises ChatError."""
        ours, self._ours = self._ours, None
        if ours is not None:
            async with self._renewing:  # what is on its way must not come last
                await self._write(replace(ours, cursor=self.cursor, is_over=True))

    def _expect_stale(self, found: Note) -> None:
        """Raise Occupied unless the same note has been seen for so long that its writer is not alive."""
        now_s = self._elapsed_s()
        if self._seen is None or self._seen[0] != found:
            self._seen = (found, now_s)
        waits_s = self._seen[1] + MISSED * self._renew_s - now_s
        if waits_s > 0:
            raise Occupied(_TAKEN, retry_after_s=min(waits_s, self._renew_s))

    async def _own(self) -> Note:
        kept = await self._state.get(_STATE)
        known = Note.read({"beat": 0, **kept}) if isinstance(kept, Mapping) else None
        if isinstance(kept, Mapping):
            self._behind = str(kept.get("behind") or "")
        if known is None:
            known = Note(secrets.token_hex(8))
            await self._state.put(_STATE, {"installation": known.installation, "start": 0})
        return known

    async def _look(self) -> Note | None:
        try:
            return Note.read(await self._server.call("GET", self._path()))
        except NotThere:
            return None

    async def _write(self, note: Note) -> None:
        await self._server.call("PUT", self._path(), asdict(note))
        self._renewed_s = self._elapsed_s()

    def _path(self) -> str:
        return f"/user/{part(self._server.user)}/account_data/{KIND}"


_TAKEN: Final = (
    "another running installation of Roomwise answers for this account: stop it, or give one another account"
)
