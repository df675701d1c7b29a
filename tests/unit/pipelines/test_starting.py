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


async def test_the_symbol_asked_about_is_the_one_that_the_sources_speak_of_most() -> None:
    """Classes before functions, those a file is named after before its other ones, faults last."""
    store = await indexed(
        {
            "README.md": "# Parcel\n\nParcel moves packages.\n",
            "docs/use.md": "# Use\n\nA Depot hands a package on. `ship` it from a Depot.\n",
            "parcel/atlas.py": "class Zone:\n    pass\n\n\nclass Atlas:\n    pass\n",
            "parcel/depots.py": "class DepotError(Exception):\n    pass\n\n\nclass Depot:\n    pass\n\n\ndef ship():\n    pass\n",
        }
    )

    questions = await starters(store, PROJECT, Scope(), "en")

    assert ["What is Parcel?", "What does `Depot` do?"] == [one for one in questions if "Use" not in one][:2]


async def test_a_page_about_installing_is_asked_for_whatever_its_headings() -> None:
    """Its name says what it is."""
    store = await indexed({"docs/install.md": "# From a checkout\n\nRun `make run`.\n", "a.py": "class A:\n    pass\n"})

    assert "How do I install it?" in await starters(store, PROJECT, Scope(), "en")


async def test_an_empty_project_offers_nothing() -> None:
    """No question is better than one that cannot be answered."""
    store = FakePassages()
    await store.create(PROJECT)

    assert [] == await starters(store, PROJECT, Scope(), "en")
