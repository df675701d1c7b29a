"""What projects follow: reading what somebody wants followed, beginning, ending, and looking again."""

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.git.address import parse_remote
from adapters.registry import SourceRegistry
from adapters.source import SourceRefused
from bot.errors import UserError
from bot.gate import follow_visibility
from bot.mirrors import drop_mirrored
from bot.refresh import Refresh
from bot.state.database import Database
from bot.state.queries import projects, purges, rooms, sources
from bot.state.queries.sources import NewSource
from bot.state.tables import Source
from bot.state.vault import Vault
from config.settings import Sources
from pipelines.stores.passages import PassageStore

Spawn = Callable[[Coroutine[Any, Any, object]], object]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A source as it will be stored: kind, the name that people see, and its location without credentials."""

    kind: str
    name: str
    location: str


def wanted_in_chat(text: str, *, folders: Mapping[str, Path], hosts: Sequence[str], project: str) -> Wanted:
    """Read what was typed in chat: a declared folder's name, owner/name, or an https address of an allowed host.

    Absolute paths, file: and other schemes are for the command line. Raises UserError that says what is allowed.
    """
    for name, path in folders.items():
        if text.casefold() == name.casefold():
            return Wanted("folder", name, str(path))
    is_address = text.startswith("https://")
    if not is_address and not re.fullmatch(r"[A-Za-z0-9][\w-]*/[\w.-]+", text):
        if folders:
            raise UserError("source.wrong", folders=", ".join(sorted(folders)), got=text[:120])
        raise UserError("source.wrong_no_folders", got=text[:120], project=project)
    try:
        remote = parse_remote(text, allowed_hosts=hosts)
    except SourceRefused as error:
        raise _refusal(text, hosts) from error
    name = remote.repository if remote.host == "github.com" else f"{remote.host}/{remote.repository}"
    return Wanted("git", name, remote.location)


def wanted_in_shell(text: str, *, taken: Sequence[str]) -> Wanted:
    """Read what was typed on the command line: a folder, followed as a git work tree when it is the top of one.

    The name is the folder's own, with a number where that is taken. Raises SourceRefused.
    """
    folder = Path(text).expanduser()
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing there"
        raise SourceRefused(f"expected a folder or a local git repository at {text!r}, got {found}")
    folder = folder.resolve()
    is_bare = (folder / "HEAD").is_file() and (folder / "objects").is_dir()
    kind = "git" if is_bare else "checkout" if (folder / ".git").exists() else "folder"
    base = (folder.name.removesuffix(".git") or "root")[:56]
    name = next(one for one in (base, *(f"{base}-{number}" for number in range(2, 1000))) if one not in taken)
    return Wanted(kind, name, str(folder))


@dataclass(frozen=True, slots=True)
class FollowingParts:
    """What following works with; `spawn` starts work that goes on in the background."""

    db: Database
    vault: Vault
    store: PassageStore
    refresh: Refresh
    registry: SourceRegistry
    settings: Sources
    spawn: Spawn


class Following:
    """Begins and ends what projects follow."""

    def __init__(self, parts: FollowingParts) -> None:
        self._db = parts.db
        self._vault = parts.vault
        self._store = parts.store
        self._refresh = parts.refresh
        self._registry = parts.registry
        self._settings = parts.settings
        self._spawn = parts.spawn

    async def begin(
        self, project: str, wanted: Wanted, *, ref: str = "", person: str | None, now: datetime, starts: bool = True
    ) -> Source:
        """Follow a source and, when it `starts`, begin its first index in the background. Raises UserError.

        Public rooms of a project that gets its first private source fall silent until an owner lets them speak.
        """
        new = NewSource(
            project,
            wanted.kind,
            wanted.name,
            wanted.location,
            ref=ref,
            interval_s=self._settings.interval_s,
            added_by=person,
        )
        await self._store.create(project)

        async def follow(session: AsyncSession) -> Source:
            had_private = await projects.has_private_source(session, project)
            added = await sources.add(session, new, now=now)
            if not had_private:  # else an owner has let public rooms see private sources, or they are silent already
                for room in await rooms.list_of(session, project):
                    await follow_visibility(session, room.id)
            return added

        row = await self._db.write(follow)
        if starts:
            self._spawn(self._refresh.refresh_source(row.id))
        return row

    async def end(self, source: Source, *, now: datetime) -> None:
        """Stop following: hidden at once, then everything indexed of it, and quotes of it in turns, are deleted."""
        await self._store.hide(source.project, source.id, hidden=True)
        await self._db.write(lambda session: sources.set_state(session, source.id, "removed", now=now))
        await self._refresh.forget(source.id)
        await self._store.purge(source.project, source.id)
        await drop_mirrored(self._db, self._registry, source)

        async def forget(session: Any) -> None:
            await purges.forget_source(session, self._vault, project=source.project, source=source.id)
            await sources.remove(session, source.id)

        await self._db.write(forget)

    async def finish_ends(self, *, now: datetime) -> int:
        """Delete what is left of sources and projects whose end a kill has cut off; how many there were.

        The store is asked before the rows: whatever it holds had a row when it was written.
        """
        cut = await self._db.read(sources.ending)
        for source in cut:
            await self.end(source, now=now)
        return len(cut) + sum([await self._drop_strays(project) for project in await self._store.projects()])

    async def _drop_strays(self, project: str) -> int:
        """Delete what is indexed in a project and followed by nobody, the project too when it is not there."""
        held = {*(await self._store.counts(project)).per_source, *(await self._store.shown(project))}
        if await self._db.read(lambda session: projects.get(session, project)) is None:
            await self._store.drop(project)
            return 1
        followed = await self._db.read(lambda session: sources.list_of(session, project))
        strays = held - {row.id for row in followed}
        for source in strays:
            await self._store.purge(project, source)
        return len(strays)

    def look_again(self, found: Sequence[Source], *, anew: bool = False) -> None:
        """Refresh sources in the background; `anew` reads every file again."""
        for source in found:
            self._spawn(self._refresh.refresh_source(source.id, anew="asked" if anew else ""))


def _refusal(text: str, hosts: Sequence[str]) -> UserError:
    """Why an address is not followed, without repeating what may be a password."""
    try:
        parts = urlsplit(text)
        named = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or ""
    except ValueError:
        return UserError("source.address")
    if "@" in parts.netloc or parts.query or parts.fragment:
        return UserError("source.credentials")
    if text.startswith("https://") and named not in hosts:
        return UserError("source.host", hosts=", ".join(hosts), got=named[:120])
    return UserError("source.address")
