"""Files are read from the homeserver, as far as they are wanted."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.chat import ChatError, Refused, Unreachable
from adapters.matrix.faults import NotThere, TooLarge
from adapters.matrix.fetching import fetch_file

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def always(response: web.Response) -> Answer:
    """The same answer to whatever is asked."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return response

    return answer


class Site:
    """A web server that answers as it is told."""

    def __init__(self) -> None:
        self.answer: Answer
        self.seen: list[web.Request] = []

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer."""
        self.seen.append(request)
        return await self.answer(request)


@pytest.fixture
async def site() -> AsyncIterator[tuple[Site, str]]:
    """A server and its address."""
    made = Site()
    application = web.Application()
    application.router.add_get("/{path:.*}", made.serve)
    async with TestServer(application) as server:
        yield made, str(server.make_url("/"))


async def fetched(url: str, max_bytes: int = 10) -> bytes:
    """What is there."""
    async with aiohttp.ClientSession() as session:
        return await fetch_file(session, f"{url}file", token="secret-token", max_bytes=max_bytes)


async def test_the_bytes_come_with_the_token(site: tuple[Site, str]) -> None:
    """As they are."""
    made, url = site
    made.answer = always(web.Response(body=b"\x00\xff"))

    assert b"\x00\xff" == await fetched(url)
    assert "Bearer secret-token" == made.seen[0].headers["Authorization"]


@pytest.mark.parametrize("says_length", [True, False])
async def test_no_more_is_read_than_is_wanted(site: tuple[Site, str], *, says_length: bool) -> None:
    """Whether the server says how much there is or not."""
    made, url = site
    ended = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if says_length:
            response.content_length = 10**12
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 1_000)
        finally:
            ended.set()

    made.answer = endless
    with pytest.raises(TooLarge):
        await fetched(url)
    await ended.wait()


@pytest.mark.parametrize("where", ["https://elsewhere.example/file", "/other"])
async def test_a_server_that_sends_us_elsewhere_is_not_followed(site: tuple[Site, str], where: str) -> None:
    """The token is for one machine only."""
    made, url = site
    made.answer = always(web.Response(status=307, headers={"Location": where}))

    with pytest.raises(Refused, match="another machine"):
        await fetched(url)
    assert 1 == len(made.seen)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, '{"errcode": "M_NOT_FOUND"}', NotThere),
        (404, '{"errcode": "M_UNRECOGNIZED"}', NotThere),
        (404, "<html>", Unreachable),
        (502, "x" * 200_000, Unreachable),
        (504, '{"errcode": "M_NOT_YET_UPLOADED"}', Unreachable),
        (429, '{"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 5}', Unreachable),
        (403, '{"errcode": "M_FORBIDDEN"}', Refused),
    ],
)
async def test_what_the_server_says_instead_is_put_in_our_words(
    site: tuple[Site, str], status: int, body: str, kind: type[ChatError]
) -> None:
    """As everywhere."""
    made, url = site
    made.answer = always(web.Response(status=status, text=body))

    with pytest.raises(kind) as caught:
        await fetched(url)
    assert "secret-token" not in repr(caught.value)
    assert None is caught.value.__context__


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    """And nothing of what was asked is told."""
    with pytest.raises(Unreachable) as caught:
        await fetched("http://127.0.0.1:9/")

    assert "secret-token" not in repr(caught.value)
