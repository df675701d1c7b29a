"""Files and folders that nobody writes on a good day, indexed and asked about on the command line."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.integration.homes import Home

LINES = 100_000
MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Indexed:
    """What an index run said, and what its process weighed at most."""

    source: dict[str, Any]
    peak_mb: float


def index(home: Home) -> Indexed:
    """Index the folder of documents in a process of its own, weighed to the end.

    Its peak is read while it runs: what `wait4` tells begins with the size of the process that started it.
    """
    process = home.start("index", str(home.handbook), "--project", "team", "--json")
    assert process.stdout is not None
    peaks = [0.0]
    is_over = threading.Event()
    weighing = threading.Thread(target=_weigh, args=(process.pid, peaks, is_over))
    weighing.start()
    said = process.stdout.read()
    process.wait(timeout=60)
    is_over.set()
    weighing.join()
    assert 0 == process.returncode, (home.folder / "log").read_text("utf-8")
    assert peaks[0] > 0
    return Indexed(json.loads(said)["sources"][0], peaks[0])


def _weigh(pid: int, peaks: list[float], is_over: threading.Event) -> None:
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        while not is_over.wait(0.05):
            peaks[0] = max(peaks[0], process.memory_info().rss / MB)


def cited(home: Home, question: str) -> list[tuple[str, int, str]]:
    """Ask; path, first line and quote of each citation."""
    done = home.run("ask", question, "--project", "team", "--json")
    assert (0, "") == (done.exit_code, done.stderr)
    return [(one["path"], one["first_line"], one["quote"]) for one in json.loads(done.stdout)["citations"]]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with one page that is as it should be."""
    (tmp_path / "handbook").mkdir()
    (tmp_path / "handbook" / "good.md").write_text("# Zebras\n\nA zebra sleeps in the barn.\n", "utf-8")
    return Home(tmp_path)


def lines(count: int) -> Iterator[str]:
    """So many lines, each with its number."""
    return (f"Stripe {number} of the herd is {number * 7} mm wide.\n" for number in range(1, count + 1))


def test_a_file_of_200_mb_is_left_out_with_its_reason_and_never_read(home: Home) -> None:
    """Memory stays where it was; the page beside it is found."""
    line = b"2026-11-23 12:00:00 INFO nothing happened\n"
    with (home.handbook / "huge.log").open("wb") as file:
        for _ in range(200):
            file.write(line * (MB // len(line) + 1))

    indexed = index(home)

    assert (1, {"too_large": 1}) == (indexed.source["files"], indexed.source["skipped"])
    assert indexed.peak_mb < 400
    assert "good.md" == cited(home, "Where does a zebra sleep?")[0][0]


def test_a_file_of_one_line_is_found_and_cited_as_line_one(home: Home) -> None:
    """A page of a megabyte without a line end: its beginning is searched; code and data of that kind are minified."""
    (home.handbook / "one.md").write_text("The giraffe eats acacia leaves. " * 31_000, "utf-8")
    (home.handbook / "one.py").write_text("okapi = 1; " * 80_000, "utf-8")
    (home.handbook / "one.json").write_text(json.dumps({f"key{number}": number for number in range(50_000)}), "utf-8")

    indexed = index(home)
    path, line, quote = cited(home, "What does the giraffe eat?")[0]

    assert {"minified": 2} == indexed.source["skipped"]
    assert ("one.md", 1, True) == (path, line, "acacia" in quote)
    assert indexed.peak_mb < 400


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", ["herd.md", "herd.txt", "herd.csv", "herd.py", "herd.rst"])
def test_a_file_of_100000_lines_is_cited_by_its_right_lines(home: Home, name: str) -> None:
    """Near its beginning, in the middle and at its end."""
    home.environment["ROOMWISE_FILES__MAX_MB"] = "20"
    (home.handbook / name).write_text("".join(lines(LINES)), "utf-8")

    indexed = index(home)

    assert ({}, 2) == (indexed.source["skipped"], indexed.source["files"])
    for number in (3, LINES // 2, LINES):
        quotes = [(line, quote) for path, line, quote in cited(home, f"How wide is stripe {number}?") if path == name]
        first, quote = next(one for one in quotes if f"Stripe {number} of" in one[1])
        assert number == first + quote.split("\n").index(f"Stripe {number} of the herd is {number * 7} mm wide.")
    assert indexed.peak_mb < 600


@pytest.mark.timeout(60)
def test_a_file_of_100000_blank_lines_is_empty(home: Home) -> None:
    """It has no passage and hurts nobody; so has one of blanks, and one of nothing."""
    (home.handbook / "blank.md").write_text("\n" * LINES, "utf-8")
    (home.handbook / "blanks.py").write_text(" " * 4_000 + "\n\t\n" * LINES, "utf-8")
    (home.handbook / "nothing.txt").write_text("", "utf-8")

    assert 1 == index(home).source["passages"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("many", [3_000, pytest.param(50_000, marks=pytest.mark.torture)])
def test_very_many_files_in_one_folder(home: Home, many: int) -> None:
    """All are indexed in bounded memory, the last is found, and a second look reads only what changed.

    Fewer files prove the same of a lower bound: an index of 50,000 may weigh 700 MB.
    """
    bound_mb = 700 if many > 10_000 else 400
    folder = home.handbook / "many"
    folder.mkdir()
    for number in range(many):
        (folder / f"page{number:05}.md").write_text(f"# Page {number}\n\nAnimal {number} eats {number * 3} leaves.\n")

    first = index(home)
    (folder / "page00007.md").unlink()
    (folder / "page00008.md").write_text("# Page 8\n\nThe walrus eats clams.\n", "utf-8")
    again = index(home)

    assert (many + 1, {}) == (first.source["files"], first.source["skipped"])
    assert (many, 1) == (again.source["files"], again.source["removed"])
    assert f"many/page{many - 1:05}.md" == cited(home, f"How many leaves does animal {many - 1} eat?")[0][0]
    assert "many/page00008.md" == cited(home, "What does the walrus eat?")[0][0]
    assert first.peak_mb < bound_mb
    assert again.peak_mb < bound_mb
