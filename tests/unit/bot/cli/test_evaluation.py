"""`roomwise eval` from its arguments to what it prints and writes."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bot import platform
from bot.cli.doors import Where
from bot.cli.evaluation import Output, Places, Versus, append_rows, evaluate, setting_of
from bot.cli.terminal import index_now
from bot.platform import DataFolderLock
from pipelines.evaluation.questions import BadEvaluation
from tests.fakes.json_server import JsonServer, Odd

QUESTIONS = [
    {"query": "how does the oven cool down", "project": "kitchen", "relevant": ["oven/cooling.py"], "category": "code"},
    {"query": "preheat", "project": "kitchen", "relevant": ["oven/heating.py#L4-L5"]},
]
FILES = {
    "oven/cooling.py": "class Fan:\n    def cool_down(self) -> None:\n        self.spin()\n",
    "oven/heating.py": "import time\n\n\ndef preheat(minutes: int) -> None:\n    time.monotonic(60 * minutes)\n",
    "docs/oven.md": "# Oven\n\nIt cools down by itself.\n",
}


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of the machine count."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def kitchen(tmp_path: Path) -> Path:
    """A folder of sources."""
    for name, text in FILES.items():
        (tmp_path / "kitchen" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "kitchen" / name).write_text(text, "utf-8")
    return tmp_path / "kitchen"


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    """A file of JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def run(tmp_path: Path, places: Places, versus: Versus | None = None, output: Output | None = None) -> int:
    """Evaluate the questions above with a data folder of its own."""
    files = [written(tmp_path / "kitchen_queries.jsonl", QUESTIONS)]
    output = output or Output(("MRR",), "json")
    return evaluate(files, places, versus or Versus(), output, where=Where(tmp_path / "data"))


def test_a_checkout_is_measured_whole_and_below_its_root(
    tmp_path: Path, kitchen: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both files are found, in the whole folder and among the code alone; nothing is written to the data folder."""
    roots = written(tmp_path / "roots.jsonl", [{"project": "kitchen", "root": "oven"}])
    code = run(tmp_path, Places(checkouts=[f"kitchen={kitchen}"], roots=roots, level="lines"))
    groups = json.loads(capsys.readouterr().out)["runs"][0]["groups"]

    assert 0 == code
    assert ["kitchen (whole)", "kitchen (root)"] == [one["set"] for one in groups if not one["category"]]
    assert [1.0, 1.0] == [one["measures"]["R@3"]["mean"] for one in groups if not one["category"]]
    assert not (tmp_path / "data").exists()


def test_a_project_that_is_indexed_is_asked_where_it_lies(
    tmp_path: Path, kitchen: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without corpus and checkout the data folder's project of that name is searched as `roomwise search` does."""
    index_now([str(kitchen)], project="kitchen", as_json=True, where=Where(tmp_path / "data"))
    capsys.readouterr()

    assert 0 == run(tmp_path, Places())
    (now,) = json.loads(capsys.readouterr().out)["runs"]
    assert ("as indexed", [1.0, 1.0]) == (now["settings"], [one["values"]["R@3"] for one in now["questions"]])


def test_what_is_not_asked_is_said(tmp_path: Path, kitchen: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Questions about projects without a checkout are left out, never silently, and all of them never."""
    elsewhere = {"query": "x", "project": "cellar", "relevant": ["a"]}
    files = [written(tmp_path / "both_queries.jsonl", [*QUESTIONS, elsewhere])]
    output, where = Output(("MRR",), "json"), Where(tmp_path / "data")

    assert 0 == evaluate(files, Places(checkouts=[f"kitchen={kitchen}"]), Versus(), output, where=where)
    shown = capsys.readouterr()
    assert "Left out, since no checkout is named for them: 1 about cellar." in shown.err
    assert 2 == len(json.loads(shown.out)["runs"][0]["questions"])

    assert 1 == evaluate(files, Places(checkouts=[f"attic={kitchen}"]), Versus(), output, where=where)
    assert "expected a checkout of kitchen, cellar, got none of them" in capsys.readouterr().err


def test_two_settings_are_compared_in_one_run(
    tmp_path: Path, kitchen: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each has its own row, the picture and the trend show both."""
    page = tmp_path / "evals.md"
    page.write_text("# Trend\n\n| a |\n|---|\n\nEnd.\n", "utf-8")
    output = Output(("MRR",), "markdown", tmp_path / "a.svg", page)
    code = run(tmp_path, Places(checkouts=[f"kitchen={kitchen}"]), Versus("embedder.kind=none"), output)

    assert 0 == code
    shown = capsys.readouterr().out
    assert "| now | kitchen | 2 |" in shown
    assert "| embedder.kind=none | kitchen | 2 |" in shown
    assert "| kitchen | MRR | 2 | " in shown
    assert "embedder.kind=none" in (tmp_path / "a.svg").read_text("utf-8")
    rows = page.read_text("utf-8").splitlines()
    assert ["|---|", "| 2", "| 2", "", "End."] == [row[:3] if row.startswith("| 2") else row for row in rows[3:]]


def test_a_run_is_compared_with_an_earlier_one(
    tmp_path: Path, kitchen: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The JSON of a run is the baseline of the next."""
    places = Places(checkouts=[f"kitchen={kitchen}"])
    run(tmp_path, places)
    (tmp_path / "before.json").write_text(capsys.readouterr().out, "utf-8")

    assert 0 == run(tmp_path, places, Versus(baseline=tmp_path / "before.json"))
    (whole, *_) = json.loads(capsys.readouterr().out)["compared"]
    assert (2, 0.0) == (whole["pairs"], whole["found"]["mean"])


def test_a_corpus_must_hold_every_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A question whose answer is not there would lower every figure unseen."""
    corpus = written(tmp_path / "kitchen_rows.jsonl", [{"id": "oven/cooling.py", "text": "def cool_down(): ..."}])

    assert 1 == run(tmp_path, Places(corpora=[corpus]))
    assert "expected every answer of kitchen in its corpus, got 'oven/heating.py'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("places", "versus", "message"),
    [
        (Places(), Versus(), "expected the name of a project, got 'kitchen'"),
        (Places(checkouts=["kitchen"]), Versus(), "expected a checkout as NAME=FOLDER, got 'kitchen'"),
        (Places(checkouts=["kitchen=nowhere"]), Versus(), "expected the folder of a checkout, got 'nowhere'"),
        (Places(), Versus("embeder.kind=none"), "did you mean 'embedder.kind'?"),
        (Places(), Versus("embedder.kind"), "expected a setting such as"),
        (Places(), Versus(baseline=Path("none.json")), "none.json: expected a file that can be read"),
        (Places(), Versus("embedder.kind=none", Path("a.json")), "expected one comparison"),
        (Places(), Versus("files.max_mb=1"), "expected a setting that a search of an indexed project reads"),
        (Places(), Versus("ranker.kind=llm"), "expected a setting that a search of an indexed project reads"),
        (Places(checkouts=["a=x", "a=y"]), Versus(), "expected every checkout once, got 'a' again"),
        (Places(checkouts=["kitchen=empty"]), Versus(), "expected files in empty, got none"),
    ],
)
def test_what_cannot_be_measured_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], places: Places, versus: Versus, message: str
) -> None:
    """One line that says what was expected, and exit code 1."""
    (tmp_path / "empty").mkdir()

    assert 1 == run(tmp_path, places, versus)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (Output(("MRR",), plot=Path("none/a.svg")), "none/a.svg: expected a file in a folder that is there"),
        (Output(("MRR",), record=Path("none.md")), "none.md: expected a page that can be read"),
        (Output(("MRR",), record=Path("odd.md")), "odd.md: expected UTF-8, got byte 0xff"),
        (Output(("MRR",), index_folder=Path("odd.md")), "odd.md: expected a folder to index in"),
    ],
)
def test_what_could_not_be_written_is_told_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], output: Output, message: str
) -> None:
    """Nobody waits an hour for figures and then learns that there is no place for them."""
    (tmp_path / "odd.md").write_bytes(b"\xff")

    assert 1 == run(tmp_path, Places(checkouts=["kitchen=nowhere"]), output=output)
    assert message in capsys.readouterr().err


def test_a_project_is_not_compared_where_a_service_would_answer_both_times(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The service has its own settings: both figures would be the same, whatever the setting."""
    with DataFolderLock.acquire(platform.open_data_folder(tmp_path / "data"), command="run") as lock:
        lock.announce(address="http://127.0.0.1:9", key="key")
        code = run(tmp_path, Places(), Versus("embedder.kind=none"))

    assert 1 == code
    assert "expected no running service beside --compare" in capsys.readouterr().err


def test_a_file_of_questions_counts_once(tmp_path: Path, kitchen: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two files of one name would be one set in which nobody can tell them apart."""
    file = written(tmp_path / "kitchen_queries.jsonl", QUESTIONS)
    places, where = Places(checkouts=[f"kitchen={kitchen}"]), Where(tmp_path / "data")

    assert 1 == evaluate([file, file], places, Versus(), Output(("MRR",)), where=where)
    assert "expected every file of questions once, got 'kitchen' again" in capsys.readouterr().err


def test_answers_that_are_no_file_are_noted(tmp_path: Path, kitchen: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They lower the figures; whoever reads them must know."""
    (kitchen / "oven" / "heating.py").unlink()

    assert 0 == run(tmp_path, Places(checkouts=[f"kitchen={kitchen}"]))
    shown = capsys.readouterr()
    note = f"kitchen: 1 of 2 answers are no file of {kitchen}, such as 'oven/heating.py'"
    assert f"Note: {note}." in shown.err
    assert [note] == json.loads(shown.out)["runs"][0]["notes"]


async def test_a_ranker_that_was_not_heard_is_noted(
    tmp_path: Path, kitchen: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The figures are those of the order without it; only one question finds more than one passage to order."""
    async with JsonServer(lambda _: {}, script=[Odd(401)] * 9) as server:
        config = tmp_path / "mine.toml"
        config.write_text(f'[ranker]\nkind = "endpoint"\nbase_url = "{server.url}"\n', "utf-8")
        files = [written(tmp_path / "kitchen_queries.jsonl", QUESTIONS)]
        code = await asyncio.to_thread(
            evaluate, files, Places(checkouts=[f"kitchen={kitchen}"]), Versus(), Output(("MRR",), "json"),
            where=Where(tmp_path / "data", config),
        )  # fmt: skip

    assert 0 == code
    (now,) = json.loads(capsys.readouterr().out)["runs"]
    assert ["of 1 orders of the ranker some failed, and the order without it held: 1 unauthorised"] == now["notes"]


def test_a_setting_is_read_as_toml_or_as_text() -> None:
    """Numbers stay numbers, words need no quotes."""
    assert {"embedder": {"lexical_weight": 2.5}} == setting_of("embedder.lexical_weight=2.5")
    assert {"embedder": {"kind": "none"}} == setting_of("embedder.kind = none")


def test_a_page_without_a_table_takes_no_row(tmp_path: Path) -> None:
    """It is said rather than appended somewhere."""
    page = tmp_path / "page.md"
    page.write_text("# Nothing\n", "utf-8")

    with pytest.raises(BadEvaluation, match="expected a table"):
        append_rows(page, "| 1 |\n")


def test_a_row_is_a_line_of_its_own_though_the_page_ends_without_a_line_feed(tmp_path: Path) -> None:
    """The last row of the table stays whole."""
    page = tmp_path / "page.md"
    page.write_text("| a |\n|---|\n| 1 |", "utf-8")

    append_rows(page, "| 2 |\n")

    assert "| a |\n|---|\n| 1 |\n| 2 |\n" == page.read_text("utf-8")
