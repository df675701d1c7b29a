"""The command for the daily summary of what changed in a project's sources."""

import re

from bot.commands.context import Context, registry
from bot.errors import UserError
from bot.state.queries import digests

DEFAULT_MINUTE = 7 * 60
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


@registry.command("digest")
async def digest(ctx: Context, choice: str = "", time: str = "") -> str:
    """Post here once a day what changed in the project's sources: on, at a time in UTC, off; now shows the last day.

    Example: /digest on 07:00
    """
    project, wanted = await ctx.project(), choice.casefold()
    if wanted not in ("", "on", "off", "now") or (time and wanted != "on"):
        raise UserError("digest.wrong", got=f"{choice} {time}".strip()[:40])
    if wanted == "now":
        return await _now(ctx)
    minute = ctx.room.digest_minute
    if wanted == "on":
        minute = chosen = _minute_of(time) if time else DEFAULT_MINUTE if minute is None else minute
        await ctx.house.db.write(
            lambda session: digests.turn_on(session, ctx.room.id, minute=chosen, person=ctx.person.id, now=ctx.now)
        )
    elif wanted == "off":
        minute = None
        await ctx.house.db.write(lambda session: digests.turn_off(session, ctx.room.id))
    if minute is None:
        return ctx.say("digest.off")
    return ctx.say("digest.on", time=f"{minute // 60:02}:{minute % 60:02}", project=project.name)


async def _now(ctx: Context) -> str:
    if not ctx.may("read_project"):
        raise UserError("rights.not_allowed")
    return await ctx.house.digest.preview(ctx.room.id, ctx.language) or ctx.say("digest.nothing")


def _minute_of(time: str) -> int:
    found = _TIME.fullmatch(time)
    if found is None:
        raise UserError("digest.time", got=time[:40])
    return int(found[1]) * 60 + int(found[2])
