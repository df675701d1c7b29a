"""Looks in a room for a message of ours whose sending was cut off, and keeps a note of what may be under way.

A server keeps transaction ids for a while only (Synapse for a day, others until they restart), and each device has its
own. So what may have been sent before is looked for before it is sent again: by the transaction id that the server
gives back to the device that sent, and by our own mark, which every device of ours can read.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.chat import Unreachable
from adapters.matrix.client import part
from adapters.matrix.posting import MARK, Server
from adapters.matrix.surroundings import Clock
from adapters.network import AdapterState

_NOTE: Final = "out/"
_PAGE: Final = 100
_MOST_PAGES: Final = 20
_MARGIN: Final = timedelta(hours=24)  # the server's clock is another
_SURE_FOR: Final = timedelta(minutes=15)
_FORGOTTEN_AFTER: Final = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Tried:
    """What may stand in a room already: when that was first tried, under which transaction ids, the latest last."""

    at: datetime
    txns: tuple[str, ...]

    def is_sure(self, txn: str, now: datetime) -> bool:
        """Whether every server still knows that this is the same, so that sending it again makes no second message."""
        return self.txns == (txn,) and timedelta(0) <= now - self.at < _SURE_FOR


class Looking:
    """The notes and looks of one account."""

    def __init__(self, server: Server, state: AdapterState, clock: Clock) -> None:
        self._server = server
        self._state = state
        self._clock = clock
        self._is_tidy = False

    async def note(self, key: str, txn: str) -> Tried | None:
        """Write down that something is about to be sent; gives what was tried before."""
        await self._tidy()
        tried = await self.tried(key)
        txns = (*(one for one in tried.txns if one != txn), txn) if tried else (txn,)
        if tried is None or tried.txns != txns:
            at = tried.at if tried else self._clock()
            await self._state.put(_NOTE + key, {"at": at.isoformat(), "txns": list(txns)})
        return tried

    async def tried(self, key: str) -> Tried | None:
        """What was tried under a key and has not come to a known end."""
        return _read(await self._state.get(_NOTE + key))

    async def settle(self, key: str) -> None:
        """It is known what came of it."""
        await self._state.drop(_NOTE + key)

    async def find(self, room: str, tried: Tried) -> tuple[bool, str | None]:
        """Whether it can be told that something stands in a room, and its event id. Raises ChatError.

        All that we said there is read back to the time of the first try; a room where that is too much tells nothing.
        """
        query = {"dir": "b", "limit": str(_PAGE), "filter": _filter(self._server.user)}
        for _ in range(_MOST_PAGES):
            said = await self._server.call("GET", f"/rooms/{part(room)}/messages", query=query)
            events, end = _page(said)
            found = next((event for event in events if _is_sought(event, tried.txns)), None)
            if found is not None:
                return True, str(found["event_id"])
            if end is None or any(_is_before(event, tried.at - _MARGIN) for event in events):
                return True, None
            query["from"] = end
        return False, None

    async def _tidy(self) -> None:
        """Drop, once, the notes of what was given up."""
        if self._is_tidy:
            return
        self._is_tidy = True
        for key, value in (await self._state.under(_NOTE)).items():
            tried = _read(value)
            if tried is None or self._clock() - tried.at > _FORGOTTEN_AFTER:
                await self._state.drop(key)


def _read(value: Any) -> Tried | None:
    if not isinstance(value, Mapping):
        return None
    return Tried(datetime.fromisoformat(value["at"]), tuple(value["txns"]))


def _filter(user: str) -> str:
    return json.dumps({"senders": [user], "types": ["m.room.message", "m.room.encrypted"], "lazy_load_members": True})


def _page(said: Any) -> tuple[Sequence[Mapping[str, Any]], str | None]:
    """The events of a page, newest first, and where the next begins."""
    if not isinstance(said, Mapping) or not isinstance(said.get("chunk"), list):
        raise Unreachable("what answers sent no page of messages")
    end = said.get("end")
    events = [event for event in said["chunk"] if isinstance(event, Mapping) and event.get("event_id")]
    return events, end if isinstance(end, str) else None


def _is_sought(event: Mapping[str, Any], txns: Sequence[str]) -> bool:
    unsigned, content = event.get("unsigned"), event.get("content")
    named = {
        unsigned.get("transaction_id") if isinstance(unsigned, Mapping) else None,
        content.get(MARK) if isinstance(content, Mapping) else None,
    }
    return not named.isdisjoint(txns)


def _is_before(event: Mapping[str, Any], moment: datetime) -> bool:
    sent_ms = event.get("origin_server_ts")
    return isinstance(sent_ms, int) and sent_ms < moment.timestamp() * 1000
