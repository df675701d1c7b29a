"""What comes in, what goes out, what was said: the rows of the message flow."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Reply, Stage
from adapters.web.log import Entry
from bot.state.database import Database
from bot.state.ids import new_id
from bot.state.queries import deliveries, inbox, projects, rooms, turns, weblog
from bot.state.tables import Delivery, Inbox, Room, Turn
from bot.state.vault import Vault
from bot.state.weblog import StoredWebLog
from tests.fakes.state import NOW, later, some_project, some_room, somebody

PLACE = ("fake", "bot")


@pytest.fixture
async def room(db: Database) -> Room:
    """A room."""
    return await some_room(db)


async def _arrive(db: Database, vault: Vault, room: Room, number: int, *, revision: str = "") -> int | None:
    row = Inbox(network="fake", account="bot", event=f"e{number}{revision}", native_key=f"{room.id}/message/{number}",
                kind="message", room=room.id, message=str(number), received_at=NOW, sent_at=NOW)  # fmt: skip
    return await db.write(lambda session: inbox.add(session, row, body=f"text {number}", vault=vault))


async def _turn(db: Database, vault: Vault, room: Room, number: int, *, known: str | None = None) -> Turn:
    project = (await some_project(db, f"p{number}")).id

    async def write(session: AsyncSession) -> Turn:
        conversation = await turns.continue_conversation(
            session, room.id, thread="", known=known, now=later(minutes=number)
        )
        turn = Turn(
            id=new_id(), project=project, room=room.id, conversation=conversation, created_at=later(minutes=number)
        )
        await turns.add(session, turn, turns.TurnTexts(f"q{number}", f"a{number}", "[]"), vault=vault)
        return turn

    return await db.write(write)


async def test_an_event_is_stored_once(db: Database, vault: Vault, room: Room) -> None:
    """Neither the same event nor the same message under another event's name is a second row."""
    first = await _arrive(db, vault, room, 1)

    assert first is not None
    assert None is await _arrive(db, vault, room, 1)
    assert None is await _arrive(db, vault, room, 1, revision="again")
    stored = await db.read(lambda session: inbox.of_message(session, room.id, "1"))
    assert stored is not None
    assert (first, "text 1") == (stored.id, inbox.body_of(stored, vault))


async def test_a_row_is_claimed_by_one(db: Database, vault: Vault, room: Room) -> None:
    """Its attempt is counted with the claim; giving it back takes that away."""
    number = await _arrive(db, vault, room, 1) or 0
    until = NOW + timedelta(minutes=5)
    claimed = await db.write(lambda session: inbox.claim(session, number, owner="one", lease_until=until))
    second = await db.write(lambda session: inbox.claim(session, number, owner="two", lease_until=until))

    assert claimed is not None
    assert (1, "one", None) == (claimed.attempts, claimed.claimed_by, second)
    await db.write(lambda session: inbox.give_back(session, number))
    (waiting,) = await db.read(inbox.waiting)
    assert (0, "waiting") == (waiting.attempts, waiting.state)


async def test_rows_of_a_worker_that_is_gone_wait_again(db: Database, vault: Vault, room: Room) -> None:
    """One's own go on; others' are left alone until their lease is over, unless nobody else can exist."""
    number = await _arrive(db, vault, room, 1) or 0
    until = NOW + timedelta(minutes=5)
    await db.write(lambda session: inbox.claim(session, number, owner="dead", lease_until=until))

    opened = [
        await db.write(lambda session: inbox.reopen(session, owner=owner, now=now, even_leased=alone))  # noqa: B023
        for owner, now, alone in (("dead", NOW, True), ("new", NOW, False), ("new", later(minutes=6), False))
    ]
    assert [0, 0, 1] == opened


async def test_a_finished_row_keeps_its_ids_and_loses_its_text(db: Database, vault: Vault, room: Room) -> None:
    """A repeat is still known; what was said is gone. A second end changes nothing."""
    number = await _arrive(db, vault, room, 1) or 0
    for outcome in ("answered", "failed"):
        await db.write(lambda session: inbox.finish(session, number, state="done", outcome=outcome, now=NOW))  # noqa: B023

    row = await db.read(lambda session: inbox.get(session, number))
    assert row is not None
    assert ("done", "answered", None) == (row.state, row.outcome, row.body_sealed)
    assert None is await _arrive(db, vault, room, 1)


async def test_postponed_rows_wait_until_they_are_asked_for(db: Database, vault: Vault, room: Room) -> None:
    """Only those of that room."""
    number = await _arrive(db, vault, room, 1) or 0
    await db.write(lambda session: inbox.postpone(session, [number]))

    assert [] == list(await db.read(inbox.waiting))
    assert (0, None) == await db.read(inbox.pressure)
    assert 1 == await db.write(lambda session: inbox.answer_now(session, room.id))
    assert (1, NOW) == await db.read(inbox.pressure)


async def test_a_cursor_is_moved(db: Database) -> None:
    """There is one for each account."""
    for value in ("1", "2"):
        await db.write(lambda session: inbox.move_cursor(session, *PLACE, value=value, now=NOW))  # noqa: B023

    assert ("2", None) == (
        await db.read(lambda session: inbox.cursor(session, *PLACE)),
        await db.read(lambda session: inbox.cursor(session, "fake", "other")),
    )


async def test_what_is_not_sent_is_found_in_its_order(db: Database, vault: Vault, room: Room) -> None:
    """What was sent or given up is not."""
    states = ("sending", "pending", "sent", "given_up")

    async def write(session: AsyncSession) -> None:
        for number, state in enumerate(states):
            row = Delivery(id=new_id(), key=f"k{number}", room=room.id, purpose="answer", state=state,
                           message=str(number), created_at=later(minutes=-number))  # fmt: skip
            deliveries.seal_body(row, "said", vault)
            session.add(row)

    await db.write(write)
    unsent = await db.read(deliveries.unsent)

    assert ["k1", "k0"] == [row.key for row in unsent]
    row = await db.read(lambda session: deliveries.get(session, unsent[0].id))
    assert row is not None
    assert "said" == deliveries.body_of(row, vault)
    assert {"answer": 2} == await db.read(deliveries.pending_by_purpose)
    assert "3" == await db.read(lambda session: deliveries.newest_sent(session, room.id))


async def test_turns_are_remembered_by_conversation_and_message(db: Database, vault: Vault, room: Room) -> None:
    """The last ones, oldest first, with their texts; replies and thumbs find theirs by the message that shows it."""
    first = await _turn(db, vault, room, 1)
    second = await _turn(db, vault, room, 2, known=first.conversation)
    await db.write(lambda session: deliveries.map_answer(session, room=room.id, messages=("7", "8"), turn=second.id))

    recent = await db.read(lambda session: turns.recent(session, first.conversation, limit=5))
    found = await db.read(lambda session: turns.of_message(session, room.id, "8"))
    assert ["q1", "q2"] == [turns.texts_of(turn, vault).question for turn in recent]
    assert found is not None
    assert second.id == found.id
    assert {"7", "8"} == set(await db.read(lambda session: turns.messages_of(session, second.id)))


async def test_a_conversation_ends_by_a_pause_or_by_reset(db: Database, vault: Vault, room: Room) -> None:
    """The next turn then opens a new one."""
    first = await _turn(db, vault, room, 1)
    idle = timedelta(minutes=30)

    async def known(minutes: int) -> bool:
        now = later(minutes=minutes)
        return (
            await db.read(lambda session: turns.open_conversation(session, room.id, thread="", now=now, idle=idle))
            is not None
        )

    assert [True, False] == [await known(31), await known(32)]
    assert 1 == await db.write(lambda session: turns.close_conversations(session, room.id, now=NOW))
    assert not await known(2)
    assert first.conversation != (await _turn(db, vault, room, 3, known=first.conversation)).conversation


async def test_a_vote_is_one_a_person(db: Database, vault: Vault, room: Room) -> None:
    """It can be changed and taken back; wiping a turn leaves it."""
    turn, ada = await _turn(db, vault, room, 1), await somebody(db)
    said = []
    for value in (1, -1, None):
        await db.write(lambda session: turns.vote(session, turn=turn.id, person=ada.id, value=value, now=NOW))  # noqa: B023
        said.append(await db.read(lambda session: turns.votes(session, [turn.id], person=ada.id)))
        await db.write(lambda session: turns.wipe(session, turn.id))

    assert [{turn.id: 1}, {turn.id: -1}, {}] == said
    wiped = await db.read(lambda session: turns.get(session, turn.id))
    assert wiped is not None
    assert turns.TurnTexts("", "", "[]") == turns.texts_of(wiped, vault)


async def test_the_web_log_counts_changes_and_knows_keys(db: Database, vault: Vault, room: Room) -> None:
    """A key is one message; whoever read up to a change gets what came after it."""
    entry, other = Entry({"text": "hello"}, "sent"), Entry({"text": "hello again"}, "sent")

    async def append(key: str) -> tuple[int, bool]:
        return await db.write(lambda session: weblog.append(session, room.id, key, entry, vault=vault, now=NOW))

    first, is_new = await append("key-1")
    second, _ = await append("key-2")
    assert ((first, False), True) == (await append("key-1"), is_new)
    changed = [
        await db.write(lambda session: weblog.replace(session, room.id, first, said, vault=vault, now=NOW))  # noqa: B023
        for said in (other, other)
    ]
    assert [True, False] == changed
    assert await db.write(lambda session: weblog.clear(session, room.id, second, now=NOW))

    news = await db.read(lambda session: weblog.since(session, room.id, 2, limit=10, vault=vault))
    page = await db.read(lambda session: weblog.page(session, room.id, before_seq=None, limit=10, vault=vault))
    assert [(first, 3, {"text": "hello again"}), (second, 4, {})] == [(row.seq, row.change, row.body) for row in news]
    assert [first, second] == [row.seq for row in page]


async def test_an_answer_is_put_into_the_web_log_once(db: Database, vault: Vault, room: Room) -> None:
    """A repeat finds the message by its key and lets it say the newer text; one that was removed is said again."""
    log = StoredWebLog(db, vault, lambda: NOW)

    async def put(text: str, message: str | None) -> str:
        reply = Reply(text, stage=Stage.FINAL)
        return await db.write(lambda session: log.put_in(session, room.id, message, reply, key="answer/1"))

    first = await put("looking", None)
    assert [first, first] == [await put("an answer", None), await put("the answer", first)]
    await db.write(lambda session: weblog.clear(session, room.id, int(first), now=NOW))
    again = await put("the answer", first)

    page = await db.read(lambda session: weblog.page(session, room.id, before_seq=None, limit=10, vault=vault))
    assert [(first, None), (again, "the answer")] == [(str(row.seq), row.body.get("markdown")) for row in page]


async def test_what_waits_is_counted_by_project(db: Database, vault: Vault, room: Room) -> None:
    """Rooms of other projects do not count; a topic that inherits its group's project does."""

    async def write(session: AsyncSession) -> tuple[str, str]:
        mine = await projects.create(session, "mine", created_by=None, now=NOW)
        other = await projects.create(session, "other", created_by=None, now=NOW)
        await rooms.bind(session, room.id, project=mine.id, bound_by=None, now=NOW)
        topic = Room(id=new_id(), network="n", account="a", native_id="topic", parent=room.id, created_at=NOW)
        elsewhere = Room(id=new_id(), network="n", account="a", native_id="x", project=other.id, created_at=NOW)
        session.add_all([topic, elsewhere])
        await session.flush()
        for number, where in enumerate((room.id, topic.id, elsewhere.id)):
            row = Inbox(network="n", account="a", event=f"w{number}", native_key=f"w{number}", kind="message",
                        room=where, received_at=NOW, sent_at=NOW)  # fmt: skip
            await inbox.add(session, row, body="{}", vault=vault)
        return mine.id, other.id

    mine, other = await db.write(write)

    assert 2 == await db.read(lambda session: inbox.waiting_in(session, mine))
    assert 1 == await db.read(lambda session: inbox.waiting_in(session, other))
