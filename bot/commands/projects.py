"""Commands for projects: make, connect a room, list, rename, remove, invite."""

import re
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Reply
from bot.commands.context import Context, registry
from bot.commands.registry import Rest
from bot.errors import UserError
from bot.rights import Decision, Role, decide
from bot.state.queries import codes, projects, rooms, sources
from bot.state.tables import Project

_CODE = re.compile(r"[0-9A-HJ-NP-Z]{4}-?[0-9A-HJ-NP-Z]{4}")


@registry.command("project new")
async def new(ctx: Context, name: Rest) -> str:
    """Make a project; who makes it is its admin.

    Example: /project new Team handbook
    """
    made = await ctx.house.projects.begin(name, person=ctx.person.id, now=ctx.now)
    return ctx.say("project.made", name=made.name)


async def _confirm_use(ctx: Context, name: Rest) -> str | None:
    """What is asked about: a public room that would show a private source, and a room that leaves another project."""
    found = await _by_name(ctx, name)
    if found is None:
        return None
    asked = [await _confirm_move(ctx, found)] if await _is_moving(ctx, found) else []
    if (await _decision(ctx, "project use", found)).needs_confirmation:
        asked.append(ctx.say("project.use_public_confirm", name=found.name))
    return "\n\n".join(asked) or None


async def _is_moving(ctx: Context, wanted: Project) -> bool:
    """Whether others would lose the project that they ask here; one's own chat changes it without further ado."""
    return not ctx.is_private and await _bound_to(ctx) not in (None, wanted.id)


async def _confirm_move(ctx: Context, wanted: Project) -> str:
    """The project that the room leaves is named only to those who have a right to it."""
    bound = await _bound_to(ctx)
    if ctx.actor.role_in(bound) >= Role.MEMBER:
        return ctx.say("project.move_confirm", old=(await ctx.project()).name, new=wanted.name)
    return ctx.say("project.move_confirm_unnamed", new=wanted.name)


@registry.command("project use", action="project list", confirms=_confirm_use, is_for_web=False)
async def use(ctx: Context, name: Rest) -> Reply:
    """Connect this room with a project, by its name or by a one-time code of an admin.

    Example: /project use Team handbook
    """
    if ctx.room.kind == "web":
        raise UserError("project.web_fixed", name=(await ctx.project()).name)
    named = await _by_name(ctx, name)
    await _demand_free(ctx, named)
    return await _connect(ctx, named or await _by_code(ctx, name))


async def connect_by_code(ctx: Context, code: Rest) -> Reply:
    """Connect this room by a one-time code alone, as a link brings it. Raises UserError."""
    await _demand_free(ctx, None)
    return await _connect(ctx, await _by_code(ctx, code))


async def _connect(ctx: Context, project: Project) -> Reply:
    async def bind(session: AsyncSession) -> None:
        await rooms.bind(session, ctx.room.id, project=project.id, bound_by=ctx.person.id, now=ctx.now)

    await ctx.house.db.write(bind)
    return await ctx.house.onboarding.connected(project, ctx.event)


@registry.command("project leave", is_for_web=False)
async def leave(ctx: Context) -> str:
    """Disconnect this room from its project.

    Example: /project leave
    """
    if ctx.room.kind == "web":
        raise UserError("project.web_fixed", name=(await ctx.project()).name)
    if await _bound_to(ctx) is None:
        raise UserError("project.left_above")  # a topic has the project of the room it lies in
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
    text = ctx.say("project.invite", code=codes.shown(code), name=project.name, minutes=minutes)
    links = ctx.house.connections.invitations(code, to_group=True)
    return "\n\n".join([text, *(ctx.say("project.invite_link", link=link) for link in links)])


async def _bound_to(ctx: Context) -> str | None:
    """The project that this very room is bound to, leaving out what it inherits."""
    row = await ctx.house.db.read(lambda session: rooms.get(session, ctx.room.id))
    return row.project if row is not None else None


async def _demand_free(ctx: Context, wanted: Project | None) -> None:
    """Raise UserError when the room has that project already, or has one and a code is to give it another.

    By name a room is moved, once that is confirmed; a code's admin has said nothing of what the room would leave.
    The project that it is bound to is named only to those who have a right to it.
    """
    bound = await _bound_to(ctx)
    if wanted is not None and bound == wanted.id:
        raise UserError("project.used_already", name=wanted.name)
    if bound is None or wanted is not None or ctx.is_private:
        return
    if ctx.actor.role_in(bound) >= Role.MEMBER:
        raise UserError("project.used_other", name=(await ctx.project()).name)
    raise UserError("project.used_elsewhere")


async def _by_name(ctx: Context, name: str) -> Project | None:
    """The project that this person may bind here, None when it has no right to any of that name.

    Raises UserError when something else is missing, such as being the room's admin.
    """
    found = await ctx.house.db.read(lambda session: projects.list_named(session, ctx.actor, name))
    if found is not None:
        _demand(await _decision(ctx, "project use", found))
    return found


async def _by_code(ctx: Context, text: str) -> Project:
    """The project of a one-time code; the code is its admin's word, the room's admin types it.

    Raises UserError: an unknown name, a forbidden one and one that does not exist get the same words.
    """
    if not _CODE.fullmatch(text.strip().upper()) or ctx.is_private:
        raise UserError("project.unknown", got=text[:80])
    _demand(decide(ctx.actor, "project redeem", ctx.place))
    sender = f"{ctx.message.sender.network}:{ctx.message.sender.id}"

    async def redeem(session: AsyncSession) -> str | None:
        waiting = await codes.find(session, codes.Purpose.BIND, text, now=ctx.now)
        if waiting is not None and waiting.project is not None and ctx.place.is_public:
            await _demand_nothing_private(session, waiting.project)
        redeemed = await codes.redeem_typed(
            session, codes.Purpose.BIND, text, sender=sender, used_by=ctx.person.id, now=ctx.now
        )
        return redeemed.invite.project if redeemed.invite is not None else None

    wanted = await ctx.house.db.write(redeem)
    found = await ctx.house.db.read(lambda session: projects.get(session, wanted)) if wanted else None
    if found is None:
        raise UserError("project.code_wrong")
    return found


async def _demand_nothing_private(session: AsyncSession, project: str) -> None:
    """A code opens no public room to a private source: an owner does that, by the project's name."""
    if await projects.has_private_source(session, project):
        raise UserError("rights.public_room_needs_owner")


async def _decision(ctx: Context, action: str, project: Project) -> Decision:
    """What the gate says about another project than this room's."""
    has_private = await ctx.house.db.read(lambda session: projects.has_private_source(session, project.id))
    return decide(ctx.actor, action, replace(ctx.place, project=project.id, has_private_source=has_private))


def _demand(decision: Decision) -> None:
    """Raise UserError with the gate's reason."""
    if not decision.allowed:
        raise UserError(decision.reason or "rights.not_allowed")
