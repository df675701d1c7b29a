"""Commands about Roomwise itself and about the person who types: help, about, privacy, whoami, status."""

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Button, Reply, Stage
from bot.commands.context import Context, registry
from bot.commands.registry import NOTHING, Command, Rest
from bot.erasure import forget
from bot.errors import UserError
from bot.rights import Role
from bot.state.queries import audit as audit_queries
from bot.state.queries import people, projects
from bot.timing import ago
from bot.version import PROGRAM
from config.texts import plain

_ACTS_SHOWN = 20


@registry.command("help", is_read_only=True)
async def help_(ctx: Context, command: Rest = NOTHING) -> str | Reply:
    """Say what this person may do in this room.

    Example: /help source add
    """
    if command:
        return _one(ctx, " ".join(command.lstrip("/").casefold().split()))
    lines = [ctx.say("help.title"), "", how_to_ask(ctx), ""]
    lines += [_line(ctx, found) for found in registry if ctx.offers(found)]
    return "\n".join(lines)


@registry.command("about", is_read_only=True)
async def about(ctx: Context) -> str:
    """Say who answers and where passages go.

    Example: /about
    """
    project = await ctx.find_project()
    lines = [
        ctx.say("about.text", version=PROGRAM, project=project.name)
        if project and ctx.may("read_project")
        else ctx.say("about.text_unbound", version=PROGRAM)
    ]
    return "\n\n".join([*lines, ctx.house.who_answers(ctx.language), ctx.say("about.licence")])


@registry.command("privacy", is_read_only=True)
async def privacy(ctx: Context) -> str:
    """Say what is kept of people, why, for how long and who receives it, from the live settings.

    Example: /privacy
    """
    return ctx.house.privacy_text(ctx.language)


@registry.command("developer_info", is_read_only=True)
async def developer_info(ctx: Context) -> str:
    """Say who runs this installation and how to reach them, as Telegram asks of every bot.

    Example: /developer_info
    """
    house = ctx.house

    async def named(session: AsyncSession) -> list[str]:
        known = await people.names_of(session, set(await people.owners(session, now=ctx.now)))
        return sorted(plain(name) for name in known.values() if name)

    owners, contact = await house.db.read(named), house.access.contact
    return "\n\n".join(
        [
            ctx.say("developer.software", version=PROGRAM),
            ctx.say("developer.owners", names=", ".join(owners)) if owners else ctx.say("developer.owners_unnamed"),
            ctx.say("developer.contact", contact=contact) if contact else ctx.say("developer.contact_none"),
            ctx.say("developer.privacy"),
        ]
    )


async def _confirm_delete(ctx: Context) -> str:
    await ctx.house.db.read(lambda session: people.demand_other_owner(session, ctx.person.id, now=ctx.now))
    return ctx.say("privacy.delete_confirm")


@registry.command("delete me", confirms=_confirm_delete)
async def delete_me(ctx: Context) -> str:
    """Delete everything that is kept of the asker.

    Example: /delete me
    """
    house = ctx.house
    await forget(house.db, house.queue, house.uploads, ctx.person.id, now=ctx.now)
    return ctx.say("privacy.deleted", person=ctx.person.id)


@registry.command("delete", is_read_only=True, is_listed=False, action="help")
async def delete_group(ctx: Context, what: Rest = NOTHING) -> Reply:  # noqa: ARG001 - whatever else was typed
    """Offer what can be deleted.

    Example: /delete
    """
    return _group(ctx, "delete")


@registry.command("whoami", is_read_only=True)
async def whoami(ctx: Context) -> str:
    """Say who the asker is to us and what he may do here.

    Example: /whoami
    """
    sender = ctx.message.sender
    allowed = [f"`/{command.name}`" for command in registry if ctx.offers(command)]
    return ctx.say(
        "whoami.text",
        name=plain(sender.name or sender.id),
        identity=f"{sender.network}:{sender.id}",
        role=ctx.say(f"role.{ctx.role.word}"),
        commands=", ".join(allowed) if ctx.role is not Role.NOBODY else ctx.say("whoami.nothing"),
    )


@registry.command("status", is_read_only=True)
async def status(ctx: Context) -> str:
    """Say what this room's project has indexed, how fresh it is and what went wrong.

    Example: /status
    """
    project = await ctx.project()
    text = await ctx.house.standing.text(project, ctx.language, now=ctx.now)
    is_steering = ctx.role >= Role.ADMIN or ctx.actor.is_room_admin
    connections = ctx.house.connections
    networks = await connections.status_lines(ctx.language, with_facts=ctx.role >= Role.ADMIN)
    if is_steering and not ctx.is_private and not await connections.hears_all(ctx.room):
        networks.append(ctx.say("status.hears_part_all" if ctx.room.answer_mode == "all" else "status.hears_part"))
    return "\n".join([text, *(["", *networks] if networks else [])])


@registry.command("audit", is_read_only=True)
async def audit(ctx: Context) -> str:
    """Show an owner who did or tried what lately, and whether anybody has tampered with the record.

    Example: /audit
    """
    db = ctx.house.db
    acts = await db.read(lambda session: audit_queries.latest(session, limit=_ACTS_SHOWN))
    names = await db.read(lambda session: people.names_of(session, {act.person for act in acts if act.person}))
    every = {project.id: project.name for project in await db.read(projects.list_all)}
    lines = [
        ctx.say(
            "audit.line",
            ago=ago(act.at, now=ctx.now, language=ctx.language),
            who=plain(names.get(act.person, "") or act.person) if act.person else ctx.say("audit.shell"),
            action=act.action,
            project=every.get(act.target, ""),
            outcome=ctx.say(f"audit.{act.outcome}"),
        )
        for act in acts
    ]
    check = await db.read(audit_queries.verify_chain)
    key = "audit.whole" if check.broken_at is None else "audit.broken"
    return "\n".join([ctx.say("audit.title"), "", *lines, "", ctx.say(key, rows=check.rows, row=check.broken_at)])


@registry.command("project", is_read_only=True, is_listed=False, action="help")
async def project_group(ctx: Context, what: Rest = NOTHING) -> Reply:  # noqa: ARG001 - whatever else was typed
    """Offer the commands for projects.

    Example: /project
    """
    return _group(ctx, "project")


@registry.command("source", is_read_only=True, is_listed=False, action="help")
async def source_group(ctx: Context, what: Rest = NOTHING) -> Reply:  # noqa: ARG001 - whatever else was typed
    """Offer the commands for sources.

    Example: /source
    """
    return _group(ctx, "source")


@registry.command("file", is_read_only=True, is_listed=False, action="help")
async def file_group(ctx: Context, what: Rest = NOTHING) -> Reply:  # noqa: ARG001 - whatever else was typed
    """Offer the commands for files that were sent.

    Example: /file
    """
    return _group(ctx, "file")


def how_to_ask(ctx: Context) -> str:
    """How a question is asked where this was typed."""
    if ctx.room.project is None:
        return ctx.say("help.unbound")
    return ctx.say("help.ask_private" if ctx.is_private else "help.ask_group")


def _line(ctx: Context, command: Command) -> str:
    return "- " + ctx.say("command.line", usage=command.usage, summary=ctx.summary(command))


def _one(ctx: Context, name: str) -> str | Reply:
    group = registry.group(name)
    found = registry.commands.get(name)
    if found is not None and found.is_button and ctx.has_buttons:
        found = None
    if group and (found is None or not found.is_listed):
        return _group(ctx, name)
    if found is not None and ctx.may(found.action):
        text = ctx.say("help.one", usage=found.usage, summary=ctx.summary(found))
        return f"{text}\n\n{ctx.say('help.example', example=found.example)}" if found.arguments else text
    return ctx.say("help.unknown", name=plain(name)[:40])


def _group(ctx: Context, name: str) -> Reply:
    """The commands of a group that this person may use here; those that need nothing more as buttons."""
    mine = [command for command in registry.group(name) if ctx.offers(command)]
    if not mine:
        raise UserError("rights.not_allowed")
    text = ctx.say("command.group", commands="\n".join(_line(ctx, command) for command in mine))
    pressable = [command for command in mine if command.is_read_only and not command.needs_words]
    buttons = tuple((Button(f"/{command.name}", "command", command.name),) for command in pressable)
    return Reply(text, stage=Stage.NOTICE, buttons=buttons)
