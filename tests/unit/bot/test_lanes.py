"""The inbox is worked off in order, and nothing is left behind when the program stops."""

import asyncio
from pathlib import Path

from bot.schedule import Late, postponed
from bot.state.queries import inbox
from tests.fakes.chat import FakeChat
from tests.fakes.flow import FakeAnswering, open_flow


async def test_stopping_gives_running_work_back_without_counting_the_attempt(tmp_path: Path) -> None:
    """A clean stop is no crash: the row waits, and the next start answers it."""
    chat, answering = FakeChat(), FakeAnswering()
    answering.hold("why?")
    async with open_flow(tmp_path, chat=chat, answering=answering) as flow:
        await flow.receive(chat.message(1, "why?"))
        await answering.until_begun(1)
        await flow.lanes.stop(0.0)
        row = await flow.db.read(lambda session: inbox.of_message(session, flow.room, "1"))

        assert row is not None
        assert ("waiting", 0) == (row.state, row.attempts)
    answering.gates.clear()
    async with open_flow(tmp_path, chat=chat, answering=answering) as flow:
        await flow.idle()

    assert 1 == len(chat.shown())


async def test_stopping_lets_work_end_within_its_grace(tmp_path: Path) -> None:
    """What can be finished in time is."""
    async with open_flow(tmp_path) as flow:
        gate = flow.answering.hold("why?")
        await flow.receive(flow.chat.message(1, "why?"))
        await flow.answering.until_begun(1)
        stopping = asyncio.ensure_future(flow.lanes.stop(10.0))
        gate.set()
        await stopping

        assert any("answer to why?" in text for text in flow.chat.shown())


async def test_cancelling_a_waiting_question_says_so(tmp_path: Path) -> None:
    """The second question never runs; the first goes on."""
    async with open_flow(tmp_path) as flow:
        gate = flow.answering.hold("first")
        await flow.receive(flow.chat.message(1, "first"), flow.chat.message(2, "second"))
        await flow.answering.until_begun(1)
        row = await flow.db.read(lambda session: inbox.of_message(session, flow.room, "2"))
        assert row is not None
        assert 1 == await flow.lanes.cancel(flow.room, asked=row)
        gate.set()
        await flow.idle()

        assert ["first"] == [question.text for question in flow.answering.asked]
        assert "Cancelled." in flow.chat.shown()


async def test_cancel_of_one_person_leaves_the_others(tmp_path: Path) -> None:
    """A stranger's id cancels nothing of Ann's."""
    async with open_flow(tmp_path) as flow:
        flow.answering.hold("why?")
        await flow.receive(flow.chat.message(1, "why?"))
        await flow.answering.until_begun(1)

        assert 0 == await flow.lanes.cancel(flow.room, person="somebody")
        assert 1 == await flow.lanes.cancel(flow.room, person=flow.person)


async def test_cancel_stops_questions_and_no_commands(tmp_path: Path) -> None:
    """The command that cancels is itself a message of its person, and must come to its end."""
    async with open_flow(tmp_path) as flow:
        flow.answering.hold("why?")
        typing = flow.commands.held["read"] = asyncio.Event()
        await flow.receive(flow.chat.message(1, "why?"), flow.chat.message(2, "/read"))
        await flow.answering.until_begun(1)

        assert 1 == await flow.lanes.cancel(flow.room, person=flow.person)
        typing.set()
        await flow.idle()

        assert ["read"] == flow.commands.ran
        assert "read done" in flow.chat.shown()


def test_a_backlog_of_over_twenty_becomes_a_notice_and_a_short_one_does_not() -> None:
    """Twenty old questions are answered, twenty-one are asked about; fresh ones never count."""
    twenty = [Late(number, "r", 3_600.0) for number in range(20)]
    fresh = [Late(number, "r", 5.0) for number in range(100, 150)]

    assert {} == postponed([*twenty, *fresh])
    assert {"r": list(range(21))} == postponed([*twenty, Late(20, "r", 700.0), *fresh])


def test_questions_older_than_a_day_are_always_asked_about() -> None:
    """Room by room."""
    assert {"a": [1]} == postponed([Late(1, "a", 90_000.0), Late(2, "a", 60.0), Late(3, "b", 60.0)])
