"""How a project stands, in words and as plain values: what is indexed, how fresh it is, what went wrong."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.forge import Allowance
from bot.looking import Looks, look_lines, looks_as_json, problem_text
from bot.progress import ProgressBoard, SourceProgress, pace_of
from bot.state.database import Database
from bot.state.queries import inbox, pauses, polls, projects
from bot.state.queries.polls import Due
from bot.state.tables import Project, Source
from bot.timing import ago
from config.settings import Llm
from config.texts import say
from pipelines.components.converting import INSTALL
from pipelines.stores.health import health_of
from pipelines.stores.passages import PassageStore
from pipelines.types import Shown

_NAMED_REASONS = (
    *("binary", "minified", "generated", "vendored", "lock", "too_large", "secret", "link"),
    *("lfs", "submodule"),
    *("no_converter", "encrypted", "no_text", "damaged", "too_complex"),
    *("older_threads", "silent_threads"),
)
_READ_OVER_SEVERAL_LOOKS = ("issues", "pulls", "discussions", "releases")
_COMMIT_CHARS = 10


class Standing:
    """Reads the state, the passage store and the progress board together."""

    def __init__(
        self,
        db: Database,
        store: PassageStore,
        board: ProgressBoard,
        llm: Llm,
        *,
        ways: Callable[[Source], Sequence[str]] = lambda _row: (),
    ) -> None:
        """`ways` names under which keys hosts count the requests for a source, as adapters.forge.Allowance does."""
        self._ways = ways
        self._db = db
        self._store = store
        self._board = board
        self._llm = llm

    async def text(self, project: Project, language: str, *, now: datetime) -> str:
        """The answer to /status in a project's room, as CommonMark."""
        health = await health_of(self._store)
        is_reached = health is None or health.is_well
        lines = await self.source_lines(project, language, now=now) if is_reached else []
        waiting = await self._db.read(lambda session: inbox.waiting_in(session, project.id))
        tail = await self._renewal(project, language) if is_reached else []
        tail += [say("status.waiting", language, count=waiting)] if waiting else []
        tail.append(self._who_answers(language))
        if health is not None and is_reached:
            tail.append(say("status.server", language, name=health.name))
        head = say("status.title", language, project=project.name)
        empty = say("status.nothing" if is_reached else "status.server_away", language)
        return "\n".join([head, "", *(lines or [empty]), "", *tail])

    async def _renewal(self, project: Project, language: str) -> list[str]:
        """Say how far a keyword index is that an update of the program makes anew; nothing when none is made."""
        counts = await self._store.counts(project.id)
        if counts.renewed is None:
            return []
        percent = 100 * counts.renewed // (counts.passages or 1)
        return [say("status.renewing", language, percent=percent, done=counts.renewed, total=counts.passages)]

    async def source_lines(self, project: Project, language: str, *, now: datetime) -> list[str]:
        """One line for each source, with what was left out and when it is looked at next below it."""
        every = await self._looks(project.id)
        shown = await self._store.shown(project.id)
        counts = (await self._store.counts(project.id)).per_source
        running = {one.source: one for one in self._board.running(project.id)}
        lines: list[str] = []
        for looks in every:
            row = looks.due.source
            lines.append(
                _line(row, running.get(row.id), shown.get(row.id), counts.get(row.id, 0), language=language, now=now)
            )
            details = _details(row, language) + look_lines(looks, shown.get(row.id), language, now=now)
            lines += [f"  - {line.strip()}" for line in details]
        return lines

    async def as_json(self) -> list[dict[str, Any]]:
        """Every project with its sources, as `roomwise status --json` prints them."""
        every = await self._db.read(projects.list_all)
        return [await self._project_as_json(project) for project in every]

    async def _project_as_json(self, project: Project) -> dict[str, Any]:
        every, now = await self._looks(project.id), self._db.clock()
        counts = await self._store.counts(project.id)
        shown = await self._store.shown(project.id)
        running = {one.source: one for one in self._board.running(project.id)}
        return {
            "name": project.name,
            "files": counts.files,
            "passages": counts.passages,
            "renewed": counts.renewed,
            "sources": [
                _source_as_json(
                    looks.due.source,
                    running.get(looks.due.source.id),
                    shown.get(looks.due.source.id),
                    counts.per_source.get(looks.due.source.id, 0),
                )
                | looks_as_json(looks, now=now)
                for looks in every
            ],
        }

    async def _looks(self, project: str) -> list[Looks]:
        rows, known = await self._db.read(lambda session: _known(session, project))
        return [
            Looks(one, tuple(known[key] for key in self._ways(one.source) if key in known))
            for one in rows
            if one.source.kind != "upload"
        ]

    def _who_answers(self, language: str) -> str:
        if self._llm.model:
            return say("status.model", language, model=self._llm.model)
        return say("status.extractive", language)


async def _known(session: AsyncSession, project: str) -> tuple[list[Due], dict[str, Allowance]]:
    followed = await polls.described(session, project)
    return followed, {one.key: one for one in await pauses.list_all(session)}


def _line(
    row: Source,
    running: SourceProgress | None,
    shown: Shown | None,
    passages: int,
    *,
    language: str,
    now: datetime,
) -> str:
    if running is not None and running.total:
        pace = pace_of([running], language)
        values = {"percent": running.percent, "done": running.done, "total": running.total, "pace": pace}
        key = "source.line_rebuilding" if running.is_rebuild else "source.line_indexing"
        return say(key, language, name=row.name, **values)
    last_good = ago(row.last_ok_at, now=now, language=language)
    if row.state == "hidden":
        return say("source.line_hidden", language, name=row.name, error=problem_text(row, language))
    if row.last_error:
        return say("source.line_error", language, name=row.name, error=problem_text(row, language), ago=last_good)
    if shown is None:
        return say("source.line_new", language, name=row.name)
    return say(
        "source.line_ok",
        language,
        name=row.name,
        files=row.counts.get("files", 0),
        passages=passages,
        commit=shown.commit[:_COMMIT_CHARS],
        ago=last_good,
    )


def _details(row: Source, language: str) -> list[str]:
    skipped: Mapping[str, int] = row.counts.get("skipped") or {}
    named = [
        say(f"status.reason_{reason}", language, count=skipped[reason], install=INSTALL)
        for reason in _NAMED_REASONS
        if skipped.get(reason)
    ]
    named += [
        say("status.reason_other", language, count=count, reason=reason.replace("_", " "))
        for reason, count in sorted(skipped.items())
        if count and reason not in _NAMED_REASONS
    ]
    reading: Mapping[str, Sequence[int]] = row.counts.get("reading") or {}
    lines = [
        say(f"status.reading_{kind}", language, done=reading[kind][0], total=reading[kind][1])
        for kind in _READ_OVER_SEVERAL_LOOKS
        if kind in reading
    ]
    lines += [say("status.skipped", language, reasons=", ".join(named))] if named else []
    lines += [
        say("status.absent" if near else "status.absent_none", language, path=path, near=", ".join(near))
        for path, near in (row.counts.get("absent") or {}).items()
    ]
    if row.counts.get("redacted"):
        lines.append(say("status.redacted", language, count=row.counts["redacted"]))
    return lines


def _source_as_json(row: Source, running: SourceProgress | None, shown: Shown | None, passages: int) -> dict[str, Any]:
    return {
        "source": row.name,
        "kind": row.kind,
        "location": row.location,
        "state": row.state,
        "files": row.counts.get("files", 0),
        "passages": passages,
        "skipped": dict(row.counts.get("skipped") or {}),
        "redacted": row.counts.get("redacted", 0),
        "reading": {kind: list(far) for kind, far in (row.counts.get("reading") or {}).items()},
        "ref": shown.ref if shown else row.ref,
        "version": shown.commit if shown else "",
        "last_ok_at": row.last_ok_at.isoformat() if row.last_ok_at else None,
        "next_due_at": row.next_due_at.isoformat() if row.next_due_at else None,
        "last_error": row.last_error,
        "progress": _progress_as_json(running) if running else None,
    }


def _progress_as_json(running: SourceProgress) -> dict[str, Any]:
    return {
        "stage": running.stage,
        "done": running.done,
        "total": running.total,
        "is_rebuild": running.is_rebuild,
        "files_per_s": round(running.files_per_s, 1),
        "left_s": None if running.left_s is None else round(running.left_s),
    }
