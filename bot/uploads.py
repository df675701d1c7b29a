"""Files that people send into a room: kept, indexed for that room alone, shared with the project when an admin says so."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from weakref import WeakValueDictionary

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Attachment, Refused, Reply, Stage, Unreachable
from adapters.network import ChatAdapter
from adapters.paths import encode_path
from bot.attachments import Readable, clean_file_name, megabytes
from bot.consent import Consent, allow_always, files_of, must_ask
from bot.context import MessageContext
from bot.errors import UserError
from bot.gate import look
from bot.state.database import Database
from bot.state.queries import sources, uploads
from bot.state.queries.uploads import Kept, Sent
from bot.state.tables import Room
from bot.state.vault import Vault
from bot.state.words import name_key
from config.settings import Files, Limits
from config.texts import say
from pipelines.indexing import Indexing, Listed
from pipelines.stores.passages import PassageStore
from pipelines.types import KnowledgeError, Shown

log = structlog.get_logger(__name__)

# How old a file is that no message brought into a room before it goes,
_STRAY_AFTER: Final = timedelta(days=1)
# and one whose row is gone, as with a removed project. Rows are written before files.
_ORPHAN_AFTER: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class UploadParts:
    """What uploads work with.

    `folder` keeps the files by their ids; `incoming` is where the web chat puts files until a message brings them.
    """

    db: Database
    vault: Vault
    store: PassageStore
    indexing: Indexing
    adapter_of: Callable[[Room], ChatAdapter]
    limits: Limits
    files: Files
    folder: Path
    incoming: Path
    free_bytes: Callable[[], int]


@dataclass(frozen=True, slots=True)
class _Into:
    """Where files go: a room and its project, and what they are indexed as."""

    room: Room
    project: str
    source: str
    person: str
    now: datetime


class Uploads:
    """The files of all rooms (`bot.context.UploadPort`)."""

    def __init__(self, parts: UploadParts) -> None:
        self._parts = parts
        self._readable = Readable(parts.files, parts.limits)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def take(self, context: MessageContext, *, is_agreed: bool = False) -> Reply | None:
        """Keep and index the attachments of a message; what became of each, or why they are not taken.

        Of an encrypted room nothing is fetched before somebody there has agreed: the reply asks then, by buttons.
        """
        if not context.message.attachments:
            return None
        room, person, now = context.room.id, context.person.id, context.now
        seen = await self._parts.db.read(lambda session: look(session, room, person, now=now))
        if seen is None or seen.project is None:
            return _notice(say("upload.unbound", context.language))
        decision = seen.may("upload")
        if not decision.allowed:
            return _notice(say(decision.reason, context.language)) if decision.reason else None
        project = seen.project
        if not is_agreed and must_ask(seen.room, context.message.attachments):
            return await self._asked(context)
        source = await self._parts.db.write(
            lambda session: uploads.source_of(session, project, room=room, now=now),
        )
        into = _Into(context.room, project, source.id, person, now)
        return _listed([await self._told(into, one, context.language) for one in context.message.attachments])

    async def take_agreed(self, context: MessageContext, arguments: dict[str, Any], *, always: bool) -> Reply | None:
        """Take the files that somebody was asked about and said yes to, `always` for all later ones of the room too."""
        room, person, now = context.room.id, context.person.id, context.now
        is_admin = context.actor.is_room_admin
        files = replace(context, message=replace(context.message, attachments=files_of(arguments)))
        taken = await self.take(files, is_agreed=True)
        if taken is None or not always:
            return taken
        seen = await self._parts.db.read(
            lambda session: look(session, room, person, now=now, is_room_admin=is_admin),
        )
        may = seen is not None and seen.may("keep_files").allowed
        if may:
            await self._parts.db.write(lambda session: allow_always(session, room))
        told = say("upload.always" if may else "upload.always_refused", context.language)
        return replace(taken, markdown=f"{taken.markdown}\n\n{told}")

    async def found_in(self, room: str, *, project: str) -> list[Kept]:
        """The files that a room finds: those shared with its project, then its own, each the oldest first."""
        shared = await self._kept_at(None, project)
        return [*shared, *await self._kept_at(room, project)]

    async def named(self, room: str, name: str, *, project: str, or_shared: bool = False) -> Kept:
        """The file of that name in a room, or else shared with its project. Raises UserError that names those there are."""
        found = await self.found_in(room, project=project) if or_shared else await self._kept_at(room, project)
        match = next((one for one in reversed(found) if name_key(one.name) == name_key(name)), None)
        if match is None and found:
            raise UserError("source.share_none", got=name[:80], names=", ".join(one.name for one in found))
        if match is None:
            raise UserError("source.share_empty")
        return match

    async def share(self, upload: Kept, *, now: datetime) -> None:
        """Let the whole project find a file, in place of a shared one of the same name. Raises KnowledgeError."""
        source = await self._parts.db.write(
            lambda session: uploads.source_of(session, upload.project, room=None, now=now)
        )
        async with self._lock(source.id):
            shared = await self._indexed(source.id)
            replaced = [one for one in shared if name_key(one.name) == name_key(upload.name)]
            staying = [one for one in shared if one not in replaced]
            await self._align(upload.project, source.id, [*staying, upload], room=None, now=now)
            gone = [one.id for one in replaced]
            await self._parts.db.write(
                lambda session: uploads.move(session, upload.id, source=source.id, replaces=gone, now=now)
            )
            await self._delete(gone)
        async with self._lock(upload.source):
            left = await self._indexed(upload.source)
            await self._align(upload.project, upload.source, left, room=upload.room, now=now)

    async def remove(self, upload: Kept, *, now: datetime) -> None:
        """Remove a file with its passages. Raises KnowledgeError."""
        await self._remove([upload], now=now)

    async def remove_old(self, *, before: datetime, now: datetime) -> int:
        """Remove files from before a time, with their passages, and files that belong to nothing; how many."""
        old = await self._parts.db.read(lambda session: uploads.expired(session, self._parts.vault, before=before))
        await self._remove_all(old, now=now)
        known = await self._parts.db.read(uploads.known)
        orphans = await asyncio.to_thread(
            _sweep, self._parts.folder, keep=known, before=(now - _ORPHAN_AFTER).timestamp()
        )
        strays = await asyncio.to_thread(_sweep, self._parts.incoming, keep=(), before=(now - _STRAY_AFTER).timestamp())
        return len(old) + orphans + strays

    async def forget_person(self, person: str, *, now: datetime) -> None:
        """Remove what a person sent, with its passages; what is shared with a project stays. Raises KnowledgeError."""
        sent = await self._parts.db.read(lambda session: uploads.of_person(session, self._parts.vault, person))
        await self._remove_all(sent, now=now)

    async def _asked(self, context: MessageContext) -> Reply:
        """Ask about the files that could be taken, and say of the others why not."""
        lines, wanted = [], []
        most = self._most_bytes(context.room)
        for one in context.message.attachments:
            name = clean_file_name(one.name)
            try:
                self._readable.demand_before(one, name, most_bytes=most)
            except UserError as error:
                lines.append(say(error.key, context.language, **{"name": name, **error.values}))
            else:
                wanted.append(one)
        if not wanted:
            return _listed(lines)
        question = await Consent(self._parts.db, self._parts.vault).ask(context, wanted)
        return replace(question, markdown="\n\n".join([*dict.fromkeys(lines), question.markdown]))

    def _most_bytes(self, room: Room) -> int:
        return min(self._readable.max_bytes, self._parts.adapter_of(room).abilities.max_upload_bytes)

    async def _told(self, into: _Into, attachment: Attachment, language: str) -> str:
        name = clean_file_name(attachment.name)
        try:
            return await self._take_one(into, attachment, name, language)
        except UserError as error:
            return say(error.key, language, **{"name": name, **error.values})
        except KnowledgeError:
            log.exception("upload not indexed", project=into.project)
            return say("upload.failed", language, name=name)

    async def _take_one(self, into: _Into, attachment: Attachment, name: str, language: str) -> str:
        async with self._lock(into.source):
            here = await self._indexed(into.source)
            replaced = [one for one in here if name_key(one.name) == name_key(name)]
            await self._demand_room(len(here) - len(replaced))
            data = await self._content(into.room, attachment, name)
            kept = await self._keep(into, name, data)
            staying = [one for one in here if one not in replaced]
            try:
                redacted = await self._align(
                    into.project, into.source, [*staying, kept], room=into.room.id, now=into.now
                )
                entry = (await self._parts.store.manifest(into.project, into.source)).get(_path(kept))
                self._readable.demand_indexed(entry)
                await self._settle(kept, replaced)
            except BaseException:
                await self._forget([kept])
                with contextlib.suppress(KnowledgeError):  # as it was before
                    await self._align(into.project, into.source, here, room=into.room.id, now=into.now)
                raise
        return _told_indexed(name, entry.passages if entry else 0, redacted=redacted, language=language)

    async def _demand_room(self, count: int) -> None:
        limits = self._parts.limits
        if count >= limits.attachments_per_room:
            raise UserError("upload.too_many", most=limits.attachments_per_room)
        if await asyncio.to_thread(self._parts.free_bytes) < limits.min_free_disk_bytes:
            raise UserError("upload.disk")

    async def _content(self, room: Room, attachment: Attachment, name: str) -> bytes:
        """The bytes of an attachment. Raises UserError for one that cannot be fetched or read."""
        adapter = self._parts.adapter_of(room)
        most = self._most_bytes(room)
        self._readable.demand_before(attachment, name, most_bytes=most)
        try:
            data = await adapter.download(attachment, max_bytes=most)
        except Unreachable as error:
            raise UserError("upload.unreachable") from error
        except Refused as error:
            raise UserError("upload.gone", most=megabytes(most)) from error
        self._readable.demand_size(len(data), most_bytes=most)
        await asyncio.to_thread(self._readable.demand_by_content, name, data)
        return data

    async def _keep(self, into: _Into, name: str, data: bytes) -> Kept:
        sha256 = hashlib.sha256(data).hexdigest()
        sent = Sent(into.room.id, into.project, into.source, into.person, name, sha256, len(data))
        kept = await self._parts.db.write(
            lambda session: uploads.add(session, self._parts.vault, sent, now=into.now),
        )
        await asyncio.to_thread(_write, self._parts.folder, kept.id, data)
        return kept

    async def _settle(self, kept: Kept, replaced: Sequence[Kept]) -> None:
        gone = [one.id for one in replaced]
        await self._parts.db.write(lambda session: uploads.settle(session, kept.id, replaces=gone))
        await self._delete(gone)

    async def _remove_all(self, doomed: Sequence[Kept], *, now: datetime) -> None:
        for source in dict.fromkeys(one.source for one in doomed):
            await self._remove([one for one in doomed if one.source == source], now=now)

    async def _remove(self, old: Sequence[Kept], *, now: datetime) -> None:
        """Take files of one source out of the index, then forget them."""
        first = old[0]
        async with self._lock(first.source):
            gone = {one.id for one in old}
            staying = [one for one in await self._indexed(first.source) if one.id not in gone]
            row = await self._parts.db.read(lambda session: sources.get(session, first.source))
            if row is not None:
                room = first.room if row.location == first.room else None
                await self._align(first.project, first.source, staying, room=room, now=now)
            await self._forget(old)

    async def _align(self, project: str, source: str, kept: Sequence[Kept], *, room: str | None, now: datetime) -> int:
        """Let the index of a source hold these files and no others; how many keys and tokens were taken out."""
        by_path = {_path(one): one for one in kept}
        listed = [Listed(path, one.sha256[:40], one.size_bytes) for path, one in by_path.items()]

        async def read(wanted: Sequence[Listed]) -> AsyncIterator[tuple[Listed, bytes]]:
            for file in wanted:
                path = self._parts.folder / by_path[file.path].id
                yield file, await asyncio.to_thread(path.read_bytes)

        await self._parts.store.create(project)
        plan = await self._parts.indexing.plan(project, source, listed, room=room)
        hashes = "\n".join(f"{path}\0{one.sha256}" for path, one in sorted(by_path.items()))
        target = Shown(source, "", hashlib.sha256(hashes.encode()).hexdigest()[:40], now)
        return (await self._parts.indexing.run(project, target, plan, read)).redacted

    async def _kept_at(self, room: str | None, project: str) -> list[Kept]:
        """The files of a room, or with None those that are shared."""

        async def find(session: AsyncSession) -> list[Kept]:
            rows = await sources.list_of(session, project)
            location = uploads.location_of(room)
            mine = [row.id for row in rows if row.kind == uploads.KIND and row.location == location]
            return [one for source in mine for one in await uploads.indexed(session, self._parts.vault, source)]

        return await self._parts.db.read(find)

    async def _indexed(self, source: str) -> list[Kept]:
        return await self._parts.db.read(lambda session: uploads.indexed(session, self._parts.vault, source))

    async def _forget(self, doomed: Sequence[Kept]) -> None:
        ids = [one.id for one in doomed]
        await self._parts.db.write(lambda session: uploads.remove(session, ids))
        await self._delete(ids)

    async def _delete(self, ids: Sequence[str]) -> None:
        for one in ids:
            await asyncio.to_thread((self._parts.folder / one).unlink, missing_ok=True)

    def _lock(self, source: str) -> asyncio.Lock:
        """One change of a source at a time."""
        return self._locks.setdefault(source, asyncio.Lock())


def _path(kept: Kept) -> str:
    """How the index names a file."""
    return encode_path(kept.name.encode())


def _told_indexed(name: str, passages: int, *, redacted: int, language: str) -> str:
    line = say("upload.indexed", language, name=name, passages=passages)
    return f"{line} {say('upload.redacted', language, count=redacted)}" if redacted else line


def _listed(lines: Sequence[str]) -> Reply:
    told = list(dict.fromkeys(lines))  # ten pictures are refused once
    return _notice(told[0] if len(told) == 1 else "\n".join(f"- {line}" for line in told))


def _notice(markdown: str) -> Reply:
    return Reply(markdown, stage=Stage.NOTICE)


def _write(folder: Path, name: str, data: bytes) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def _sweep(folder: Path, *, keep: Collection[str], before: float) -> int:
    """Delete the files of a folder that are older than a time and not to be kept."""
    if not folder.is_dir():
        return 0
    stray = [path for path in folder.iterdir() if path.name not in keep and path.stat().st_mtime < before]
    for path in stray:
        path.unlink(missing_ok=True)
    return len(stray)
