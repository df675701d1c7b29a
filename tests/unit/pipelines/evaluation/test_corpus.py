"""Corpora: rows become passages with what the product finds in them."""

import json
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bot.app import sections_of
from config.load import load
from config.settings import Settings
from pipelines.evaluation.corpus import put_corpus, read_corpus
from pipelines.evaluation.language import guessed_ending
from pipelines.evaluation.questions import BadEvaluation
from pipelines.parts import Knowledge, open_knowledge
from pipelines.stores.passages import Scope


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings that come with the package."""
    return load(environ={}, cwd=tmp_path, data_dir=tmp_path).settings


@pytest.fixture
async def knowledge(tmp_path: Path, settings: Settings) -> AsyncIterator[Knowledge]:
    """A store of its own with the bundled embedder."""
    opened = await open_knowledge(tmp_path / "index", sections_of(settings))
    yield opened
    await opened.close()


def written(path: Path, *rows: Any) -> Path:
    """A corpus file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


HEAD = {
    "doc": "doc_1",
    "index": 0,
    "text": "import os\n\n\nclass Oven:\n    def heat(self) -> None:\n        os.fire()\n",
}
TAIL = {"doc": "doc_1", "index": 1, "text": "    def cool_down(self) -> None:\n        os.wait()"}


async def test_rows_of_one_file_follow_each_other(tmp_path: Path, knowledge: Knowledge, settings: Settings) -> None:
    """A row has the lines that it has in its file, the names defined in it, and its file's kind by a guessed ending."""
    rows = read_corpus([written(tmp_path / "c.jsonl", HEAD, TAIL)])
    corpus = await put_corpus(knowledge, "p", rows, files=settings.files)

    first, second = await knowledge.store.of_file("p", "corpus", "doc_1.py")

    assert ["doc_1[0]", "doc_1[1]"] == [corpus.keys[one.id] for one in (first, second)]
    assert (1, 6, 7, 8) == tuple(one.meta[key] for one in (first, second) for key in ("first_line", "last_line"))
    assert ("code", "code") == (first.meta["kind"], second.meta["kind"])
    assert "cool_down" in second.meta["symbols"]
    assert "cool_down" not in first.meta["symbols"]
    assert TAIL["text"] == second.content


async def test_a_row_stands_in_what_its_file_defines_around_it(
    tmp_path: Path, knowledge: Knowledge, settings: Settings
) -> None:
    """The second half of a class knows its class, as it does in a file that is indexed."""
    rows = read_corpus([written(tmp_path / "c.jsonl", HEAD, TAIL)])
    await put_corpus(knowledge, "p", rows, files=settings.files)

    first, second = await knowledge.store.of_file("p", "corpus", "doc_1.py")

    assert ([], ["Oven"]) == (first.meta["scope"], second.meta["scope"])
    assert {"Oven", "heat"} <= {*first.meta["symbols"]}


async def test_a_row_that_is_too_long_is_split_as_a_file_is(
    tmp_path: Path, knowledge: Knowledge, settings: Settings
) -> None:
    """Each part has its own lines in the page, the heading of the row, and answers for it."""
    page = "https://host/oven"
    long = {"chunk_link": f"{page}#use", "chunk_heading": "Use", "text": "Use\n\n" + "Heat it slowly.\n\n" * 300}
    short = {"chunk_link": f"{page}#care", "chunk_heading": "Care", "text": "Care\n\nWipe it."}
    rows = read_corpus([written(tmp_path / "c.jsonl", long, short)])
    corpus = await put_corpus(knowledge, "p", rows, files=settings.files)

    held = await knowledge.store.of_file("p", "corpus", "oven.md")

    assert len(held) > 3
    assert [f"{page}#use"] * (len(held) - 1) + [f"{page}#care"] == [corpus.keys[one.id] for one in held]
    assert [["Use"]] * (len(held) - 1) + [["Care"]] == [one.meta["headings"] for one in held]
    lines = [(one.meta["first_line"], one.meta["last_line"]) for one in held]
    assert all(before[1] < after[0] for before, after in pairwise(lines))
    assert (603, 605) == lines[-1]


async def test_a_row_is_found_by_a_name_that_it_defines(
    tmp_path: Path, knowledge: Knowledge, settings: Settings
) -> None:
    """A search leads to the key of the row."""
    rows = read_corpus([written(tmp_path / "c.jsonl", HEAD, TAIL)])
    corpus = await put_corpus(knowledge, "p", rows, files=settings.files)

    found = await knowledge.searching.search("p", "how does the oven cool down?", scope=Scope(), limit=5)

    assert "doc_1[1]" == corpus.keys[found[0].passage.id]


async def test_a_corpus_takes_the_place_of_the_one_before(
    tmp_path: Path, knowledge: Knowledge, settings: Settings
) -> None:
    """An index that is kept holds no row that the corpus has lost: every passage found belongs to a row."""
    other = {"doc": "doc_2", "index": 0, "text": "class Fridge:\n    def cool_down(self) -> None: ...\n"}
    before = read_corpus([written(tmp_path / "c.jsonl", HEAD, TAIL, other)])
    await put_corpus(knowledge, "p", before, files=settings.files)
    corpus = await put_corpus(knowledge, "p", read_corpus([written(tmp_path / "c.jsonl", HEAD)]), files=settings.files)

    found = await knowledge.searching.search("p", "what does the fridge cool down", scope=Scope(), limit=9)

    assert {"doc_1[0]"} >= {corpus.keys[one.passage.id] for one in found}
    assert 1 == (await knowledge.store.counts("p")).passages


def test_rows_of_a_page_are_documents_with_their_heading(tmp_path: Path) -> None:
    """A link gives the page's path without host and anchor."""
    row = {"chunk_link": "https://host/en/docs/limits#rates", "chunk_heading": "Rates", "text": "Rates\n\nFive."}
    (made,) = read_corpus([written(tmp_path / "c.jsonl", row)])

    assert ("https://host/en/docs/limits#rates", "en/docs/limits.md", ("Rates",)) == (
        made.key,
        made.path,
        made.headings,
    )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "at least one row"),
        ([{"id": 1}], 'expected "text" or "code"'),
        ([{"text": "x"}], "an id is a text"),
        ([{"id": 1, "text": "x"}, {"id": "1", "text": "y"}], "line 2: expected every id once"),
    ],
)
def test_a_wrong_corpus_is_refused(tmp_path: Path, rows: list[Any], message: str) -> None:
    """The message says what is wrong with which line."""
    with pytest.raises(BadEvaluation, match=message):
        read_corpus([written(tmp_path / "c.jsonl", *rows)])


@pytest.mark.parametrize(
    ("ending", "text"),
    [
        ("py", "def heat(self):\n    return 1\n"),
        ("rs", "impl Oven {\n    pub fn heat(&mut self) {}\n}\n"),
        ("go", "package oven\n\nfunc (o *Oven) Heat() error {\n\treturn nil\n}\n"),
        ("java", "package a.b;\n\nimport a.c.D;\n\npublic class Oven {\n  private int heat;\n}\n"),
        ("cpp", "#include <vector>\n\nstd::vector<int> heat();\n"),
        ("rb", "class Oven < Box\n  def heat\n    1\n  end\nend\n"),
        ("", "Preheat the oven to 180 degrees."),
    ],
)
def test_a_language_is_guessed_by_its_lines(ending: str, text: str) -> None:
    """Prose has no ending."""
    assert ending == guessed_ending(text)
