"""Forgetting a person who asks for it: queued work, files, texts, names and rights, in that order."""

from datetime import datetime

from bot.context import QueuePort
from bot.state.database import Database
from bot.state.queries import erasure, people
from bot.uploads import Uploads


async def forget(db: Database, queue: QueuePort, uploads: Uploads, person: str, *, now: datetime) -> None:
    """Delete everything that is kept of a person, from the files of the database too. May be done again after a crash.

    Raises UserError for the last owner; then nothing is gone.
    """
    await db.read(lambda session: people.demand_other_owner(session, person, now=now))
    for room in await db.read(lambda session: erasure.rooms_waiting(session, person)):
        await queue.cancel(room, person=person)
    await uploads.forget_person(person, now=now)
    await db.write(lambda session: erasure.forget_person(session, person, now=now))
    await db.checkpoint()
