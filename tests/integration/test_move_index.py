"""`roomwise move-index`, and what it says where it cannot; with a real server the whole way there and back."""

from pathlib import Path

import pytest

from bot.platform import DataFolderLock
from pipelines.parts import INDEX_FOLDER
from pipelines.stores.joined import WEAVIATE, Whereabouts
from pipelines.stores.weaviate_address import Address
from tests.integration.homes import Home, free_port, make_home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose handbook is indexed in the project team, in the data folder."""
    made = make_home(tmp_path_factory.mktemp("home"))
    made.json("index", str(made.handbook), "--project", "team")
    return made


def test_without_a_server_there_is_none_to_move_to(home: Home) -> None:
    """The sentence says which setting is missing; the other way there is nothing to do."""
    assert "none is set: set weaviate.url" in home.fails("move-index", "--to", "weaviate")
    assert "team lies in the data folder already" in home.run("move-index", "--to", "local").stdout


def test_an_unknown_project_is_named(home: Home) -> None:
    """With those that there are."""
    said = home.fails("move-index", "--to", "local", "--project", "taem")

    assert "got 'taem'; there are: team" in said


def test_beside_a_running_service_nothing_is_moved(home: Home) -> None:
    """The data folder has to be free."""
    with DataFolderLock.acquire(home.data_dir, command="run"):
        assert "to be free, but `roomwise run`" in home.fails("move-index", "--to", "local")


def test_a_server_that_does_not_answer_leaves_the_project_where_it_is(home: Home) -> None:
    """It is said, and a search finds what it found."""
    away = _with_server(home, f"http://127.0.0.1:{free_port()}", 1)

    said = away.fails("move-index", "--to", "weaviate")

    assert "team: expected a Weaviate server" in said
    assert "the project answers from where it was" in said
    assert _found(home)


def test_an_index_on_a_server_that_is_away_is_not_called_damaged(tmp_path: Path) -> None:
    """It is said that the server does not answer, or that none is set; what a move left in the folder is passed over."""
    home = Home(tmp_path)
    Whereabouts(home.data_dir / INDEX_FOLDER).put("p1", WEAVIATE)
    (home.data_dir / INDEX_FOLDER / "p1" / "v1").mkdir(parents=True)
    away = _with_server(home, f"http://127.0.0.1:{free_port()}", 1)

    unset, unreached = home.run("check", "--index"), away.run("check", "--index", "--repair")

    assert (1, 1) == (unset.exit_code, unreached.exit_code)
    assert "wrong project p1: it lies on a server, and none is set set weaviate.url again" == _line(unset.stdout)
    assert "wrong project p1: expected a Weaviate server" in _line(unreached.stdout)
    assert "nothing is known of the index itself: look at the server" in _line(unreached.stdout)


@pytest.mark.weaviate
def test_an_index_goes_to_a_server_and_comes_back(home: Home, weaviate: Address) -> None:
    """The same is found there without indexing; the data folder holds it no more; back again nothing is lost."""
    served = _with_server(home, weaviate.url, weaviate.grpc_port)
    before = _found(served)

    there = served.json("move-index", "--to", "weaviate", "--project", "team")["projects"]

    assert [("team", False, "")] == [(one["project"], one["was_there"], one["error"]) for one in there]
    assert there[0]["files"] == there[0]["copied"] > 0
    assert [] == list((home.data_dir / INDEX_FOLDER).glob("*/v1/index.db"))
    assert before == _found(served)
    assert "team lies on the Weaviate server already" in served.run("move-index", "--to", "weaviate").stdout
    assert "all whole" in served.run("check", "--index").stdout
    assert 0 == served.run("check", "--index", "--repair").exit_code
    assert "it lies on a server, and none is set" in home.run("check", "--index").stdout
    assert "set weaviate.url again" in home.fails("search", "lock", "--project", "team")

    back = served.json("move-index", "--to", "local")["projects"]

    assert there[0]["files"] == back[0]["copied"]
    assert before == _found(home)


def _line(printed: str) -> str:
    return " ".join(printed.split())


def _with_server(home: Home, url: str, grpc_port: int) -> Home:
    settings = {"ROOMWISE_WEAVIATE__URL": url, "ROOMWISE_WEAVIATE__GRPC_PORT": str(grpc_port)}
    return Home(home.folder, settings)


def _found(home: Home) -> list[tuple[str, int]]:
    """Where searches find something."""
    queries = ("deploy", "how are releases made", "install")
    return [
        (one["path"], one["first_line"])
        for query in queries
        for one in home.json("search", query, "--project", "team")["passages"]
    ]
