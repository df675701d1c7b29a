"""Mirrors of repositories, and their threads: each is kept while somebody follows them, and no longer."""

import asyncio

from adapters.registry import SourceRegistry
from bot.state.database import Database
from bot.state.queries import sources
from bot.state.tables import Source


async def drop_mirrored(db: Database, registry: SourceRegistry, source: Source) -> None:
    """Delete what was fetched for a source that is removed or purged, but for what others still follow."""
    if source.kind == "threads":
        await asyncio.to_thread(registry.remove_threads, source.id)
    if source.kind != "git" or "://" not in source.location:
        return
    name = registry.mirror_name(source.location)
    followed = await db.read(sources.remotes)
    others = [row for row in followed if row.id != source.id and registry.mirror_name(row.location) == name]
    if not others:
        await registry.remove_mirror(source.location)
    elif source.ref not in [row.ref for row in others]:
        await registry.forget_branch(source.location, source.ref)


async def remove_unfollowed(db: Database, registry: SourceRegistry) -> int:
    """Delete mirrors and threads of repositories that nothing follows any more; how many there were."""
    shelved = await asyncio.to_thread(registry.shelved)
    there = await asyncio.to_thread(registry.mirrored)  # first: one that is made meanwhile is followed
    followed = {registry.mirror_name(row.location) for row in await db.read(sources.remotes)}
    doomed = [name for name in there if name not in followed]
    for name in doomed:
        await registry.remove_mirror(name)
    kept = {row.id for row in await db.read(sources.with_threads)}
    stray = [source for source in shelved if source not in kept]
    for source in stray:
        await asyncio.to_thread(registry.remove_threads, source)
    return len(doomed) + len(stray)
