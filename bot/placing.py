"""Where events belong that say only which message they are about: networks name no thread for reactions and edits."""

from dataclasses import replace
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Edited, Event, Message, Pressed
from bot.admission import answer_key
from bot.envelope import event_in
from bot.state.queries import deliveries, inbox
from bot.state.tables import Room
from bot.state.vault import Vault

_About = TypeVar("_About", Pressed, Edited)


async def placed(session: AsyncSession, event: Event, room: Room | None, vault: Vault) -> Event:
    """The event in the thread of the message that it is about, where it names none itself.

    An edit also replies to what its message replied to, as long as that is known.
    """
    if room is None:
        return event
    if isinstance(event, Pressed):
        delivered = await deliveries.of_message(session, room.id, event.message_id)
        return _in_thread(event, delivered.thread if delivered else None)
    return await _edit_placed(session, event, room, vault) if isinstance(event, Edited) else event


async def _edit_placed(session: AsyncSession, edited: Edited, room: Room, vault: Vault) -> Event:
    asked = await inbox.of_message(session, room.id, edited.message_id)
    if asked is None:
        return edited
    for row in await inbox.open_about(session, room.id, edited.message_id):
        known = event_in(row, vault)
        if isinstance(known, Message | Edited):
            return replace(_in_thread(edited, known.room.thread), reply_to=edited.reply_to or known.reply_to)
    answer = await deliveries.by_key(session, answer_key(inbox.worked_on_as(asked)))
    return _in_thread(edited, answer.thread if answer else None)


def _in_thread(event: _About, thread: str | None) -> _About:
    return (
        event
        if thread is None or event.room.thread is not None
        else replace(event, room=replace(event.room, thread=thread))
    )
