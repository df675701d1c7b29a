"""Commands for what runs by the clock: how each job stands, what ran lately, and running one now."""

from collections.abc import Sequence
from difflib import get_close_matches

from bot.commands.context import Context, registry
from bot.context import JobView
from bot.errors import UserError
from bot.rights import Role
from bot.state.queries import jobs as job_queries
from bot.state.queries import sources
from bot.state.tables import JobRun
from bot.timing import ago, ahead
from config.texts import plain

_RUNS_SEEN = 500  # looked through for those of one project
_RUNS_SHOWN = 12


@registry.command("jobs", is_read_only=True)
async def jobs(ctx: Context) -> str:
    """List the jobs and what ran lately for an owner; for an admin what concerned this project's sources.

    Example: /jobs
    """
    project = await ctx.project()
    is_owner = ctx.role is Role.OWNER
    followed = await ctx.house.db.read(lambda session: sources.list_of(session, project.id))
    if is_owner:
        followed = [*followed, *await ctx.house.db.read(sources.list_everywhere)]
    names = {row.id: row.name for row in followed}
    runs = await ctx.house.db.read(lambda session: job_queries.latest(session, limit=_RUNS_SEEN))
    mine = [run for run in runs if is_owner or run.subject in names][:_RUNS_SHOWN]
    standing = await _standing(ctx) if is_owner else []
    lately = [_ran(ctx, run, names.get(run.subject, run.subject)) for run in mine]
    blocks = [[ctx.say("job.title"), "", *standing]] if standing else []
    blocks += [[ctx.say("job.title_lately"), "", *lately]] if lately else []
    return "\n\n".join("\n".join(block) for block in blocks) or ctx.say("job.none")


async def _confirm_run(ctx: Context, name: str) -> str | None:
    job = await _named(ctx, name)
    return ctx.say("job.run_confirm", job=job.name, what=ctx.say(f"job.what_{job.name}")) if job.deletes else None


@registry.command("jobs run", confirms=_confirm_run)
async def run(ctx: Context, name: str) -> str:
    """Run a job now, out of turn.

    Example: /jobs run backup
    """
    job = await _named(ctx, name)
    await ctx.house.jobs.ask(job.name)
    return ctx.say("job.run_again" if job.is_running else "job.run", job=job.name)


async def _named(ctx: Context, name: str) -> JobView:
    known = {job.name: job for job in await ctx.house.jobs.views()}
    found = known.get(name.casefold())
    if found is None:
        close = get_close_matches(name.casefold(), known, n=3, cutoff=0.5)
        raise UserError("job.unknown", got=plain(name)[:40], names=", ".join(close or known))
    return found


async def _standing(ctx: Context) -> list[str]:
    """Each job: what it does, how its last run went, when the next is, and the reference of the last error."""
    views: Sequence[JobView] = await ctx.house.jobs.views()
    failures = await ctx.house.db.read(job_queries.last_failures)
    return [_line(ctx, view, failures.get(view.name)) for view in views]


def _line(ctx: Context, view: JobView, failure: JobRun | None) -> str:
    ended = ago(view.ended_at, now=ctx.now, language=ctx.language)
    outcome = "running" if view.is_running else view.outcome or "never"
    how = ctx.say(f"job.{outcome}", detail=view.detail)
    parts = [f"{how}, {ended}" if view.outcome and not view.is_running else how]
    if view.next_due_at is not None:
        parts.append(ctx.say("job.next", when=ahead(view.next_due_at, now=ctx.now, language=ctx.language)))
    if failure is not None and failure.detail != view.detail:
        when = ago(failure.started_at, now=ctx.now, language=ctx.language)
        parts.append(ctx.say("job.last_error", ago=when, reference=failure.detail))
    return ctx.say("job.standing", job=view.name, what=ctx.say(f"job.what_{view.name}"), how="; ".join(parts))


def _ran(ctx: Context, run: JobRun, subject: str) -> str:
    return ctx.say(
        "job.line",
        job=run.job,
        subject=plain(subject),
        outcome=ctx.say(f"job.{run.outcome or 'running'}", detail=run.detail),
        ago=ago(run.started_at, now=ctx.now, language=ctx.language),
    )
