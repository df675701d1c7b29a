"""Which sources are to be looked at when, and what a look without news leaves behind."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.state.tables import Project, Repository, Source
from bot.state.words import name_key

# How long a source is left alone at most: after failures, and when its repository is archived.
LONGEST_WAIT_S: Final = 3600.0
ARCHIVED_WAIT_S: Final = 24 * 3600.0
_SPREAD: Final = 1.1  # waits are spread by a tenth
_CLOCK_SLACK_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Due:
    """A source that is to be looked at, with what is known of its repository, if it is one on the network."""

    source: Source
    repository: Repository | None = None

    @property
    def longest_wait_s(self) -> float:
        """How far ahead its next look can lie when every clock is right."""
        wait_s = max(float(self.source.interval_s), LONGEST_WAIT_S)
        if self.repository is not None and self.repository.is_archived:
            wait_s = max(wait_s, ARCHIVED_WAIT_S)
        return wait_s * _SPREAD


async def described(session: AsyncSession, project: str) -> list[Due]:
    """The sources of a project by name, hidden ones too, each with what is known of its repository."""
    wanted = select(Source, Repository).outerjoin(Repository, col(Repository.id) == col(Source.repository))
    wanted = wanted.where(col(Source.project) == project, col(Source.state) != "removed")
    found = [Due(source, repository) for source, repository in await session.execute(wanted)]
    return sorted(found, key=lambda one: (name_key(one.source.name), one.source.id))


async def due(session: AsyncSession, *, now: datetime, ahead_s: float = 0.0) -> list[Due]:
    """All sources to look at now, and those of the next `ahead_s` seconds; hidden ones too since they may be back.

    Dirty ones come first, of these the ones with the newest webhook, then by how long they have waited. A time further
    ahead than the longest wait and an hour was written while a clock was wrong, and counts as due. Uploads are not
    among them: nothing changes them but the messages that bring them.
    """
    wanted = select(Source, Repository).join(Project, col(Project.id) == col(Source.project))
    wanted = wanted.outerjoin(Repository, col(Repository.id) == col(Source.repository))
    is_wanted = (col(Source.state) != "removed", col(Source.kind) != "upload")
    wanted = wanted.where(*is_wanted, col(Project.removed_at).is_(None), _may_be_due(now, ahead_s))
    found = [Due(source, repository) for source, repository in await session.execute(wanted.order_by(col(Source.id)))]
    return sorted((one for one in found if _is_due(one, now, ahead_s)), key=_by_urgency)


def _by_urgency(one: Due) -> tuple[bool, float, float]:
    """Sort key: what has been pushed to, the newest webhook first, then what has waited the longest."""
    pushed_at = one.repository.hook_event_at if one.repository is not None and one.source.is_dirty else None
    due_at = one.source.next_due_at
    return (
        not one.source.is_dirty,
        -pushed_at.timestamp() if pushed_at else 0.0,
        due_at.timestamp() if due_at else 0.0,
    )


def _may_be_due(now: datetime, ahead_s: float) -> Any:
    """What SQL can say: due, or further ahead than most sources ever wait."""
    at, far = col(Source.next_due_at), now + timedelta(seconds=LONGEST_WAIT_S * _SPREAD + _CLOCK_SLACK_S)
    very_far = now + timedelta(seconds=ARCHIVED_WAIT_S * _SPREAD + _CLOCK_SLACK_S)
    return or_(
        col(Source.is_dirty).is_(True),
        at.is_(None),
        at <= now + timedelta(seconds=ahead_s),
        at > very_far,
        and_(at > far, ~func.coalesce(col(Repository.is_archived), False)),
    )


def _is_due(one: Due, now: datetime, ahead_s: float) -> bool:
    at = one.source.next_due_at
    if one.source.is_dirty or at is None:
        return True
    wait_s = (at - now).total_seconds()
    return wait_s <= ahead_s or wait_s > one.longest_wait_s + _CLOCK_SLACK_S


async def is_any_dirty(session: AsyncSession) -> bool:
    """Whether a source is marked to be looked at as soon as possible."""
    wanted = select(col(Source.id)).where(col(Source.is_dirty).is_(True), col(Source.state) != "removed").limit(1)
    return await session.scalar(wanted) is not None


async def take_up(session: AsyncSession, ids: Sequence[str], *, now: datetime) -> None:
    """Sources are going to be looked at: whatever marks one as dirty from now on needs another look. They stay due."""
    await session.execute(update(Source).where(col(Source.id).in_(ids)).values(is_dirty=False, next_due_at=now))


@dataclass(frozen=True, slots=True)
class Quiet:
    """A source that was looked at and has not changed. `counts` None keeps its figures as they are."""

    source: str
    next_due_at: datetime
    counts: Mapping[str, Any] | None = None


async def settle(session: AsyncSession, quiet: Iterable[Quiet], *, now: datetime) -> None:
    """Record in one go that sources were looked at and have not changed. What was marked as dirty stays so."""
    values: dict[str, Any] = {"last_run_at": now, "last_ok_at": now, "last_error": "", "failures": 0}
    in_order = sorted(quiet, key=lambda one: one.next_due_at)
    for next_due_at, alike in groupby(in_order, key=lambda one: one.next_due_at):
        together = list(alike)
        changed = update(Source).where(col(Source.id).in_([one.source for one in together]))
        await session.execute(changed.values(**values, next_due_at=next_due_at))
        for one in together:
            if one.counts is not None:
                await session.execute(
                    update(Source).where(col(Source.id) == one.source).values(counts=dict(one.counts))
                )


async def put_off(session: AsyncSession, ids: Sequence[str], *, until: datetime) -> None:
    """Look at sources again at that time, without saying that anything is wrong with them."""
    await session.execute(update(Source).where(col(Source.id).in_(ids)).values(next_due_at=until))
