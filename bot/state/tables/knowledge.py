"""Tables: projects, what they follow, what people gave them, the jobs that keep them fresh."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from bot.state.tables.base import counter
from bot.state.types import Json, UtcTime


class Project(SQLModel, table=True):
    """A project. `name_key` is the name casefolded and NFC, unique among projects that are not removed."""

    id: str = Field(primary_key=True)
    name: str
    name_key: str = Field(unique=True)  # a removed project gets its id appended, so that the name is free again
    store: str = "local"
    created_by: str | None = None
    created_at: datetime = Field(sa_type=UtcTime)
    removed_at: datetime | None = Field(default=None, sa_type=UtcTime)
    settings: dict[str, Any] = Field(default_factory=dict, sa_type=Json)


class Source(SQLModel, table=True):
    """What a project follows, and how the last run went. kind: folder, checkout, git, threads, upload.

    A source of kind threads follows what people wrote beside the files of a repository; its `paths` say which of issues,
    pulls, discussions and releases.
    """

    __table_args__ = (UniqueConstraint("project", "kind", "location", "ref"),)
    id: str = Field(primary_key=True)
    project: str = Field(foreign_key="project.id", index=True, ondelete="CASCADE")
    kind: str
    name: str  # what people see and type
    location: str  # a path or a URL without credentials
    ref: str = ""  # a branch; "" is the default one
    paths: list[str] = Field(default_factory=list, sa_type=Json)
    is_private: bool = True
    state: str = "active"  # active | hidden | removed
    state_reason: str = ""
    state_at: datetime | None = Field(default=None, sa_type=UtcTime)
    added_by: str | None = None
    added_at: datetime = Field(sa_type=UtcTime)
    interval_s: int = 300
    next_due_at: datetime | None = Field(default=None, sa_type=UtcTime, index=True)
    is_dirty: bool = True
    last_run_at: datetime | None = Field(default=None, sa_type=UtcTime)
    last_ok_at: datetime | None = Field(default=None, sa_type=UtcTime)
    last_error: str = ""
    failures: int = 0
    counts: dict[str, Any] = Field(default_factory=dict, sa_type=Json)  # files, passages, skipped by reason, redacted
    repository: str | None = Field(default=None, foreign_key="repository.id", index=True, ondelete="SET NULL")


class Repository(SQLModel, table=True):
    """A repository on the network, as its host last described it; sources of several projects may follow it.

    `location` is unique without regard to letters' case, by `location_key`. `node_id` stays when it is renamed.
    """

    id: str = Field(primary_key=True)
    host: str = Field(index=True)
    location: str
    location_key: str = Field(unique=True)
    node_id: str | None = Field(default=None, index=True)
    default_branch: str = ""
    is_private: bool | None = None  # None while nobody has said
    is_archived: bool = False
    seen_at: datetime | None = Field(default=None, sa_type=UtcTime)
    hook_secret_sealed: str = ""  # of the webhook; "" when none was made
    hook_made_at: datetime | None = Field(default=None, sa_type=UtcTime)
    hook_event: str = ""  # what came last
    hook_event_at: datetime | None = Field(default=None, sa_type=UtcTime)
    hook_problem: str = ""  # a stable word: what is wrong with deliveries


class WebhookDelivery(SQLModel, table=True):
    """A delivery that was taken in; its id is kept so that a repeat does nothing. outcome: a stable word."""

    id: str = Field(primary_key=True)  # X-GitHub-Delivery
    event: str
    repository: str | None = Field(default=None, foreign_key="repository.id", ondelete="SET NULL")
    at: datetime = Field(sa_type=UtcTime, index=True)
    outcome: str = ""


class HostPause(SQLModel, table=True):
    """What a host lets a credential do: requests left, and until when nothing is asked. `key` is host and credential."""

    key: str = Field(primary_key=True)
    remaining: int | None = None
    most: int | None = None
    resets_at: datetime | None = Field(default=None, sa_type=UtcTime)
    paused_until: datetime | None = Field(default=None, sa_type=UtcTime)
    reason: str = ""
    at: datetime = Field(sa_type=UtcTime)


class Change(SQLModel, table=True):
    """What one refresh changed in a source: counts of files, and some of them as [sign, path], sign + ~ - >."""

    id: int | None = Field(default=None, sa_column=counter())
    source: str = Field(foreign_key="source.id", index=True, ondelete="CASCADE")
    at: datetime = Field(sa_type=UtcTime, index=True)
    ref: str = ""
    before: str = ""  # commit or version; "" for the first index
    after: str
    added: int = 0
    changed: int = 0
    removed: int = 0
    moved: int = 0
    files: list[list[str]] = Field(default_factory=list, sa_type=Json)


class Upload(SQLModel, table=True):
    """A file sent into a room; found there only until `shared_at`. Its content lies in the data folder."""

    id: str = Field(primary_key=True)
    room: str = Field(foreign_key="room.id", index=True, ondelete="CASCADE")
    project: str = Field(foreign_key="project.id", index=True, ondelete="CASCADE")
    source: str = Field(foreign_key="source.id", index=True, ondelete="CASCADE")
    person: str | None = Field(default=None, foreign_key="person.id", ondelete="SET NULL")
    name_sealed: str
    sha256: str
    size_bytes: int
    state: str = "waiting"  # waiting | indexed | refused | removed
    reason: str = ""
    at: datetime = Field(sa_type=UtcTime)
    shared_at: datetime | None = Field(default=None, sa_type=UtcTime)


class Memory(SQLModel, table=True):
    """A fact that a project keeps because somebody asked for it."""

    id: str = Field(primary_key=True)
    project: str = Field(foreign_key="project.id", index=True, ondelete="CASCADE")
    person: str | None = Field(default=None, foreign_key="person.id", ondelete="SET NULL")
    text_sealed: str
    at: datetime = Field(sa_type=UtcTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcTime)


class JobState(SQLModel, table=True):
    """When a job is due, and how it last went; it is asked for out of turn by `is_asked`."""

    name: str = Field(primary_key=True)
    next_due_at: datetime | None = Field(default=None, sa_type=UtcTime)
    is_asked: bool = False
    started_at: datetime | None = Field(default=None, sa_type=UtcTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcTime)
    outcome: str = ""
    detail: str = ""
    failures: int = 0


class JobRun(SQLModel, table=True):
    """One run of a job. outcome: ok, failed, cut (the process ended)."""

    id: int | None = Field(default=None, sa_column=counter())
    job: str = Field(index=True)
    subject: str = ""
    started_at: datetime = Field(sa_type=UtcTime, index=True)
    ended_at: datetime | None = Field(default=None, sa_type=UtcTime)
    outcome: str = ""
    detail: str = ""
