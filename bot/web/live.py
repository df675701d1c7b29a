"""What an open page is told while it is open: changed messages, the contact list, progress; as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.web.log import WebRow
from bot.progress import SourceProgress, pace_of
from bot.rights import Way, decide
from bot.state.queries import people, turns
from bot.web import pages
from bot.web.contacts import contacts_of
from bot.web.parts import WebParts
from bot.web.rows import Around, answered_by, view_of
from bot.web.visitors import Visitor, open_session
from config.texts import say

BEAT_S: Final = 15.0
_CHECK_EVERY_S: Final = 1.0  # a session that was ended closes its streams within this time, a lost right within a beat
_MOST_ROWS: Final = 200


@dataclass(frozen=True, slots=True)
class ShownProgress:
    """The line above a conversation while its sources are indexed; an empty text hides it."""

    text: str
    share: float


def progress_of(running: Sequence[SourceProgress], language: str) -> ShownProgress | None:
    """What the page shows of the refreshes under way; small updates of an indexed source are not worth a line."""
    worth = [one for one in running if one.is_first or one.total > 500]
    if not worth:
        return None
    total = sum(one.total for one in worth)
    names = ", ".join(one.name for one in worth[:3])
    if not total:
        return ShownProgress(say("web.indexing_start", language, source=names), 0.0)
    done = sum(one.done for one in worth)
    values = {"source": names, "done": done, "total": total, "pace": pace_of(worth, language)}
    return ShownProgress(say("web.indexing", language, **values), done / total)


def event(name: str, data: object, *, change: int | None = None) -> str:
    """One server-sent event."""
    head = f"id: {change}\n" if change is not None else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def row_event(row: WebRow, around: Around) -> str:
    """A changed message: its numbers, and the whole element of the page."""
    html = pages.render("row.html", around.language, {"row": view_of(row, around)})
    data = {"seq": row.seq, "change": row.change, "key": row.key, "stage": row.stage, "html": html}
    return event("row", data, change=row.change)


@dataclass(slots=True)
class Stream:
    """One open page: what it was told last, and when its rights were last asked."""

    parts: WebParts
    visitor: Visitor
    room: str
    project: str
    after: int
    checked_at: datetime
    progress: ShownProgress | None = None
    contacts: str = ""
    beat: asyncio.TimerHandle | None = None

    async def events(self) -> AsyncIterator[str]:
        """Yield events until the session, the right or the service ends. Every yield may be several events."""
        with self.parts.board.listening(self._on_progress), self._beating():
            async for _ in self.parts.chat.changes(self.room):
                if not await self._may_go_on():
                    yield event("out", {})
                    return
                yield await self._news()

    @contextmanager
    def _beating(self) -> Iterator[None]:
        """Wake the stream now and then, so that it tells that it lives and looks whether it still may."""
        try:
            yield
        finally:
            if self.beat is not None:
                self.beat.cancel()

    def _beat_in(self, wait_s: float) -> None:
        if self.beat is not None:
            self.beat.cancel()
        self.beat = asyncio.get_running_loop().call_later(wait_s, self._wake)

    def _wake(self) -> None:
        self.parts.chat.wake_room(self.room)

    def _on_progress(self, progress: SourceProgress) -> None:
        if progress.project == self.project:
            self._wake()

    async def _may_go_on(self) -> bool:
        now = self.parts.clock()
        if now - self.checked_at < timedelta(seconds=_CHECK_EVERY_S):
            self._beat_in(_CHECK_EVERY_S)
            return True
        self.checked_at = now
        self._beat_in(BEAT_S)
        visitor = self.visitor
        if visitor.person is None:
            return False
        person = visitor.person.id
        if await open_session(self.parts, visitor.session) is None:
            return False
        actor = await self.parts.db.read(lambda session: people.load_actor(session, person, now=now, way=Way.WEB))
        return decide(actor, "read_project", visitor.place(self.project, self.room)).allowed

    async def _news(self) -> str:
        rows = await self.parts.log.since(self.room, self.after, limit=_MOST_ROWS)
        around = await self._around(rows)
        told = await asyncio.to_thread(lambda: [row_event(row, around) for row in rows]) if rows else []
        self.after = max([self.after, *(row.change for row in rows)])
        if len(rows) == _MOST_ROWS:
            self._wake()
        told += self._progress_news()
        is_beat = not rows and not told
        if is_beat or any(row.stage != "preview" for row in rows):
            told += await self._contact_news()
        return "".join(told) or event("beat", {})

    async def _around(self, rows: Sequence[WebRow]) -> Around:
        person = self.visitor.person.id if self.visitor.person else ""
        asked = [row.turn for row in rows if row.turn]
        votes = await self.parts.db.read(lambda session: turns.votes(session, asked, person=person)) if asked else {}
        return Around(person, self.project, self.visitor.language, votes, answered_by(rows))

    def _progress_news(self) -> list[str]:
        now = progress_of(self.parts.board.running(self.project), self.visitor.language)
        if now == self.progress:
            return []
        self.progress = now
        shown: dict[str, Any] = asdict(now) if now else {"text": "", "share": 1.0}
        return [event("progress", shown)]

    async def _contact_news(self) -> list[str]:
        contacts = await contacts_of(self.parts, self.visitor, current=self.project)
        html = pages.render("contacts.html", self.visitor.language, {"contacts": contacts})
        if html == self.contacts:
            return []
        self.contacts = html
        return [event("contacts", {"html": html})]
