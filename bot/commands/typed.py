"""Commands that stand for buttons, on networks without any: yes and no, and what is done with an answer.

The flow carries those about an answer out itself (`bot.reactions`), as it does a pressed button, and
`bot.commands.execution` those that confirm.
"""

from bot.commands.context import Context, registry
from bot.commands.registry import NOTHING, Rest
from bot.errors import UserError


@registry.button("yes", action="press", is_listed=False)
async def yes(ctx: Context, always: str = "") -> str:  # noqa: ARG001 - carried out elsewhere
    """Confirm what the asker was just asked about; `always` for all files of an encrypted room.

    Example: /yes
    """
    raise UserError("confirm.none")


@registry.button("no", action="press", is_listed=False)
async def no(ctx: Context) -> str:  # noqa: ARG001 - carried out elsewhere
    """Leave as it is what the asker was just asked about.

    Example: /no
    """
    raise UserError("confirm.none")


@registry.button("verify", is_read_only=True)
async def verify(ctx: Context) -> str:  # noqa: ARG001 - carried out elsewhere
    """Check an answer once more: in reply to it, else the last one.

    Example: /verify
    """
    raise UserError("typed.which")


@registry.button("sources", is_read_only=True, action="read_turn")
async def sources(ctx: Context) -> str:  # noqa: ARG001 - carried out elsewhere
    """Show the lines that an answer cites: in reply to it, else of the last one.

    Example: /sources
    """
    raise UserError("typed.which")


@registry.button("again", is_read_only=True, action="ask")
async def again(ctx: Context) -> str:  # noqa: ARG001 - carried out elsewhere
    """Answer a question anew: in reply to its answer, else the last one.

    Example: /again
    """
    raise UserError("typed.which")


@registry.button("rate", is_read_only=True)
async def rate(ctx: Context, thumb: Rest = NOTHING) -> str:  # noqa: ARG001 - carried out elsewhere
    """Say whether an answer helped, up or down; none takes that back. In reply to it, else the last one.

    Example: /rate up
    """
    raise UserError("typed.which")


@registry.button("answer now", is_read_only=True, action="ask")
async def answer_now(ctx: Context) -> str:  # noqa: ARG001 - carried out elsewhere
    """Answer the questions that came in while we were away.

    Example: /answer now
    """
    raise UserError("typed.none_wait")
