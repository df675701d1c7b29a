"""A login that ends, and the one that takes its place."""

import asyncio
from pathlib import Path

from adapters.matrix.client import Client
from adapters.matrix.connecting import Connecting
from adapters.matrix.faults import LoginEnded
from adapters.matrix.health import Pulse
from adapters.matrix.login import Kept, keep
from adapters.matrix.surroundings import Surroundings
from tests.fakes.matrix_server import API, MatrixServer, Said
from tests.unit.adapters.matrix.events import US, settings
from tests.unit.adapters.matrix.test_login import around, vault

ENDED = LoginEnded("the token has ended")
ALL_WELL = Said({"user_id": US, "device_id": "D"})
KNOWN = {"account_whoami": ALL_WELL, "refresh": Said({"access_token": "syt_next"})}


def connecting_to(server: MatrixServer, found: Surroundings) -> tuple[Connecting, Client]:
    """What connects to a server, and the client that it opens."""
    client = Client()
    return Connecting(settings(homeserver=server.url), found, client, Pulse()), client


async def test_a_login_that_was_kept_before_the_old_one_was_seen_to_end_is_noticed(tmp_path: Path) -> None:
    """A server ends the token of a device as it logs the device in anew; a sync under way lasts longer than that."""
    found = around(tmp_path, vault())
    async with MatrixServer(**KNOWN) as server:
        keep(Kept(server.url, US, "D", "syt_old"), tmp_path, found.sealing)
        connecting, client = connecting_to(server, found)
        await connecting.connect()
        keep(Kept(server.url, US, "D", "syt_new"), tmp_path, found.sealing)
        async with asyncio.timeout(3):
            assert await connecting.wait_for_login(ENDED)
        await connecting.connect()
        tokens = [request.headers["authorization"] for request in server.asked[f"{API}/account/whoami"]]
        await client.close()

    assert ["Bearer syt_old", "Bearer syt_new"] == tokens


async def test_a_token_that_we_renewed_ourselves_is_no_new_login(tmp_path: Path) -> None:
    """Once it has ended, too, we wait for a person, and stop waiting when we are closed."""
    found = around(tmp_path, vault())
    async with MatrixServer(**KNOWN) as server:
        keep(Kept(server.url, US, "D", "syt_old", "syr_one"), tmp_path, found.sealing)
        connecting, client = connecting_to(server, found)
        await connecting.connect()
        assert client.renewal is not None
        await client.renewal()
        waiting = asyncio.create_task(connecting.wait_for_login(ENDED))
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        connecting.close()

    assert not done
    assert not await waiting
