"""Commands for people: who may do what in a project, and becoming its owner."""

from datetime import timedelta

from bot.commands.context import Context, registry
from bot.commands.registry import NOTHING, Rest
from bot.errors import UserError
from bot.rights import Role, why_not_give
from bot.state.queries import codes, people, projects
from bot.state.tables import Person
from config.texts import plain

_GIVEN_IN_CHAT = {"member": Role.MEMBER, "admin": Role.ADMIN}


@registry.command("role", is_read_only=True, action="role list")
async def role(ctx: Context) -> str:
    """List the people of this room's project.

    Example: /role
    """
    project = await ctx.project()
    rows = await ctx.house.db.read(lambda session: people.members_of(session, project.id, now=ctx.now))
    if not rows:
        return ctx.say("role.nobody_yet")
    lines = [
        ctx.say(
            "role.line", name=plain(row.name), identity=await _identity_of(ctx, row), role=ctx.say(f"role.{role.word}")
        )
        for row, role in rows
    ]
    return "\n".join([ctx.say("role.title", project=project.name), "", *lines])


@registry.command("role grant", action="role set")
async def grant(ctx: Context, identity: str, role: str) -> str:
    """Give a person a role in this room's project, by the id that /whoami shows.

    Example: /role grant telegram:123456 member
    """
    project, person = await ctx.project(), await _person(ctx, identity)
    wanted = _role_named(role)
    await _demand_may_give(ctx, person, wanted, project=project.id)
    await ctx.house.db.write(
        lambda session: people.give_role(
            session, person.id, wanted, project=project.id, given_by=ctx.person.id, now=ctx.now
        )
    )
    said = ctx.say(f"role.{wanted.word}")
    return ctx.say("role.granted", name=plain(person.name or identity), role=said, project=project.name)


@registry.command("role revoke", action="role set")
async def revoke(ctx: Context, identity: str) -> str:
    """Take away a person's role in this room's project.

    Example: /role revoke telegram:123456
    """
    project, person = await ctx.project(), await _person(ctx, identity)
    await _demand_may_give(ctx, person, Role.NOBODY, project=project.id)
    had = await ctx.house.db.write(
        lambda session: people.take_role(session, person.id, project=project.id, now=ctx.now)
    )
    key = "role.revoked" if had else "role.had_none"
    return ctx.say(key, name=plain(person.name or identity), project=project.name)


@registry.command("role invite")
async def invite(ctx: Context, role: str = "member") -> str:
    """Make a one-time code with which a person joins this room's project.

    Example: /role invite member
    """
    if not ctx.is_private:
        raise UserError("command.only_private")
    project, minutes = await ctx.project(), ctx.house.access.invite_minutes
    wanted = _role_named(role)
    reason = why_not_give(ctx.actor, wanted, project=project.id, target="")
    if reason:
        raise UserError(reason)
    new = codes.NewCode(codes.Purpose.JOIN, project=project.id, role=wanted.word, made_by=ctx.person.id)
    code = await ctx.house.db.write(
        lambda session: codes.make(session, new, valid_for=timedelta(minutes=minutes), now=ctx.now)
    )
    said = ctx.say(f"role.{wanted.word}")
    text = ctx.say("role.invite", code=codes.shown(code), name=project.name, role=said, minutes=minutes)
    links = ctx.house.connections.invitations(code, to_group=False)
    return "\n\n".join([text, *(ctx.say("role.invite_link", link=link) for link in links)])


@registry.command("join", is_listed=False)
async def join(ctx: Context, code: Rest) -> str:
    """Become a member of a project with a code from one of its admins; dead once typed in a group.

    Example: /join K7QF-3MWX
    """
    if not ctx.is_private:
        await ctx.house.db.write(lambda session: codes.kill(session, codes.Purpose.JOIN, code, now=ctx.now))
        raise UserError("role.join_in_group")
    _demand_one_person(ctx)
    joined = await ctx.house.people.join(code, person=ctx.person.id, now=ctx.now)
    project = await ctx.house.db.read(lambda session: projects.get(session, joined)) if joined else None
    if project is None:
        raise UserError("role.join_wrong")
    return ctx.say("role.joined", name=project.name)


@registry.command("claim", is_listed=False)
async def claim(ctx: Context, code: Rest = NOTHING) -> str:
    """Become owner with a code from the server's command line; dead once typed in a group.

    Example: /claim K7QF-3MWX
    """
    if not ctx.is_private:
        await ctx.house.people.spoil_claim(code, now=ctx.now)
        raise UserError("claim.in_group")
    _demand_one_person(ctx)
    if not await ctx.house.people.claim(code, person=ctx.person.id, now=ctx.now):
        raise UserError("claim.wrong")
    return ctx.say("claim.done")


def _demand_one_person(ctx: Context) -> None:
    if ctx.message.sender.is_shared:
        raise UserError("role.shared")


def _role_named(word: str) -> Role:
    found = _GIVEN_IN_CHAT.get(word.casefold())
    if found is None:
        raise UserError("role.unknown_role", got=word[:40])
    return found


async def _person(ctx: Context, identity: str) -> Person:
    network, _, native = identity.partition(":")
    if people.is_shared(native):
        raise UserError("role.shared")
    found = await ctx.house.db.read(lambda session: people.by_identity(session, network, native)) if native else None
    if found is None:
        raise UserError("role.unknown_person", got=identity[:80])
    return found


async def _identity_of(ctx: Context, person: Person) -> str:
    """The id that others type, as this person's own /whoami shows it."""
    known = await ctx.house.db.read(lambda session: people.identities(session, person.id))
    return ", ".join(f"{one.network}:{one.native_id}" for one in known) or person.id


async def _demand_may_give(ctx: Context, person: Person, role: Role, *, project: str) -> None:
    """Raise UserError unless this person may set the other's role."""
    other = await ctx.house.db.read(lambda session: people.load_actor(session, person.id, now=ctx.now))
    reason = why_not_give(ctx.actor, role, project=project, target=person.id, target_role=other.role_in(project))
    if reason:
        raise UserError(reason)
