"""Syncs that fail, end late or never."""

import asyncio
from typing import Any

import pytest

from adapters.chat import Unreachable
from adapters.matrix.client import Client, Login
from adapters.matrix.faults import LoginEnded
from adapters.matrix.health import Pulse
from adapters.matrix.polling import PlaceLost, Polling
from tests.fakes.matrix_server import MatrixServer, Said

GOOD = Said({"next_batch": "s2"})


async def polled(*answers: Said, times: int = 1, since: str = "s1", whole: bool = False) -> tuple[list[Any], Pulse]:
    """What each of some syncs came to, and how the connection is seen then."""
    client, pulse = Client(), Pulse()
    found: list[Any] = []
    async with MatrixServer(sync=list(answers)) as server:
        client.open(Login(server.url, "@us:x", "DEVICE", "syt_secret"))
        polling = Polling(client, pulse, poll_s=0.05, margin_s=0.3)
        for _ in range(times):
            try:
                found.append((await polling.ask(since, whole=whole)).next_batch)
            except Unreachable as fault:
                found.append(fault)
        await client.close()
    return found, pulse


@pytest.mark.parametrize(
    "bad",
    [
        Said(raw=b"<html>It works!</html>"),
        Said(status=502, raw=b"<html>Bad Gateway</html>"),
        Said(status=500, body={"errcode": "M_UNKNOWN", "error": "Internal server error"}),
        Said(status=302, headers=(("Location", "https://elsewhere.example/"),)),
        Said(raw=b"\x00\xff" * 50),
        Said(raw=b"[" * 100_000),
        Said(["no", "sync"]),
        Said({"rooms": {}}),
        Said(hangs_up=True),
        Said(hangs=True),
        Said(drips=True),
    ],
)
async def test_after_a_bad_answer_the_next_good_one_is_all_right(bad: Said) -> None:
    """It is said what is wrong, with a time to wait; and that is forgotten then."""
    twice = [bad, bad] if bad.hangs_up else [bad]  # a connection that ends at once is tried once more by itself
    found, pulse = await polled(*twice, GOOD, times=2)

    assert isinstance(found[0], Unreachable)
    assert found[0].retry_after_s
    assert 0.5 <= found[0].retry_after_s <= 60
    assert "s2" == found[1]
    assert pulse.probe().is_up


async def test_while_a_server_fails_health_says_so_and_pauses_grow() -> None:
    """No error holds the token."""
    found, pulse = await polled(Said(status=502, raw=b"no"), times=5)
    probe = pulse.probe()

    assert not probe.is_up
    assert "502" in probe.detail
    assert found[0].retry_after_s < found[-1].retry_after_s
    assert "syt_secret" not in repr((found, probe))


async def test_a_server_that_limits_us_is_not_asked_before_its_time() -> None:
    """However it says that."""
    limited = Said({"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 90_000}, status=429)
    found, _ = await polled(limited)

    assert 90.0 == found[0].retry_after_s


@pytest.mark.parametrize("code", ["M_UNKNOWN_TOKEN", "M_MISSING_TOKEN", "M_USER_DEACTIVATED", "M_USER_LOCKED"])
async def test_a_login_that_is_over_is_told_from_a_failure(code: str) -> None:
    """Waiting does not help then."""
    found, _ = await polled(Said({"errcode": code, "error": "…"}, status=401))

    assert isinstance(found[0], LoginEnded)


async def test_a_token_that_the_server_refuses_again_and_again_is_lost() -> None:
    """Such as after its database was put back; once may be a mistake of its."""
    refused = Said({"errcode": "M_UNKNOWN", "error": "Invalid stream token"}, status=400)
    found, _ = await polled(refused, times=3)

    assert [False, False, True] == [isinstance(fault, PlaceLost) for fault in found]


async def test_a_server_that_is_full_does_not_cost_us_our_place() -> None:
    """Synapse answers so for as long as it has too many users, or is blocked."""
    full = Said({"errcode": "M_RESOURCE_LIMIT_EXCEEDED", "error": "This server has hit its limit"}, status=403)
    found, pulse = await polled(*[full] * 4, GOOD, times=5)

    assert not any(isinstance(fault, PlaceLost) for fault in found)
    assert "s2" == found[-1]
    assert pulse.probe().is_up


async def test_a_first_sync_that_is_refused_has_no_place_to_lose() -> None:
    """It is only tried again."""
    refused = Said({"errcode": "M_UNKNOWN", "error": "no"}, status=400)
    found, _ = await polled(refused, times=4, since="")

    assert not any(isinstance(fault, PlaceLost) for fault in found)


async def test_a_sync_under_way_ends_when_it_is_interrupted() -> None:
    """So that a service can stop at once."""
    client, pulse = Client(), Pulse()
    async with MatrixServer(sync=Said(hangs=True)) as server:
        client.open(Login(server.url, "@us:x", "DEVICE", "syt"))
        polling = Polling(client, pulse, poll_s=600)
        under_way = asyncio.create_task(polling.ask("s1", whole=False))
        await server.arrived.wait()
        polling.interrupt()
        with pytest.raises(Unreachable):
            await under_way
        await client.close()


async def test_a_pause_between_syncs_can_be_interrupted_too() -> None:
    """There is no sync to end then: nothing happens, and nothing fails."""
    client, pulse = Client(), Pulse()
    async with MatrixServer(sync=Said({"next_batch": "s1"})) as server:
        client.open(Login(server.url, "@us:x", "DEVICE", "syt"))
        polling = Polling(client, pulse, poll_s=600)
        pausing = asyncio.create_task(polling.ask("s1", whole=False))
        while not pulse.probe().is_up:  # noqa: ASYNC110 - health tells nobody when it changes
            await asyncio.sleep(0)
        polling.interrupt()
        received = await pausing
        await client.close()

    assert "s1" == received.next_batch


async def test_a_start_at_which_nothing_is_new_is_not_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may be sent before its sync is done, and the server does not wait for that one."""
    monkeypatch.setattr("adapters.matrix.polling._SHORTEST_PAUSE_S", 60.0)
    async with asyncio.timeout(20):
        found, _ = await polled(Said({"next_batch": "s1"}), whole=True)

    assert ["s1"] == found


async def test_a_server_that_says_at_once_that_nothing_is_new_is_not_asked_at_once_again() -> None:
    """Its long poll is broken: it would cost both of us all our time."""
    began_s = asyncio.get_running_loop().time()
    await polled(Said({"next_batch": "s1"}), times=2)

    assert asyncio.get_running_loop().time() - began_s >= 1.0


async def test_the_whole_state_comes_without_a_wait_on_the_servers_side() -> None:
    """And with more time for the answer."""
    found, _ = await polled(GOOD, whole=True)

    assert ["s2"] == found
