"""How people come in: claiming the installation, signing in by a link, joining a project by a code."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.rights import INSTALLATION, Role, Way
from bot.state.database import Database
from bot.state.queries import audit, codes, people, sessions
from bot.state.queries.audit import Act
from bot.state.queries.codes import NewCode, Purpose
from bot.state.queries.sessions import NewSession
from bot.state.tables import Person

CLAIM_VALID_FOR = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser that has just been signed in."""

    person: Person
    session: NewSession


class People:
    """Codes are made on the machine or by those who may; whoever redeems one gets what it stands for, audited."""

    def __init__(self, db: Database, *, link_valid_for: timedelta, session_valid_for: timedelta) -> None:
        self._db = db
        self._link_valid_for = link_valid_for
        self._session_valid_for = session_valid_for

    async def make_claim(self, *, now: datetime) -> str:
        """A code that makes whoever types it to us alone an owner: 15 minutes, once. It replaces those before it."""

        async def make(session: AsyncSession) -> str:
            await codes.kill_all(session, Purpose.CLAIM, now=now)
            code = await codes.make(session, NewCode(Purpose.CLAIM), valid_for=CLAIM_VALID_FOR, now=now)
            await audit.append(session, Act(action="owner add", person=None, way=Way.SHELL, outcome="allowed"), now=now)
            return codes.shown(code)

        return await self._db.write(make)

    async def claim(self, code: str, *, person: str, now: datetime) -> bool:
        """Whether the code was good; then the person is an owner. Too many wrong ones spoil every waiting code."""

        async def redeem(session: AsyncSession) -> bool:
            tried = await codes.redeem_typed(session, Purpose.CLAIM, code, sender=person, used_by=person, now=now)
            outcome = "refused" if tried.invite is None else "allowed"
            await audit.append(session, Act(action="claim", person=person, way=Way.CHAT, outcome=outcome), now=now)
            if tried.invite is None:
                return False
            await people.give_role(session, person, Role.OWNER, project=INSTALLATION, given_by=None, now=now)
            return True

        return await self._db.write(redeem)

    async def spoil_claim(self, code: str, *, now: datetime) -> bool:
        """Whether a waiting code was typed where others read it; it is dead now."""
        return await self._db.write(lambda session: codes.kill(session, Purpose.CLAIM, code, now=now))

    async def make_login(self, *, person: str | None = None, now: datetime) -> str:
        """A login link's code. Without a person it signs in the first owner, made when there is none."""

        async def make(session: AsyncSession) -> str:
            await audit.append(session, Act(action="login", person=person, way=Way.SHELL, outcome="allowed"), now=now)
            new = NewCode(Purpose.LOGIN, person=person, role="" if person else Role.OWNER.word)
            return await codes.make(session, new, valid_for=self._link_valid_for, now=now)

        return await self._db.write(make)

    async def is_login_open(self, code: str, *, now: datetime) -> bool:
        """Whether a login link would still work. Looking never uses it up, since chat previews fetch links."""
        return await self._db.read(lambda session: codes.find(session, Purpose.LOGIN, code, now=now)) is not None

    async def sign_in(self, code: str, *, language: str | None = None, now: datetime) -> SignedIn | None:
        """Use a login link up; None when it is unknown, used or too old."""

        async def redeem(session: AsyncSession) -> SignedIn | None:
            invite = await codes.redeem(session, Purpose.LOGIN, code, used_by=None, now=now)
            if invite is None:
                return None
            person = None if invite.person is None else await people.get(session, invite.person)
            if person is None:
                person = await first_owner(session, language=language, now=now)
            made = await sessions.make(session, person.id, valid_for=self._session_valid_for, now=now)
            await audit.append(session, Act(action="login", person=person.id, way=Way.WEB, outcome="allowed"), now=now)
            return SignedIn(person, made)

        return await self._db.write(redeem)

    async def join(self, code: str, *, person: str, now: datetime) -> str | None:
        """The project (its id) that the person has joined by a code, or None; a higher role is kept."""

        async def redeem(session: AsyncSession) -> str | None:
            tried = await codes.redeem_typed(session, Purpose.JOIN, code, sender=person, used_by=person, now=now)
            invite = tried.invite
            if invite is None or invite.project is None:
                return None
            role = Role.named(invite.role)
            has = (await people.roles_of(session, person, now=now)).get(invite.project, Role.NOBODY)
            if role > has:
                await people.give_role(session, person, role, project=invite.project, given_by=invite.made_by, now=now)
            await audit.append(
                session,
                Act(action="join", person=person, way=Way.CHAT, target=invite.project, outcome="allowed"),
                now=now,
            )
            return invite.project

        return await self._db.write(redeem)


async def first_owner(session: AsyncSession, *, language: str | None, now: datetime) -> Person:
    """The owner who came first; made when there is none, since whoever asks is at the machine itself."""
    known = await people.owners(session, now=now)
    found = await people.get(session, known[0]) if known else None
    if found is not None:
        return found
    person = await people.create(session, name="", language=language, now=now)
    await people.give_role(session, person.id, Role.OWNER, project=INSTALLATION, given_by=None, now=now)
    return person
