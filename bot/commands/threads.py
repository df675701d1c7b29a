"""The command for what people wrote beside the files of a repository: issues, pull requests, discussions, releases."""

from collections.abc import Sequence

from adapters.github.threads.kinds import KINDS
from bot.commands.context import Context, registry
from bot.commands.registry import NO_WORDS, Words
from bot.errors import UserError
from bot.state.queries import sources
from bot.state.tables import Source
from bot.threads import KIND, LARGE

_ALL, _OFF = "all", "off"


async def _confirm(ctx: Context, name: str, kinds: Words = NO_WORDS) -> str | None:
    """Ask when something is deleted, or when there is very much of it."""
    files, wanted = await _files(ctx, name), _kinds(kinds)
    if wanted is None:
        return None
    beside = await ctx.house.threads.beside(files)
    if not wanted:
        if beside is None:
            return None
        counts = (await ctx.house.projects.counts(files.project)).per_source
        return ctx.say("source.threads_off_confirm", name=files.name, passages=counts.get(beside.id, 0))
    found = await ctx.house.threads.counts(files)
    count = sum(found[kind] for kind in wanted)
    if count <= LARGE:
        return None
    most = ctx.house.sources.threads_max
    return ctx.say("source.threads_confirm", name=files.name, count=count, kinds=_words(ctx, wanted), most=most)


@registry.command("source threads", confirms=_confirm)
async def threads(ctx: Context, name: str, kinds: Words = NO_WORDS) -> str:
    """Read issues, pull requests, discussions and releases of a repository beside its files.

    Example: /source threads deepset-ai/haystack issues discussions
    """
    files, wanted = await _files(ctx, name), _kinds(kinds)
    beside = await ctx.house.threads.beside(files)
    if wanted is None:
        if beside is None:
            return ctx.say("source.threads_off", name=files.name)
        return ctx.say("source.threads_on", name=files.name, kinds=_words(ctx, beside.paths))
    if not wanted:
        if beside is None:
            return ctx.say("source.threads_none", name=files.name)
        await ctx.house.threads.end(beside, now=ctx.now)
        return ctx.say("source.threads_ended", name=files.name)
    made = await ctx.house.threads.follow(files, wanted, person=ctx.person.id, now=ctx.now)
    if beside is not None:
        return ctx.say("source.threads_changed", name=files.name, kinds=_words(ctx, wanted))
    return ctx.say("source.threads_added", name=files.name, kinds=_words(ctx, wanted), threads=made.name)


async def _files(ctx: Context, name: str) -> Source:
    """The source of the files of a repository, by its name. Raises UserError when there is none."""
    project = await ctx.project()
    followed = await ctx.house.db.read(lambda session: sources.list_of(session, project.id))
    named = [row for row in followed if row.kind not in {"upload", KIND}]
    found = next((row for row in named if row.name.casefold() == name.casefold()), None)
    if found is None:
        if not named:
            raise UserError("source.unknown_none")
        raise UserError("source.unknown", got=name[:80], names=", ".join(row.name for row in named))
    return found


def _kinds(typed: Words) -> Sequence[str] | None:
    """Read the kinds that were typed: none for "off", None when nothing was. Raises UserError for another word."""
    words = [word.casefold().strip(",") for word in typed]
    if not words:
        return None
    if words in ([_ALL], [_OFF]):
        return tuple(KINDS) if words == [_ALL] else ()
    if unknown := [word for word in words if word not in KINDS]:
        raise UserError("source.threads_kinds", got=unknown[0][:40])
    return tuple(kind for kind in KINDS if kind in words)


def _words(ctx: Context, kinds: Sequence[str]) -> str:
    return ", ".join(ctx.say(f"source.threads_{kind}") for kind in kinds)
