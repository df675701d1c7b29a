"""The verb behind webhooks: a genuine delivery marks the sources of its repository as changed, once."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.github.webhook import (
    SIGNATURE,
    Envelope,
    Malformed,
    Named,
    Notice,
    genuine,
    moves,
    read_envelope,
    read_notice,
)
from bot.state.database import Database
from bot.state.queries import sources, webhooks
from bot.state.queries.webhooks import NOTHING_KNOWN, Known
from bot.state.tables import Repository, Source
from bot.state.vault import Vault
from config.settings import Credential

T = TypeVar("T")

# A larger body is read and hashed beside the event loop, which 25 MB would hold up for a second.
_SMALL_BYTES: Final = 256_000
# An installation that names more is looked at by its owner.
_MOST_NAMED: Final = 200


class Outcome(StrEnum):
    """What became of a delivery; the first four are also labels of a metric, with which `malformed` is rejected."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    REJECTED = "rejected"
    IGNORED = "ignored"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a delivery, and how many sources are to be looked at because of it."""

    outcome: Outcome
    marked: int = 0


@dataclass(frozen=True, slots=True)
class HookParts:
    """What taking deliveries in needs; `credentials` may hold the secrets of Apps."""

    db: Database
    vault: Vault
    credentials: Mapping[str, Credential]
    clock: Callable[[], datetime]


def seal_place(repository: str) -> str:
    """Where the secret of a repository's webhook is sealed for."""
    return f"repository/{repository}/hook_secret_sealed"


class Hooks:
    """Takes deliveries in. A payload is believed in nothing: it says only where to look."""

    def __init__(self, parts: HookParts) -> None:
        self._parts = parts
        every = [(one.host.casefold(), one.webhook_secret.get_secret_value()) for one in parts.credentials.values()]
        self._apps = [(host, secret) for host, secret in every if secret]
        self._decoy = parts.vault.seal("decoy", "d" * 43)

    async def take(self, headers: Mapping[str, str], body: bytes) -> Taken:
        """Mark what a delivery is about, and keep its id in the same commit; `headers` have small letters.

        One for a repository that nobody follows and one with a wrong signature are rejected alike, after the same work.
        Raises StateError when it could not be kept; nothing is marked then.
        """
        envelope, notice = await _beside(body, partial(_read, headers, body))
        known = await self._parts.db.read(partial(_known, notice))
        sender = _sender(known.repositories, notice.sender)
        secrets = [*(secret for _, secret in self._apps), self._secret_of(sender)]
        *by_app, by_sender = await _beside(body, partial(genuine, body, headers.get(SIGNATURE, ""), secrets))
        if not (by_sender or any(by_app)):
            return Taken(Outcome.REJECTED)
        if envelope is None:
            return Taken(Outcome.MALFORMED)
        hosts = {host for (host, _), is_genuine in zip(self._apps, by_app, strict=True) if is_genuine}
        about = {
            row.id: row for row in known.repositories if row.host in hosts or (by_sender and _is_same(row, sender))
        }
        if not (notice.event and about):
            return Taken(Outcome.IGNORED)
        moved = [source for source, row in known.followed if row.id in about and _concerns(notice, source, row)]
        return await self._parts.db.write(
            partial(_mark, envelope, notice, list(about.values()), moved, now=self._parts.clock())
        )

    def _secret_of(self, sender: Repository | None) -> str:
        """The secret of a repository's own hook; as much work when there is none."""
        sealed = sender.hook_secret_sealed if sender is not None else ""
        place = seal_place(sender.id if sender is not None else "")
        return self._parts.vault.open(place, sealed or self._decoy) or ""


def _read(headers: Mapping[str, str], body: bytes) -> tuple[Envelope | None, Notice]:
    """Read a delivery before anybody knows whether it is genuine: whose secret counts stands in it."""
    try:
        envelope = read_envelope(headers)
        return envelope, read_notice(envelope, body)
    except Malformed:
        return None, Notice()


async def _known(notice: Notice, session: AsyncSession) -> Known:
    """What we know of the repositories that a delivery names, or of all of their owner."""
    named = notice.about or ((notice.sender,) if notice.sender else ())
    if notice.owner and not 0 < len(named) <= _MOST_NAMED:
        return await webhooks.of_owner(session, host=notice.host, owner=notice.owner)
    if not named:
        return NOTHING_KNOWN
    ids = {one.node_id for one in named if one.node_id}
    keys = {_key(one.host, name) for one in named for name in (one.repository, one.former) if name}
    return await webhooks.named(session, host=named[0].host, node_ids=ids, keys=keys)


def _sender(known: Sequence[Repository], named: Named | None) -> Repository | None:
    """The repository whose hook may have sent a delivery: by its node id, else by its name, else by its former one.

    While two rows are about one repository, since its new name was followed before we heard of it, the one counts for
    whose hook there is a secret.
    """
    if named is None:
        return None
    found = [row for row in known if row.node_id and row.node_id == named.node_id]
    for name in (named.repository, named.former):
        found += [row for row in known if name and row.location_key == _key(named.host, name)]
    return next((row for row in found if row.hook_secret_sealed), found[0] if found else None)


def _is_same(row: Repository, sender: Repository | None) -> bool:
    """Whether two rows are about one repository, as far as we ourselves know."""
    return sender is not None and (row is sender or bool(row.node_id and row.node_id == sender.node_id))


async def _mark(
    envelope: Envelope,
    notice: Notice,
    about: Sequence[Repository],
    moved: Sequence[Source],
    session: AsyncSession,
    *,
    now: datetime,
) -> Taken:
    kept = await webhooks.keep(
        session,
        envelope.delivery,
        event=notice.event,
        repository=about[0].id if len(about) == 1 else None,
        outcome="marked" if moved else "nothing",
        now=now,
    )
    if not kept:
        return Taken(Outcome.REPEATED)
    for row in about:
        await webhooks.note_event(session, row.id, notice.event, problem=_problem(notice, row), now=now)
    for source in moved:
        await sources.mark_dirty(session, source.id)
    return Taken(Outcome.ACCEPTED, len(moved))


def _problem(notice: Notice, row: Repository) -> str | None:
    """What a delivery tells to be wrong with the hook, '' for nothing; None when it tells nothing about that."""
    is_mended = notice.event == "push" and row.hook_problem == "no_push"
    return notice.problem if notice.event == "ping" or is_mended else None


def _concerns(notice: Notice, source: Source, repository: Repository) -> bool:
    """Whether a source may have changed: a push to another branch moves nothing, and no push moves threads."""
    if notice.event == "ping":
        return False
    if notice.event != "push":
        return True
    moved = moves(notice, notice.about[0], ref=source.ref, default_branch=repository.default_branch)
    return moved and source.kind == "git"


def _key(host: str, repository: str) -> str:
    return f"https://{host}/{repository}".casefold()


async def _beside(body: bytes, work: Callable[[], T]) -> T:
    """Do work on a body, a large one in a thread."""
    return work() if len(body) <= _SMALL_BYTES else await asyncio.to_thread(work)
