"""What a command sees: who types where, and the house that does things. The registry all commands join."""

from dataclasses import dataclass
from datetime import datetime

from adapters.chat import Message
from bot.commands.house import House
from bot.commands.registry import Command, Registry
from bot.context import MessageContext
from bot.errors import UserError
from bot.rights import Actor, Kind, Place, Role, decide
from bot.state.queries import projects
from bot.state.tables import Person, Project, Room
from config.texts import say

registry = Registry()


def is_offered(command: Command, actor: Actor, place: Place, *, has_buttons: bool = True) -> bool:
    """Whether somebody is told of a command at a place: it is listed, works there, and he may use it."""
    works_here = (command.is_for_web or place.kind is not Kind.WEB) and not (command.is_button and has_buttons)
    return command.is_listed and works_here and decide(actor, command.action, place).allowed


@dataclass(frozen=True, slots=True)
class Context:
    """One typed command with its surroundings."""

    event: MessageContext
    place: Place
    house: House

    @property
    def room(self) -> Room:
        """Where it was typed."""
        return self.event.room

    @property
    def person(self) -> Person:
        """Who typed it."""
        return self.event.person

    @property
    def actor(self) -> Actor:
        """What this person may do."""
        return self.event.actor

    @property
    def message(self) -> Message:
        """The message as it came."""
        return self.event.message

    @property
    def language(self) -> str:
        """The language of the answer."""
        return self.event.language

    @property
    def now(self) -> datetime:
        """When the command runs, UTC."""
        return self.event.now

    @property
    def is_private(self) -> bool:
        """Whether nobody else reads along."""
        return self.room.kind in ("private", "web")

    @property
    def has_buttons(self) -> bool:
        """Whether there are buttons where this was typed; what stands for them exists only where there are none."""
        return self.house.connections.abilities_of(self.room).has_buttons

    @property
    def role(self) -> Role:
        """This person's role in the room's project, or in the installation where no project is bound."""
        return self.actor.role_in(self.room.project or "")

    def say(self, key: str, **values: object) -> str:
        """A sentence of the catalogue in this room's language."""
        return say(key, self.language, **values)

    def summary(self, command: Command) -> str:
        """A command's line of help."""
        return self.say(command.text_key)

    def may(self, action: str) -> bool:
        """Whether this person may do that here."""
        return decide(self.actor, action, self.place).allowed

    def offers(self, command: Command) -> bool:
        """Whether this person is told of a command here."""
        return is_offered(command, self.actor, self.place, has_buttons=self.has_buttons)

    async def find_project(self) -> Project | None:
        """The project of this room, if one is bound."""
        wanted = self.room.project
        return None if wanted is None else await self.house.db.read(lambda session: projects.get(session, wanted))

    async def project(self) -> Project:
        """The project of this room; raises UserError "command.no_project" when none is bound."""
        found = await self.find_project()
        if found is None:
            raise UserError("command.no_project")
        return found
