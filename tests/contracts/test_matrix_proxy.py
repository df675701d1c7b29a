"""The proxy before a Matrix server: everything passes as it is, and a fault is what it says."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.fakes.http_server import HttpServer
from tests.fakes.matrix_proxy import Fault, How, MatrixProxy, limited, running_proxy

SEND = "/_matrix/client/v3/rooms/!one/send/m.room.message/t1"


class Server(HttpServer):
    """Counts what reaches it, and gives every body back."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[bytes] = []

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer."""
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = next((line[15:] for line in head.split(b"\r\n") if line.startswith(b"content-length:")), b"0")
        self.bodies.append(await reader.readexactly(int(length)))
        body = json.dumps({"got": self.bodies[-1].decode(), "authorized": b"bearer secret" in head}).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        )
        return True


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """What is behind the proxy."""
    async with Server() as running:
        yield running


@pytest.fixture
async def proxy(server: Server) -> AsyncIterator[MatrixProxy]:
    """A proxy with no faults yet."""
    async with running_proxy(server.url) as running:
        yield running


async def put(proxy: MatrixProxy, body: object = "hello") -> httpx.Response:
    """Send something through."""
    async with httpx.AsyncClient(verify=False, base_url=proxy.url) as client:
        return await client.put(SEND, json=body, headers={"Authorization": "Bearer secret"})


async def test_what_no_fault_concerns_passes_as_it_is(proxy: MatrixProxy) -> None:
    """Body, headers and answer; and the test can see what passed."""
    proxy.add(Fault("GET /_matrix/client/v3/sync", "reset_before"))
    answer = await put(proxy, {"body": "ä"})

    assert {"got": '{"body":"ä"}', "authorized": True} == answer.json()
    assert [(200, True, {"body": "ä"})] == [(one.status, one.is_done, one.json) for one in proxy.asked(r"PUT .*/send/")]


async def test_a_body_in_chunks_passes_whole(proxy: MatrixProxy, server: Server) -> None:
    """As clients send files whose size they do not know."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    async with httpx.AsyncClient(verify=False, base_url=proxy.url) as client:
        await client.put(SEND, content=chunks())

    assert [b"one two"] == server.bodies


@pytest.mark.parametrize(
    ("how", "is_done"),
    [("reset_before", False), ("reset_after", True), ("cut", True)],
)
async def test_a_connection_breaks_before_or_after_the_server_has_it(
    how: How, *, is_done: bool, proxy: MatrixProxy, server: Server
) -> None:
    """So often as was asked for; then requests pass again."""
    fault = proxy.add(Fault("/send/", how, times=2))
    for _ in range(2):
        with pytest.raises(httpx.TransportError):
            await put(proxy)
    answer = await put(proxy)

    assert 200 == answer.status_code
    assert (2, 2 * is_done + 1) == (fault.happened, len(server.bodies))
    assert [0, 0, 200] == [one.status for one in proxy.passed]


async def test_a_refusal_and_a_page_of_html_never_reach_the_server(proxy: MatrixProxy, server: Server) -> None:
    """In the order in which they were added."""
    proxy.add(limited("/send/", 1_500))
    proxy.add(Fault("/send/", "html"))
    slower, broken = await put(proxy), await put(proxy)

    assert (429, "M_LIMIT_EXCEEDED", 1_500) == (
        slower.status_code,
        *map(slower.json().get, ("errcode", "retry_after_ms")),
    )
    assert (502, "text/html") == (broken.status_code, broken.headers["content-type"])
    assert [] == server.bodies


@pytest.mark.parametrize(("how", "done"), [("held", 0), ("held_after", 1)])
async def test_what_is_held_goes_on_when_it_is_released(
    how: How, done: int, proxy: MatrixProxy, server: Server
) -> None:
    """Before the server has it, or after."""
    fault = proxy.add(Fault("/send/", how))
    asking = asyncio.create_task(put(proxy))
    await fault.began.wait()
    other = await put(proxy, "another")
    reached = len(server.bodies) - 1
    fault.release()
    held = await asking

    assert (200, 200) == (other.status_code, held.status_code)
    assert reached in {0, done}
    assert {b'"another"', b'"hello"'} == set(server.bodies)


async def test_an_answer_can_be_late_or_no_json(proxy: MatrixProxy) -> None:
    """Both after the server has done what was asked."""
    proxy.add(Fault("/send/", "slow", seconds=0.01))
    proxy.add(Fault("/send/", "malformed"))
    late, odd = await put(proxy), await put(proxy)

    assert "hello" in late.json()["got"]
    assert (200, b'{"next_batch') == (odd.status_code, odd.content)


async def test_a_server_that_is_down_is_a_reset(proxy: MatrixProxy, server: Server) -> None:
    """Who asks through the proxy sees the same as without it."""
    server.stop_listening()
    with pytest.raises(httpx.TransportError):
        await put(proxy)

    assert [(0, False)] == [(one.status, one.is_done) for one in proxy.passed]
