"""Commands for projects: make, connect a room, list, rename, remove, invite."""

import re
from dataclasses import replace
from datetime import timedelta

from adapters.chat import Reply
from bot.commands.context import Context, registry
from bot.commands.registry import Rest
from bot.errors import UserError
from bot.rights import Role, decide
from bot.state.queries import codes, projects, rooms, sources
from bot.state.tables import Project


@registry.command("project new")
async def new(ctx: Context, name: Rest) -> str:
    """Make a project; who makes it is its admin.

    Example: /project new Team handbook
    """
    made = await ctx.house.projects.begin(name, person=ctx.person.id, now=ctx.now)
    return ctx.say("project.made", name=made.name)


@registry.command("project use", action="project list")
async def use(ctx: Context, name: Rest) -> Reply:
    """Connect this room with a project, by its name or by a one-time code of an admin.

    Example: /project use Team handbook
    """
    if ctx.room.kind == "web":
        raise UserError("project.web_fixed", name=(await ctx.project()).name)
    found = await _by_code(ctx, name) or await _by_name(ctx, name)
    if ctx.room.project == found.id:
        raise UserError("project.used_already", name=found.name)
    if ctx.room.project is not None:
        raise UserError("project.used_other", name=(await ctx.project()).name)
    room = await ctx.house.db.write(
        lambda session: rooms.bind(session, ctx.room.id, project=found.id, bound_by=ctx.person.id, now=ctx.now)
    )
    return await ctx.house.onboarding.connected(found, room, ctx.language)


@registry.command("project leave")
async def leave(ctx: Context) -> str:
    """Disconnect this room from its project.

    Example: /project leave
    """
    if ctx.room.kind == "web":
        raise UserError("project.web_fixed", name=(await ctx.project()).name)
    await ctx.project()
    await ctx.house.db.write(lambda session: rooms.unbind(session, ctx.room.id, now=ctx.now))
    return ctx.say("project.left")


@registry.command("project list", is_read_only=True)
async def list_(ctx: Context) -> str:
    """List the projects this person has a right to.

    Example: /project list
    """
    mine = await ctx.house.db.read(lambda session: projects.list_for(session, ctx.actor))
    if not mine:
        return ctx.say("project.list_empty_owner" if ctx.actor.role_in("") is Role.OWNER else "project.list_empty")
    lines = [
        ctx.say("project.list_line", name=found.name, role=ctx.say(f"role.{ctx.actor.role_in(found.id).word}"))
        for found in mine
    ]
    return "\n".join([ctx.say("project.list_title"), "", *lines])


@registry.command("project rename")
async def rename(ctx: Context, name: Rest) -> str:
    """Give this room's project another name.

    Example: /project rename Handbook
    """
    project = await ctx.project()
    renamed = await ctx.house.db.write(lambda session: projects.rename(session, project.id, name))
    return ctx.say("project.renamed", old=project.name, new=renamed.name)


async def _confirm_remove(ctx: Context) -> str:
    project = await ctx.project()
    counts = await ctx.house.projects.counts(project.id)
    followed = await ctx.house.db.read(lambda session: sources.list_of(session, project.id))
    bound = await ctx.house.db.read(lambda session: rooms.list_of(session, project.id))
    return ctx.say(
        "project.remove_confirm",
        name=project.name,
        sources=len(followed),
        passages=counts.passages,
        rooms=len(bound),
    )


@registry.command("project remove", confirms=_confirm_remove)
async def remove(ctx: Context) -> str:
    """Remove this room's project with all that was indexed and said.

    Example: /project remove
    """
    project = await ctx.project()
    await ctx.house.projects.end(project.id, now=ctx.now)
    return ctx.say("project.removed", name=project.name)


@registry.command("project invite")
async def invite(ctx: Context) -> str:
    """Make a one-time code with which a room's admin connects that room.

    Example: /project invite
    """
    if not ctx.is_private:
        raise UserError("command.only_private")
    project, minutes = await ctx.project(), ctx.house.access.invite_minutes
    code = await ctx.house.db.write(
        lambda session: codes.make(
            session,
            codes.NewCode(codes.Purpose.BIND, project=project.id, made_by=ctx.person.id),
            valid_for=timedelta(minutes=minutes),
            now=ctx.now,
        )
    )
    return ctx.say("project.invite", code=codes.shown(code), name=project.name, minutes=minutes)


async def _by_name(ctx: Context, name: str) -> Project:
    """The project that this person may bind here. A name without a right to it is as unknown as any other."""
    found = await ctx.house.db.read(lambda session: projects.list_named(session, ctx.actor, name))
    if found is None:
        raise UserError("project.unknown", got=name[:80])
    await _demand(ctx, "project use", found)
    return found


async def _by_code(ctx: Context, text: str) -> Project | None:
    """The project of a one-time code; the code is its admin's word, the room's admin types it."""
    if not re.fullmatch(r"[0-9A-HJ-NP-Z]{4}-?[0-9A-HJ-NP-Z]{4}", text.strip().upper()) or ctx.is_private:
        return None
    await _demand(ctx, "project redeem", None)
    sender = f"{ctx.message.sender.network}:{ctx.message.sender.id}"
    redeemed = await ctx.house.db.write(
        lambda session: codes.redeem_typed(
            session, codes.Purpose.BIND, text, sender=sender, used_by=ctx.person.id, now=ctx.now
        )
    )
    wanted = redeemed.invite.project if redeemed.invite is not None else None
    if wanted is None:
        raise UserError("project.code_wrong")
    return await ctx.house.db.read(lambda session: projects.get(session, wanted))


async def _demand(ctx: Context, action: str, project: Project | None) -> None:
    """Ask the gate about another project than this room's. Raises UserError with its reason."""
    place = ctx.place
    if project is not None:
        has_private = await ctx.house.db.read(lambda session: projects.has_private_source(session, project.id))
        place = replace(place, project=project.id, has_private_source=has_private)
    decision = decide(ctx.actor, action, place)
    if not decision.allowed:
        raise UserError(decision.reason or "rights.not_allowed")
