"""What the clock does: ask sources that are due, and take out what has had its time."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.registry import SourceRegistry
from adapters.source import Head
from bot.backup import Backups
from bot.digest import Digest
from bot.following import Following
from bot.jobs.registry import Job, Registry
from bot.jobs.runner import JobRunner
from bot.lifecycle import Lifecycle, Telling
from bot.mirrors import drop_mirrored, remove_unfollowed
from bot.polling import Polling, PollingParts
from bot.privacy import sweep
from bot.redelivery import Redelivery
from bot.refresh import Refresh
from bot.state.database import Database
from bot.state.queries import purges, retention, sources
from bot.state.tables import Source
from bot.state.vault import Vault
from bot.uploads import Uploads
from bot.watch import Watch
from config.settings import Retention
from pipelines.stores.passages import PassageStore

# How late a source that is due may be asked: a push is to be searchable eight seconds after its interval at most.
TICK = timedelta(seconds=5)
WATCH = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class ChoreParts:
    """What the chores work with. `spawn` starts a task that lives as long as the service."""

    db: Database
    store: PassageStore
    refresh: Refresh
    following: Following
    runner: JobRunner
    spawn: Callable[[Coroutine[Any, Any, None]], object]
    clock: Callable[[], datetime]
    keep: Retention
    purge_after_days: int
    registry: SourceRegistry
    vault: Vault
    lifecycle: Lifecycle
    telling: Telling
    uploads: Uploads | None = None
    backups: Backups | None = None
    backup_every: timedelta | None = None
    redelivery: Redelivery | None = None
    digest: Digest | None = None


registry: Registry["Chores"] = Registry()


class Chores:
    """The work behind the jobs. Each method returns what it did in a few words, '' for nothing."""

    def __init__(self, parts: ChoreParts) -> None:
        self._parts = parts
        self.polling = Polling(
            PollingParts(
                db=parts.db,
                refresh=parts.refresh,
                lifecycle=parts.lifecycle,
                forge=parts.registry.forge,
                credential=parts.registry.access.named,
                refresh_now=self.refresh_now,
                run=lambda work, subject: parts.runner.run("poll", work, subject=subject),
                spawn=parts.spawn,
                clock=parts.clock,
            )
        )
        self._watch: Watch | None = None

    def jobs(self, watch: Watch | None) -> list[Job]:
        """List all jobs; without a `watch` sources are asked by the clock alone."""
        self._watch = watch
        backups = self._parts.backup_every if self._parts.backups is not None else None
        every = {"backup": backups, **({} if watch is not None else {"watch": None})}
        return registry.bind(self, every=every)

    @registry.job("tick", every=TICK)
    async def refresh_due(self) -> str:
        """Ask every source that is due, and refresh those that have moved. Returns at once."""
        await self.polling.tick()
        return ""

    async def refresh_now(self, source: str, head: Head | None = None) -> None:
        """Refresh one source; never raises. Only what changed something, or failed, becomes a job run.

        `head` is where the source is, when somebody has just asked.
        """

        async def work() -> str:
            ran = await self._parts.refresh.refresh_source(source, head=head)
            if ran is not None and ran.outcome == "gone":
                await self._parts.telling.source_is_gone(source)
            if ran is not None and ran.is_back:
                await self._parts.telling.source_is_back(source)
            return "" if ran is None or ran.outcome == "unchanged" else f"{ran.outcome} {ran.error}".strip()

        reference = await self._parts.runner.run("refresh", work, subject=source)
        if reference:
            await self._parts.runner.run("refresh", lambda: self._put_off(source, reference), subject=source)

    async def _put_off(self, source: str, reference: str) -> str:
        """After a fault of our own: wait as after any failure, or the next tick would run into it again."""
        await self._parts.refresh.put_off(source, reference)
        return ""

    @registry.job("expired", every=timedelta(minutes=10), deletes=True)
    async def drop_expired(self) -> str:
        """Delete codes, sessions, confirmations, counters and roles whose time is over."""
        now = self._parts.clock()
        dropped = await self._parts.db.write(lambda session: retention.delete_expired(session, now=now))
        return f"{dropped} expired" if dropped else ""

    @registry.job("retention", every=timedelta(hours=1), deletes=True)
    async def keep_within_time(self) -> str:
        """Take out what people said, and the ids around it, once it is older than the settings allow."""
        counts = await sweep(self._parts.db, self._parts.keep, now=self._parts.clock())
        gone = sum(counts.values())
        return f"{gone} rows" if gone else ""

    @registry.job("purge", every=timedelta(hours=1), deletes=True)
    async def purge_hidden(self) -> str:
        """Delete what is indexed of sources that have been gone for too long; they come back whole if they return."""
        before = self._parts.clock() - timedelta(days=self._parts.purge_after_days)
        rows = await self._parts.db.read(lambda session: sources.hidden_since(session, before=before))
        purged = [row for row in rows if row.state_reason != "purged"]
        for row in purged:
            await self._purge(row)
        if purged:
            await self._parts.db.checkpoint()  # else paths that were deleted stay readable in the log of the database
        return f"purged {len(purged)}" if purged else ""

    @registry.job("leftovers", every=timedelta(hours=6), at_start=True, deletes=True)
    async def remove_leftovers(self) -> str:
        """Delete what a kill left of sources and projects that were being removed."""
        found = await self._parts.following.finish_ends(now=self._parts.clock())
        return f"removed {found}" if found else ""

    @registry.job("mirrors", every=timedelta(hours=6), deletes=True)
    async def remove_mirrors(self) -> str:
        """Remove mirrors of repositories that nothing follows any more."""
        removed = await remove_unfollowed(self._parts.db, self._parts.registry)
        return f"removed {removed}" if removed else ""

    @registry.job("uploads", every=timedelta(hours=1), deletes=True)
    async def remove_old_uploads(self) -> str:
        """Remove files that people sent so long ago, with their passages, and files that belong to nothing."""
        if self._parts.uploads is None:
            return ""
        now = self._parts.clock()
        before = now - timedelta(days=self._parts.keep.upload_days)
        removed = await self._parts.uploads.remove_old(before=before, now=now)
        return f"removed {removed}" if removed else ""

    @registry.job("backup", every=timedelta(days=1))
    async def back_up(self) -> str:
        """Copy the state database. Raises DiskLow, BackupFailed."""
        if self._parts.backups is None:
            return ""
        made = await self._parts.backups.make()
        return "PostgreSQL: left to pg_dump" if made is None else f"{made.file}, {made.bytes} bytes"

    @registry.job("deliveries", every=timedelta(days=1), at_start=True)
    async def ask_for_deliveries(self) -> str:
        """Ask hosts for the deliveries of webhooks that were missed."""
        return await self._parts.redelivery.ask_again() if self._parts.redelivery is not None else ""

    @registry.job("digest", every=timedelta(minutes=1))
    async def post_digests(self) -> str:
        """Post the daily summary of what changed to the rooms where it is due."""
        posted = await self._parts.digest.post_due() if self._parts.digest is not None else 0
        return f"posted {posted}" if posted else ""

    @registry.job("watch", every=WATCH)
    async def align_watch(self) -> str:
        """Watch the sources of this machine that are followed now, and no others."""
        if self._watch is not None:
            await self._watch.align()
        return ""

    async def _purge(self, row: Source) -> None:
        await self._parts.refresh.forget(row.id)
        await self._parts.store.purge(row.project, row.id)
        await drop_mirrored(self._parts.db, self._parts.registry, row)
        now, vault = self._parts.clock(), self._parts.vault

        async def forget(session: AsyncSession) -> None:
            await purges.forget_source(session, vault, project=row.project, source=row.id)
            await sources.set_state(session, row.id, row.state, reason="purged", now=now)

        await self._parts.db.write(forget)
