"""A question is admitted, answered and recorded, or the asker hears why not."""

from pathlib import Path

from bot.state.queries import people, rooms, turns
from pipelines.types import KnowledgeError, StoreUnavailable
from tests.fakes.chat import NOON
from tests.fakes.flow import open_flow


async def test_a_question_knows_what_was_said_before(tmp_path: Path) -> None:
    """The second question of a conversation carries the first with its answer."""
    async with open_flow(tmp_path) as flow:
        await flow.receive(flow.chat.message(1, "one"))
        await flow.idle()
        await flow.receive(flow.chat.message(2, "two"))
        await flow.idle()

        assert [("one", "answer to one [1]")] == [
            (said.question, said.answer) for said in flow.answering.asked[1].history
        ]


async def test_after_a_pause_a_conversation_begins_anew(tmp_path: Path) -> None:
    """What was said long ago is no context."""
    async with open_flow(tmp_path) as flow:
        await flow.receive(flow.chat.message(1, "one"))
        await flow.idle()
        flow.clock.pass_time(minutes=31)
        await flow.receive(flow.chat.message(2, "two", sent_at=flow.clock()))
        await flow.idle()

        assert () == flow.answering.asked[1].history


async def test_an_answer_is_dropped_when_the_right_to_it_is_gone(tmp_path: Path) -> None:
    """Who is banned while the answer is made reads no word of it, and no turn is recorded."""
    async with open_flow(tmp_path) as flow:
        gate = flow.answering.hold("secret?")
        await flow.receive(flow.chat.message(1, "secret?"))
        await flow.answering.until_begun(1)
        await flow.db.write(lambda session: people.ban(session, flow.person, until=NOON.replace(year=9999)))
        gate.set()
        await flow.idle()
        turn = await flow.db.read(lambda session: turns.of_inbox(session, 1))

        assert turn is None
        assert not any("answer to" in text for text in flow.chat.shown())


async def test_an_answer_is_dropped_when_its_room_was_bound_anew(tmp_path: Path) -> None:
    """Nothing of one project reaches a room that belongs to another by now; the room hears that it changed."""
    async with open_flow(tmp_path) as flow:
        gate = flow.answering.hold("why?")
        await flow.receive(flow.chat.message(1, "why?"))
        await flow.answering.until_begun(1)
        await flow.db.write(
            lambda session: rooms.bind(session, flow.room, project=flow.project, bound_by=None, now=NOON)
        )
        gate.set()
        await flow.idle()

        assert 1 == len(flow.chat.shown())
        assert not any("answer to" in text for text in flow.chat.shown())


async def test_a_refused_question_is_not_counted(tmp_path: Path) -> None:
    """An empty or an over-long one costs nothing of what a person may ask."""
    async with open_flow(tmp_path, limits={"person_questions": 1, "question_max_chars": 10}) as flow:
        await flow.receive(flow.chat.message(1, "?!"))
        await flow.receive(flow.chat.message(2, "a long, long question"))
        await flow.receive(flow.chat.message(3, "short?"))
        await flow.idle()

        assert ["short?"] == [question.text for question in flow.answering.asked]


async def test_who_asks_too_much_hears_it_once(tmp_path: Path) -> None:
    """The first refusal says when to come back; the next say nothing."""
    async with open_flow(tmp_path, limits={"person_questions": 1}) as flow:
        for number in range(1, 5):
            await flow.receive(flow.chat.message(number, f"q{number}"))
            await flow.idle()

        assert ["q1"] == [question.text for question in flow.answering.asked]
        assert 2 == len(flow.chat.shown())


async def test_a_fault_of_the_knowledge_is_said_with_a_reference(tmp_path: Path) -> None:
    """The asker is not left waiting, and the words of the fault stay in the log."""
    async with open_flow(tmp_path) as flow:
        flow.answering.errors.append(KnowledgeError("the store of team-secret is broken"))
        await flow.receive(flow.chat.message(1, "why?"))
        await flow.idle()

        assert 1 == len(flow.chat.shown())
        assert "team-secret" not in flow.chat.shown()[0]


async def test_an_index_out_of_reach_is_said_as_that(tmp_path: Path) -> None:
    """The asker hears that asking again in a few minutes is worth it; where the server is stays in the log."""
    async with open_flow(tmp_path) as flow:
        flow.answering.errors.append(StoreUnavailable("expected a Weaviate server at http://secret, none answers"))
        await flow.receive(flow.chat.message(1, "why?"))
        await flow.idle()
        await flow.receive(flow.chat.message(2, "and now?"))
        await flow.idle()

        first, second = flow.chat.shown()
        assert "cannot be reached" in first
        assert "secret" not in first
        assert "cannot be reached" not in second
