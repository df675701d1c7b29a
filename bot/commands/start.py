"""/start: the greeting, and the codes that a network's invitation link brings with it."""

import re

from adapters.chat import Reply
from bot.commands import projects
from bot.commands.about import about, how_to_ask
from bot.commands.context import Context, registry
from bot.commands.people import join
from bot.commands.registry import NOTHING, Rest
from bot.errors import UserError
from bot.state.queries import codes
from bot.state.queries.codes import Purpose

_CODE = re.compile(r"[0-9A-HJ-NP-Z]{4}-?[0-9A-HJ-NP-Z]{4}", re.IGNORECASE)


@registry.command("start", is_listed=False)
async def start(ctx: Context, code: Rest = NOTHING) -> str | Reply:
    """Greet somebody; with a code, as links of /role invite and /project invite bring it, redeem that.

    Example: /start K7QF3MWX
    """
    if not code:
        return await about(ctx) + "\n\n" + how_to_ask(ctx)
    if ctx.is_private:
        return await _join(ctx, code)
    return await _connect(ctx, code)


async def _join(ctx: Context, code: Rest) -> str:
    """As /join does. What cannot be a code is no guess, and counts as none."""
    if not _CODE.fullmatch(code.strip()):
        raise UserError("role.join_wrong")
    return await join(ctx, code)


async def _connect(ctx: Context, code: Rest) -> Reply:
    """As /project use CODE does; a code that is for one person is dead now, since everybody here has seen it."""
    was_personal = await ctx.house.db.write(lambda session: codes.kill(session, Purpose.JOIN, code, now=ctx.now))
    if was_personal:
        raise UserError("role.join_in_group")
    if await ctx.house.people.spoil_claim(code, now=ctx.now):
        raise UserError("claim.in_group")
    if not _CODE.fullmatch(code.strip()):
        raise UserError("project.code_wrong")
    return await projects.connect_by_code(ctx, code)
