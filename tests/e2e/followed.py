"""Repositories that a project follows, as a service finds them that was never told to follow them, and their deliveries."""

import json
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.app import utc_now
from bot.hooks import seal_place
from bot.state.database import Database
from bot.state.queries import projects, sources, webhooks
from bot.state.queries.sources import NewSource
from bot.state.tables import Source, WebhookDelivery
from bot.state.vault import Vault
from tests.fakes.deliveries import Hub

HOST = "localhost:1"  # nothing listens there, so every look at a repository fails at once
QUIET = timedelta(hours=1)
SETTINGS = {
    "ROOMWISE_SOURCES__GITHUB_HOSTS": json.dumps([HOST]),
    "ROOMWISE_SOURCES__ALLOWED_HOSTS": json.dumps([HOST]),
    "ROOMWISE_SOURCES__INSIDE_HOSTS": json.dumps([HOST, "localhost"]),
}


async def follow(folder: Path, count: int) -> list[Hub]:
    """Make a project in `folder`/data that follows repositories, each with the secret of its webhook.

    None of them is due for an hour, so that nothing but deliveries asks for a look.
    """
    (folder / "data").mkdir(parents=True, mode=0o700)
    vault = Vault.from_file(folder / "roomwise.key")
    db = await Database.open(folder / "data" / "state.db", backups=None, clock=utc_now)
    hubs = [Hub(f"acme/app{number}", HOST, node_id=f"R_{number}", secret=f"s{number}") for number in range(count)]

    async def make(session: AsyncSession) -> None:
        project = await projects.create(session, "followed", created_by=None, now=utc_now())
        for hub in hubs:
            new = NewSource(project.id, "git", hub.repository, f"https://{HOST}/{hub.repository}", interval_s=3600)
            source = await sources.add(session, new, now=utc_now())
            later = source.added_at + QUIET
            await sources.record_run(session, source.id, error=None, next_due_at=later, now=utc_now())
            row = await webhooks.know(session, source, host=HOST)
            await webhooks.set_secret(session, row.id, vault.seal(seal_place(row.id), hub.secret), now=utc_now())

    await db.write(make)
    await db.close()
    return hubs


async def lost(folder: Path, taken: dict[str, str]) -> list[str]:
    """The deliveries (to the names of their repositories) that left no trace.

    One that did has its id kept, and its source is marked, or was looked at, which moves the time of its next look.
    """
    db = await Database.open(folder / "data" / "state.db", backups=None, clock=utc_now)

    async def read(session: AsyncSession) -> list[str]:
        kept = {row.id for row in await session.scalars(select(WebhookDelivery))}
        followed = {row.name: row for row in await session.scalars(select(Source))}
        return [one for one, repository in taken.items() if one not in kept or not _is_moved(followed[repository])]

    missing = await db.read(read)
    await db.close()
    return missing


def _is_moved(source: Source) -> bool:
    return source.is_dirty or source.next_due_at != source.added_at + QUIET
