"""Repositories on the network from the command line: indexed, asked about, private and not, and what goes wrong."""

import asyncio
import base64
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.certificate import certificate
from tests.fakes.git_http import GitHttp
from tests.fakes.repository import Repository
from tests.integration.homes import Home

TOKEN = "canary-token-91f3"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@dataclass
class Forge:
    """A host that serves repositories over https, on a thread of its own, and a home that may ask it."""

    home: Home
    server: GitHttp
    root: Path

    @property
    def host(self) -> str:
        """The host as settings name it."""
        return f"localhost:{self.server.port}"

    def make(self, name: str) -> Repository:
        """A repository with one page; the address is its folder."""
        repository = Repository(self.root / name)
        repository.put("docs/zebra.md", "# Zebras\n\nA zebra sleeps in the barn.\n")
        repository.put("notes.md", "# Notes\n\nAn okapi eats leaves.\n")
        repository.commit()
        return repository

    def url(self, name: str) -> str:
        """Where git finds it."""
        return f"https://{self.host}/{name}/.git"

    def index(self, *words: str) -> Any:
        """Index into the project team; the sources."""
        return self.home.json("index", *words, "--project", "team")["sources"]


@pytest.fixture
def forge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
    """A forge without repositories."""
    context, trusted = certificate(tmp_path)
    monkeypatch.setenv("GIT_SSL_CAINFO", str(trusted))
    loop, server = asyncio.new_event_loop(), GitHttp(tmp_path / "served", tls=context)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(30)
    made = Forge(Home(tmp_path), server, tmp_path / "served")
    made.home.environment["ROOMWISE_SOURCES__ALLOWED_HOSTS"] = f'["{made.host}", "github.com"]'
    made.home.environment["ROOMWISE_SOURCES__INSIDE_HOSTS"] = f'["{made.host}"]'
    try:
        yield made
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_a_repository_is_indexed_and_asked_about(forge: Forge) -> None:
    """By its address; pointers of LFS and submodules are named and left out, and a second look fetches nothing."""
    repository = forge.make("acme/app")
    repository.put("big.md", POINTER)
    repository.git("add", ".")
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},libs/other")
    repository.git("commit", "--quiet", "-m", "more")

    (first,) = forge.index(forge.url("acme/app"))
    fetched = len(forge.server.requests)
    (again,) = forge.index(forge.url("acme/app"))
    cited = forge.home.json("ask", "Where does a zebra sleep?", "--project", "team")["citations"]

    assert ("git", f"https://{forge.host}/acme/app", 2) == (first["kind"], first["location"], first["files"])
    assert {"lfs": 1, "submodule": 1} == first["skipped"]
    assert first["version"] == again["version"] == repository.git("rev-parse", "HEAD")
    assert 2 == len(forge.server.requests) - fetched  # the two requests of ls-remote
    assert "docs/zebra.md" == cited[0]["path"]


def test_a_branch_and_a_path_of_it(forge: Forge) -> None:
    """What lies elsewhere is not indexed; a path that is not there is named with the nearest."""
    repository = forge.make("acme/app")
    repository.git("checkout", "--quiet", "-b", "next")
    repository.put("docs/new.md", "# New\n\nA quagga is back.\n")
    repository.commit()

    (source,) = forge.index(forge.url("acme/app"), "--branch", "next", "--path", "docs", "--path", "dosc")

    assert (2, [{"path": "dosc", "near": ["docs"]}]) == (source["files"], source["absent"])


def test_a_private_repository_by_token(forge: Forge) -> None:
    """It is read with it, stays out of public rooms, and no file of the data folder holds the token."""
    forge.make("acme/secret")
    forge.server.wanted = "Basic " + base64.b64encode(f"oauth2:{TOKEN}".encode()).decode()
    refused = forge.home.fails("index", forge.url("acme/secret"), "--project", "team")
    name = "ROOMWISE_SOURCES__CREDENTIALS__ACME__"
    wanted = {"TOKEN": TOKEN, "HOST": forge.host, "REPOSITORIES": '["acme/*"]'}
    forge.home.environment.update({f"{name}{key}": value for key, value in wanted.items()})

    (source,) = forge.index(forge.url("acme/secret"))
    held = [path for path in forge.home.data_dir.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]

    assert "does not exist or is private" in refused
    assert (2, "") == (source["files"], source["error"])
    assert [] == held


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("acme/none/.git",), "does not exist or is private"),
        (("acme/app/.git", "--branch", "mian"), "There are: main"),
        (("acme/app/.git", "--branch=--upload-pack=x"), "expected the name of a branch"),
        (("acme/app/.git", "--path", "../x"), "inside the repository"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_added(forge: Forge, words: tuple[str, ...], said: str) -> None:
    """A repository or branch that is not there, names that git could take for options, paths that lead out."""
    forge.make("acme/app")

    assert said in forge.home.fails("index", f"https://{forge.host}/{words[0]}", *words[1:], "--project", "team")
    assert [] == forge.home.json("status")["projects"]


def test_a_folder_that_is_there_wins_over_github(forge: Forge) -> None:
    """And the output says so; what is neither is taken as GitHub's, which is said by its address."""
    folder = forge.home.folder / "owner" / "name"
    folder.mkdir(parents=True)
    (folder / "a.md").write_text("# A\n\nA page.\n", "utf-8")

    done = forge.home.run("index", "owner/name", "--project", "team")

    assert 0 == done.exit_code, done.output
    assert "owner/name is a folder here; for GitHub's: https://github.com/owner/name" in done.stderr
    assert "1 files" in done.stdout


def test_hosts_and_schemes_that_are_not_allowed(forge: Forge) -> None:
    """The command line asks no host that the settings do not name, and runs no other program."""
    for address in ("https://evil.example/a/b", "ext::sh -c x://", "file:///etc", "ssh://git@github.com/a/b"):
        assert "expected" in forge.home.fails("index", address, "--project", "team")
