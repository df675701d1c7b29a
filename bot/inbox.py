"""What comes in: decide what is for us, store it with the cursor in one write, and only then let it be acknowledged."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import (
    Addressed,
    Batch,
    ChatError,
    Deleted,
    Edited,
    Event,
    Message,
    Pressed,
    Rated,
    RoomAddress,
    RoomChanged,
    RoomFacts,
    Unreachable,
    Unreadable,
)
from adapters.network import ChatAdapter
from bot.albums import OurAlbums
from bot.commands import all_commands
from bot.envelope import kind_of, pack_event
from bot.errors import new_reference
from bot.placing import placed
from bot.state.database import Database
from bot.state.queries import deliveries, inbox, people, rooms, turns
from bot.state.tables import Inbox as Row
from bot.state.tables import Person, Room
from bot.state.vault import Vault
from pipelines.components.redact import looks_like_secret

log = structlog.get_logger(__name__)

Alongside = Callable[[AsyncSession], Awaitable[Batch | None]]
_MOST_OVERHEARD: Final = 10_000
_PAUSES_S: Final = (1.0, 2.0, 5.0, 15.0, 30.0)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a batch: ids of the rows it made, how many events were known, how many were not for us."""

    stored: tuple[int, ...] = ()
    repeats: int = 0
    ignored: int = 0


def is_for_us(event: Event, answer_mode: str) -> bool:
    """Whether an event concerns us in a room with this mode (mention, all or off); the rest is never written."""
    if isinstance(event, Unreadable):
        return answer_mode != "off"
    if isinstance(event, Message | Edited):
        return event.sender.is_person and _is_addressed(event.addressed, answer_mode)
    if isinstance(event, Pressed | Rated):
        return event.sender.is_person
    return True


def _is_addressed(addressed: Addressed, answer_mode: str) -> bool:
    if addressed in (Addressed.PRIVATE, Addressed.COMMAND):
        return True
    return answer_mode == "all" if addressed is Addressed.AMBIENT else answer_mode != "off"


def _as_meant(event: Event, *, has_buttons: bool) -> Event:
    """A command that is none of ours is meant for another bot of the room, or for nobody."""
    if not isinstance(event, Message | Edited) or event.addressed is not Addressed.COMMAND:
        return event
    is_ours = all_commands.parse(event.text, has_buttons=has_buttons) is not None
    return event if is_ours else replace(event, addressed=Addressed.AMBIENT)


def without_secret(text: str) -> tuple[str, str]:
    """The text as it may be stored, and the kind of secret that was in it ("" for none; then the text is unchanged)."""
    kind = looks_like_secret(text)
    return ("", kind) if kind else (text, "")


class Inbox:
    """Stores what is for us. `wake` tells the lanes that something waits; `adapters` is by (network, account)."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        clock: Callable[[], datetime],
        *,
        wake: Callable[[], None],
        adapters: Mapping[tuple[str, str], ChatAdapter],
        answer_mode: str = "mention",
    ) -> None:
        self._db = db
        self._vault = vault
        self._clock = clock
        self._wake = wake
        self._adapters = adapters
        self._answer_mode = answer_mode  # of a room that is new
        self._albums = OurAlbums(clock)
        self._overheard: dict[RoomAddress, RoomFacts] = {}
        self.ignored = 0

    async def accept(self, batch: Batch, *, network: str, account: str, alongside: Alongside | None = None) -> Accepted:
        """Store the events for us and the cursor, durably, in one write with what `alongside` does.

        `alongside` may return another batch to take instead, made with ids that only the transaction knows.
        Raises StateUnavailable; then nothing was kept and nothing may be acknowledged.
        """
        adapter = self._adapters.get((network, account))
        has_buttons = adapter is not None and adapter.abilities.has_buttons
        batch = replace(batch, events=tuple(_as_meant(event, has_buttons=has_buttons) for event in batch.events))
        facts = await self._facts(batch)

        async def write(session: AsyncSession) -> Accepted:
            instead = await alongside(session) if alongside is not None else None
            taken = instead or batch
            for event in taken.events:
                await self._note_album(session, event, facts.get(event.room))
            results = [await self._store(session, event, facts.get(event.room)) for event in taken.events]
            if taken.cursor is not None:
                await inbox.move_cursor(session, network, account, value=taken.cursor, now=self._clock())
            stored = tuple(found for found in results if isinstance(found, int) and found > 0)
            return Accepted(stored, repeats=results.count(0), ignored=results.count(None))

        accepted = await self._db.write(write)
        self.ignored += accepted.ignored
        if accepted.stored:
            self._wake()
        return accepted

    async def listen(self, adapter: ChatAdapter, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Take an adapter's batches for ever, from its cursor on; a failure is logged and tried again after a pause."""
        network, account = adapter.network, adapter.account
        failures = 0
        while True:
            pause_s = _PAUSES_S[min(failures, len(_PAUSES_S) - 1)]
            try:
                cursor = await self._db.read(lambda session: inbox.cursor(session, network, account))
                async for batch in adapter.batches(cursor):
                    await self.accept(batch, network=network, account=account)
                    failures = 0
                return
            except Unreachable as error:
                pause_s = error.retry_after_s or pause_s
                log.warning("inbox.unreachable", network=network, error=str(error))
            except Exception:
                log.exception("inbox.failed", network=network, reference=new_reference())
            failures += 1
            await sleep(pause_s)

    async def _facts(self, batch: Batch) -> Mapping[RoomAddress, RoomFacts]:
        """What the network says of the rooms that we do not know yet, or that changed."""

        async def unknown(session: AsyncSession) -> tuple[set[RoomAddress], set[RoomAddress]]:
            changed = {event.room for event in batch.events if isinstance(event, RoomChanged)}
            heard = {event.room for event in batch.events if is_for_us(event, self._answer_mode)}
            new = {place for place in heard if await _room(session, place) is None}
            # Where a group is answered whatever is said, so are its topics, those as well that we do not know yet.
            said = {event.room for event in batch.events if is_for_us(event, "all")} - heard
            if not said or not await rooms.any_answers_all(session):
                return changed | new, set()
            return changed | new, {place for place in said if await _room(session, place) is None}

        wanted, perhaps = await self._db.read(unknown) if batch.events else (set(), set())
        facts = {place: self._overheard[place] for place in perhaps if place in self._overheard}
        for place in wanted | (perhaps - set(facts)):
            found = await self._describe(place)
            if found is not None:
                facts[place] = found
        self._remember({place: facts[place] for place in perhaps if place in facts})
        return facts

    def _remember(self, overheard: Mapping[RoomAddress, RoomFacts]) -> None:
        """Keep what rooms are where something was said that was not for us, so that it is not asked each time."""
        if len(self._overheard) + len(overheard) > _MOST_OVERHEARD:
            self._overheard.clear()
        self._overheard.update(overheard)

    async def _describe(self, place: RoomAddress) -> RoomFacts | None:
        adapter = self._adapters.get((place.network, place.account))
        try:
            return await adapter.describe(place) if adapter else None
        except ChatError:
            return None

    async def _store(self, session: AsyncSession, event: Event, facts: RoomFacts | None) -> int | None:
        """The new row's id; 0 for an event that is known, None for one that is not for us."""
        known = await _room(session, event.room)
        if known is None and await _has_moved(session, event):
            return 0
        mode = await self._mode(session, known, facts)
        is_ours = is_for_us(event, mode) or self._albums.holds(event)
        if not is_ours or not await _concerns_ours(session, event, known):
            return None
        if facts is None and known is None:
            facts = _guessed(event)
        room = await rooms.ensure(session, event.room, facts, answer_mode=self._answer_mode, now=self._clock())
        person = await self._person(session, event)
        secret = ""
        if isinstance(event, Message | Edited):
            text, secret = without_secret(event.text.replace("\x00", ""))
            event = replace(event, text=text)
        event = await placed(session, event, known, self._vault)
        row = self._row(event, room, person)
        row.outcome = f"{inbox.HELD_BACK}{secret}" if secret else ""
        return await inbox.add(session, row, body=pack_event(event), vault=self._vault) or 0

    async def _note_album(self, session: AsyncSession, event: Event, facts: RoomFacts | None) -> None:
        """Let the parts of an album that is for us count as for us, those before it in the same batch too."""
        if isinstance(event, Message) and event.album:
            known = await _room(session, event.room)
            if is_for_us(event, await self._mode(session, known, facts)):
                self._albums.note(event)

    async def _mode(self, session: AsyncSession, known: Room | None, facts: RoomFacts | None) -> str:
        """What is answered in a room, known or new; a topic without a mode of its own has its group's."""
        if known is not None:
            return (await rooms.as_it_is_treated(session, known)).answer_mode
        parent = await _room(session, facts.parent) if facts is not None and facts.parent is not None else None
        return parent.answer_mode if parent is not None else self._answer_mode

    async def _person(self, session: AsyncSession, event: Event) -> Person | None:
        sender = None if isinstance(event, Deleted | Unreadable) else event.sender
        if sender is None:
            return None
        if sender.network == "web":  # signed in: the id is the person's own
            return await people.get(session, sender.id)
        now = self._clock()
        native = people.shared_id(sender.id, event.room.room) if sender.is_shared else sender.id
        return await people.ensure(session, sender.network, native, name=sender.name, language=sender.language, now=now)

    def _row(self, event: Event, room: Room, person: Person | None) -> Row:
        return Row(
            network=event.id.network,
            account=event.id.account,
            event=event.id.event,
            native_key=native_key(event),
            kind=kind_of(event),
            room=room.id,
            person=person.id if person else None,
            message=getattr(event, "message_id", ""),
            received_at=self._clock(),
            sent_at=event.sent_at,
        )


def native_key(event: Event) -> str:
    """What makes an event one of a kind besides its id: the room, and the message with its kind and revision."""
    if isinstance(event, Message | Deleted):
        return f"{event.room.room}/{kind_of(event)}/{event.message_id}"
    if isinstance(event, Edited):
        return f"{event.room.room}/edited/{event.message_id}/{event.revision}"
    return f"{event.room.room}/{kind_of(event)}/{event.id.event}"


async def _room(session: AsyncSession, place: RoomAddress) -> Room | None:
    return await rooms.at(session, place.network, place.account, place.room)


async def _has_moved(session: AsyncSession, event: Event) -> bool:
    """Whether an event tells of a room that has moved already, as a network says it in the old place and in the new."""
    if not isinstance(event, RoomChanged) or event.kind != "moved_to":
        return False
    return await _room(session, replace(event.room, room=event.detail)) is not None


async def _concerns_ours(session: AsyncSession, event: Event, room: Room | None) -> bool:
    """Whether an edit, a removal or a reaction is about a message that we know; others' are none of our business."""
    if isinstance(event, Edited | Deleted):
        return room is not None and await inbox.of_message(session, room.id, event.message_id) is not None
    if isinstance(event, Rated):
        return room is not None and await turns.of_message(session, room.id, event.message_id) is not None
    if isinstance(event, Pressed) and not event.data:
        return room is not None and await deliveries.of_message(session, room.id, event.message_id) is not None
    return True


def _guessed(event: Event) -> RoomFacts:
    is_private = isinstance(event, Message) and event.addressed is Addressed.PRIVATE
    return RoomFacts(title="", kind="private" if is_private else "group")
