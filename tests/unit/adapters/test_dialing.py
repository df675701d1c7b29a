"""HTTP that reaches checked addresses only."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Sequence

import httpcore
import httpx
import pytest

from adapters.addresses import Resolve, resolver
from adapters.dialing import Answer, Bounds, CheckedClient, CheckedTransport, SourceLate
from adapters.source import SourceError, SourceRefused, SourceUnreachable


class TinyServer:
    """Answers every request on 127.0.0.1 with the same bytes, and keeps what it was asked."""

    def __init__(self, reply: bytes) -> None:
        self.reply = reply
        self.asked: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and hang up."""
        try:
            self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
            writer.write(self.reply)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            self.asked.append("")
        writer.close()


def http(status: int, body: bytes = b"", **headers: str) -> bytes:
    """The bytes of an answer."""
    named = {"content-length": str(len(body)), "connection": "close", **headers}
    lines = [f"HTTP/1.1 {status} X", *(f"{name.replace('_', '-')}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.fixture
async def server() -> AsyncIterator[TinyServer]:
    """A server that says "hello"."""
    tiny = TinyServer(http(200, b'"hello"'))
    running = await asyncio.start_server(tiny.serve, "127.0.0.1", 0)
    tiny.port = running.sockets[0].getsockname()[1]
    async with running:
        yield tiny


def at(**addresses: str) -> Resolve:
    """A resolver that knows these hosts: `_` stands for the dot."""

    async def ask(host: str, _port: int) -> Sequence[str]:
        return [addresses[host.replace(".", "_")]]

    return ask


def client(
    server: TinyServer, *, hosts: Sequence[str] = ("first.test",), bounds: Bounds | None = None, **addresses: str
) -> CheckedClient:
    """A client for which first.test may lie inside, and which may ask these hosts over plain HTTP."""
    known = {"first_test": "127.0.0.1", **addresses}
    transport = CheckedTransport(
        resolver(inside_hosts=["first.test"], ask=at(**known)),
        places=[f"{host}:{server.port}" for host in hosts],
        schemes=("http", "https"),
    )
    return CheckedClient(transport, bounds=bounds)


async def asked(client: CheckedClient, url: str, **headers: str) -> Answer:
    """Ask once and close."""
    try:
        return await client.ask("GET", url, headers=headers)
    finally:
        await client.close()


async def test_host_of_the_operator_is_asked(server: TinyServer) -> None:
    """A host that may lie inside is dialled at its address, by its name."""
    answer = await asked(client(server), f"http://first.test:{server.port}/x")

    assert (200, "hello") == (answer.status, answer.json())
    assert f"Host: first.test:{server.port}" in server.asked[0]


HOSTILE = [
    "https://127.0.0.1:{port}/",
    "https://2130706433:{port}/",
    "https://0x7f000001:{port}/",
    "https://0177.0.0.1:{port}/",
    "https://127.1:{port}/",
    "https://localhost:{port}/",
    "https://[::1]:{port}/",
    "https://[::ffff:127.0.0.1]:{port}/",
    "https://[64:ff9b::7f00:1]:{port}/",
    "https://[fe80::1]:{port}/",
    "https://169.254.169.254/latest/meta-data",
    "https://100.64.0.1/",
    "https://[fc00::1]/",
    "https://224.0.0.1/",
    "https://0.0.0.0:{port}/",
    "https://github.com@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/",
    "https://①②⑦.⓪.⓪.①:{port}/",
    "https://127.0.0.1.:{port}/",
]


@pytest.mark.parametrize("url", HOSTILE)
async def test_no_spelling_of_an_address_inside_is_dialled(server: TinyServer, url: str) -> None:
    """Loopback in every spelling, link-local, shared, multicast, other schemes: nothing arrives, even on an open port."""
    hostile = url.format(port=server.port)
    place = hostile.partition("://")[2].partition("/")[0].rpartition("@")[2]
    guarded = CheckedClient(CheckedTransport(resolver(), places=[place]), bounds=Bounds(timeout_s=5.0))

    with pytest.raises(SourceError):
        await asked(guarded, hostile)

    assert [] == server.asked


async def test_redirect_to_loopback_is_not_followed(server: TinyServer) -> None:
    """What a host names in a redirect is checked like any other host."""
    server.reply = http(302, location=f"http://second.test:{server.port}/secret")
    followed = client(server, hosts=("first.test", "second.test"), second_test="127.0.0.1")

    with pytest.raises(SourceRefused, match=r"second\.test"):
        await asked(followed, f"http://first.test:{server.port}/")

    assert 1 == len(server.asked)


async def test_redirect_elsewhere_carries_no_credential(server: TinyServer) -> None:
    """A token is for the host that it was given for; the next host sees none."""
    seen: list[tuple[str, bool]] = []

    def reply(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.host, "authorization" in request.headers))
        return httpx.Response(200) if len(seen) > 1 else httpx.Response(302, headers={"location": "https://b.test/"})

    await asked(CheckedClient(httpx.MockTransport(reply)), "https://a.test/", Authorization="Bearer secret")

    assert [("a.test", True), ("b.test", False)] == seen


async def test_redirect_within_the_host_keeps_the_credential() -> None:
    """A renamed repository is one redirect away on the same host."""
    seen: list[bool] = []

    def reply(request: httpx.Request) -> httpx.Response:
        seen.append("authorization" in request.headers)
        return httpx.Response(200) if len(seen) > 1 else httpx.Response(301, headers={"location": "/moved"})

    await asked(CheckedClient(httpx.MockTransport(reply)), "https://a.test/", Authorization="Bearer secret")

    assert [True, True] == seen


async def test_what_is_posted_is_not_redirected() -> None:
    """As a GET it would ask for something else, and its answer would be taken for that of the question."""
    seen: list[str] = []

    def reply(request: httpx.Request) -> httpx.Response:
        seen.append(request.method)
        return httpx.Response(301, headers={"location": "https://b.test/"})

    client = CheckedClient(httpx.MockTransport(reply))
    answer = await client.ask("POST", "https://a.test/", content=b"{}")

    assert (301, "a.test", ["POST"]) == (answer.status, answer.host, seen)


async def test_answer_names_the_host_that_gave_it() -> None:
    """Whoever asked can see that it was sent elsewhere."""

    def reply(request: httpx.Request) -> httpx.Response:
        is_first = request.url.host == "a.test"
        return httpx.Response(302, headers={"location": "https://b.test:8443/"}) if is_first else httpx.Response(200)

    assert "b.test:8443" == (await asked(CheckedClient(httpx.MockTransport(reply)), "https://a.test/")).host


async def test_redirects_have_an_end(server: TinyServer) -> None:
    """A host that redirects for ever is given up after the third time."""
    server.reply = http(302, location="/again")

    with pytest.raises(SourceUnreachable, match="TooManyRedirects"):
        await asked(client(server), f"http://first.test:{server.port}/")

    assert 4 == len(server.asked)


async def test_cookies_are_not_kept() -> None:
    """Nothing that one answer sets goes out with the next request."""
    seen: list[str | None] = []

    def reply(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("cookie"))
        return httpx.Response(200, headers={"set-cookie": "id=1; Path=/"})

    forgetful = CheckedClient(httpx.MockTransport(reply))
    await forgetful.ask("GET", "https://a.test/")
    await asked(forgetful, "https://a.test/")

    assert [None, None] == seen


async def test_host_that_answers_differently_the_second_time_is_dialled_where_it_was_checked() -> None:
    """The address that passed the check is the one that is connected to: the host is not resolved once more."""
    answers = iter([["140.82.121.4"], ["127.0.0.1"]])
    dialled: list[str] = []

    async def ask(_host: str, _port: int) -> Sequence[str]:
        return next(answers)

    class Recording(httpcore.AnyIOBackend):
        async def connect_tcp(self, host: str, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
            dialled.append(host)
            raise httpcore.ConnectError("as the test wants it")

    transport = CheckedTransport(resolver(ask=ask), network=Recording())

    with pytest.raises(SourceUnreachable, match="ConnectError"):
        await asked(CheckedClient(transport), "https://rebinding.test/")

    assert ["140.82.121.4"] == dialled


@pytest.mark.parametrize("fault", [httpcore.ConnectError, httpcore.ConnectTimeout])
async def test_every_address_is_tried(fault: type[Exception]) -> None:
    """A host whose first address is dead is reached by its second one; one with none is away, not slow."""
    dialled: list[str] = []

    async def ask(_host: str, _port: int) -> Sequence[str]:
        return ["2606:50c0::1", "140.82.121.4"]

    class Dead(httpcore.AnyIOBackend):
        async def connect_tcp(self, host: str, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
            dialled.append(host)
            raise fault("as the test wants it")

    with pytest.raises(SourceUnreachable) as away:
        await asked(CheckedClient(CheckedTransport(resolver(ask=ask), network=Dead())), "https://dead.test/")

    assert not isinstance(away.value, SourceLate)
    assert ["2606:50c0::1", "140.82.121.4"] == dialled


async def test_proxy_of_the_environment_is_not_used(server: TinyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would connect for us, to addresses that nobody has checked."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{server.port}")

    with pytest.raises(SourceRefused):
        await asked(client(server, b_test="10.0.0.1"), "https://b.test/")

    assert [] == server.asked


async def test_large_body_is_not_read_to_its_end(server: TinyServer) -> None:
    """The limit counts what was unpacked, not what was sent."""
    server.reply = http(200, gzip.compress(b" " * 500_000), content_encoding="gzip")

    with pytest.raises(SourceUnreachable, match="at most 1000 bytes"):
        await asked(client(server, bounds=Bounds(most_bytes=1000)), f"http://first.test:{server.port}/")


async def test_packed_twice_is_refused(server: TinyServer) -> None:
    """Codings on top of each other make a bomb of a few bytes."""
    server.reply = http(200, gzip.compress(gzip.compress(b"x")), content_encoding="gzip, gzip")

    with pytest.raises(SourceUnreachable, match="another coding"):
        await asked(client(server), f"http://first.test:{server.port}/")


async def test_slow_body_ends_with_the_time_for_all(server: TinyServer) -> None:
    """One time counts for connecting, waiting and reading together."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\nx")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as slow:
        server.port = slow.sockets[0].getsockname()[1]
        with pytest.raises(SourceLate, match=r"in 0\.2 s"):
            await asked(client(server, bounds=Bounds(timeout_s=0.2)), f"http://first.test:{server.port}/")


async def test_other_ports_are_not_asked(server: TinyServer) -> None:
    """Port 443 and what the operator listed; a redirect cannot reach another service of an allowed host."""
    with pytest.raises(SourceRefused, match="port 443"):
        await asked(client(server, hosts=()), f"http://first.test:{server.port}/")

    assert [] == server.asked
