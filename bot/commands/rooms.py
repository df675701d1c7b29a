"""Commands for the room itself: when to answer, its settings, ending waits and conversations."""

from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.context import Context, registry
from bot.commands.registry import Rest
from bot.consent import CHOICES, SETTING
from bot.errors import UserError
from bot.state.queries import rooms, turns
from bot.state.tables import Room
from config.texts import LANGUAGES, best_language, say

ANSWER_MODES = ("mention", "all", "off")
STYLES = ("short", "normal", "detailed")


@registry.command("ask", is_read_only=True)
async def ask(ctx: Context, question: Rest) -> str:  # noqa: ARG001 - the flow takes it before it gets here
    """Ask a question. The message flow answers it itself; an empty one is told how to ask.

    Example: /ask How is a release made?
    """
    raise UserError("ask.empty")


@registry.command("cancel", is_read_only=True)
async def cancel(ctx: Context) -> str:
    """Stop the asker's own questions that wait or are being answered.

    Example: /cancel
    """
    count = await ctx.house.queue.cancel(ctx.room.id, person=ctx.person.id)
    return ctx.say("room.cancelled", count=count) if count else ctx.say("room.cancelled_none")


@registry.command("reset")
async def reset(ctx: Context) -> str:
    """Begin a new conversation; typed in a thread, in that thread.

    Example: /reset
    """
    thread = ctx.message.room.thread if ctx.room.kind != "topic" else None
    await ctx.house.db.write(
        lambda session: turns.close_conversations(session, ctx.room.id, thread=thread, now=ctx.now)
    )
    return ctx.say("room.reset")


@registry.command("answer")
async def answer(ctx: Context, mode: str = "") -> str:
    """Choose when this room is answered: mention, all or off.

    Example: /answer mention
    """
    wanted = mode.casefold() or ctx.room.answer_mode
    if wanted not in ANSWER_MODES:
        raise UserError("room.answer_wrong", got=mode[:40])
    if mode:
        await ctx.house.db.write(lambda session: rooms.set_mode(session, ctx.room.id, wanted))
    if wanted == "all" and not await ctx.house.connections.hears_all(ctx.room):
        return ctx.say("room.answer_all_unheard")
    return ctx.say(f"room.answer_{wanted}")


@registry.command("settings", action="language")
async def settings(ctx: Context, key: str = "", value: str = "") -> str:
    """Show this room's settings, or change one.

    Example: /settings language de
    """
    known: dict[str, tuple[str, ...]] = {"language": (*LANGUAGES, "auto"), "style": STYLES, "answer": ANSWER_MODES}
    if ctx.is_private:  # everything written to us alone is answered
        del known["answer"]
    if ctx.room.is_encrypted:
        known[SETTING] = CHOICES
    now = {
        "language": ctx.room.language or "auto",
        "style": str(ctx.room.settings.get("style", "normal")),
        "answer": ctx.room.answer_mode,
        SETTING: str(ctx.room.settings.get(SETTING, CHOICES[0])),
    }
    if not key:
        lines = [ctx.say("room.settings_line", name=name, value=now[name]) for name in known]
        return "\n".join([ctx.say("room.settings_title"), "", *lines, "", ctx.say("room.settings_hint")])
    if key.casefold() not in known:
        raise UserError("room.settings_key", keys=", ".join(known), got=key[:40])
    name, wanted = key.casefold(), value.casefold()
    if not value:
        return ctx.say("room.settings_one", name=name, value=now[name], values=", ".join(known[name]))
    if wanted not in known[name]:
        raise UserError("room.settings_value", name=name, values=", ".join(known[name]), got=value[:40])
    await ctx.house.db.write(lambda session: _put(session, ctx.room, name, wanted))
    if name == "language":
        return say(f"room.language_{wanted}", best_language(wanted, ctx.person.language, default=ctx.language))
    return ctx.say("room.settings_done", name=name, value=wanted)


async def _put(session: AsyncSession, room: Room, name: str, value: str) -> None:
    if name == "language":
        await rooms.set_language(session, room.id, None if value == "auto" else value)
    elif name == "answer":
        await rooms.set_mode(session, room.id, value)
    else:
        await rooms.note(session, room.id, name, value=value)


async def _confirm_guests(ctx: Context, choice: str) -> str:
    project = await ctx.project()
    return ctx.say(f"room.guests_{_on_or_off(choice)}_confirm", project=project.name)


@registry.command("guests", confirms=_confirm_guests)
async def guests(ctx: Context, choice: str) -> str:
    """Let everybody in this room ask, or only people with a role in the project again.

    Example: /guests on
    """
    wanted = _on_or_off(choice)
    is_open = wanted == "on"
    await ctx.house.db.write(lambda session: rooms.change(session, ctx.room.id, is_open_to_guests=is_open))
    return ctx.say(f"room.guests_{wanted}")


async def _confirm_unmute(ctx: Context) -> str:
    return ctx.say("room.unmute_confirm", project=(await ctx.project()).name)


@registry.command("unmute", confirms=_confirm_unmute)
async def unmute(ctx: Context) -> str:
    """Answer again in a room that was muted because it became public.

    Typed in a topic without a project of its own, it counts for the group. One with its own is unmuted by itself: who
    may open one project to the public need have no right to the other.

    Example: /unmute
    """

    async def open_it(session: AsyncSession) -> None:
        room = await rooms.get(session, ctx.room.id)
        group = room.parent if room is not None and room.project is None else None
        await rooms.unmute(session, group or ctx.room.id)

    await ctx.house.db.write(open_it)
    return ctx.say("room.unmuted")


def _on_or_off(choice: str) -> str:
    if choice.casefold() not in ("on", "off"):
        raise UserError("room.guests_wrong", got=choice[:40])
    return choice.casefold()
