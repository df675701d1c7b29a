"""Nothing of one project reaches another: canary words, many searches and answers at once, rooms that change sides."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.actions import Role
from bot.state.queries import people, projects, rooms
from pipelines.parts import Knowledge, open_knowledge
from pipelines.planning import Listed
from pipelines.stores.passages import Scope
from pipelines.types import Answer, Question, Shown
from tests.fakes.chat import FakeChat
from tests.fakes.flow import Flow, open_flow
from tests.unit.pipelines.test_parts import sections

ROUNDS = 800
MOVES = 20
TOPICS = ("holidays", "deployments", "backups", "invoices", "passwords", "kitchens", "visitors", "parking")
QUESTION = "What is the rule for {}?"


def _pages(canary: str) -> dict[str, str]:
    """The same pages in every project, but for its canary in each sentence."""
    pages = {}
    for topic in TOPICS:
        rule = f"The rule for {topic} is {canary}{topic}, and the team of {canary} agreed on it."
        pages[f"{topic}.md"] = f"# {topic.title()}\n\n{rule}\n\nAsk {canary} about {topic} if the rule is unclear.\n"
    return pages


async def _index(knowledge: Knowledge, project: str, canary: str, *, source: str, room: str | None = None) -> None:
    contents = {path: text.encode() for path, text in _pages(canary).items()}
    listed = [
        Listed(path, hashlib.sha1(raw, usedforsecurity=False).hexdigest(), len(raw)) for path, raw in contents.items()
    ]

    async def read(wanted: Sequence[Listed]) -> AsyncIterator[tuple[Listed, bytes]]:
        for one in wanted:
            yield one, contents[one.path]

    await knowledge.store.create(project)
    plan = await knowledge.indexing.plan(project, source, listed, room=room)
    await knowledge.indexing.run(project, Shown(source, "main", canary, datetime(2026, 1, 1, tzinfo=UTC)), plan, read)


def _said(answer: Answer) -> str:
    return answer.markdown + "".join(citation.quote + citation.version for citation in answer.citations)


async def _answer(knowledge: Knowledge, question: Question) -> str:
    last = [event async for event in knowledge.answering.answer(question)][-1]
    assert isinstance(last, Answer)
    return _said(last)


@pytest.mark.parametrize("rounds", [ROUNDS, pytest.param(10 * ROUNDS, marks=pytest.mark.torture)])
async def test_searches_and_answers_at_once_stay_in_their_project_and_room(tmp_path: Path, rounds: int) -> None:
    """The same questions to two projects, and in two rooms with files of their own, sixteen at a time."""
    knowledge = await open_knowledge(tmp_path, sections())
    await _index(knowledge, "pa", "alphacanary", source="sa")
    await _index(knowledge, "pb", "betacanary", source="sb")
    await _index(knowledge, "pa", "gammacanary", source="ua", room="r1")
    await _index(knowledge, "pa", "deltacanary", source="ub", room="r2")
    may = {
        ("pa", "r1"): {"alphacanary", "gammacanary"},
        ("pa", "r2"): {"alphacanary", "deltacanary"},
        ("pa", "r3"): {"alphacanary"},
        ("pb", "r1"): {"betacanary"},  # a room of this name that moved to the other project
        ("pb", "r4"): {"betacanary"},
    }
    every = set().union(*may.values())
    chance = random.Random(7)
    found = dict.fromkeys(may, 0)

    async def once(project: str, room: str, topic: str, *, searches: bool) -> None:
        text = QUESTION.format(topic)
        if searches:
            passages = await knowledge.searching.search(project, text, scope=Scope(room=room), limit=20)
            said = "".join(one.passage.text for one in passages)
        else:
            said = await _answer(knowledge, Question(text, project, room))
        leaked = {canary for canary in every - may[project, room] if canary in said}
        assert not leaked, (project, room, leaked)
        found[project, room] += any(canary in said for canary in may[project, room])

    done = 0
    while done < rounds:
        asked = [(*chance.choice(list(may)), chance.choice(TOPICS), chance.random() < 0.5) for _ in range(16)]
        await asyncio.gather(*(once(project, room, topic, searches=way) for project, room, topic, way in asked))
        done += len(asked)
    await knowledge.close()

    assert all(found.values()), found


async def test_a_room_that_changes_sides_takes_nothing_along(tmp_path: Path) -> None:
    """A room is bound now to one project and now to the other while questions come; none hears of the other."""
    knowledge = await open_knowledge(tmp_path, sections())
    chat = FakeChat()
    limits = {"person_questions": 10_000, "room_questions_per_hour": 10_000}
    async with open_flow(tmp_path, chat=chat, answering=knowledge.answering, limits=limits) as flow:  # type: ignore[arg-type]
        other = await _second_project(flow)
        canaries = {flow.project: "alphacanary", other: "betacanary"}
        for project, canary in canaries.items():
            await _index(knowledge, project, canary, source=f"s-{canary}")
        answered: set[str] = set()
        for number in range(MOVES):
            bound = (flow.project, other)[number % 2]
            await _bind(flow, bound)
            before = {key: len(message.texts) for key, message in chat.messages.items()}
            # The last one is a follow-up: it must not be understood by what was said about the other project.
            texts = [QUESTION.format(TOPICS[number % len(TOPICS)]), f"{TOPICS[number % 3]}", "and who agreed on it?"]
            for at, text in enumerate(texts):
                await flow.receive(chat.message(1_000 + number * 10 + at, text))
            if number % 3:
                await flow.idle()  # else the next binding finds them unanswered
            fresh = [text for key, message in chat.messages.items() for text in message.texts[before.get(key, 0) :]]
            foreign = canaries[other if bound == flow.project else flow.project]
            assert not [text for text in fresh if foreign in text], (number, bound)
            answered |= {canary for canary in canaries.values() for text in fresh if canary in text}
        await flow.idle()
    await knowledge.close()

    assert set(canaries.values()) == answered


async def _second_project(flow: Flow) -> str:
    async def write(session: Any) -> str:
        made = await projects.create(session, "secret", created_by=flow.person, now=flow.clock())
        await people.give_role(session, flow.person, Role.ADMIN, project=made.id, given_by=None, now=flow.clock())
        return made.id

    return await flow.db.write(write)


async def _bind(flow: Flow, project: str) -> None:
    await flow.db.write(
        lambda session: rooms.bind(session, flow.room, project=project, bound_by=flow.person, now=flow.clock())
    )
