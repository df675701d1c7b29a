"""What projects follow: reading what somebody wants followed, beginning, ending, and looking again."""

import re
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.git.address import Remote, is_address, is_short, parse_remote
from adapters.paths import encode_path
from adapters.registry import SourceRegistry, SourceSpec
from adapters.source import SourceRefused
from bot.errors import UserError
from bot.first_look import Look, look_at
from bot.gate import follow_visibility
from bot.mirrors import drop_mirrored
from bot.outcome import Ran
from bot.refresh import Refresh
from bot.state.database import Database
from bot.state.queries import projects, purges, repositories, rooms, sources
from bot.state.queries.sources import NewSource
from bot.state.tables import Source
from bot.state.vault import Vault
from config.settings import Sources
from pipelines.stores.passages import PassageStore

Spawn = Callable[[Coroutine[Any, Any, object]], object]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A source as it will be stored: kind, the name that people see, and its location without credentials.

    `ref` is a branch or tag, "" the default branch; `paths` are the files and folders of it that are followed, all when
    none is named.
    """

    kind: str
    name: str
    location: str
    ref: str = ""
    paths: tuple[str, ...] = ()

    @property
    def is_remote(self) -> bool:
        """Whether it is a repository on the network."""
        return self.kind == "git" and "://" in self.location


def wanted_in_chat(text: str, *, declared: Sources, project: str) -> Wanted:
    """Read what was typed in chat: a declared folder's name, owner/name, or an address of an allowed host.

    Absolute paths, file: and other schemes are for the command line. Raises UserError that says what is allowed.
    """
    folders, hosts = declared.folders, declared.allowed_hosts
    for name, path in folders.items():
        if text.casefold() == name.casefold():
            return Wanted("folder", name, str(path))
    is_address = text.startswith("https://") or (bool(declared.ssh_hosts) and text.startswith(("ssh://", "git@")))
    if not is_address and not re.fullmatch(r"[A-Za-z0-9][\w-]*/[\w.-]+", text):
        if folders:
            raise UserError("source.wrong", folders=", ".join(sorted(folders)), got=text[:120])
        raise UserError("source.wrong_no_folders", got=text[:120], project=project)
    try:
        remote = parse_remote(text, allowed_hosts=hosts, ssh_hosts=declared.ssh_hosts)
    except SourceRefused as error:
        raise _refusal(text, hosts) from error
    return Wanted("git", _name_of(remote), remote.location)


def wanted_in_shell(text: str, *, declared: Sources, taken: Sequence[str]) -> Wanted:
    """Read what was typed on the command line: a folder, a repository's address, or owner/name on GitHub.

    A folder that is there comes first, followed as a git work tree when it is the top of one. Its name is the folder's
    own, with a number where that is taken. Raises SourceRefused.
    """
    folder = Path(text).expanduser()
    if is_address(text) or (is_short(text) and not folder.exists()):
        remote = parse_remote(text, allowed_hosts=declared.allowed_hosts, ssh_hosts=declared.ssh_hosts)
        return Wanted("git", _name_of(remote), remote.location)
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing there"
        raise SourceRefused(
            f"expected a folder, a local git repository, owner/name or an https address at {text!r}, got {found}"
        )
    folder = folder.resolve()
    is_bare = (folder / "HEAD").is_file() and (folder / "objects").is_dir()
    kind = "git" if is_bare else "checkout" if (folder / ".git").exists() else "folder"
    base = (folder.name.removesuffix(".git") or "root")[:56]
    name = next(one for one in (base, *(f"{base}-{number}" for number in range(2, 1000))) if one not in taken)
    return Wanted(kind, name, str(folder))


def wanted_paths(words: Sequence[str]) -> tuple[str, ...]:
    """Read folders and files of a tree as somebody typed them. Raises UserError for what leads out of it."""
    paths = []
    for word in words:
        parts = [part for part in word.split("/") if part not in {"", "."}]
        if not parts or ".." in parts or "\\" in word or not word.isprintable():
            raise UserError("source.path_outside", got=word[:120])
        paths.append(encode_path("/".join(parts).encode("utf-8")))
    return tuple(dict.fromkeys(paths))


def free_name(wanted: Wanted, taken: Collection[str]) -> Wanted:
    """The same source under a name that is free: a second branch of a repository is called owner/name@branch."""
    keys = {name.casefold() for name in taken}
    return (
        wanted
        if wanted.name.casefold() not in keys or not wanted.ref
        else replace(wanted, name=f"{wanted.name}@{wanted.ref}")
    )


def _name_of(remote: Remote) -> str:
    return remote.repository if remote.host == "github.com" else f"{remote.host}/{remote.repository}"


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

    async def look(self, wanted: Wanted, *, may_use_credential: bool) -> Look:
        """See whether a source can be followed, and whether everybody may read it. Raises UserError."""
        if not wanted.is_remote:
            return Look(is_private=True)
        spec = SourceSpec("", wanted.kind, wanted.location, wanted.ref)
        return await look_at(
            self._registry, spec, name=wanted.name, paths=wanted.paths, may_use_credential=may_use_credential
        )

    def needs_credential(self, wanted: Wanted) -> bool:
        """Say whether a source may be private, and readable by a credential of the settings."""
        return wanted.is_remote and bool(self._registry.credential(self._registry.remote(wanted.location)))

    def is_same(self, row: Source, wanted: Wanted) -> bool:
        """Say whether a source follows already what is wanted."""
        if not wanted.is_remote or row.kind != "git" or "://" not in row.location:
            return (row.kind, row.location, row.ref) == (wanted.kind, wanted.location, wanted.ref)
        names = [self._registry.mirror_name(location) for location in (row.location, wanted.location)]
        return names[0] == names[1] and row.ref == wanted.ref

    async def begin(
        self,
        project: str,
        wanted: Wanted,
        *,
        is_private: bool = True,
        person: str | None,
        now: datetime,
        starts: bool = True,
    ) -> Source:
        """Follow a source and, when it `starts`, begin its first index in the background. Raises UserError.

        Public rooms of a project that gets its first private source fall silent until an owner lets them speak.
        """
        new = NewSource(
            project,
            wanted.kind,
            wanted.name,
            wanted.location,
            ref=wanted.ref,
            paths=list(wanted.paths),
            is_private=is_private,
            interval_s=self._settings.interval_s,
            added_by=person,
        )
        await self._store.create(project)

        async def follow(session: AsyncSession) -> Source:
            had_private = await projects.has_private_source(session, project)
            added = await sources.add(session, await self._in_repository(session, new), now=now)
            if not had_private:  # else an owner has let public rooms see private sources, or they are silent already
                for room in await rooms.list_of(session, project):
                    await follow_visibility(session, room.id)
            return added

        row = await self._db.write(follow)
        if starts:
            self._spawn(self._refresh.refresh_source(row.id))
        return row

    async def _in_repository(self, session: AsyncSession, new: NewSource) -> NewSource:
        """The same with its repository, when it is one on the network."""
        if new.kind not in {"git", "threads"} or "://" not in new.location:
            return new
        host = self._registry.remote(new.location).named_host
        repository = await repositories.get_or_add(session, new.location, host=host)
        return replace(new, repository=repository.id)

    async def first_index(self, source: Source) -> Ran | None:
        """Bring a new source to its head for the first time; how it went."""
        return await self._refresh.refresh_source(source.id)

    async def end(self, source: Source, *, now: datetime) -> None:
        """Stop following: hidden at once, then everything indexed of it, and quotes of it in turns, are deleted.

        With the last source of a repository's files, its threads go, too.
        """
        for beside in await self._db.read(lambda session: sources.left_alone(session, source)):
            await self.end(beside, now=now)
        try:
            await self._store.hide(source.project, source.id, hidden=True)
        finally:  # whoever is told that the store takes no writes has it removed all the same, by `finish_ends`
            await self._db.write(lambda session: sources.set_state(session, source.id, "removed", now=now))
        await self._refresh.forget(source.id)
        await self._store.purge(source.project, source.id)
        await drop_mirrored(self._db, self._registry, source)

        async def forget(session: Any) -> None:
            await purges.forget_source(session, self._vault, project=source.project, source=source.id)
            await sources.remove(session, source.id)

        await self._db.write(forget)
        await self._db.checkpoint()  # else paths that were deleted stay readable in the log of the database

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
    if parts.scheme and named not in hosts:
        return UserError("source.host", hosts=", ".join(hosts), got=named[:120])
    return UserError("source.address")
