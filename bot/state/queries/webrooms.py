"""Queries: the web chat's list of contacts, one private room for each person and project. Nothing commits here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import RoomAddress, RoomFacts
from adapters.web.log import WebRow
from bot.state.queries import rooms, weblog
from bot.state.tables import Project, Room, WebMessage
from bot.state.vault import Vault

_NETWORK: Final = "web"
_READ: Final = "read_seq"
_COUNTED_STAGES: Final = ("final", "failed", "notice")


@dataclass(frozen=True, slots=True)
class Glance:
    """What the contact list shows of a room: its newest message, and how many of ours its person has not seen."""

    last: WebRow | None
    unread: int
    read_seq: int


async def open_room(session: AsyncSession, project: Project, person: str, *, now: datetime) -> Room:
    """A person's own room in a project, made and bound when it is not yet."""
    native_id = f"{project.id}.{person}"
    address = RoomAddress(_NETWORK, _NETWORK, native_id)
    room = await rooms.ensure(session, address, RoomFacts(project.name, "web"), answer_mode="all", now=now)
    if room.project != project.id:
        room = await rooms.bind(session, room.id, project=project.id, bound_by=person, now=now)
    return room


async def glances(session: AsyncSession, person: str, *, vault: Vault) -> Mapping[str, Glance]:
    """What the contact list shows of each web room of a person, by native id."""
    wanted = select(Room).where(_room.network == _NETWORK, _room.native_id.like(f"%.{person}"))
    found = list((await session.execute(wanted)).scalars())
    lasts = await _lasts(session, [room.id for room in found], vault)
    glanced: dict[str, Glance] = {}
    for room in found:
        read_seq = int(room.settings.get(_READ, 0))
        last = lasts.get(room.id)
        unread = await _unread(session, room.id, read_seq) if last and last.seq > read_seq else 0
        glanced[room.native_id] = Glance(last, unread, read_seq)
    return glanced


async def mark_read(session: AsyncSession, native_id: str, seq: int) -> None:
    """Keep that everything up to `seq` was seen; never goes back."""
    room = await rooms.at(session, _NETWORK, _NETWORK, native_id)
    if room is not None and int(room.settings.get(_READ, 0)) < seq:
        room.settings = {**room.settings, _READ: seq}
        await session.flush()


async def newest_change(session: AsyncSession, native_id: str) -> int:
    """The highest `change` of a web room; 0 for an empty or unknown one."""
    room = await rooms.at(session, _NETWORK, _NETWORK, native_id)
    return 0 if room is None else await weblog.newest_change(session, room.id)


async def _lasts(session: AsyncSession, room_ids: Sequence[str], vault: Vault) -> dict[str, WebRow]:
    newest = select(_web.room, func.max(_web.seq)).where(_web.room.in_(room_ids), _web.deleted_at.is_(None))
    pairs = (await session.execute(newest.group_by(_web.room))).all()
    lasts = {}
    for room, seq in pairs:
        row = await weblog.get(session, room, seq, vault=vault)
        if row is not None:
            lasts[room] = row
    return lasts


async def _unread(session: AsyncSession, room: str, read_seq: int) -> int:
    counted = select(func.count()).where(
        _web.room == room, _web.seq > read_seq, _web.person.is_(None), _web.stage.in_(_COUNTED_STAGES)
    )
    return int((await session.execute(counted)).scalar_one())


_web: Any = WebMessage.__table__.c  # type: ignore[attr-defined]
_room: Any = Room.__table__.c  # type: ignore[attr-defined]
