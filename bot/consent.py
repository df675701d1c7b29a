"""Files from encrypted rooms: asked about before anything is fetched, since their text lies unencrypted with us."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Attachment, Button, Reply, Stage
from bot.attachments import clean_file_name
from bot.context import MessageContext
from bot.state.database import Database
from bot.state.queries import confirmations, rooms
from bot.state.tables import Room
from bot.state.vault import Vault
from config.texts import say

ASKED: Final = "upload"  # what the act of such a confirmation is called; no command has that name
SETTING: Final = "files"  # of an encrypted room
ALWAYS: Final = "always"
CHOICES: Final = ("ask", ALWAYS)
_FILES: Final = TypeAdapter(tuple[Attachment, ...])


def must_ask(room: Room, files: Sequence[Attachment]) -> bool:
    """Whether a room has to be asked before its files are fetched."""
    is_encrypted = room.is_encrypted or any(one.is_encrypted for one in files)
    return is_encrypted and room.settings.get(SETTING) != ALWAYS


@dataclass(frozen=True, slots=True)
class Consent:
    """Asks, and keeps what it asked about sealed until it is answered, for two minutes."""

    db: Database
    vault: Vault

    async def ask(self, context: MessageContext, files: Sequence[Attachment]) -> Reply:
        """The question about files that could be taken, with what can be answered."""
        room, person, language, now = context.room.id, context.person.id, context.language, context.now
        act = confirmations.Act(person, room, ASKED, {"files": _FILES.dump_python(tuple(files), mode="json")})
        waits = await self.db.write(lambda session: confirmations.ask(session, self.vault, act, now=now))
        names = ", ".join(f"'{clean_file_name(one.name)}'" for one in files)
        text = say("upload.ask", language, names=names)
        if context.message.text.strip():
            text = f"{text} {say('upload.ask_question', language)}"
        answers = {"yes": "command.confirm_yes", "no": "command.confirm_no", ALWAYS: "upload.ask_always"}
        buttons = tuple(Button(say(key, language), "confirm", f"{waits}.{answer}") for answer, key in answers.items())
        return Reply(text, stage=Stage.NOTICE, buttons=(buttons,), language=language)


def files_of(arguments: dict[str, Any]) -> tuple[Attachment, ...]:
    """The files that a confirmation was about."""
    return _FILES.validate_python(arguments["files"])


async def allow_always(session: AsyncSession, room: str) -> None:
    """Take the files of a room without asking from now on."""
    await rooms.note(session, room, SETTING, value=ALWAYS)
