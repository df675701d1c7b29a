"""Commands about Roomwise itself and about the person who types: help, about, privacy, whoami, status, jobs."""

from bot.commands.context import Context, registry
from bot.commands.registry import NOTHING, Command, Rest
from bot.rights import Role
from bot.state.queries import jobs as job_queries
from bot.timing import ago
from bot.version import PROGRAM


@registry.command("help", is_read_only=True)
async def help_(ctx: Context, command: Rest = NOTHING) -> str:
    """Say what this person may do in this room.

    Example: /help source add
    """
    if command:
        return _one(ctx, command.strip().lstrip("/").casefold())
    lines = [ctx.say("help.title"), "", _how_to_ask(ctx), ""]
    lines += [_line(ctx, found) for found in registry if found.is_listed and ctx.may(found.action)]
    return "\n".join(lines)


@registry.command("start", is_read_only=True, is_listed=False)
async def start(ctx: Context, payload: Rest = NOTHING) -> str:  # noqa: ARG001
    """Greet a person who opened a private chat; a network's deep link may add a payload that nobody reads.

    Example: /start
    """
    return await about(ctx) + "\n\n" + _how_to_ask(ctx)


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


@registry.command("whoami", is_read_only=True)
async def whoami(ctx: Context) -> str:
    """Say who the asker is to us and what he may do here.

    Example: /whoami
    """
    sender = ctx.message.sender
    allowed = [f"`/{command.name}`" for command in registry if command.is_listed and ctx.may(command.action)]
    return ctx.say(
        "whoami.text",
        name=sender.name or sender.id,
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
    return await ctx.house.standing.text(project, ctx.language, now=ctx.now)


@registry.command("jobs", is_read_only=True)
async def jobs(ctx: Context) -> str:
    """List what ran lately.

    Example: /jobs
    """
    runs = await ctx.house.db.read(lambda session: job_queries.latest(session, limit=12))
    if not runs:
        return ctx.say("job.none")
    lines = [
        ctx.say(
            "job.line",
            job=run.job,
            subject=run.subject,
            outcome=ctx.say(f"job.{run.outcome or 'running'}", detail=run.detail),
            ago=ago(run.started_at, now=ctx.now, language=ctx.language),
        )
        for run in runs
    ]
    return "\n".join([ctx.say("job.title"), "", *lines])


def _how_to_ask(ctx: Context) -> str:
    if ctx.room.project is None:
        return ctx.say("help.unbound")
    return ctx.say("help.ask_private" if ctx.is_private else "help.ask_group")


def _line(ctx: Context, command: Command) -> str:
    return "- " + ctx.say("command.line", usage=command.usage, summary=ctx.summary(command))


def _one(ctx: Context, name: str) -> str:
    found = registry.commands.get(name)
    if found is not None and ctx.may(found.action):
        return ctx.say("help.one", usage=found.usage, summary=ctx.summary(found))
    group = [command for command in registry.group(name) if ctx.may(command.action)]
    if group:
        return ctx.say("command.group", commands="\n".join(_line(ctx, command) for command in group))
    return ctx.say("help.unknown", name=name[:40])
