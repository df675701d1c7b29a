"""Posting to an endpoint: what is tried again and after how long, what is not, and what an error never holds."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from pipelines.components.posting import Address, JsonEndpoint, Patience, RequestRefused
from pipelines.types import ModelUnavailable
from tests.fakes.json_server import JsonServer, Odd

KEY = "sk-never-shown"
FIVE = Patience(timeout_s=10.0, retries=5)


class Waits:
    """Remembers how long it was asked to wait, and does not."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


async def post(server: JsonServer, patience: Patience = FIVE, waits: Waits | None = None) -> bytes:
    """Post once to the server."""
    endpoint = JsonEndpoint(Address(server.url + "/v1/", KEY, "embedder"), sleep=waits or Waits())
    try:
        return await endpoint.post("embeddings", {"input": "x"}, patience)
    finally:
        await endpoint.close()


async def failure(odd: Odd, patience: Patience = FIVE) -> tuple[ModelUnavailable, int]:
    """What comes of a server that answers so each time, and how often it was asked."""
    async with JsonServer(lambda _: {}, script=[odd] * 10) as server:
        with pytest.raises(ModelUnavailable) as raised:
            await post(server, patience)
    return raised.value, len(server.posted)


async def test_the_body_and_the_key_arrive_at_the_path() -> None:
    """A slash at the end of the address changes nothing."""
    async with JsonServer(lambda body: body) as server:
        assert b'{"input": "x"}' == await post(server)

    assert ["/v1/embeddings"] == [one.path for one in server.posted]
    assert f"Bearer {KEY}" == server.posted[0].headers["authorization"]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529])
async def test_what_may_pass_is_tried_again_with_growing_waits(status: int) -> None:
    """Each wait is at least half of a bound that doubles, and at most the bound: clients that failed together part."""
    waits = Waits()
    async with JsonServer(lambda _: 1, script=[Odd(status)] * 5) as server:
        await post(server, waits=waits)

    assert 6 == len(server.posted)
    assert all(bound / 2 <= wait <= bound for wait, bound in zip(waits.seconds, (0.5, 1, 2, 4, 8), strict=True))


async def test_retry_after_is_honoured_in_seconds_and_as_a_date() -> None:
    """The server knows best when it is worth while."""
    waits = Waits()
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    script = [Odd(429, headers=(("retry-after", "7"),)), Odd(503, headers=(("retry-after", date),))]
    async with JsonServer(lambda _: 1, script=script) as server:
        await post(server, waits=waits)

    assert 7.0 == waits.seconds[0]
    assert 20 < waits.seconds[1] <= 30


async def test_a_wait_of_an_hour_is_not_waited_for() -> None:
    """The caller is told at once; it may come back later."""
    fault, asked = await failure(Odd(429, headers=(("retry-after", "3600"),)))

    assert ("rate_limited", 1) == (fault.kind, asked)


@pytest.mark.parametrize(
    ("odd", "kind", "asked"),
    [
        (Odd(401), "unauthorised", 1),
        (Odd(403), "unauthorised", 1),
        (Odd(404), "failed", 1),
        (Odd(301, headers=(("location", "http://127.0.0.1:1/"),)), "failed", 1),
        (Odd(429), "rate_limited", 6),
        (Odd(500), "failed", 6),
        (Odd(hangs_up=True), "unreachable", 6),
    ],
)
async def test_each_fault_has_its_kind_and_its_number_of_tries(odd: Odd, kind: str, asked: int) -> None:
    """A wrong key is not tried again, and no redirect is followed, which could carry the key elsewhere."""
    fault, times = await failure(odd)

    assert (kind, asked) == (fault.kind, times)


@pytest.mark.parametrize("odd", [Odd(hangs=True), Odd(drips=True)])
async def test_a_server_that_hangs_or_drips_is_left_after_the_time_of_one_try(odd: Odd) -> None:
    """Its kind is a time-out; that something came now and then gives it no more time."""
    fault, asked = await failure(odd, Patience(timeout_s=0.5, retries=1))

    assert ("timeout", 2) == (fault.kind, asked)


async def test_nobody_there_is_a_fault_with_a_cure() -> None:
    """A closed port names the setting to look at."""
    endpoint = JsonEndpoint(Address("http://127.0.0.1:9", "", "ranker"))
    with pytest.raises(ModelUnavailable) as raised:
        await endpoint.post("rerank", {}, Patience(5.0))
    await endpoint.close()

    assert "unreachable" == raised.value.kind
    assert "ranker.base_url" in str(raised.value)


@pytest.mark.parametrize("odd", [Odd(401, raw=KEY.encode()), Odd(500, raw=KEY.encode()), Odd(400, raw=b"passage")])
async def test_an_error_holds_neither_the_key_nor_what_the_server_said(odd: Odd) -> None:
    """A server may send back what it was sent."""
    fault, _ = await failure(odd, Patience(5.0))

    assert KEY not in str(fault)
    assert "passage" not in str(fault)


async def test_a_refused_request_tells_its_status() -> None:
    """So that the caller can ask in another way."""
    fault, _ = await failure(Odd(422))

    assert isinstance(fault, RequestRefused)
    assert 422 == fault.status


async def test_cancelling_ends_a_request_at_once() -> None:
    """A question that was taken back does not wait for its endpoint."""
    async with JsonServer(lambda _: 1, script=[Odd(hangs=True)]) as server:
        task = asyncio.create_task(post(server))
        await server.arrived.wait()
        task.cancel()

        with pytest.raises(asyncio.CancelledError):
            await task
