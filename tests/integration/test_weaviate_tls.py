"""A Weaviate server behind TLS, with certificates of an authority that only this test knows."""

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trustme

from pipelines.stores.passages import Change, Scope
from pipelines.stores.weaviate import WeaviatePassages
from pipelines.stores.weaviate_address import Address
from pipelines.stores.weaviate_schema import Layout, Names
from pipelines.stores.weaviate_server import Server
from pipelines.types import StoreUnavailable
from tests.fakes.files import PROJECT, file_of, texts_of
from tests.fakes.relay import Relay
from tests.fakes.weaviate_store import emptied_weaviate

pytestmark = pytest.mark.weaviate


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """An authority that nobody knows."""
    return trustme.CA()


@pytest.fixture
async def behind_tls(weaviate: Address, authority: trustme.CA) -> AsyncIterator[Address]:
    """Both ports of an empty server behind TLS."""
    await (await emptied_weaviate(weaviate)).close()
    port = int(weaviate.url.rpartition(":")[2])
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(Relay(port, tls=_server_side(authority, "http/1.1")))
        grpc = await stack.enter_async_context(Relay(weaviate.grpc_port, tls=_server_side(authority, "h2")))
        yield Address(f"https://127.0.0.1:{http.port}", grpc_port=grpc.port)


def _server_side(authority: trustme.CA, protocol: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols([protocol])
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def opened(address: Address) -> WeaviatePassages:
    """Open a store."""
    return WeaviatePassages(Server(address, Names("tests"), Layout()))


async def test_a_named_authority_is_trusted_on_both_ports(
    behind_tls: Address, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written over TLS is found over TLS; no proxy of the environment stands between where NO_PROXY says so."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    for name, value in {"HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    store = opened(behind_tls)
    await store.create(PROJECT)
    await store.apply(PROJECT, Change(put=[file_of("a.md", "one word")]))
    found = texts_of(await store.keywords(PROJECT, "word", scope=Scope(), limit=5))
    await store.close()

    assert ["one word"] == found


async def test_an_unknown_authority_is_refused(behind_tls: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names the variable that can name it."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    store = opened(behind_tls)

    with pytest.raises(StoreUnavailable, match="nobody vouches for: SSL_CERT_FILE can name"):
        await store.create(PROJECT)
    await store.close()
