"""What becomes of repositories: renamed, transferred, made private or public, archived, replaced by others."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.forge import Seen
from bot.gate import follow_visibility
from bot.outcome import Ran, held
from bot.refresh import Refresh
from bot.rounds import Way
from bot.state.database import Database
from bot.state.queries import projects, repositories, rooms, sources
from bot.state.queries.polls import Due
from bot.state.tables import Repository, Source


@dataclass(frozen=True, slots=True)
class News:
    """What a host says of a repository that we did not know. `renamed` is its owner/name of today when it is another.

    `is_replaced` says that another repository stands under the name that we follow; `new_default` names the default
    branch when it is another than before; `is_new` that something is to be kept.
    """

    is_new: bool = False
    is_replaced: bool = False
    renamed: str = ""
    new_default: str = ""


def news_of(known: Repository, seen: Seen, *, named: str) -> News:
    """Compare what a host says with what is known; `named` is the owner/name that was asked for."""
    if known.node_id and seen.node_id and known.node_id != seen.node_id:
        return News(is_replaced=True)
    was = (known.node_id or "", known.default_branch, known.is_private, known.is_archived)
    now = (seen.node_id or known.node_id or "", seen.default_branch, seen.is_private, seen.is_archived)
    has_new_default = bool(known.default_branch and seen.default_branch)
    return News(
        is_new=was != now,
        renamed=seen.repository if seen.repository != named else "",
        new_default=seen.default_branch if has_new_default and known.default_branch != seen.default_branch else "",
    )


def renamed_location(location: str, repository: str) -> str:
    """Give the address of a repository that is called `repository` now, on the same host."""
    scheme, _, rest = location.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}/{repository}"


class Telling(Protocol):
    """Tells the rooms of a source's project what happened to it, each thing once."""

    async def source_is_gone(self, source: str) -> None:
        """It is hidden."""

    async def source_is_back(self, source: str) -> None:
        """It is shown again."""

    async def source_was_renamed(self, source: str, *, old: str, new: str) -> None:
        """Its repository has another owner/name."""

    async def default_branch_is_another(self, source: str, *, old: str, new: str) -> None:
        """Its repository has another default branch."""


def renamed(row: Source, way: Way, name: str) -> str:
    """Give the name that a source gets with its repository: another only when it was called after that."""
    called = row.name.removesuffix(f"@{row.ref}").removesuffix(" threads").removeprefix(f"{way.host}/")
    return row.name.replace(called, name) if called.casefold() == way.repository.casefold() else row.name


@dataclass(frozen=True, slots=True)
class LifecycleParts:
    """What it takes. `credential` names what opens (host, owner/name); `move_mirror` takes the old and new address.

    What rooms are told is sent by tasks that `spawn` starts: a network that is slow must not hold up what is followed.
    """

    db: Database
    refresh: Refresh
    credential: Callable[[str, str], str]
    move_mirror: Callable[[str, str], Awaitable[None]]
    telling: Telling
    spawn: Callable[[Coroutine[Any, Any, None]], object]
    clock: Callable[[], datetime]


class Lifecycle:
    """Brings what we follow, hide and show in line with what hosts say of repositories."""

    def __init__(self, parts: LifecycleParts) -> None:
        self._parts = parts

    async def follow(self, rows: Sequence[Due], seen: Seen, way: Way) -> list[Due]:
        """Do what a description asks for; gives those of the sources `rows` that may be read now.

        All of them follow the repository that was asked for by `way`, each with its row of it.
        """
        known = rows[0].repository
        if known is None:
            raise LookupError(f"expected sources that are linked with {way.repository!r}, got one that is not")
        news = news_of(known, seen, named=way.repository)
        if news.is_replaced:
            return await self._hide(
                rows, "replaced", f"expected the repository {way.repository}, got another of that name"
            )
        left = await self._rename(rows, known, news.renamed, way) if news.renamed else list(rows)
        if news.is_new:
            await self._describe(left or rows, seen)
        if news.new_default:
            self._tell_default(left, old=known.default_branch, new=news.new_default)
        return await self._by_visibility(left, seen)

    async def gone(self, row: Source, ran: Ran) -> None:
        """Hide a source at once, from search and from caches, and tell its rooms once."""
        await self._parts.refresh.settle(row, ran)
        self._parts.spawn(self._parts.telling.source_is_gone(row.id))

    async def _hide(self, rows: Sequence[Due], reason: str, error: str) -> list[Due]:
        for one in rows:
            await self.gone(one.source, Ran(one.source.id, one.source.name, "gone", error=error, reason=reason))
        return []

    async def _rename(self, rows: Sequence[Due], known: Repository, name: str, way: Way) -> list[Due]:
        """Follow a repository to its new name, where our credential is for that, too."""
        if way.credential and not self._parts.credential(way.host, name):
            error = f"expected a credential for {name}, as {way.repository} is called now, got none"
            return await self._hide(rows, "unauthorised", error)
        old, new = known.location, renamed_location(known.location, name)
        if old.casefold() != new.casefold():
            await self._parts.move_mirror(old, new)

        async def rename(session: AsyncSession) -> set[str]:
            followed = await sources.of_repository(session, known.id)
            moved = [
                row.id
                for row in followed
                if await sources.move(session, row.id, location=new, name=renamed(row, way, name))
            ]
            kept = await repositories.rename(session, known.id, new)
            await sources.link(session, moved, kept)
            return set(moved)

        moved = await self._parts.db.write(rename)
        left = [one for one in rows if one.source.id in moved]
        twice = [one for one in rows if one.source.id not in moved]
        await self._hide(twice, "duplicate", f"expected one source for {name}, got two: the repository was renamed")
        for one in left:
            self._parts.spawn(self._parts.telling.source_was_renamed(one.source.id, old=way.repository, new=name))
        return left

    async def _describe(self, rows: Sequence[Due], seen: Seen) -> None:
        async def describe(session: AsyncSession) -> None:
            row: Any = await sources.get(session, rows[0].source.id)
            if row is None or row.repository is None:
                return
            await repositories.describe(
                session,
                row.repository,
                node_id=seen.node_id,
                default_branch=seen.default_branch,
                is_private=seen.is_private,
                is_archived=seen.is_archived,
            )

        await self._parts.db.write(describe)

    def _tell_default(self, rows: Sequence[Due], *, old: str, new: str) -> None:
        for one in rows:
            if not one.source.ref:
                self._parts.spawn(self._parts.telling.default_branch_is_another(one.source.id, old=old, new=new))

    async def _by_visibility(self, rows: Sequence[Due], seen: Seen) -> list[Due]:
        """Hide what was public when it was added and is not any more; let what is public again, or allowed, be shown."""
        exposed = [one for one in rows if seen.is_private and not one.source.is_private]
        await self._hide(exposed, "private", f"expected {seen.repository} to be public, as it was added, got private")
        left = [one for one in rows if one not in exposed]
        now = self._parts.clock()
        for one in left:
            if held(one.source):
                await self._parts.db.write(lambda session, one=one: sources.release(session, one.source.id, now=now))  # type: ignore[misc]
        return left


async def allow_private(db: Database, source: Source, *, now: datetime) -> None:
    """Follow a source that became private: shown again by the next look, to those who have a right to its project.

    What is followed of the same repository beside it, such as its threads, is allowed with it.
    Public rooms of a project that gets its first private source fall silent until an owner lets them speak.
    """

    async def allow(session: AsyncSession) -> None:
        had_private = await projects.has_private_source(session, source.project)
        for one in await _held_with(session, source):
            await sources.allow_private(session, one, now=now)
        if not had_private:
            for room in await rooms.list_of(session, source.project):
                await follow_visibility(session, room.id)

    await db.write(allow)


async def _held_with(session: AsyncSession, source: Source) -> list[str]:
    """The source and those beside it in its project that are hidden since their repository is private."""
    beside = await sources.of_repository(session, source.repository) if source.repository else []
    held_too = [row.id for row in beside if row.project == source.project and row.state_reason == "private"]
    return list(dict.fromkeys([source.id, *held_too]))
