"""The desk of this process: search, ask, index and status, as the command line and the JSON API give them."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from adapters.source import SourceError
from bot.backup import BackupFailed, Backups
from bot.desk import (
    WHOLE,
    DeskError,
    IndexProgress,
    Json,
    OnIndexProgress,
    Part,
    UnknownProject,
    answer_as_json,
    found_as_json,
)
from bot.errors import UserError
from bot.first_look import Look
from bot.following import Following, Wanted, free_name, wanted_in_shell, wanted_paths
from bot.hook_setup import HookSetup
from bot.outcome import DiskLow, Ran
from bot.people import CLAIM_VALID_FOR, People
from bot.progress import SourceProgress
from bot.projects import Projects
from bot.refresh import Refresh
from bot.standing import Standing
from bot.state.database import Database
from bot.state.queries import inbox, jobs, projects, sources
from bot.state.tables import JobState, Project, Source
from bot.state.words import name_key
from bot.tokens import Tokens
from bot.version import PROGRAM
from config.settings import Access, Limits, Sources
from config.texts import say
from pipelines.answering import Answering
from pipelines.searching import Searching
from pipelines.stores.passages import Scope
from pipelines.types import Answer, Question


@dataclass(frozen=True, slots=True)
class DeskParts:
    """What the desk works with. `address` gives where the web pages are reached from this machine."""

    db: Database
    searching: Searching
    answering: Answering
    following: Following
    hooks: HookSetup
    projects: Projects
    people: People
    tokens: Tokens
    refresh: Refresh
    standing: Standing
    backups: Backups
    limits: Limits
    sources: Sources
    access: Access
    clock: Callable[[], datetime]
    address: Callable[[], str]


class FrontDesk:
    """See `bot.desk.Desk` for what each method gives and raises."""

    def __init__(self, parts: DeskParts) -> None:
        self._parts = parts

    async def search(self, query: str, *, project: str, limit: int, explain: bool) -> Json:
        """Find passages."""
        text = self._checked(query)
        found_in = await self._project(project)
        found = await self._parts.searching.search(found_in.id, text, scope=Scope(), limit=limit)
        return found_as_json(found, await self._names(found_in), explain=explain)

    async def ask(self, question: str, *, project: str) -> Json:
        """Answer one question without a conversation."""
        text = self._checked(question)
        asked_in = await self._project(project)
        wanted = Question(text, asked_in.id)
        async with aclosing(self._parts.answering.answer(wanted)) as events:
            async for event in events:
                if isinstance(event, Answer):
                    return answer_as_json(event, await self._names(asked_in))
        raise DeskError("expected an answer, got none; the service's log says why")

    async def index(
        self, locations: Sequence[str], *, project: str, part: Part = WHOLE, on_progress: OnIndexProgress
    ) -> Json:
        """Follow what is not followed yet, then refresh all of it now."""
        followed_in, rows = await self._follow(locations, project, part)
        ran = await asyncio.gather(*(self._refreshed(followed_in, row, on_progress) for row in rows))
        shown = await self._parts.searching.store.shown(followed_in.id)
        counts = await self._parts.searching.store.counts(followed_in.id)
        results = [
            _indexed(row, one, shown[row.id].commit if row.id in shown else "", counts.per_source.get(row.id, 0))
            for row, one in zip(rows, ran, strict=True)
        ]
        return {"project": followed_in.name, "sources": results}

    async def status(self) -> Json:
        """Say how everything stands."""
        waiting, _oldest = await self._parts.db.read(inbox.pressure)
        stands = [_job_as_json(state) for state in await self._parts.db.read(jobs.states)]
        projects = await self._parts.standing.as_json()
        return {"version": PROGRAM, "waiting": waiting, "projects": projects, "jobs": stands}

    async def backup(self) -> Json:
        """Copy the state database now."""
        try:
            made = await self._parts.backups.make()
        except (BackupFailed, DiskLow) as error:
            raise DeskError(str(error)) from error
        if made is None:
            raise DeskError("expected an SQLite state database, got PostgreSQL: copy it by pg_dump")
        return {"folder": str(self._parts.backups.folder), **asdict(made)}

    async def login_link(self) -> Json:
        """Make a one-use link that signs a browser in as owner."""
        now = self._parts.clock()
        code = await self._parts.people.make_login(now=now)
        valid_until = now + timedelta(hours=self._parts.access.login_link_hours)
        return {"url": f"{self._parts.address()}/login/{code}", "expires_at": valid_until.isoformat()}

    async def claim_code(self) -> Json:
        """Make a code that makes its first user an owner."""
        now = self._parts.clock()
        return {
            "code": await self._parts.people.make_claim(now=now),
            "expires_at": (now + CLAIM_VALID_FOR).isoformat(),
        }

    async def make_token(self, name: str, *, project: str, scope: str, days: int) -> Json:
        """Make a key to the API."""
        tokens = self._parts.tokens
        return await tokens.make(name, project=project, scope=scope, days=days, now=self._parts.clock())

    async def tokens(self) -> Json:
        """List the keys to the API."""
        return await self._parts.tokens.listed(now=self._parts.clock())

    async def revoke_token(self, name: str) -> Json:
        """Take a key back."""
        return await self._parts.tokens.revoke(name, now=self._parts.clock())

    async def make_webhook(self, source: str, *, project: str, renews: bool) -> Json:
        """Make the secret of a repository's webhook."""
        found_in = await self._project(project)
        rows = await self._rows(found_in)
        found = next((row for row in rows if name_key(row.name) == name_key(source)), None)
        if found is None:
            names = ", ".join(row.name for row in rows if row.kind != "upload") or "(none)"
            raise DeskError(f"expected the name of a source in {found_in.name}, got {source!r}; there are: {names}")
        try:
            return await self._parts.hooks.make(found, renews=renews)
        except UserError as error:
            raise DeskError(say(error.key, "en", **error.values)) from error

    async def _project(self, name: str) -> Project:
        found = await self._parts.db.read(lambda session: projects.by_name(session, name))
        if found is None:
            every = await self._parts.db.read(projects.list_all)
            raise UnknownProject(name, [project.name for project in every])
        return found

    async def _names(self, project: Project) -> dict[str, str]:
        rows = await self._parts.db.read(lambda session: sources.list_of(session, project.id))
        return {row.id: row.name for row in rows}

    def _checked(self, question: str) -> str:
        most = self._parts.limits.question_max_chars
        if not question.strip():
            raise DeskError("expected a question or words to search for, got nothing")
        if len(question) > most:
            raise DeskError(f"expected at most {most} characters, got {len(question)}; shorten it")
        return question

    async def _follow(self, locations: Sequence[str], name: str, part: Part) -> tuple[Project, list[Source]]:
        """The project, made if needed, and a row for each location. Nothing is added when one cannot be followed."""
        existing = await self._parts.db.read(lambda session: projects.by_name(session, name))
        followed = await self._rows(existing)
        try:
            wanted = await self._wanted(locations, followed, part)
            looks = [await self._look(one, followed) for one in wanted]
            project = existing or await self._parts.projects.begin(name, person=None, now=self._parts.clock())
            rows = zip(wanted, looks, strict=True)
            return project, [await self._row(project, followed, one, look) for one, look in rows]
        except UserError as error:
            raise DeskError(say(error.key, "en", **error.values)) from error

    async def _wanted(self, locations: Sequence[str], followed: Sequence[Source], part: Part) -> list[Wanted]:
        """Read what was typed, each source once. Raises DeskError and UserError."""
        taken = [row.name for row in followed]
        paths = wanted_paths(part.paths)
        wanted: list[Wanted] = []
        for location in locations:
            try:
                one = await asyncio.to_thread(wanted_in_shell, location, declared=self._parts.sources, taken=taken)
            except SourceError as error:
                raise DeskError(str(error)) from error
            if part.branch and one.kind != "git":
                raise UserError("source.no_branch", name=one.name, got=part.branch)
            one = replace(one, ref=part.branch, paths=paths)
            if one.location not in [other.location for other in wanted]:
                wanted.append(one if self._known(one, followed) else free_name(one, taken))
                taken.append(one.name)
        return wanted

    def _known(self, wanted: Wanted, followed: Sequence[Source]) -> Source | None:
        """The row of what is followed already. Raises DeskError when other paths of it are."""
        known = next((row for row in followed if self._parts.following.is_same(row, wanted)), None)
        if known is not None and wanted.paths and set(wanted.paths) != set(known.paths):
            there = ", ".join(known.paths) or "all"
            raise DeskError(f"expected other paths of {known.name!r} than are followed ({there}); remove it first")
        return known

    async def _look(self, wanted: Wanted, followed: Sequence[Source]) -> Look | None:
        """See what a repository is before it is followed for the first time. Raises DeskError and UserError."""
        if self._known(wanted, followed) is not None:
            return None
        look = await self._parts.following.look(wanted, may_use_credential=True)
        if look.problem:
            raise DeskError(look.problem)
        return look

    async def _rows(self, project: Project | None) -> list[Source]:
        if project is None:
            return []
        return await self._parts.db.read(lambda session: sources.list_of(session, project.id))

    async def _row(self, project: Project, followed: Sequence[Source], wanted: Wanted, look: Look | None) -> Source:
        if (known := self._known(wanted, followed)) is not None:
            return known
        is_private = look is None or look.is_private
        return await self._parts.following.begin(
            project.id, wanted, is_private=is_private, person=None, now=self._parts.clock(), starts=False
        )

    async def _refreshed(self, project: Project, row: Source, on_progress: OnIndexProgress) -> Ran | None:
        def tell(progress: SourceProgress) -> None:
            on_progress(as_step(progress))

        ran = await self._parts.refresh.refresh(project.id, row.id, on_progress=tell)
        return ran[0] if ran else None


def as_step(progress: SourceProgress) -> IndexProgress:
    """Give a step of a refresh as the command line shows it."""
    return IndexProgress(
        source=progress.name,
        done=progress.done,
        total=progress.total,
        passages=progress.passages,
        stage=progress.stage,
        files_per_s=progress.files_per_s,
        left_s=progress.left_s,
    )


def _job_as_json(state: JobState) -> dict[str, Any]:
    return {
        "job": state.name,
        "outcome": state.outcome,
        "detail": state.detail,
        "failures": state.failures,
        "last_run_at": state.ended_at.isoformat() if state.ended_at else None,
        "next_due_at": state.next_due_at.isoformat() if state.next_due_at else None,
    }


def _indexed(row: Source, ran: Ran | None, version: str, passages: int) -> dict[str, Any]:
    counts = ran.counts if ran is not None else {}
    return {
        "source": row.name,
        "kind": row.kind,
        "location": row.location,
        "files": counts.get("files", 0),
        "passages": passages,
        "removed": ran.done.removed if ran is not None and ran.done is not None else 0,
        "skipped": dict(counts.get("skipped") or {}),
        "absent": [{"path": path, "near": near} for path, near in (counts.get("absent") or {}).items()],
        "redacted": counts.get("redacted", 0),
        "version": version,
        "error": ran.error if ran is not None else "expected to follow this source, but it was removed meanwhile",
    }
