"""Who may speak to the web server at all."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from bot.web.security import (
    BODY_MAX_BYTES,
    HEADERS,
    Guard,
    ListeningRefused,
    Tries,
    allowed_hosts,
    check_listening,
    host_name,
    peer_of,
)
from config.settings import Web

LOCAL = Web(
    host="127.0.0.1",
    port=8765,
    public_url="",
    allowed_hosts=(),
    trusted_proxies=(),
    tls_in_front=False,
    published_locally=False,
    session_days=7,
)
PROXIED = LOCAL.model_copy(
    update={"public_url": "https://rooms.example.org", "trusted_proxies": ("10.0.0.0/8",), "tls_in_front": True}
)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Say how the request looks behind the guard."""
    request = Request(scope, receive)
    body = await request.body()
    client = request.client.host if request.client else ""
    await PlainTextResponse(f"{request.url.scheme} {client} {len(body)}")(scope, receive, send)


def client(settings: Web = LOCAL, *, peer: str = "127.0.0.1") -> httpx.AsyncClient:
    """A client of a guarded application."""
    guard = Guard(echo, settings, upload_max_bytes=5_000_000)
    return httpx.AsyncClient(transport=httpx.ASGITransport(guard, client=(peer, 1)), base_url="http://127.0.0.1:8765")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.8.8.8"])
def test_the_own_machine_needs_nothing(host: str) -> None:
    """An address that only this machine reaches may be listened on without an owner."""
    check_listening(LOCAL.model_copy(update={"host": host}), has_owner=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "rooms.example.org", ""])
def test_a_public_address_needs_tls_in_front(host: str) -> None:
    """An address that others reach is refused while nothing ends TLS, and the error says what to set."""
    with pytest.raises(ListeningRefused) as caught:
        check_listening(LOCAL.model_copy(update={"host": host}), has_owner=True)

    assert "tls_in_front" in str(caught.value)
    assert repr(host) in str(caught.value)


def test_a_container_that_only_this_machine_reaches_needs_nothing() -> None:
    """Inside a container one listens on every address; publishing it locally is the operator's word."""
    check_listening(LOCAL.model_copy(update={"host": "0.0.0.0", "published_locally": True}), has_owner=False)


def test_a_public_address_needs_an_owner() -> None:
    """With TLS in front the service still waits for its owner."""
    settings = PROXIED.model_copy(update={"host": "0.0.0.0"})
    with pytest.raises(ListeningRefused, match="owner"):
        check_listening(settings, has_owner=False)

    check_listening(settings, has_owner=True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("localhost:8765", "localhost"),
        ("[::1]:8765", "::1"),
        ("ROOMS.example.org", "rooms.example.org"),
        ("http://a.example:1", "a.example"),
        ("a@b", None),
        ("a:b:c", None),
        ("", None),
        ("evil.example/127.0.0.1", None),
    ],
)
def test_a_host_is_read_without_its_port(value: str, expected: str | None) -> None:
    """Names come out in lower case; what is no host name comes out as nothing."""
    assert expected == host_name(value)


async def test_only_known_hosts_are_answered() -> None:
    """A Host that nobody configured is refused, so that a rebound name reaches nothing."""
    async with client() as http:
        good = await http.get("/", headers={"Host": "localhost:1"})
        bad = await http.get("/", headers={"Host": "evil.example"})

    assert (200, 421) == (good.status_code, bad.status_code)
    assert "allowed_hosts" in bad.json()["error"]["what_to_do"]
    assert "rooms.example.org" in allowed_hosts(PROXIED)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 200),
        ({"Origin": "http://127.0.0.1:8765"}, 200),
        ({"Origin": "http://127.0.0.1:9999"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
async def test_other_sites_change_nothing(headers: dict[str, str], expected: int) -> None:
    """A request that changes something must not come from another site's page."""
    async with client() as http:
        answer = await http.post("/", headers=headers)

    assert expected == answer.status_code


async def test_a_large_request_is_refused_by_its_announced_length() -> None:
    """More than a megabyte is refused at once; uploads may be larger."""
    async with client() as http:
        big = await http.post("/api/ask", content=b"x" * (BODY_MAX_BYTES + 1))
        upload = await http.post("/api/rooms/r/upload", content=b"x" * (BODY_MAX_BYTES + 1))

    assert (413, 200) == (big.status_code, upload.status_code)


async def test_a_large_request_of_unknown_length_is_cut() -> None:
    """A body that comes in pieces is not read further than the limit."""
    sent = 0

    async def receive() -> dict[str, object]:
        nonlocal sent
        sent += 1
        return {"type": "http.request", "body": b"x" * 400_000, "more_body": True}

    async def ignore(message: object) -> None:
        pass

    scope: dict[str, object] = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "scheme": "http",
        "headers": [(b"host", b"localhost"), (b"transfer-encoding", b"chunked")],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
    }
    with pytest.raises(ClientDisconnect):
        await Guard(echo, LOCAL, upload_max_bytes=1)(scope, receive, ignore)

    assert 3 == sent


async def test_forwarded_headers_count_from_configured_proxies_only() -> None:
    """Scheme and address come from the proxy; anybody else's headers are ignored."""
    headers = {"X-Forwarded-For": "1.2.3.4, 203.0.113.9, 10.0.0.7", "X-Forwarded-Proto": "https"}
    async with client(PROXIED, peer="10.0.0.1") as http:
        trusted = await http.get("/", headers=headers)
    async with client(PROXIED, peer="203.0.113.50") as http:
        stranger = await http.get("/", headers=headers)

    assert "https 203.0.113.9 0" == trusted.text
    assert "max-age" in trusted.headers["strict-transport-security"]
    assert "http 203.0.113.50 0" == stranger.text


def test_the_peer_of_no_address_is_empty() -> None:
    """A request over a socket without addresses has an unknown peer."""
    assert "" == peer_of({"type": "http", "headers": [], "client": None}, proxies=("10.0.0.0/8",)).address


async def test_every_answer_carries_our_headers() -> None:
    """Policy and the rest stand on refusals too, and no policy allows inline scripts or styles."""
    async with client() as http:
        answers = [await http.get("/"), await http.get("/", headers={"Host": "evil.example"})]

    for answer in answers:
        assert {name: answer.headers[name] for name in HEADERS} == dict(HEADERS)
        assert "unsafe" not in answer.headers["content-security-policy"]


def test_tries_are_counted_by_address_and_forgotten_in_time() -> None:
    """The eleventh try in ten minutes is refused; another address and a later time are not."""
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    tries = Tries(lambda: now[0], within=timedelta(minutes=10))

    assert [True] * 10 + [False] == [tries.may_try("a") for _ in range(11)]
    assert tries.may_try("b")
    now[0] += timedelta(minutes=10)
    assert tries.may_try("a")


def test_asking_whether_one_has_had_enough_counts_nothing() -> None:
    """True after the last try that was allowed, and false again in time."""
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    tries = Tries(lambda: now[0], allowed=2, within=timedelta(minutes=10))

    assert [False] * 5 == [tries.has_had_enough("a") for _ in range(5)]
    assert [True, True] == [tries.may_try("a") for _ in range(2)]
    assert tries.has_had_enough("a")
    now[0] += timedelta(minutes=10)
    assert not tries.has_had_enough("a")


def test_tries_remember_a_limited_number_of_addresses() -> None:
    """Many addresses do not fill the memory."""
    tries = Tries(lambda: datetime(2026, 1, 1, tzinfo=UTC), within=timedelta(minutes=1), most=10)
    for number in range(100):
        tries.may_try(str(number))

    assert 10 == len(tries._seen)
