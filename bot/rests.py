"""When hosts are left alone: their limits and outages, by host and credential, kept over a restart."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from adapters.forge import Allowance, Forge
from bot.rounds import key_of
from bot.state.database import Database
from bot.state.queries import pauses

OUTAGE: Final = "outage"
_FIRST_S: Final = 15.0
LONGEST_REST_S: Final = 3600.0
# A rest that ends later than any host asks for was written while a clock was wrong.
_MOST_BELIEVED_S: Final = 2 * LONGEST_REST_S


class Rests:
    """Knows which hosts are not to be asked now. A host that does not answer rests twice as long each time, up to 1 h.

    An outage is of the host, not of its sources: they stay due meanwhile, and are asked together once it answers.
    """

    def __init__(self, db: Database, forge: Callable[[str], Forge | None], clock: Callable[[], datetime]) -> None:
        self._db = db
        self._forge = forge
        self._clock = clock
        self._known: dict[str, Allowance] = {}
        self._strikes: Counter[str] = Counter()
        self._is_restored = False

    async def restore(self) -> None:
        """Take up, once, what was known before a restart, so that nothing is asked during a pause."""
        if self._is_restored:
            return
        self._is_restored = True
        for allowance in await self._db.read(pauses.list_all):
            self._known[allowance.key] = allowance
            host, _, credential = allowance.key.partition(" ")
            if credential and (forge := self._forge(host)) is not None:
                forge.restore(allowance if self.is_resting(allowance.key) else _unpaused(allowance))

    def is_resting(self, key: str) -> bool:
        """Say whether a host and credential may not be asked now."""
        known = self._known.get(key)
        if known is None or known.paused_until is None:
            return False
        return 0 < (known.paused_until - self._clock()).total_seconds() <= _MOST_BELIEVED_S

    async def went_well(self, host: str, credential: str = "") -> None:
        """A host has answered: its outage is over. What it lets us do is kept when it has changed."""
        key = key_of(host, credential)
        self._strikes.pop(key, None)
        said = self._said(host, credential)
        if said is None and key not in self._known:
            return  # nothing is known of a host that tells nothing and never was away
        await self._keep(said or Allowance(key))

    async def failed(self, host: str, credential: str = "", *, retry_after_s: float | None = None) -> None:
        """A host said nothing, or that we ask too much: leave it alone for as long as it says, or as its strikes tell."""
        key, now = key_of(host, credential), self._clock()
        said = self._said(host, credential)
        if said is None or said.paused_until is None or said.paused_until <= now:
            doubled_s = min(_FIRST_S * 2.0 ** min(self._strikes[key], 10), LONGEST_REST_S)
            self._strikes[key] += 1
            until = now + timedelta(seconds=max(doubled_s, retry_after_s or 0.0))
            said = replace(said or Allowance(key), paused_until=until, reason=OUTAGE)
        await self._keep(said)

    def _said(self, host: str, credential: str) -> Allowance | None:
        forge = self._forge(host) if credential else None
        return replace(forge.allowance(credential), key=key_of(host, credential)) if forge is not None else None

    async def _keep(self, allowance: Allowance) -> None:
        if self._known.get(allowance.key) == allowance:
            return
        self._known[allowance.key] = allowance
        now = self._clock()
        await self._db.write(lambda session: pauses.keep(session, allowance, now=now))


def _unpaused(allowance: Allowance) -> Allowance:
    return replace(allowance, paused_until=None, reason="")
