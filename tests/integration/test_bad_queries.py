"""Questions that nobody asks on a good day, through a search with ranking over a real store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pipelines.components.embed import NoEmbedder
from pipelines.parts import no_views
from pipelines.searching import Searching
from pipelines.stores.local import LocalPassages
from pipelines.stores.passages import Change, Scope
from tests.fakes.files import PROJECT, file_of
from tests.integration.manuals import MANUALS

OPERATORS = "A filter such as title:(dead AND letter) or path:/etc/* may stand in quotes."
RETRIES = "The number of delivery attempts is set by max_attempts; a letter is dead after the last one."
TRACE = "".join(
    f'  File "/srv/app/mod{at}.py", line {at}, in step_{at}\n    value_{at} = compute_{at}(x)\n' for at in range(300)
)


@pytest.fixture
async def searching(tmp_path: Path) -> AsyncIterator[Searching]:
    """Two pages in English, the manuals of five languages, and 400 passages of filler."""
    store = LocalPassages(tmp_path)
    await store.create(PROJECT)
    pages = [
        file_of(f"{language}/{number}.md", f"# {one.heading}\n\n{one.text}")
        for language, manual in MANUALS.items()
        for number, one in enumerate(manual)
    ]
    filler = [
        file_of(f"f{one}.md", *[f"filler {one} {n} " + "some words " * 60 for n in range(10)]) for one in range(40)
    ]
    named = [file_of("operators.md", OPERATORS), file_of("retries.md", RETRIES)]
    await store.apply(PROJECT, Change(put=[*pages, *filler, *named]))
    yield Searching(store, NoEmbedder(), no_views)
    await store.close()


async def paths(searching: Searching, question: str) -> list[str]:
    """Give the paths found, best first."""
    found = await searching.search(PROJECT, question, scope=Scope(), limit=5)
    return [one.passage.path for one in found]


@pytest.mark.parametrize(
    ("question", "path"),
    [
        ("max_attempts " + " ".join(f"word{number}" for number in range(10_000)), "retries.md"),
        (" ".join(f"word{number}" for number in range(10_000)) + " max_attempts", "retries.md"),
        ("some words " * 5_000 + "delivery attempts", "retries.md"),
        (f"Traceback (most recent call last):\n{TRACE}KeyError: 'x'\n\nWhat is the number of attempts?", "retries.md"),
        ("默认端口是多少?", "zh/1.md"),
        ("磅秤", "zh/7.md"),
        ("Кто рассматривает жалобы?", "ru/4.md"),
        ("жалоба", "ru/4.md"),
        ("title:(dead AND letter) OR path:/etc/*", "operators.md"),
        ('+filter -quotes ^2 ~3 "title:', "operators.md"),
        ("[dead TO filter] {quotes} \\ *:*", "operators.md"),
        ("dead\x00 filter\x00quotes", "operators.md"),
        ("\u202efilter\u202c \ufeffquotes", "operators.md"),
    ],
)
async def test_an_odd_question_finds_its_page_first(searching: Searching, question: str, path: str) -> None:
    """Endless, pasted, without spaces, in other letters, full of the signs of a search engine, with null bytes."""
    assert path == (await paths(searching, question))[0]


async def test_stop_words_alone_find_passages_that_hold_them(searching: Searching) -> None:
    """They are words of code, too: what is listed holds at least one, in whatever language is asked."""
    assert {"operators.md", "retries.md"} >= set((await paths(searching, "is the of a by or in"))[:2])
    assert (await paths(searching, "wie ist das"))[0].startswith("de/")
    assert (await paths(searching, "что это за"))[0].startswith("ru/")


@pytest.mark.parametrize(
    "question", ["", "   ", "?!… --- ((( ]]] ***", "。？", "🦓", '"', "\\", "\x00", "\x00" * 9_000]
)
async def test_signs_alone_find_nothing(searching: Searching, question: str) -> None:
    """No word, no passage, and no error."""
    assert [] == await paths(searching, question)


async def test_operators_leave_nothing_out(searching: Searching) -> None:
    """A minus before a word is no order."""
    assert await paths(searching, "dead letter filter") == await paths(searching, "+dead -letter filter")
