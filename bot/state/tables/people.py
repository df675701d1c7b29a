"""Tables: who people are, what they may do, the codes they hold, the record of what they did."""

from datetime import datetime

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field, SQLModel

from bot.state.tables.base import NEVER_REUSED, counter
from bot.state.types import UtcTime


class Installation(SQLModel, table=True):
    """The one row that says which installation this is, and since when."""

    id: str = Field(primary_key=True)
    created_at: datetime = Field(sa_type=UtcTime)
    newest_program: str = ""  # the newest version that ever wrote here


class Person(SQLModel, table=True):
    """Somebody, on however many networks."""

    id: str = Field(primary_key=True)
    name: str = ""
    language: str | None = None
    created_at: datetime = Field(sa_type=UtcTime)
    banned_until: datetime | None = Field(default=None, sa_type=UtcTime)
    told_privacy_at: datetime | None = Field(default=None, sa_type=UtcTime)


class Identity(SQLModel, table=True):
    """A person's immutable id on one network."""

    network: str = Field(primary_key=True)
    native_id: str = Field(primary_key=True)
    person: str = Field(foreign_key="person.id", index=True, ondelete="CASCADE")


class Grant(SQLModel, table=True):
    """A role: owner of the installation (project is empty), or admin, member, guest of a project."""

    __table_args__ = (UniqueConstraint("person", "project", "role"),)
    id: str = Field(primary_key=True)
    person: str = Field(foreign_key="person.id", index=True, ondelete="CASCADE")
    project: str = Field(default="", index=True)  # "" is the whole installation
    role: str
    granted_by: str | None = None
    granted_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcTime)


class Invite(SQLModel, table=True):
    """A one-time code. purpose: login (web), claim (owner on a network), bind (a room to a project), join (a person)."""

    id: str = Field(primary_key=True)
    purpose: str = Field(index=True)
    code_hash: str = Field(unique=True)
    person: str | None = Field(default=None, foreign_key="person.id", ondelete="CASCADE")
    project: str | None = Field(default=None, foreign_key="project.id", ondelete="CASCADE")
    role: str = ""
    made_by: str | None = None
    made_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime = Field(sa_type=UtcTime, index=True)
    used_at: datetime | None = Field(default=None, sa_type=UtcTime)
    used_by: str | None = None


class Confirmation(SQLModel, table=True):
    """An act that waits for its asker's yes. The arguments come from here, never from the button."""

    id: str = Field(primary_key=True)
    person: str = Field(foreign_key="person.id", ondelete="CASCADE")
    room: str = Field(foreign_key="room.id", ondelete="CASCADE")
    command: str
    arguments_sealed: str
    made_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime = Field(sa_type=UtcTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcTime)


class Tally(SQLModel, table=True):
    """A counter in a window: questions of a person, of a room, tokens of a project. Survives restarts."""

    subject: str = Field(primary_key=True)  # "person/<id>", "room/<id>", "project/<id>/tokens"
    window: str = Field(primary_key=True)  # "" is the one that runs
    amount: int = 0
    told_at: datetime | None = Field(default=None, sa_type=UtcTime)
    expires_at: datetime = Field(sa_type=UtcTime, index=True)


class Audit(SQLModel, table=True):
    """Who did or tried what: metadata only, allowed and refused alike. Rows are only added."""

    __table_args__ = (NEVER_REUSED,)
    id: int | None = Field(default=None, sa_column=counter())
    at: datetime = Field(sa_type=UtcTime, index=True)
    person: str | None = None
    role: str = ""
    action: str
    target: str = ""
    place: str = ""
    way: str  # chat | web | token | shell
    outcome: str  # allowed | refused | failed
    detail: str = ""
    previous_hash: str = ""
    hash: str = ""


class AuditFloor(SQLModel, table=True):
    """The one row (id 1) that says which audit rows retention removed, and the hash that the oldest kept row continues.

    A trigger refuses to delete an audit row whose id is not below `below`.
    """

    id: int = Field(primary_key=True)
    below: int = Field(default=0, sa_type=BigInteger)
    hash: str = ""
