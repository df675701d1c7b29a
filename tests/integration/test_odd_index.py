"""An index whose files are gone, cut off or overwritten, seen from the command line: said, answered from, made again."""

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.homes import Home, make_home

Fault = Callable[[Path], object]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose handbook is indexed."""
    home = make_home(tmp_path_factory.mktemp("whole"))
    assert 0 == home.run("index", str(home.handbook), "--project", "team").exit_code
    return home


@pytest.fixture
def home(whole: Home, tmp_path: Path) -> Home:
    """Another home with a copy of its data that may be damaged; the source is followed where it is."""
    shutil.copytree(whole.data_dir, tmp_path / "data")
    return Home(tmp_path, {"HANDBOOK": str(whole.handbook)})


def index_again(home: Home) -> None:
    """Index the source that is followed."""
    assert 0 == home.run("index", home.environment["HANDBOOK"], "--project", "team").exit_code


def paths(home: Home) -> list[str]:
    """What a search finds that works; a log may say what was made again."""
    done = home.run("search", "retry limit", "--project", "team", "--json")
    assert 0 == done.exit_code, done.output
    return [one["path"] for one in json.loads(done.stdout)["passages"]]


def of_index(home: Home, pattern: str) -> list[Path]:
    """Files and folders of the index by their name."""
    found = sorted((home.data_dir / "index").rglob(pattern))
    assert found, f"expected {pattern!r} in the index, got nothing: the test damages nothing"
    return found


def cut(path: Path) -> None:
    """Lose the second half of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def overwrite(path: Path) -> None:
    """Put zeros where a file was."""
    path.write_bytes(bytes(max(path.stat().st_size, 64)))


def make_whole(home: Home) -> None:
    """What the documentation says to do."""
    assert 0 == home.run("check", "--index", "--repair").exit_code
    index_again(home)


TERMS_ARE_MADE_AGAIN: dict[str, tuple[str, Fault]] = {
    "the terms are gone": ("terms*", shutil.rmtree),
    "their description is gone": ("meta.json", Path.unlink),
    "their description is cut off": ("meta.json", cut),
    "the words are gone": ("*.term", Path.unlink),
    "the words are cut off": ("*.term", cut),
    "the words are overwritten": ("*.idx", overwrite),
}


@pytest.mark.parametrize("fault", TERMS_ARE_MADE_AGAIN)
def test_what_can_be_made_from_the_rest_is_made_by_itself(home: Home, fault: str) -> None:
    """The terms of keyword search come from the rows: a search finds what it found, and the check is content."""
    before = paths(home)
    pattern, damage = TERMS_ARE_MADE_AGAIN[fault]
    for path in of_index(home, pattern):
        damage(path)

    assert before == paths(home)
    make_whole(home)
    assert before == paths(home)
    assert "all whole" in home.run("check", "--index").stdout


@pytest.mark.parametrize("damage", [cut, overwrite])
def test_rows_that_cannot_be_read_are_said_and_made_again_on_request(home: Home, damage: Fault) -> None:
    """A search does not pretend that there is nothing: it fails in one line that says what to do."""
    before = paths(home)
    for path in of_index(home, "index.db"):
        damage(path)
    searched, asked = (home.fails(command, "retry limit", "--project", "team") for command in ("search", "ask"))
    checked = home.run("check", "--index")

    assert "`roomwise check --index`" in searched
    assert "--repair" in asked
    assert (1, True) == (checked.exit_code, "--repair" in checked.stdout)
    make_whole(home)
    assert before == paths(home)


@pytest.mark.parametrize("gone", ["index.db", "v1", ""])
def test_an_index_that_is_gone_is_made_again_by_indexing(home: Home, gone: str) -> None:
    """Projects and sources are known all the same; nothing else is needed than to index."""
    before = paths(home)
    for path in of_index(home, gone) if gone else [home.data_dir / "index"]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    assert [] == paths(home)
    (project,) = home.json("status")["projects"]
    assert ("team", 0) == (project["name"], project["passages"])
    index_again(home)
    assert ["handbook"] == [source["source"] for source in home.json("status")["projects"][0]["sources"]]
    assert before == paths(home)


def test_what_lies_in_the_index_and_is_not_ours_stays(home: Home) -> None:
    """A file that somebody put there is neither read nor removed, and stops nothing."""
    stray = home.data_dir / "index" / "notes.txt"
    stray.write_text("mine", "utf-8")
    (home.data_dir / "index" / "folder").mkdir()

    assert paths(home)
    make_whole(home)
    assert "mine" == stray.read_text("utf-8")


def test_an_index_of_a_newer_program_is_refused_and_left_alone(home: Home) -> None:
    """After a downgrade: which versions there are, and what to do; a repair does not touch it either."""
    (rows,) = of_index(home, "index.db")
    run_sql(rows, "PRAGMA user_version = 99")
    before = rows.read_bytes()
    said = [
        home.fails("search", "retry limit", "--project", "team"),
        home.fails("index", home.environment["HANDBOOK"], "--project", "team"),
        home.run("check", "--index", "--repair").stdout,
    ]

    assert all("99" in one and "update the program" in one for one in said)
    assert before == rows.read_bytes()


def test_terms_of_another_analysis_are_made_again(home: Home) -> None:
    """A program that cuts words in another way searches for none that are not there."""
    before = paths(home)
    (rows,) = of_index(home, "index.db")
    run_sql(rows, "UPDATE meta SET value = 0 WHERE name = 'analysis'")

    assert before == paths(home)


def run_sql(database: Path, statement: str) -> None:
    """Change a database behind the program's back."""
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(statement)
