"""Who stands where, as one look at the state database shows it: what bot.rights needs for its decision."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.rights import Actor, Decision, Kind, Place, Way, decide
from bot.state.queries import people, projects, rooms
from bot.state.tables import Person, Room

_PUBLIC: Final = "public"  # why a room is muted
_KINDS: Final = {"private": Kind.PRIVATE, "web": Kind.WEB}


@dataclass(frozen=True, slots=True)
class Seen:
    """A room and a person as they are now. `project` and `binding` count what the room inherits from its parent."""

    room: Room
    person: Person
    project: str | None
    binding: int
    actor: Actor
    place: Place

    def may(self, action: str) -> Decision:
        """What the gate says to `action`."""
        return decide(self.actor, action, self.place)


async def look(
    session: AsyncSession, room: str, person: str, *, now: datetime, is_room_admin: bool = False
) -> Seen | None:
    """The room and the person with all that decides about rights; None when one of them is gone."""
    wanted = select(Room, Person).join(Person, _person_id == person).where(_room_id == room)
    row = (await session.execute(wanted, execution_options={"populate_existing": True})).one_or_none()
    if row is None:
        return None
    found, who = row
    project, binding = await _bound(session, found)
    actor = Actor(
        person=who.id,
        roles=await people.roles_of(session, who.id, now=now),
        is_banned=who.banned_until is not None and who.banned_until > now,
        is_room_admin=is_room_admin,
        way=Way.WEB if found.kind == "web" else Way.CHAT,
    )
    group = await _treated_as(session, found)
    has_private = found.is_public and project is not None and await projects.has_private_source(session, project)
    place = Place(
        kind=_KINDS.get(found.kind, Kind.ROOM),
        room=found.id,
        project=project,
        is_public=found.is_public,
        is_open_to_guests=found.is_open_to_guests or (group is not None and group.is_open_to_guests),
        has_private_source=has_private,
        is_muted=bool(found.muted_reason) or (group is not None and bool(group.muted_reason)),
    )
    return Seen(found, who, project, binding, actor, place)


async def follow_visibility(session: AsyncSession, room: str) -> bool:
    """Mute a room that has become public while its project has a private source; let it speak when it no longer is.

    Whether it was muted now. What an owner has allowed since stays allowed until the room changes again.
    """
    found = await rooms.get(session, room)
    if found is None:
        return False
    for topic in await rooms.topics_of(session, room):  # networks tell it of the group alone
        topic.is_public = found.is_public
        await session.flush()
        if topic.project is not None:  # one without its own is muted with its group
            await follow_visibility(session, topic.id)
    if not found.is_public:
        if found.muted_reason == _PUBLIC:
            await rooms.unmute(session, room)
        return False
    project, _ = await _bound(session, found)
    if project is None or found.muted_reason or not await projects.has_private_source(session, project):
        return False
    await rooms.mute(session, room, reason=_PUBLIC)
    return True


async def _treated_as(session: AsyncSession, room: Room) -> Room | None:
    """The group of a topic that has its project: then it is muted, and open to guests, with it."""
    return None if room.project is not None or room.parent is None else await rooms.get(session, room.parent)


async def _bound(session: AsyncSession, room: Room) -> tuple[str | None, int]:
    if room.project is not None or room.parent is None:
        return room.project, room.binding  # the same as rooms.binding_of, without reading the room once more
    return await rooms.binding_of(session, room.id) or (None, room.binding)


_room_id: Any = Room.__table__.c.id  # type: ignore[attr-defined]
_person_id: Any = Person.__table__.c.id  # type: ignore[attr-defined]
