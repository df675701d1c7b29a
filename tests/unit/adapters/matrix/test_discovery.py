"""Where the server of an account answers."""

import aiohttp
import pytest

from adapters.chat import Unreachable
from adapters.matrix.discovery import domain_of, homeserver_of, is_usable, named_in
from tests.fakes.matrix_server import MatrixServer


@pytest.mark.parametrize(
    ("user", "domain"), [("@a:example.org", "example.org"), ("@a:b:8448", "b:8448"), ("@a:[::1]:8448", "[::1]:8448")]
)
def test_the_domain_is_all_behind_the_first_colon(user: str, domain: str) -> None:
    """A port of it belongs to it."""
    assert domain == domain_of(user)


@pytest.mark.parametrize(
    ("address", "usable"),
    [
        ("https://matrix.example.org", True),
        ("https://example.org:8448/matrix", True),
        ("http://matrix.example.org", False),
        ("https://user:pw@example.org", False),
        ("https://example.org/?a=b", False),
        ("https://", False),
        ("javascript:alert(1)", False),
        ("https://[", False),
        ("https://example.org:port", False),
    ],
)
def test_a_token_goes_only_where_a_domain_may_send_it(address: str, usable: bool) -> None:  # noqa: FBT001
    """What a domain says of itself comes over the network, and decides where the password is sent."""
    assert usable is is_usable(address)


async def test_a_named_server_is_asked_whether_it_is_one() -> None:
    """Its address comes out without a slash at the end."""
    async with MatrixServer() as server, aiohttp.ClientSession() as session:
        found = await homeserver_of(session, "@a:example.org", named=server.url + "/")

    assert server.url == found


async def test_a_domain_that_says_nothing_is_asked_itself() -> None:
    """And when nobody answers there either, that is said with the address."""
    async with aiohttp.ClientSession() as session:
        with pytest.raises(Unreachable, match=r"https://127\.0\.0\.1"):
            await homeserver_of(session, "@a:127.0.0.1:1", named="")


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ({"m.homeserver": {"base_url": "https://matrix.example.org"}}, "https://matrix.example.org"),
        ({"m.homeserver": {"base_url": "http://matrix.example.org"}}, None),
        ({"m.homeserver": {"base_url": 7}}, None),
        ({"m.homeserver": "https://matrix.example.org"}, None),
        ({}, None),
        ([], None),
        ("<html>", None),
    ],
)
def test_what_a_domain_says_of_itself_is_used_only_when_it_is_whole(said: object, address: str | None) -> None:
    """Else the operator is told to name the server."""
    assert address == named_in(said)
