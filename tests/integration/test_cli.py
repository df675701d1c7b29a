"""The command line without a service, and beside a running one.

The service is a process of its own; commands run in this one, since a process for each would take minutes.
"""

import contextlib
import json
import logging
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from pipelines.parts import INDEX_FOLDER
from tests.fakes.project import HANDBOOK
from tests.integration.homes import Home, free_port, make_home, started

COMMANDS = (
    ["run"],
    ["ask"],
    ["search"],
    ["index"],
    ["status"],
    ["check"],
    ["move-index"],
    ["webhook"],
    ["login"],
    ["owner", "add"],
    ["version"],
    ["token", "add"],
    ["token", "list"],
    ["token", "revoke"],
)


@pytest.fixture(autouse=True, scope="module")
def _log() -> Iterator[None]:
    """Commands set up the log of their process, which is that of the tests here."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home for commands that need no index."""
    return make_home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module", params=["without a service", "beside a service"])
def indexed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home whose handbook is indexed in the project team, with a service or without."""
    home = make_home(tmp_path_factory.mktemp("indexed"))
    if request.param == "without a service":
        assert 0 == home.run("index", str(home.handbook), "--project", "team").exit_code
        yield home
        return
    service = started(home)
    try:
        assert 0 == home.run("index", str(home.handbook), "--project", "team").exit_code
        yield home
    finally:
        service.process.terminate()
        assert 0 == service.process.wait(timeout=30)


class TestAtTheDesk:
    """The same results in both ways, in the shapes of docs/api.md."""

    def test_search_finds_passages(self, indexed: Home) -> None:
        """Best first, with lines that hold what they say."""
        found = indexed.json("search", "retry limit", "--project", "team", "-k", "3")["passages"]

        assert 1 <= len(found) <= 3
        keys = {"source", "path", "first_line", "last_line", "version", "score", "text"}
        assert keys | {"converted", "pages", "section"} == set(found[0])
        for passage in found:
            lines = (indexed.handbook / passage["path"]).read_text("utf-8").split("\n")
            cited = "\n".join(lines[passage["first_line"] - 1 : passage["last_line"]])
            assert passage["text"].strip() == cited.strip()
        assert "handbook" == found[0]["source"]
        assert sorted((one["score"] for one in found), reverse=True) == [one["score"] for one in found]

    def test_search_explains_itself(self, indexed: Home) -> None:
        """Each passage says what its score is made of, to the last digit but rounding."""
        found = indexed.json("search", "RoutePlanner", "--project", "team", "--explain")["passages"]
        shown = indexed.run("search", "RoutePlanner", "--project", "team", "--explain").stdout

        assert "parcel/route.py" == found[0]["path"]
        assert {"name", "value", "note"} == set(found[0]["features"][0])
        for one in found:
            assert one["score"] == pytest.approx(sum(feature["value"] for feature in one["features"]), abs=1e-3)
        assert re.search(r"defines the symbol +\+\d\.\d{4}", shown)

    def test_ask_answers_with_citations(self, indexed: Home) -> None:
        """Numbers in the text are those of the citations, and quotes are in the files."""
        answer = indexed.json("ask", "On which port does the service listen by default?", "--project", "team")

        assert {"answer", "citations", "verdict", "timings"} <= set(answer)
        assert "7070" in answer["answer"]
        assert "extractive" == answer["verdict"]
        keys = {"number", "source", "path", "first_line", "last_line", "version", "url", "quote"}
        keys |= {"converted", "pages", "section"}
        for cited in answer["citations"]:
            assert keys == set(cited)
            assert f"[{cited['number']}]" in answer["answer"]
            lines = (indexed.handbook / cited["path"]).read_text("utf-8").split("\n")
            assert cited["quote"] == "\n".join(lines[cited["first_line"] - 1 : cited["last_line"]])

    def test_ask_does_not_guess(self, indexed: Home) -> None:
        """What no file holds is not found, and that is a result, not a failure."""
        assert "not_found" == indexed.json("ask", "Who won the chess olympiad in 1972?", "-p", "team")["verdict"]

    def test_ask_is_readable(self, indexed: Home) -> None:
        """Text for people, with the places below."""
        done = indexed.run("ask", "On which port does the service listen by default?", "--project", "team")

        assert 0 == done.exit_code
        assert "7070" in done.stdout
        assert re.search(r"\[1\] README\.md:\d+-\d+", done.stdout)

    def test_a_token_reaches_its_project_until_it_is_revoked(self, indexed: Home) -> None:
        """Made once an owner exists, listed without the key itself, and gone by its name."""
        made = indexed.run("token", "add", "ci", "--project", "team")
        listed = indexed.json("token", "list")["tokens"]
        again = indexed.fails("token", "add", "CI", "--project", "team")
        revoked = indexed.run("token", "revoke", "ci")

        assert re.fullmatch(r"rwk_\S{40,}", made.stdout.strip())
        assert [("ci", "ask", ["team"])] == [(one["name"], one["scope"], one["projects"]) for one in listed]
        assert "a token named 'CI' exists" in again
        assert "ci is no longer valid" in revoked.stdout
        assert [] == indexed.json("token", "list")["tokens"]
        assert "expected the name of a token" in indexed.fails("token", "revoke", "ci")

    def test_index_again_changes_nothing(self, indexed: Home) -> None:
        """The same source, not a second one; what was removed, skipped and indexed is said."""
        result = indexed.json("index", str(indexed.handbook), "--project", "TEAM")

        assert {"project", "sources"} == set(result)
        (source,) = result["sources"]
        counts = {"files", "passages", "removed", "skipped", "absent", "redacted"}
        assert {"source", "kind", "location", "version", "error"} | counts == set(source)
        assert ("team", "handbook", "folder", len(HANDBOOK), "") == (
            result["project"],
            source["source"],
            source["kind"],
            source["files"],
            source["error"],
        )
        (project,) = indexed.json("status")["projects"]
        assert ["handbook"] == [one["source"] for one in project["sources"]]

    def test_status_says_how_everything_stands(self, indexed: Home) -> None:
        """As JSON and as text."""
        status = indexed.json("status")

        (project,) = status["projects"]
        assert ("team", len(HANDBOOK)) == (project["name"], project["files"])
        keys = {"source", "kind", "location", "state", "files", "passages", "skipped", "version", "last_error"}
        assert keys <= set(project["sources"][0])
        assert 0 == status["waiting"]
        assert all({"job", "outcome", "next_due_at"} <= set(job) for job in status["jobs"])
        assert "handbook (folder)" in indexed.run("status").stdout

    def test_backup_copies_the_state(self, indexed: Home) -> None:
        """Into the data folder, as JSON and as a path alone on standard output."""
        made = indexed.json("backup")
        done = indexed.run("backup")

        assert made["bytes"] == (Path(made["folder"]) / made["file"]).stat().st_size
        assert Path(done.stdout.strip()).is_file()
        assert "The key is not in it" in done.stderr

    def test_login_prints_a_link_for_one_use(self, indexed: Home) -> None:
        """Alone on standard output, so that it can be handed on."""
        done = indexed.run("login")

        assert 0 == done.exit_code
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/login/[\w-]{20,}\n", done.stdout)

    def test_owner_add_prints_what_to_type(self, indexed: Home) -> None:
        """The very command."""
        done = indexed.run("owner", "add")

        assert 0 == done.exit_code
        assert re.fullmatch(r"/claim [0-9A-Z]{4}-[0-9A-Z]{4}\n", done.stdout)

    @pytest.mark.parametrize("command", ["ask", "search"])
    def test_an_unknown_project_is_named_with_those_there_are(self, indexed: Home, command: str) -> None:
        """Exit code 1, and how one is made."""
        said = indexed.fails(command, "port", "--project", "taem")

        assert "got 'taem'; there are: team" in said
        assert "roomwise index" in said

    @pytest.mark.parametrize("command", ["ask", "search"])
    @pytest.mark.parametrize("text", ["", "  \n"])
    def test_nothing_is_no_question(self, indexed: Home, command: str, text: str) -> None:
        """It is said at once, with an example."""
        assert "for example: roomwise" in indexed.fails(command, text, "--project", "team")

    def test_a_very_long_question_is_refused(self, indexed: Home) -> None:
        """100 kB are no question."""
        assert "characters" in indexed.fails("ask", "word " * 20_000, "--project", "team")

    def test_a_file_is_no_source(self, indexed: Home) -> None:
        """Nor is what is not there; nothing is added, not even the good one beside it."""
        file, missing = indexed.handbook / "README.md", indexed.folder / "missing"

        assert "got a file" in indexed.fails("index", str(indexed.handbook / "docs"), str(file), "--project", "other")
        assert "nothing there" in indexed.fails("index", str(missing), "--project", "other")
        assert ["team"] == [project["name"] for project in indexed.json("status")["projects"]]


def test_a_second_service_says_which_is_running(tmp_path: Path) -> None:
    """It does not start, and names the process and its address."""
    home = make_home(tmp_path)
    service = started(home)
    try:
        assert "/login/" in service.login_url
        said = home.fails("run", "--port", str(free_port()))
        assert str(service.process.pid) in said
        assert "--data-dir" in said
        port = service.address.rpartition(":")[2]
        other = Home(home.folder, {"ROOMWISE_DATA_DIR": str(home.folder / "other")})
        assert f"port {port}" in other.fails("run", "--port", port)
        assert "in use by `roomwise run`" in home.run("check").stdout
    finally:
        service.process.terminate()
        assert 0 == service.process.wait(timeout=30)
    assert [] == home.json("status")["projects"]


def test_the_program_is_a_module(home: Home) -> None:
    """The exit code of the process is the command's."""
    process = home.start("ask", "")
    process.communicate(timeout=120)

    assert 1 == process.returncode
    assert "for example: roomwise ask" in (home.folder / "log").read_text("utf-8")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_shows_an_example(home: Home, words: list[str]) -> None:
    """Which begins with the command itself."""
    done = home.run(*words, "--help")

    assert 0 == done.exit_code
    assert f"Example: roomwise {' '.join(words)}" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["frobnicate"],
        ["ask"],
        ["search"],
        ["search", "x", "-k", "0"],
        ["search", "x", "-k", "many"],
        ["search", "x", "-k", "101"],
        ["index"],
        ["status", "--frobnicate"],
        ["run", "--port", "x"],
        ["owner", "remove"],
    ],
    ids=" ".join,
)
def test_wrong_use_is_told_apart_from_failure(home: Home, words: list[str]) -> None:
    """Exit code 2, with the usage."""
    assert "Usage: " in home.fails(*words, code=2)


def test_version_names_all_versions(home: Home) -> None:
    """Of the program, the state and the index."""
    assert {"program", "schema", "index", "python"} == set(home.json("version"))
    assert home.run("version").stdout.startswith("roomwise ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[web]\nprot = 1\n", "web.port"),
        ("[wbe]\nport = 1\n", "web"),
        ('[web]\nport = "many"\n', "web.port"),
        ("[web\n", "roomwise.toml"),
    ],
)
def test_a_wrong_setting_stops_every_command(tmp_path: Path, text: str, expected: str) -> None:
    """An unknown key with "did you mean", a wrong type with the key; no folder is made."""
    (tmp_path / "roomwise.toml").write_text(text, "utf-8")
    home = Home(tmp_path)

    assert all(expected in home.fails(command) for command in ("status", "check", "run"))
    assert not home.data_dir.exists()


def test_check_finds_nothing_wrong_here(home: Home) -> None:
    """Every setting with its layer, every neighbour with what was found."""
    checked = home.json("check")

    origins = {one["key"]: one["from"] for one in checked["settings"]}
    assert "ROOMWISE_DATA_DIR" in origins["data_dir"]
    assert {"data folder", "key file", "disk", "git", "sqlite", "model"} <= {one["name"] for one in checked["findings"]}
    assert all(one["ok"] for one in checked["findings"])


def test_check_says_how_to_cure_what_is_wrong(home: Home) -> None:
    """A declared folder that is not there, a model that does not answer; the key is not shown."""
    port = free_port()
    wrong = Home(
        home.folder,
        {
            "ROOMWISE_LLM__MODEL": "m",
            "ROOMWISE_LLM__BASE_URL": f"http://127.0.0.1:{port}/v1",
            "ROOMWISE_LLM__API_KEY": "sk-very-secret-key",
        },
    )
    done = wrong.run("check", "--json")

    assert 1 == done.exit_code
    assert "very-secret" not in done.stdout + done.stderr
    (model,) = [one for one in json.loads(done.stdout)["findings"] if not one["ok"]]
    assert ("model m", "check llm.base_url, and that it runs") == (model["name"], model["cure"])


def test_an_unusable_data_folder_is_named(tmp_path: Path) -> None:
    """A file in its place."""
    (tmp_path / "data").write_text("I am a file", "utf-8")

    assert "expected to read and write the data folder" in Home(tmp_path).fails("status")


def test_check_index_finds_damage_and_repairs_it(home: Home) -> None:
    """A torn index is named with exit code 1, repaired, and whole afterwards; what was torn is read anew."""
    indexed = home.json("index", str(home.handbook))["sources"][0]["files"]
    assert all(one["ok"] for one in home.json("check", "--index")["projects"])
    (database,) = (home.data_dir / INDEX_FOLDER).glob("*/v1/index.db")
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DELETE FROM passage WHERE key = (SELECT min(key) FROM passage)")
    found = home.run("check", "--index")
    repaired = home.run("check", "--index", "--repair")

    assert (1, True) == (found.exit_code, "1 files are torn" in found.stdout)
    assert (0, True) == (repaired.exit_code, "repaired: " in repaired.stdout)
    assert f"{indexed - 1} files" in home.run("check", "--index").stdout
    assert indexed == home.json("index", str(home.handbook))["sources"][0]["files"]
    assert f"{indexed} files" in home.run("check", "--index").stdout
