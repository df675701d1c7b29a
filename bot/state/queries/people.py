"""People, the identities by which networks know them, and their roles."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import col

from bot.errors import UserError
from bot.rights import INSTALLATION, Actor, Role, Way
from bot.state.ids import new_id
from bot.state.tables import Grant, Identity, Invite, Person
from bot.state.upsert import insert_or_leave
from bot.state.words import clean

_SHARED = "shared/"


async def get(session: AsyncSession, person: str) -> Person | None:
    """The person of an id."""
    return await session.get(Person, person)


async def create(session: AsyncSession, *, name: str, language: str | None = None, now: datetime) -> Person:
    """A new person, not yet known on any network."""
    person = Person(id=new_id(), name=clean(name), language=language, created_at=now)
    session.add(person)
    await session.flush()
    return person


async def by_identity(session: AsyncSession, network: str, native_id: str) -> Person | None:
    """The person whom a network knows by `native_id`."""
    identity = await session.get(Identity, (network, native_id))
    return None if identity is None else await session.get(Person, identity.person)


async def ensure(
    session: AsyncSession, network: str, native_id: str, *, name: str, language: str | None = None, now: datetime
) -> Person:
    """The person of a network's id, made when unknown; name and language follow the network."""
    person = await by_identity(session, network, native_id)
    if person is not None:
        person.name = clean(name) or person.name
        person.language = language or person.language
        return person
    person = await create(session, name=name, language=language, now=now)
    made = insert_or_leave(
        session,
        Identity,
        {"network": network, "native_id": native_id, "person": person.id},
        unique=("network", "native_id"),
    )
    if (await session.execute(made.returning(col(Identity.person)))).first() is not None:
        return person
    await session.delete(person)  # somebody else made the same identity first
    return await session.get_one(Person, (await session.get_one(Identity, (network, native_id))).person)


def shared_id(native_id: str, room: str) -> str:
    """The id of all who write in a room under one name of the network's, such as its anonymous administrators."""
    return f"{_SHARED}{room}/{native_id}"


def is_shared(native_id: str) -> bool:
    """Whether an id stands for several people: then it never has a role."""
    return native_id.startswith(_SHARED)


async def identities(session: AsyncSession, person: str) -> list[Identity]:
    """Every network's id of a person."""
    wanted = (
        select(Identity).where(col(Identity.person) == person).order_by(col(Identity.network), col(Identity.native_id))
    )
    return list(await session.scalars(wanted))


async def link(session: AsyncSession, person: str, network: str, native_id: str) -> None:
    """Let a network's id belong to `person` from now on."""
    identity = await session.get(Identity, (network, native_id))
    if identity is None:
        session.add(Identity(network=network, native_id=native_id, person=person))
    else:
        identity.person = person
    await session.flush()


async def set_language(session: AsyncSession, person: str, language: str | None) -> None:
    """The language that this person wishes; None: whatever the network says."""
    await session.execute(update(Person).where(col(Person.id) == person).values(language=language))


async def ban(session: AsyncSession, person: str, *, until: datetime | None) -> None:
    """Nothing that the person writes is answered until then; None ends a ban."""
    await session.execute(update(Person).where(col(Person.id) == person).values(banned_until=until))


async def tell_privacy_once(session: AsyncSession, person: str, *, now: datetime) -> bool:
    """Whether the person should be told now what is kept; true once for each person."""
    told = update(Person).where(col(Person.id) == person, col(Person.told_privacy_at).is_(None))
    changed = await session.execute(told.values(told_privacy_at=now).returning(col(Person.id)))
    return changed.first() is not None


async def give_role(
    session: AsyncSession, person: str, role: Role, *, project: str, given_by: str | None, now: datetime
) -> Grant:
    """Set a person's role in a project ("" and OWNER: the installation); it replaces the one he had there.

    Whether the giver may do so is `bot.rights.why_not_give`'s to say. Raises UserError for the last owner.
    """
    await take_role(session, person, project=project, now=now, is_replaced=role is Role.OWNER)
    grant = Grant(id=new_id(), person=person, project=project, role=role.word, granted_by=given_by, granted_at=now)
    session.add(grant)
    await session.flush()
    return grant


async def take_role(
    session: AsyncSession, person: str, *, project: str, now: datetime, is_replaced: bool = False
) -> bool:
    """Whether the person had a role in `project`, which is gone now, and with it the codes he made by it.

    Raises UserError when no owner would be left.
    """
    if project == INSTALLATION and not is_replaced:
        await demand_other_owner(session, person, now=now)
    made = delete(Invite).where(col(Invite.made_by) == person, col(Invite.used_at).is_(None))
    await session.execute(made if project == INSTALLATION else made.where(col(Invite.project) == project))
    gone = delete(Grant).where(col(Grant.person) == person, col(Grant.project) == project)
    return (await session.execute(gone.returning(col(Grant.id)))).first() is not None


async def demand_other_owner(session: AsyncSession, person: str, *, now: datetime) -> None:
    """Raise UserError when the person is the only owner that is left."""
    locked = select(col(Grant.person)).where(
        col(Grant.project) == INSTALLATION, col(Grant.role) == Role.OWNER.word, _valid(now)
    )
    if list(await session.scalars(locked.with_for_update())) == [person]:
        raise UserError("people.last_owner")


async def owners(session: AsyncSession, *, now: datetime) -> list[str]:
    """The ids of the owners of the installation."""
    wanted = select(col(Grant.person)).where(
        col(Grant.project) == INSTALLATION, col(Grant.role) == Role.OWNER.word, _valid(now)
    )
    return list(await session.scalars(wanted.order_by(col(Grant.person))))


async def roles_of(session: AsyncSession, person: str, *, now: datetime) -> dict[str, Role]:
    """The roles of a person by project id; "" is the installation."""
    found = await session.scalars(select(Grant).where(col(Grant.person) == person, _valid(now)))
    roles: dict[str, Role] = {}
    for grant in found:
        roles[grant.project] = max(Role.named(grant.role), roles.get(grant.project, Role.NOBODY))
    return roles


async def members_of(session: AsyncSession, project: str, *, now: datetime) -> list[tuple[Person, Role]]:
    """Everybody with a role in `project` ("": the owners), highest role first, then by name."""
    joined = select(Person, Grant).join(Grant, col(Grant.person) == col(Person.id))
    found = await session.execute(joined.where(col(Grant.project) == project, _valid(now)))
    pairs = [(person, Role.named(grant.role)) for person, grant in found]
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0].name.casefold(), pair[0].id))


async def load_actor(
    session: AsyncSession,
    person: str | None,
    *,
    now: datetime,
    way: Way = Way.CHAT,
    is_room_admin: bool = False,
    token_scope: str | None = None,
) -> Actor:
    """Somebody with all his rights as they are now; an unknown person has none."""
    row = None if person is None else await session.get(Person, person, populate_existing=True)
    if row is None:
        return Actor(person=None, is_room_admin=is_room_admin, way=way, token_scope=token_scope)
    return Actor(
        person=row.id,
        roles=await roles_of(session, row.id, now=now),
        is_banned=row.banned_until is not None and row.banned_until > now,
        is_room_admin=is_room_admin,
        way=way,
        token_scope=token_scope,
    )


async def names_of(session: AsyncSession, people: Iterable[str]) -> dict[str, str]:
    """Names by id, for showing."""
    found = await session.execute(select(col(Person.id), col(Person.name)).where(col(Person.id).in_(list(people))))
    return {str(person): str(name) for person, name in found}


def _valid(now: datetime) -> ColumnElement[bool]:
    return or_(col(Grant.expires_at).is_(None), col(Grant.expires_at) > now)
