"""Whose certificates are trusted on the way to a Weaviate server."""

import ssl
from pathlib import Path

import pytest
import trustme

from pipelines.stores.weaviate_address import Address
from pipelines.stores.weaviate_roots import is_distrust, named_roots
from pipelines.stores.weaviate_schema import Layout, Names
from pipelines.stores.weaviate_server import Server
from pipelines.types import StoreUnavailable


@pytest.mark.parametrize("text", [None, "", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n"])
async def test_a_file_without_certificates_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    """By its name, before the server is asked; a file that is not there as well."""
    path = tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text, "ascii")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    server = Server(Address("https://127.0.0.1:1"), Names("tests"), Layout())

    with pytest.raises(StoreUnavailable, match=r"expected certificates in PEM form in .*ca\.pem, which SSL_CERT_FILE"):
        await server.client()
    await server.close()


def test_the_certificates_of_the_variable_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they are; without it those of public authorities stay."""
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(path))

    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    assert path.read_bytes() == named_roots()
    monkeypatch.setenv("SSL_CERT_FILE", "")
    assert named_roots() is None


def test_a_refused_certificate_is_found_below_what_the_client_raises() -> None:
    """However deep; nothing else is taken for one."""
    outer = ConnectionError("no words")
    outer.__cause__ = OSError("between")
    assert not is_distrust(outer)

    outer.__cause__.__context__ = ssl.SSLCertVerificationError("unable to get local issuer certificate")
    assert is_distrust(outer)
