"""The three questions that a new room is offered."""

import pytest

from pipelines.answering import Answering
from pipelines.starting import starters
from pipelines.stores.passages import Scope
from pipelines.types import Answer, Question, Verdict
from tests.fakes.passages import FakePassages
from tests.fakes.project import HANDBOOK, PROJECT, indexed, searching, settings


@pytest.mark.parametrize("language", ["en", "de"])
async def test_three_different_questions_come_from_headings_and_symbols(language: str) -> None:
    """Each is answered from the sources when it is asked."""
    store = await indexed(HANDBOOK)
    questions = await starters(store, PROJECT, Scope(), language)

    assert 3 == len(set(questions))
    for text in questions:
        events = Answering(searching(store), None, settings().answers).answer(Question(text, PROJECT))
        last = [event async for event in events][-1]
        assert isinstance(last, Answer)
        assert Verdict.EXTRACTIVE is last.verdict, text


async def test_an_empty_project_offers_nothing() -> None:
    """No question is better than one that cannot be answered."""
    store = FakePassages()
    await store.create(PROJECT)

    assert [] == await starters(store, PROJECT, Scope(), "en")
