"""Commands for what a project follows: add, remove, list, share, refresh, webhooks, read anew."""

import re
from dataclasses import replace
from functools import partial

from bot.commands.context import Context, registry
from bot.commands.registry import NO_WORDS, NOTHING, Rest, Words
from bot.errors import UserError
from bot.following import Wanted, free_name, wanted_in_chat, wanted_paths
from bot.lifecycle import allow_private
from bot.outcome import held
from bot.state.queries import sources
from bot.state.tables import Source

# What git check-ref-format takes, but for letters that nobody puts into the name of a branch.
_BRANCH = re.compile(r"(?![-./])(?!.*(?:\.\.|//|/\.|\.lock(?:/|$)))[\w./#+@,=-]{1,200}(?<![./])")


# Stands for the default branch where paths follow.
_DEFAULT = "HEAD"


async def _confirm_add(ctx: Context, source: str, branch: str = "", paths: Words = NO_WORDS) -> str | None:
    """Only what is read with a credential of the installation is asked about; all else has been said by typing it."""
    wanted = await _wanted(ctx, source, branch, paths)
    if not ctx.house.following.needs_credential(wanted):
        return None
    look = await ctx.house.following.look(wanted, may_use_credential=ctx.may("source add private"))
    if not look.is_credential_used:
        return None
    return ctx.say("source.add_private_confirm", name=wanted.name, project=(await ctx.project()).name)


@registry.command("source add", confirms=_confirm_add)
async def add(ctx: Context, source: str, branch: str = "", paths: Words = NO_WORDS) -> str:
    """Follow a repository or a declared folder in this room's project, the whole of it or some paths.

    Example: /source add deepset-ai/haystack main docs haystack/core
    """
    project = await ctx.project()
    wanted = await _wanted(ctx, source, branch, paths)
    following = ctx.house.following
    look = await following.look(wanted, may_use_credential=ctx.may("source add private"))
    row = await following.begin(
        project.id, wanted, is_private=look.is_private, person=ctx.person.id, now=ctx.now, starts=False
    )
    if look.is_empty:
        following.look_again([row])
        return ctx.say("source.added_empty", name=row.name)
    ctx.house.onboarding.tell_first_index(row, partial(following.first_index, row), ctx.event)
    if look.problem:
        return ctx.say("source.added_unreached", name=row.name, error=look.problem)
    return ctx.say("source.added", name=row.name)


async def _wanted(ctx: Context, source: str, branch: str, words: Words) -> Wanted:
    """What was typed, once nothing stands against it that can be known without asking its host. Raises UserError."""
    project = await ctx.project()
    wanted = wanted_in_chat(source, declared=ctx.house.sources, project=project.name)
    if branch.startswith(("/", "./")) or branch.endswith("/"):  # no branch may be called so
        branch, words = "", Words((branch, *words))
    branch = "" if branch == _DEFAULT else branch
    if branch and not _BRANCH.fullmatch(branch):
        raise UserError("source.branch_wrong", got=branch[:80])
    if branch and wanted.kind != "git":
        raise UserError("source.no_branch", name=wanted.name, got=branch)
    wanted = replace(wanted, ref=branch, paths=wanted_paths(words))
    followed = await ctx.house.db.read(lambda session: sources.list_of(session, project.id))
    count, most = sum(row.kind != "upload" for row in followed), ctx.house.limits.sources_per_project
    if count >= most:
        raise UserError("source.too_many", most=most, count=count)
    if any(ctx.house.following.is_same(row, wanted) for row in followed):
        raise UserError("source.exists", name=wanted.name)
    return free_name(wanted, [row.name for row in followed])


@registry.command("source list", is_read_only=True)
async def list_(ctx: Context) -> str:
    """List what this room's project follows.

    Example: /source list
    """
    project = await ctx.project()
    lines = await ctx.house.standing.source_lines(project, ctx.language, now=ctx.now)
    if not lines:
        return ctx.say("source.list_empty", project=project.name)
    return "\n".join([ctx.say("source.list_title", project=project.name), "", *lines])


async def _confirm_remove(ctx: Context, name: Rest) -> str:
    source = (await _named(ctx, name))[0]
    counts = await ctx.house.projects.counts(source.project)
    return ctx.say("source.remove_confirm", name=source.name, passages=counts.per_source.get(source.id, 0))


@registry.command("source remove", confirms=_confirm_remove)
async def remove(ctx: Context, name: Rest) -> str:
    """Stop following a source and delete what was indexed of it.

    Example: /source remove deepset-ai/haystack
    """
    source = (await _named(ctx, name))[0]
    await ctx.house.following.end(source, now=ctx.now)
    return ctx.say("source.removed", name=source.name)


@registry.command("source refresh", is_read_only=True)
async def refresh(ctx: Context, name: Rest = NOTHING) -> str:
    """Look for changes now, in one source or in all.

    Example: /source refresh
    """
    found = await _named(ctx, name)
    ctx.house.following.look_again(found)
    return ctx.say("source.refreshing", names=", ".join(source.name for source in found))


@registry.command("source webhook", is_read_only=True)
async def webhook(ctx: Context, name: Rest = NOTHING) -> str:
    """Say how the webhook of a repository stands, or of all that are followed. Never its secret.

    Example: /source webhook deepset-ai/haystack
    """
    return await ctx.house.hooks.told(await _named(ctx, name), ctx.language, now=ctx.now)


async def _confirm_share(ctx: Context, name: Rest) -> str:
    project = await ctx.project()
    upload = await ctx.house.uploads.named(ctx.room.id, name, project=project.id)
    return ctx.say("source.share_confirm", name=upload.name, project=project.name)


@registry.command("source share", confirms=_confirm_share)
async def share(ctx: Context, name: Rest) -> str:
    """Let the whole project find a file that was sent in this room.

    Example: /source share handbook.md
    """
    project = await ctx.project()
    upload = await ctx.house.uploads.named(ctx.room.id, name, project=project.id)
    await ctx.house.uploads.share(upload, now=ctx.now)
    return ctx.say("source.shared", name=upload.name, project=project.name)


async def _confirm_reindex(ctx: Context) -> str:
    found = await _named(ctx, "")
    return ctx.say("source.reindex_confirm", count=len(found), project=(await ctx.project()).name)


@registry.command("reindex", confirms=_confirm_reindex)
async def reindex(ctx: Context) -> str:
    """Read every source of this room's project anew.

    Example: /reindex
    """
    found = await _named(ctx, "")
    ctx.house.following.look_again(found, anew=True)
    return ctx.say("source.reindexing", names=", ".join(source.name for source in found))


async def _held_private(ctx: Context, name: str) -> Source:
    source = (await _named(ctx, name))[0]
    if held(source) != "private":
        raise UserError("source.allow_not_private", name=source.name)
    return source


async def _confirm_allow(ctx: Context, name: Rest) -> str:
    source = await _held_private(ctx, name)
    return ctx.say("source.allow_confirm", name=source.name, project=(await ctx.project()).name)


@registry.command("source allow", confirms=_confirm_allow)
async def allow(ctx: Context, name: Rest) -> str:
    """Follow a repository that became private after it was added as a public one.

    Example: /source allow acme/app
    """
    source = await _held_private(ctx, name)
    await allow_private(ctx.house.db, source, now=ctx.now)
    ctx.house.following.look_again([source])
    return ctx.say("source.allowed", name=source.name)


async def _named(ctx: Context, name: str) -> list[Source]:
    """The one source of that name, or all when no name is given; never an empty list."""
    project = await ctx.project()
    followed = await ctx.house.db.read(lambda session: sources.list_of(session, project.id))
    followed = [source for source in followed if source.kind != "upload"]
    if not followed:
        raise UserError("source.unknown_none")
    found = [source for source in followed if not name or source.name.casefold() == name.strip().casefold()]
    if not found:
        raise UserError("source.unknown", got=name[:80], names=", ".join(source.name for source in followed))
    return found
