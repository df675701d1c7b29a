"""A Haystack view of a project on a real Weaviate server: its key, its thread, and a server that is away or refuses."""

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from haystack import Document
from haystack.document_stores.errors import DocumentStoreError
from haystack.errors import FilterError
from haystack.utils import Secret

from pipelines.stores import weaviate_writing
from pipelines.stores.passages import IndexedFile
from pipelines.stores.weaviate_address import Address
from pipelines.stores.weaviate_rows import Objects, objects_of
from pipelines.stores.weaviate_view import ServerAddress, ServerDocuments
from pipelines.types import StoreUnavailable
from tests.fakes.files import PROJECT
from tests.fakes.weaviate_nodes import running_weaviate
from tests.fakes.weaviate_store import emptied_weaviate

pytestmark = pytest.mark.weaviate

KEY, VARIABLE = "the-right-key-of-a-view", "KEY_OF_A_VIEW"


@pytest.fixture
async def server(weaviate: Address) -> ServerAddress:
    """The address of a server whose installation holds nothing."""
    await (await emptied_weaviate(weaviate)).close()
    return ServerAddress(weaviate.url, grpc_port=weaviate.grpc_port)


@pytest.fixture
def view(server: ServerAddress) -> Iterator[ServerDocuments]:
    """A view of an empty project."""
    opened = ServerDocuments(server, PROJECT, installation="tests")
    yield opened
    opened.close()


def test_the_key_is_taken_from_a_variable_and_named_only(
    weaviate_program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The description opens the documents again, and neither holds nor shows the key; nor does an error."""
    told = {
        "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "false",
        "AUTHENTICATION_APIKEY_ENABLED": "true",
        "AUTHENTICATION_APIKEY_ALLOWED_KEYS": KEY,
        "AUTHENTICATION_APIKEY_USERS": "roomwise",
    }
    monkeypatch.setenv(VARIABLE, KEY)
    with running_weaviate(weaviate_program, nodes=1, **told) as (node,):
        key = Secret.from_env_var(VARIABLE)
        server = ServerAddress(node.url, grpc_port=node.grpc_port, api_key=key, headers={"X-Team": key})
        view = ServerDocuments(server)
        view.write_documents([Document(id="a", content="alpha")])
        view.close()
        description = view.to_dict()
        again = ServerDocuments.from_dict(description)
        assert ["alpha"] == [one.content for one in again.filter_documents()]
        again.close()
        assert description == again.to_dict()
        assert KEY not in repr(description)

        monkeypatch.setenv(VARIABLE, "a-wrong-key-of-a-view")
        wrong = ServerDocuments.from_dict(description)
        with pytest.raises(StoreUnavailable, match="refuses the key") as error:
            wrong.count_documents()
        assert "a-wrong-key-of-a-view" not in str(error.value)
        wrong.close()


def test_the_first_call_after_the_server_is_back_goes_through(
    weaviate_program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when it was away at the first call of all, which says so."""
    monkeypatch.setattr("pipelines.stores.weaviate_server._RETRY_S", 0.0)
    with running_weaviate(weaviate_program, nodes=1) as (node,):
        view = ServerDocuments(ServerAddress(node.url, grpc_port=node.grpc_port))
        node.stop(signal.SIGKILL)
        with pytest.raises(StoreUnavailable, match="none answers"):
            view.count_documents()
        node.start()
        assert 1 == view.write_documents([Document(id="a", content="alpha")])
        node.stop(signal.SIGKILL)
        node.start()
        assert ["alpha"] == [one.content for one in view.filter_documents()]
        view.close()


def test_a_document_that_the_server_refuses_is_told(view: ServerDocuments, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its id; those beside it are written."""

    def broken(id_: str, file: IndexedFile, **options: Any) -> Objects:
        made = objects_of(id_, file, **options)
        if file.entry.path == "bad":
            made.row.properties["born"] = "no number"  # the server's own check refuses this object
        return made

    monkeypatch.setattr(weaviate_writing, "objects_of", broken)

    with pytest.raises(DocumentStoreError, match=r"\['bad'\]"):
        view.write_documents([Document(id=name, content=name) for name in ("good", "bad")])
    assert ["good"] == [one.id for one in view.filter_documents()]


def test_the_thread_ends_with_the_view(server: ServerAddress) -> None:
    """It starts with the first call; what comes after the end is refused, and to end twice does nothing."""
    before = set(threading.enumerate())
    view = ServerDocuments(server, PROJECT, installation="tests")
    assert f"weaviate-{PROJECT}" not in {one.name for one in threading.enumerate()}
    view.count_documents()
    assert f"weaviate-{PROJECT}" in {one.name for one in set(threading.enumerate()) - before}

    view.close()
    view.close()

    assert f"weaviate-{PROJECT}" not in {one.name for one in threading.enumerate()}
    with pytest.raises(StoreUnavailable, match="closed"):
        view.count_documents()


def test_many_threads_and_two_views_write_side_by_side(server: ServerAddress, view: ServerDocuments) -> None:
    """Each document is written by one of them, and one that several write is refused to all but one."""
    other = ServerDocuments(server, "p2", installation="tests")
    other.write_documents([Document(id="other", content="beta")])

    def write(number: int) -> int:
        return view.write_documents([Document(id=f"d{number % 6}", content="alpha")])

    with ThreadPoolExecutor(8) as pool:
        tries = [pool.submit(write, number) for number in range(12)]
    refused = [one for one in tries if one.exception() is not None]

    assert 6 == len(refused)
    assert 6 == view.count_documents()
    assert ["beta"] == [one.content for one in other.filter_documents()]
    other.close()


def test_filters_of_a_wrong_form_are_told(view: ServerDocuments) -> None:
    """As by every store of Haystack, also where only looking at a document shows it."""
    view.write_documents([Document(id="a", content="alpha", meta={"n": 1})])

    for wrong in ({"n": 1}, {"field": "meta.n", "operator": "~", "value": 1}):
        with pytest.raises(FilterError):
            view.filter_documents(wrong)


def test_more_passages_than_a_page_are_listed(view: ServerDocuments) -> None:
    """The server gives a thousand at once; all are listed, counted, updated and deleted."""
    view.write_documents([Document(id=f"d{number}", content="alpha", meta={"n": number}) for number in range(1_100)])
    some = {"field": "meta.n", "operator": ">=", "value": 50}

    assert 1_100 == view.count_documents() == len(view.filter_documents())
    assert 1_050 == view.update_by_filter(some, {"seen": True})
    assert 1_050 == view.count_documents_by_filter({"field": "meta.seen", "operator": "==", "value": True})
    assert 1_050 == view.delete_by_filter(some)
    assert 50 == view.count_documents()
