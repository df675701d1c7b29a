"""What a Haystack view of a project on a server is before it asks one; see tests/contracts/test_haystack_documents.py."""

import subprocess
import sys

import pytest
from haystack.utils import Secret

from pipelines.stores.weaviate_view import ServerAddress, ServerDocuments
from pipelines.types import StoreUnavailable


def test_names_that_no_collection_can_have_are_refused_at_once() -> None:
    """Before anything is asked of a server."""
    for names in ({"project": "My Docs"}, {"installation": "team/docs"}, {"project": "p1-next"}):
        with pytest.raises(ValueError, match="lower-case letters and digits"):
            ServerDocuments(ServerAddress("http://127.0.0.1:1"), **names)


def test_a_key_that_is_in_no_variable_is_not_written_down() -> None:
    """Haystack refuses to describe such a secret; one whose variable is not set is told on the first call."""
    given = ServerDocuments(ServerAddress("http://127.0.0.1:1", api_key=Secret.from_token("a-key-of-a-view")))
    with pytest.raises(ValueError, match="token"):
        given.to_dict()

    unset = ServerDocuments(ServerAddress("http://127.0.0.1:1", api_key=Secret.from_env_var("NOT_SET_BY_ANYONE")))
    with pytest.raises(ValueError, match="NOT_SET_BY_ANYONE"):
        unset.count_documents()
    unset.close()


def test_a_view_is_described_and_closed_without_a_server() -> None:
    """Only its first call asks for one."""
    view = ServerDocuments(ServerAddress("http://127.0.0.1:1", grpc_host="other", grpc_port=2), installation="team")

    assert view.to_dict() == ServerDocuments.from_dict(view.to_dict()).to_dict()
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1, none answers"):
        view.filter_documents()
    view.close()


def test_the_client_is_imported_with_the_first_call() -> None:
    """To load a description of a pipeline costs neither its second nor its memory."""
    code = (
        "import sys\n"
        "from pipelines.stores.weaviate_view import ServerAddress, ServerDocuments\n"
        "ServerDocuments(ServerAddress('http://127.0.0.1:1')).to_dict()\n"
        "sys.exit('weaviate' in sys.modules)\n"
    )

    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode
