"""What is cut off, overtaken or taken back on a message's way leaves nothing lost, doubled or standing about."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

import bot.lanes
from adapters.chat import Abilities, Addressed, Deleted, Edited, EventId, Message, Pressed, RoomAddress, Unreachable
from bot.errors import StateUnavailable
from bot.state.queries import inbox, limits, people, rooms
from bot.state.tables import Inbox as Row
from config.texts import say
from pipelines.types import Usage
from tests.fakes.chat import NOON, FakeChat
from tests.fakes.flow import Clock, FakeAnswering, Flow, open_flow

SMALL = Abilities(is_idempotent=True, edit_interval_s=0.0, max_chars=300)
LONG = " ".join(f"word{number}" for number in range(120)) + "?"


@pytest.fixture
async def flow(tmp_path: Path) -> AsyncIterator[Flow]:
    """A running flow that does not pause before it tries again."""
    async with open_flow(tmp_path) as opened:
        opened.lanes.sleep = _no_pause
        yield opened


async def _no_pause(_seconds: float) -> None:
    await asyncio.sleep(0)


def _edited(message: Message, text: str, *, number: int = 1) -> Edited:
    name = EventId("fake", "bot", f"x{number}")
    return Edited(name, message.room, message.message_id, f"r{number}", message.sender, text, NOON, message.addressed)


def _deleted(message: Message) -> Deleted:
    return Deleted(EventId("fake", "bot", "d1"), message.room, message.message_id, NOON)


def _pressed(message: Message, action: str, data: str, *, number: int = 1) -> Pressed:
    return Pressed(EventId("fake", "bot", f"p{number}"), message.room, "101", message.sender, action, data, NOON)


def _button(flow: Flow, action: str, *, of: int = -1) -> str:
    """What a button of a message of ours carries."""
    shown = list(flow.chat.messages.values())[of]
    return next(button.data for row in shown.reply.buttons for button in row if button.action == action)


async def _until(flow: Flow, verb: str) -> None:
    while verb not in flow.chat.verbs:
        await flow.db.read(inbox.pressure)


async def test_every_part_of_a_long_answer_arrives_after_a_crash_between_them(tmp_path: Path) -> None:
    """The parts are recorded with the first one, so the next start brings out what is missing, once."""
    chat, answering = FakeChat(abilities=SMALL), FakeAnswering()
    gate = answering.hold(LONG)
    async with open_flow(tmp_path, chat=chat, answering=answering) as first:
        await first.receive(chat.message(1, LONG))
        await chat.until("Looking")
        sending = chat.hold("send")
        gate.set()
        await chat.until("answer to word0")
        await first.crash()
    sending.set()
    async with open_flow(tmp_path, chat=chat, answering=answering):
        await chat.until("word119")

    assert LONG in "".join(chat.shown())
    assert len(chat.messages) == len({shown.key for shown in chat.messages.values()})


async def test_a_shorter_answer_takes_the_other_parts_of_the_longer_one_back(tmp_path: Path) -> None:
    """After an edit no part of the old answer stands there."""
    chat = FakeChat(abilities=SMALL)
    async with open_flow(tmp_path, chat=chat) as flow:
        message = chat.message(1, LONG)
        await flow.receive(message)
        await flow.idle()
        before = len(chat.messages)
        await flow.receive(_edited(message, "why?"))
        await flow.idle()
        await _until(flow, "delete")
        await chat.until("answer to why?")

        assert before > 2
        assert ["answer to why? [1]"] == [text.partition("\n")[0] for text in chat.shown()]


async def test_an_answer_that_is_made_again_can_be_cancelled(flow: Flow) -> None:
    """The button under its placeholder is not for show."""
    message = flow.chat.message(1, "why?")
    await flow.receive(message)
    await flow.idle()
    flow.answering.hold("why?")
    await flow.receive(_pressed(message, "again", _button(flow, "again")))
    await flow.chat.until("Looking")
    await flow.receive(_pressed(message, "cancel", _button(flow, "cancel"), number=2))
    await flow.idle()

    assert "Cancelled." == flow.chat.shown()[-1]


async def test_the_answer_to_an_edited_question_can_be_cancelled(flow: Flow) -> None:
    """Its placeholder stands where the first answer stood, and says that it was cancelled."""
    message = flow.chat.message(1, "wyh?")
    await flow.receive(message)
    await flow.idle()
    flow.answering.hold("why?")
    await flow.receive(_edited(message, "why?"))
    await flow.chat.until("Looking")
    await flow.receive(_pressed(message, "cancel", _button(flow, "cancel")))
    await flow.idle()

    assert ["Cancelled."] == flow.chat.shown()


async def test_an_edit_that_counts_for_nothing_does_not_stop_the_answer(flow: Flow) -> None:
    """A question that becomes a command is still the question that it was."""
    gate = flow.answering.hold("why?")
    message = flow.chat.message(1, "why?")
    await flow.receive(message)
    await flow.answering.until_begun(1)
    await flow.receive(_edited(message, "/change"))
    gate.set()
    await flow.idle()

    assert [] == flow.commands.ran
    assert ["answer to why? [1]"] == [text.partition("\n")[0] for text in flow.chat.shown()]


async def test_an_edit_held_back_as_a_secret_does_not_stop_the_answer(flow: Flow) -> None:
    """Nothing of it is kept that could be asked instead, so the question stays what it was."""
    gate = flow.answering.hold("why?")
    message = flow.chat.message(1, "why?")
    await flow.receive(message)
    await flow.answering.until_begun(1)
    await flow.receive(_edited(message, f"why? ghp_{'a1B2' * 9}"))
    gate.set()
    await flow.idle()

    assert ["why?"] == [question.text for question in flow.answering.asked]
    assert ["answer to why? [1]"] == [text.partition("\n")[0] for text in flow.chat.shown()]


async def test_of_two_edits_only_the_last_is_answered(flow: Flow) -> None:
    """The first edit's answer is given up as the question's was."""
    flow.answering.hold("wyh?")
    flow.answering.hold("wy?")
    message = flow.chat.message(1, "wyh?")
    await flow.receive(message)
    await flow.answering.until_begun(1)
    await flow.receive(_edited(message, "wy?"))
    await flow.answering.until_begun(2)
    await flow.receive(_edited(message, "why?", number=2))
    await flow.idle()

    assert ["answer to why? [1]"] == [text.partition("\n")[0] for text in flow.chat.shown()]


async def test_a_fault_in_an_edited_question_is_said_where_its_answer_stood(flow: Flow) -> None:
    """No placeholder is left that promises something."""
    message = flow.chat.message(1, "wyh?")
    await flow.receive(message)
    await flow.idle()
    flow.answering.errors.append(RuntimeError("a fault"))
    await flow.receive(_edited(message, "why?"))
    await flow.idle()

    (text,) = flow.chat.shown()
    assert "reference" in text


async def test_a_placeholder_on_its_way_is_taken_back_with_its_deleted_question(flow: Flow) -> None:
    """It arrives after the question has gone, and goes as well."""
    flow.answering.hold("why?")
    sending = flow.chat.hold("send")
    message = flow.chat.message(1, "why?")
    await flow.receive(message)
    await _until(flow, "send")
    await flow.receive(_deleted(message))
    while not await flow.db.read(lambda session: _is_done(session, "deleted")):
        pass  # each look gives the loop its turns
    sending.set()
    await flow.idle()

    assert {} == flow.chat.messages
    assert "delete" in flow.chat.verbs


async def _is_done(session: Any, kind: str) -> bool:
    found = [await inbox.get(session, number) for number in range(1, 5)]
    return any(row is not None and row.kind == kind and row.state == "done" for row in found)


@pytest.mark.parametrize("is_edit_first", [True, False], ids=["edit first", "removal first"])
async def test_an_edit_of_a_deleted_question_is_not_answered(flow: Flow, *, is_edit_first: bool) -> None:
    """However the two arrive, nothing about the question comes back."""
    message = flow.chat.message(1, "wyh?")
    await flow.receive(message)
    await flow.idle()
    changes = [_edited(message, "why?"), _deleted(message)]
    await flow.receive(*(changes if is_edit_first else reversed(changes)))
    await flow.idle()

    assert ["wyh?"] == [question.text for question in flow.answering.asked]
    assert {} == flow.chat.messages


async def test_a_message_is_taken_back_once_the_network_is_there_again(flow: Flow) -> None:
    """An outage delays the removal of an answer and does not prevent it."""
    message = flow.chat.message(1, "why?")
    await flow.receive(message)
    await flow.idle()
    flow.chat.fail("delete", Unreachable("down"))
    await flow.receive(_deleted(message))
    await flow.idle()

    assert {} == flow.chat.messages


async def test_a_place_in_the_queue_goes_when_its_question_is_refused_in_silence(tmp_path: Path) -> None:
    """Who is told once that it is too much has no placeholders standing about for the rest."""
    async with open_flow(tmp_path, limits={"person_questions": 1}) as flow:
        gate = flow.answering.hold("q1")
        for number in range(1, 6):
            await flow.receive(flow.chat.message(number, f"q{number}"))
        await flow.chat.until("in the queue", times=2)
        gate.set()
        await flow.idle()

        assert not any("in the queue" in text for text in flow.chat.shown())
        assert 2 == len(flow.chat.messages)


async def test_a_button_that_only_reads_does_not_wait(flow: Flow) -> None:
    """It is carried out beside a held answer, as the command that it stands for."""
    flow.answering.hold("why?")
    message = flow.chat.message(1, "why?")
    await flow.receive(message)
    await flow.answering.until_begun(1)
    await flow.receive(_pressed(message, "command", "project list"))
    await flow.chat.until("command done")

    assert ["command project list"] == flow.commands.ran


async def test_what_another_version_wrote_stops_nothing(tmp_path: Path) -> None:
    """A row whose text has another shape is closed, and the next question is answered."""
    async with open_flow(tmp_path, runs=False) as flow:
        await flow.receive(flow.chat.message(1, "first"))
        body = flow.vault.seal("inbox/1/body_sealed", '{"words": []}')
        await flow.db.write(lambda session: session.execute(update(Row).values(body_sealed=body)))
    async with open_flow(tmp_path) as flow:
        await flow.receive(flow.chat.message(2, "second"))
        await flow.idle()
        row = await flow.db.read(lambda session: inbox.get(session, 1))

        assert row is not None
        assert ("done", "unreadable") == (row.state, row.outcome)
        assert any("answer to second" in text for text in flow.chat.shown())


class _Shaky:
    """The routing, where the look at whether a row ends other work fails once, or something else happens then."""

    def __init__(self, flow: Flow) -> None:
        self._routing = flow.lanes.routing
        self._loop = asyncio.get_running_loop()
        self.faults: list[Exception] = []
        self.meanwhile: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._routing, name)

    async def plan(self, session: Any, row: Row) -> Any:
        if self.meanwhile:  # in the thread of the database, whose view of it stands still
            asyncio.run_coroutine_threadsafe(self.meanwhile.pop()(), self._loop).result(10.0)
        return await self._routing.plan(session, row)

    async def ends_work_on(self, row: Row) -> bool:
        if self.faults:
            raise self.faults.pop()
        return await self._routing.ends_work_on(row)


async def test_a_fault_of_the_database_while_rows_are_loaded_loses_none(flow: Flow) -> None:
    """What was seen and not yet planned is looked at again."""
    shaky = flow.lanes.routing = _Shaky(flow)
    shaky.faults.append(StateUnavailable("busy"))
    await flow.receive(flow.chat.message(1, "first"), flow.chat.message(2, "second"))
    await flow.idle()

    assert ["first", "second"] == [question.text for question in flow.answering.asked]


async def test_questions_put_back_while_others_are_loaded_are_answered(tmp_path: Path) -> None:
    """The button "Answer now" is pressed in the very moment in which a new message is looked at."""
    clock = Clock()
    async with open_flow(tmp_path, runs=False, clock=clock) as flow:
        await flow.receive(flow.chat.message(1, "old"))
    clock.pass_time(hours=25)
    async with open_flow(tmp_path, clock=clock) as flow:
        await flow.chat.until("1 question")
        shaky = flow.lanes.routing = _Shaky(flow)
        shaky.meanwhile.append(lambda: flow.lanes.answer_now(flow.room))
        await flow.receive(flow.chat.message(2, "new", sent_at=clock()))
        await flow.chat.until("answer to old")

        assert {"old", "new"} == {question.text for question in flow.answering.asked}


async def test_stopping_waits_no_longer_for_a_network_than_it_may(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    """A send that never ends does not keep the program alive."""
    monkeypatch.setattr(bot.lanes, "_LET_GO_S", 0.01)
    flow.answering.hold("why?")
    flow.chat.hold("send")
    await flow.receive(flow.chat.message(1, "why?"))
    await _until(flow, "send")
    async with asyncio.timeout(5.0):
        await flow.lanes.stop(0.0)


async def test_a_room_whose_network_is_gone_holds_nothing_up(flow: Flow) -> None:
    """Nobody can be told there any more: the row is closed as failed."""
    await flow.receive(replace(flow.chat.message(1, "why?"), room=RoomAddress("gone", "bot", "room")))
    await flow.idle()
    row = await flow.db.read(lambda session: inbox.get(session, 1))

    assert row is not None
    assert "failed" == row.state


async def test_a_backlog_of_a_network_that_is_gone_does_not_stop_the_others(tmp_path: Path) -> None:
    """Old questions of a room that nobody serves any more keep nobody else waiting."""
    clock = Clock()
    async with open_flow(tmp_path, runs=False, clock=clock) as flow:
        await flow.receive(replace(flow.chat.message(1, "old"), room=RoomAddress("gone", "bot", "room")))
    clock.pass_time(hours=25)
    async with open_flow(tmp_path, clock=clock) as flow:
        await flow.receive(flow.chat.message(2, "new", sent_at=clock()))
        await flow.chat.until("answer to new")


async def test_tokens_of_a_dropped_answer_are_counted(tmp_path: Path) -> None:
    """The model was paid, although nobody may read what it wrote."""
    answering = FakeAnswering()
    answering.usage = Usage("m", prompt_tokens=30, completion_tokens=12)
    async with open_flow(tmp_path, answering=answering) as flow:
        gate = answering.hold("why?")
        await flow.receive(flow.chat.message(1, "why?"))
        await answering.until_begun(1)
        await flow.db.write(lambda session: people.ban(session, flow.person, until=NOON.replace(year=9999)))
        gate.set()
        await flow.idle()

        spent = f"project/{flow.project}/tokens"
        assert 42 == await flow.db.read(lambda session: limits.amount(session, spent, now=flow.clock()))


@pytest.mark.parametrize("action", ["sources", "verify"])
async def test_a_button_of_an_answer_from_another_project_says_that_it_is_gone(flow: Flow, action: str) -> None:
    """The room was bound anew; what stood in the old project is not shown there, and the presser hears why."""
    message = flow.chat.message(1, "why?")
    await flow.receive(message)
    await flow.idle()
    turn = _button(flow, action)
    await flow.db.write(
        lambda session: rooms.bind(session, flow.room, project=flow.project, bound_by=None, now=flow.clock())
    )
    await flow.receive(_pressed(message, action, turn))
    await flow.idle()

    assert say("reply.turn_gone", "en") == flow.chat.shown()[-1]


async def test_an_edit_of_what_another_version_wrote_stops_nothing(tmp_path: Path) -> None:
    """The text that it replaces cannot be read; the edit counts, and the next question is answered."""
    async with open_flow(tmp_path, runs=False) as flow:
        question = flow.chat.message(1, "first")
        await flow.receive(question)
        body = flow.vault.seal("inbox/1/body_sealed", '{"words": []}')
        await flow.db.write(lambda session: session.execute(update(Row).values(body_sealed=body)))
    async with open_flow(tmp_path) as flow:
        edit = EventId("fake", "bot", "edit")
        await flow.receive(Edited(edit, question.room, "1", "r1", question.sender, "other", NOON, Addressed.PRIVATE))
        await flow.receive(flow.chat.message(2, "second"))
        await flow.idle()

        assert any("answer to second" in text for text in flow.chat.shown())
