"""Carries out parsed commands: the gate first, then the confirmation where one is due, then the command, audited."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Button, Reply, Stage
from adapters.chat import Command as Listed
from bot.commands.context import Context, is_offered, registry
from bot.commands.house import House
from bot.commands.registry import Parsed, bind, wrong_use
from bot.consent import ALWAYS, ASKED
from bot.context import MessageContext
from bot.context import Parsed as AnyParsed
from bot.errors import UserError
from bot.gate import look
from bot.rights import Actor, Place, decide
from bot.state.queries import audit, confirmations, deliveries, rooms
from config.texts import say

_ANSWERS: Final = ("yes", "no")


class Commands:
    """The commands as the message flow knows them (`bot.context.CommandPort`)."""

    def __init__(self, house: House) -> None:
        self._house = house

    def parse(self, text: str, *, has_buttons: bool = True) -> Parsed | None:
        """The command that `text` is on a network with buttons or without, or None when it is none of ours."""
        return registry.parse(text, has_buttons=has_buttons)

    def is_read_only(self, parsed: AnyParsed) -> bool:
        """Whether it never waits; all others are barriers of their room."""
        return registry.commands[parsed.name].is_read_only

    def listed(self, actor: Actor, place: Place, language: str) -> Sequence[Listed]:
        """The commands that this person may use there, for a network's menu."""
        mine = (command for command in registry if is_offered(command, actor, place))
        return [Listed(command.name, say(command.text_key, language)) for command in mine]

    async def run(self, parsed: AnyParsed, context: MessageContext) -> Reply | None:
        """Carry it out, or ask back first; None says nothing. Raises UserError for what the person should know."""
        if not isinstance(parsed, Parsed):
            raise TypeError(f"expected what parse() gave, got {type(parsed).__name__}")
        ctx = await self._context(context)
        if not await self._is_allowed(ctx, parsed):
            return None
        if parsed.name in _ANSWERS:
            return await self._answered_by_word(ctx, parsed)
        question = await self._question(ctx, parsed)
        if question is None:
            return await self._carry_out(ctx, parsed)
        return await self._ask_back(ctx, parsed, question)

    async def press(self, action: str, data: str, context: MessageContext) -> Reply | None:
        """Carry out a "confirm" or "command" button; a confirmation's meaning comes from its row alone."""
        if action == "command":
            offered = registry.parse(f"/{data}")
            return await self.run(offered, context) if offered and offered.command.is_read_only else None
        confirmation, _, answer = data.partition(".")
        return await self._answered(await self._context(context), confirmation, answer)

    async def _answered_by_word(self, ctx: Context, parsed: Parsed) -> Reply | None:
        """What the buttons of a confirmation do, typed.

        It is about what the message asks that it replies to, else about what this person was asked last in this room.
        """
        word = str(bind(parsed).get("always", "")).casefold()
        if word not in ("", ALWAYS):
            raise wrong_use(parsed.command)
        waits = await self._house.db.read(lambda session: _asked(session, ctx))
        return await self._answered(ctx, waits, word or parsed.name)

    async def _answered(self, ctx: Context, confirmation: str, answer: str) -> Reply | None:
        if answer not in ("yes", ALWAYS):
            await self._house.db.write(
                lambda session: confirmations.drop(session, confirmation, person=ctx.person.id, now=ctx.now)
            )
            return notice(ctx.say("command.confirm_kept"))
        vault = self._house.vault
        act = await self._house.db.write(
            lambda session: confirmations.take(session, vault, confirmation, person=ctx.person.id, now=ctx.now)
        )
        if act.room == ctx.room.id and act.command == ASKED:
            return await self._house.uploads.take_agreed(ctx.event, act.arguments, always=answer == ALWAYS)
        if act.room != ctx.room.id or act.command not in registry.commands:
            raise UserError("confirm.expired")
        words = tuple(str(word) for word in act.arguments["words"])
        parsed = Parsed(registry.commands[act.command], words, str(act.arguments["rest"]))
        return await self._carry_out(ctx, parsed) if await self._is_allowed(ctx, parsed) else None

    async def _is_allowed(self, ctx: Context, parsed: Parsed) -> bool:
        """Ask the gate. Raises UserError with its reason; a refusal without words is said by saying nothing."""
        decision = decide(ctx.actor, parsed.command.action, ctx.place)
        if decision.allowed:
            return True
        await self._record(ctx, parsed, outcome="refused")
        if decision.reason:
            raise UserError(decision.reason)
        return False

    async def _question(self, ctx: Context, parsed: Parsed) -> str | None:
        """What to confirm before it is done, if anything. A refusal by the command itself is recorded as well."""
        bound = bind(parsed)
        if parsed.command.confirms is None:
            return None
        try:
            return await parsed.command.confirms(ctx, **bound)
        except UserError:
            await self._record(ctx, parsed, outcome="failed")
            raise

    async def _carry_out(self, ctx: Context, parsed: Parsed) -> Reply:
        try:
            said = await parsed.command.run(ctx, **bind(parsed))
        except UserError:
            await self._record(ctx, parsed, outcome="failed")
            raise
        await self._record(ctx, parsed, outcome="allowed")
        return said if isinstance(said, Reply) else notice(str(said))

    async def _ask_back(self, ctx: Context, parsed: Parsed, question: str) -> Reply:
        vault = self._house.vault
        act = confirmations.Act(
            person=ctx.person.id,
            room=ctx.room.id,
            command=parsed.name,
            arguments={"words": list(parsed.words), "rest": parsed.rest},
        )
        waits = await self._house.db.write(lambda session: confirmations.ask(session, vault, act, now=ctx.now))
        buttons = (
            Button(ctx.say("command.confirm_yes"), "confirm", f"{waits}.yes"),
            Button(ctx.say("command.confirm_no"), "confirm", f"{waits}.no"),
        )
        return Reply(question, stage=Stage.NOTICE, buttons=(buttons,), language=ctx.language)

    async def _context(self, event: MessageContext) -> Context:
        is_admin = event.actor.is_room_admin
        seen = await self._house.db.read(
            lambda session: look(session, event.room.id, event.person.id, now=event.now, is_room_admin=is_admin)
        )
        if seen is None:
            raise UserError("rights.not_allowed")
        return Context(event=event, place=seen.place, house=self._house)

    async def _record(self, ctx: Context, parsed: Parsed, *, outcome: str) -> None:
        """Keep who did or tried what. Commands that change nothing are kept only when they were refused."""
        action = _deed(ctx, parsed)
        if outcome != "refused" and not decide(ctx.actor, action, ctx.place).is_audited:
            return
        act = audit.Act(
            action=action,
            way=ctx.actor.way.value,
            outcome=outcome,
            person=ctx.person.id,
            role=ctx.role.word,
            target=await self._target(ctx),
            place=ctx.room.id,
        )
        await self._house.db.write(lambda session: audit.append(session, act, now=ctx.now))

    async def _target(self, ctx: Context) -> str:
        """The project that an act was about: the one that the room is bound to now, else the one that it had."""
        room = await self._house.db.read(lambda session: rooms.get(session, ctx.room.id))
        return (room.project if room is not None else None) or ctx.room.project or ""


async def _asked(session: AsyncSession, ctx: Context) -> str:
    """The confirmation that a typed answer is about. Raises UserError as `confirmations.newest` does."""
    person, room, replied = ctx.person.id, ctx.room.id, ctx.event.message.reply_to
    told = await deliveries.of_message(session, room, replied) if replied is not None else None
    upto = told.created_at if told is not None else None  # a question is written down just before its message
    return await confirmations.newest(session, person=person, room=room, now=ctx.now, upto=upto)


def _deed(ctx: Context, parsed: Parsed) -> str:
    """The row of rights under which an act is recorded.

    Commands that everybody may type, since what they do depends on what follows, ask the gate for another by themselves.
    """
    if parsed.name == "project use":
        return parsed.name
    if parsed.name == "start" and parsed.rest:
        return "join" if ctx.is_private else "project redeem"
    return parsed.command.action


def notice(markdown: str) -> Reply:
    """A command's result as a reply."""
    return Reply(markdown, stage=Stage.NOTICE)
