"""A service that is killed while deliveries arrive loses none that it has answered, and takes repeats in good part."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.followed import SETTINGS, follow, lost
from tests.e2e.service import Service
from tests.fakes.deliveries import Parcel

REPOSITORIES, DELIVERIES, ANSWERED = 5, 60, 10


async def deliver(address: str, parcels: list[Parcel], *, enough: int) -> set[str]:
    """Send all at once; the ids of those that were taken in, as soon as there are enough."""
    taken: set[str] = set()

    async def send(http: httpx.AsyncClient, parcel: Parcel) -> None:
        answer = await http.post("/webhooks/github", content=parcel.body, headers=parcel.headers)
        if answer.status_code == 202:
            taken.add(parcel.headers["x-github-delivery"])

    async with httpx.AsyncClient(base_url=address, timeout=60.0, trust_env=False) as http:
        sending = [asyncio.ensure_future(send(http, parcel)) for parcel in parcels]
        for sent in asyncio.as_completed(sending):
            await sent
            if len(taken) >= enough:
                break
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
    return taken


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service that is not started yet, and has ended afterwards whatever happened."""
    made = Service(tmp_path, SETTINGS)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.wait()


async def test_what_was_answered_is_there_after_a_kill_and_a_repeat_does_nothing(
    service: Service, tmp_path: Path
) -> None:
    """Killed with others on their way; then all are sent again, those too that were taken in without an answer."""
    hubs = await follow(tmp_path, REPOSITORIES)
    pushes = [(hubs[number % REPOSITORIES], number) for number in range(DELIVERIES)]
    parcels = [hub.push() for hub, _ in pushes]
    repository_of = {
        parcel.headers["x-github-delivery"]: hub.repository for parcel, (hub, _) in zip(parcels, pushes, strict=True)
    }
    await asyncio.to_thread(service.start)
    assert service.process is not None
    early = await deliver(service.address, parcels, enough=ANSWERED)
    service.process.kill()
    service.process.wait()
    (service.data / "service.json").unlink()  # the next process says where it listens
    missing = await lost(tmp_path, {one: repository_of[one] for one in early})

    await asyncio.to_thread(service.start)
    again = await deliver(service.address, parcels, enough=DELIVERIES)
    with service.shell() as http:
        figures = http.get("/metrics").text
    counts = {
        outcome: float(count)
        for outcome, count in re.findall(
            r'^roomwise_webhook_deliveries_total\{outcome="(\w+)"\} (\S+)', figures, re.MULTILINE
        )
    }
    service.stop()

    assert [] == missing
    assert set(repository_of) == again
    assert counts["repeated"] >= len(early) >= ANSWERED
    assert DELIVERIES == counts["repeated"] + counts["accepted"]
    assert [] == await lost(tmp_path, repository_of)
