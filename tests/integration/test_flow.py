"""A message's whole way: stored, put in its lane, answered, delivered, recorded."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from adapters.chat import Abilities, Addressed, Edited, EventId, Message, Pressed, RoomFacts, Stage, Unreachable
from adapters.web.translate import Draft
from bot.state.queries import deliveries, inbox, rooms, turns
from pipelines.types import KnowledgeError
from tests.fakes.chat import NOON, FakeChat
from tests.fakes.flow import Clock, FakeAnswering, Flow, open_flow


@pytest.fixture
async def flow(tmp_path: Path) -> AsyncIterator[Flow]:
    """A running flow with a private room on a fake network."""
    async with open_flow(tmp_path) as opened:
        yield opened


def _pressed(flow: Flow, number: int, message: Message, action: str, data: str) -> Pressed:
    name = EventId("fake", "bot", f"p{number}")
    return Pressed(name, message.room, "101", message.sender, action, data, NOON)


async def _turns(flow: Flow) -> list[Any]:
    async def read(session: Any) -> list[Any]:
        found = await rooms.get(session, flow.room)
        assert found is not None
        known = await turns.open_conversation(session, flow.room, thread="", now=flow.clock(), idle=None)
        return [] if known is None else list(await turns.recent(session, known.id, limit=50))

    return await flow.db.read(read)


async def test_a_question_is_answered_in_reply_to_it_with_its_sources(flow: Flow) -> None:
    """One message appears: the answer, in reply to the question, with numbered sources and buttons."""
    await flow.receive(flow.chat.message(1, "why?"))
    await flow.idle()

    (shown,) = flow.chat.messages.values()
    assert shown.reply.markdown.startswith("answer to why? [1]")
    assert ("1", Stage.FINAL) == (shown.reply.reply_to, shown.reply.stage)
    assert ["docs/a.md:3-4"] == [one.label for one in shown.reply.cited]
    actions = [button.action for line in shown.reply.buttons for button in line]
    assert ["up", "down", "verify", "sources", "again"] == actions


async def test_the_same_event_twice_is_answered_once(flow: Flow) -> None:
    """A redelivered message changes nothing."""
    message = flow.chat.message(1, "why?")
    await flow.receive(message)
    await flow.receive(message)
    await flow.idle()
    await flow.receive(message)
    await flow.idle()

    assert 1 == len(flow.chat.messages)
    assert 1 == len(flow.answering.asked)


async def test_the_privacy_line_stands_under_the_first_answer_only(flow: Flow) -> None:
    """Each person is told once where to read what is kept."""
    await flow.receive(flow.chat.message(1, "first"))
    await flow.idle()
    await flow.receive(flow.chat.message(2, "second"))
    await flow.idle()

    assert [True, False] == ["/privacy" in text for text in flow.chat.shown()]


async def test_a_finished_row_keeps_its_ids_and_loses_its_text(flow: Flow) -> None:
    """What was asked stands only in the sealed turn; the row still recognises a repeat."""
    await flow.receive(flow.chat.message(1, "why?"))
    await flow.idle()

    row = await flow.db.read(lambda session: inbox.of_message(session, flow.room, "1"))
    assert row is not None
    assert ("done", "answered", None, 1) == (row.state, row.outcome, row.body_sealed, row.attempts)
    (turn,) = await _turns(flow)
    assert "why?" == turns.texts_of(turn, flow.vault).question
    assert "why?" not in (turn.question_sealed or "")


async def test_a_stranger_gets_no_answer_from_the_project(flow: Flow) -> None:
    """Somebody without a role is told so, and the sources are not searched."""
    await flow.receive(flow.chat.message(1, "why?", sender="eve"))
    await flow.idle()

    assert [] == flow.answering.asked
    assert 1 == len(flow.chat.shown())


async def test_an_unbound_room_is_hinted(flow: Flow) -> None:
    """A question where no project is bound meets onboarding."""
    await flow.receive(flow.chat.message(1, "why?", room="elsewhere"))
    await flow.idle()

    assert ["no project here"] == flow.chat.shown("elsewhere")


@pytest.mark.parametrize("text", ["", "   ", "\x07", "x" * 8001])
async def test_an_empty_or_huge_question_is_refused_in_words(flow: Flow, text: str) -> None:
    """The asker hears what is wrong, and nothing is searched."""
    await flow.receive(flow.chat.message(1, text))
    await flow.idle()

    assert 1 == len(flow.chat.shown())
    assert [] == flow.answering.asked


async def test_a_secret_is_not_stored_and_is_taken_out_of_the_room(flow: Flow) -> None:
    """A message with a token is deleted where we may, and the reply says to revoke it."""
    token = "ghp_" + "a1B2" * 10
    await flow.receive(flow.chat.message(1, f"my token is {token}"))
    await flow.idle()

    assert "delete" in flow.chat.verbs
    assert "GitHub token" in flow.chat.shown()[0]
    assert [] == flow.answering.asked


async def test_a_person_who_asks_too_much_is_told_once(tmp_path: Path) -> None:
    """The third question of an allowance of two is refused with the time, the fourth in silence."""
    async with open_flow(tmp_path, limits={"person_questions": 2}) as flow:
        for number in range(1, 5):
            await flow.receive(flow.chat.message(number, f"q{number}"))
            await flow.idle()

        assert 2 == len(flow.answering.asked)
        assert 3 == len(flow.chat.shown())
        assert "10 min" in flow.chat.shown()[2]


async def test_a_fault_tells_the_asker_a_reference_and_nothing_else(flow: Flow) -> None:
    """What broke stays in the log."""
    await flow.receive(flow.chat.message(1, "/break"))
    await flow.idle()

    (text,) = flow.chat.shown()
    assert "reference" in text
    assert "secret" not in text


async def test_a_failing_store_is_said(flow: Flow) -> None:
    """When knowledge fails the placeholder becomes an apology with a reference."""
    flow.answering.errors.append(KnowledgeError("down"))
    await flow.receive(flow.chat.message(1, "why?"))
    await flow.idle()

    (shown,) = flow.chat.messages.values()
    assert Stage.FAILED is shown.reply.stage


async def test_previews_are_shown_and_the_final_text_stands_last(tmp_path: Path) -> None:
    """Tokens become a preview; the message ends as the whole answer."""
    answering = FakeAnswering()
    answering.tokens = ("one ", "two ", "three")
    chat = FakeChat(abilities=Abilities(is_idempotent=True, edit_interval_s=10.0))
    async with open_flow(tmp_path, chat=chat, answering=answering) as flow:
        gate = answering.hold("why?")
        await flow.receive(chat.message(1, "why?"))
        await chat.until("Looking")
        gate.set()
        await flow.idle()

    (shown,) = chat.messages.values()
    assert shown.texts[0].startswith("Looking")
    assert shown.texts[-1].startswith("answer to why?")


async def test_an_outage_of_the_network_delays_and_loses_nothing(flow: Flow) -> None:
    """After a failed send the answer arrives, once."""
    flow.chat.fail("send", Unreachable("down", retry_after_s=0.01), times=1)
    await flow.receive(flow.chat.message(1, "why?"))
    await flow.idle()
    flow.clock.pass_time(seconds=60)
    await flow.chat.until("answer to why?")

    assert 1 == len(flow.chat.messages)


async def test_a_crash_while_answering_is_made_good_in_the_same_message(tmp_path: Path) -> None:
    """After a restart the placeholder that stood there becomes the answer."""
    chat, answering = FakeChat(), FakeAnswering()
    answering.hold("why?")
    async with open_flow(tmp_path, chat=chat, answering=answering) as first:
        await first.receive(chat.message(1, "why?"))
        await chat.until("Looking")
        await first.crash()
    answering.gates.clear()
    async with open_flow(tmp_path, chat=chat, answering=answering) as second:
        await second.idle()

    (shown,) = chat.messages.values()
    assert shown.texts[-1].startswith("answer to why?")


async def test_a_row_that_crashed_five_times_is_given_up_and_its_asker_told(tmp_path: Path) -> None:
    """The poison question ends with a reference and the next one is answered."""
    chat, answering = FakeChat(), FakeAnswering()
    answering.hold("poison")
    for _ in range(5):
        async with open_flow(tmp_path, chat=chat, answering=answering) as flow:
            if not answering.asked:
                await flow.receive(chat.message(1, "poison"))
            await answering.until_begun(len(answering.asked) + 1)
            await flow.crash()
    async with open_flow(tmp_path, chat=chat, answering=answering) as flow:
        await flow.receive(chat.message(2, "next"))
        await flow.idle()

    texts = chat.shown()
    assert any("reference" in text for text in texts)
    assert any("answer to next" in text for text in texts)
    assert 2 == len(texts)


async def test_old_questions_become_one_notice_with_a_button(tmp_path: Path) -> None:
    """Two questions older than a day wait until somebody presses "Answer now"."""
    clock = Clock()
    async with open_flow(tmp_path, runs=False, clock=clock) as flow:
        await flow.receive(flow.chat.message(1, "old"), flow.chat.message(2, "older"))
    clock.pass_time(hours=25)
    async with open_flow(tmp_path, clock=clock) as flow:
        await flow.chat.until("2 questions")
        assert [] == flow.answering.asked
        await flow.receive(_pressed(flow, 1, flow.chat.message(1, "old"), "answer_now", "backlog"))
        await flow.chat.until("answer to old", times=2)

        assert any("Asked 25 h ago" in text for text in flow.chat.shown())


async def test_more_than_two_waiting_questions_show_their_places(flow: Flow) -> None:
    """Behind a held question of the same conversation the third and fourth that wait are told their places."""
    gate = flow.answering.hold("q1")
    for number in range(1, 6):
        await flow.receive(flow.chat.message(number, f"q{number}"))
    await flow.chat.until("in the queue", times=2)
    gate.set()
    await flow.idle()

    assert 5 == len(flow.chat.messages)
    assert [f"q{number}" for number in range(1, 6)] == [question.text for question in flow.answering.asked]


async def test_a_reading_command_does_not_wait_and_a_changing_one_does(flow: Flow) -> None:
    """/read runs beside a held answer, /change after it."""
    gate = flow.answering.hold("why?")
    await flow.receive(flow.chat.message(1, "why?"), flow.chat.message(2, "/change"), flow.chat.message(3, "/read"))
    await flow.chat.until("read done")
    assert ["read"] == flow.commands.ran
    gate.set()
    await flow.idle()

    assert ["read", "change"] == flow.commands.ran


async def test_a_forwarded_command_is_no_command(flow: Flow) -> None:
    """Only a fresh message typed by a person runs anything."""
    await flow.receive(flow.chat.message(1, "/change", is_forwarded=True))
    await flow.idle()

    assert [] == flow.commands.ran


async def test_a_note_says_how_far_the_first_index_is(flow: Flow) -> None:
    """While indexing, an answer comes from what is there and says so."""
    flow.progress.note = "12 of 90 files so far"
    await flow.receive(flow.chat.message(1, "why?"))
    await flow.idle()

    assert "12 of 90 files so far" in flow.chat.shown()[0]


async def test_messages_between_people_are_not_stored(flow: Flow) -> None:
    """What is not for us leaves no row, only a count."""
    from adapters.chat import Addressed

    flow.chat.facts["group"] = RoomFacts("group", "group")
    accepted = flow.chat.message(1, "lunch?", room="group", addressed=Addressed.AMBIENT)
    await flow.receive(accepted, cursor="7")

    assert 1 == flow.inbox.ignored
    assert None is await flow.db.read(lambda session: rooms.at(session, "fake", "bot", "group"))
    assert "7" == await flow.db.read(lambda session: inbox.cursor(session, "fake", "bot"))


async def test_the_web_chat_shows_question_and_answer_in_its_log(flow: Flow) -> None:
    """A posted message and its answer stand in the log, the answer in reply to it, once for each key."""
    draft = Draft(flow.web_room, "k1", flow.person, "Ann", "why?")
    first = await flow.messages.post(draft)
    again = await flow.messages.post(draft)
    await flow.idle()

    question, answer = await flow.weblog.page(flow.web_room)
    assert (first.seq, False, first.seq, True) == (question.seq, first.is_repeat, again.seq, again.is_repeat)
    assert ("final", question.seq) == (answer.stage, answer.reply_to)
    assert answer.body["cited"][0]["url"].startswith(f"/p/{flow.project}/{answer.turn}/1")


async def test_a_room_gets_its_answers_in_the_style_it_chose(flow: Flow) -> None:
    """`/settings style short` reaches whoever writes the answer; the usual style says nothing."""
    await flow.receive(flow.chat.message(1, "one"))
    await flow.idle()
    room = await flow.db.read(lambda session: rooms.at(session, "fake", "bot", "room"))
    assert room is not None
    await flow.db.write(lambda session: rooms.change(session, room.id, settings={"style": "short"}))
    await flow.receive(flow.chat.message(2, "two"))
    await flow.idle()

    assert ["", "short"] == [question.style for question in flow.answering.asked]


async def test_an_edit_that_leaves_the_text_alone_changes_nothing(flow: Flow) -> None:
    """A preview was added to it, or a mark."""
    question = flow.chat.message(1, "why?")
    await flow.receive(question)
    await flow.idle()
    for number, text in enumerate(("why?", "how?", "how?"), start=1):
        edited = Edited(
            EventId("fake", "bot", f"edit{number}"), question.room, "1", f"r{number}", question.sender, text, NOON,
            Addressed.PRIVATE,
        )  # fmt: skip
        await flow.receive(edited)
        await flow.idle()

    assert ["why?", "how?"] == [asked.text for asked in flow.answering.asked]


async def test_a_stranger_who_writes_to_us_alone_is_not_answered(flow: Flow) -> None:
    """He hears what he may hear of it, and commands for everyone answer him."""
    await flow.receive(flow.chat.message(1, "why?", room="eves", sender="eve"))
    await flow.receive(flow.chat.message(2, "/read", room="eves", sender="eve"))
    await flow.idle()

    assert [] == flow.answering.asked
    assert {"members only", "read done"} == set(flow.chat.shown("eves"))  # a command that reads never waits


async def test_an_answer_is_computed_once_however_long_its_network_is_away(tmp_path: Path) -> None:
    """The placeholder is unclear, then nothing gets through: the answer waits and stands in its place in the end."""
    chat = FakeChat(abilities=Abilities(can_probe=True, must_place=True, edit_interval_s=0.0))
    async with open_flow(tmp_path, chat=chat) as flow:
        chat.fail("send", Unreachable("cut", may_have_happened=True), is_after=True)
        chat.fail("find", Unreachable("down"), times=3)
        await flow.receive(chat.message(1, "why?"))
        await flow.idle()
        while await flow.db.read(deliveries.unsent):
            await flow.bring_out()

        assert 1 == len(flow.answering.asked)
        assert 1 == len(chat.shown())
        assert chat.shown()[0].startswith("answer to why?")
