"""A model that answers badly, seen from the web chat."""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.service import HANDBOOK, PROJECT, Service, plain
from tests.fakes.model_server import Behaviour, ModelServer


@contextmanager
def model(behaviour: Behaviour) -> Iterator[ModelServer]:
    """A model server in a thread of its own."""
    ready, stopped = threading.Event(), threading.Event()
    made: list[ModelServer] = []

    async def serve() -> None:
        async with ModelServer(behaviour) as server:
            made.append(server)
            ready.set()
            await asyncio.to_thread(stopped.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait()
    try:
        yield made[0]
    finally:
        stopped.set()
        thread.join()


def test_a_model_that_fails_is_replaced_by_quotes_that_say_so(tmp_path: Path) -> None:
    """401, 429, 500, garbage, half a stream, silence: the question is answered all the same, and says why."""
    failures = [
        Behaviour(status=401),
        Behaviour(status=429, retry_after_s=60),
        Behaviour(status=500),
        Behaviour(raw="<html>Welcome to the café</html>"),
        Behaviour(raw="data: {not json}\n\n"),
        Behaviour(breaks_after=2),
        Behaviour(hangs=True),
        Behaviour(hangs_after=2),
    ]
    with model(failures[0]) as server:
        settings = {
            "ROOMWISE_LLM__MODEL": "mock",
            "ROOMWISE_LLM__BASE_URL": server.base_url,
            "ROOMWISE_LLM__API_KEY": "sk-" + "canary" * 8,
            "ROOMWISE_LLM__FIRST_TOKEN_TIMEOUT_S": "1",
            "ROOMWISE_LLM__TIMEOUT_S": "2",
        }
        service = Service(tmp_path, settings).start()
        try:
            (tmp_path / "docs").mkdir()
            (tmp_path / "docs" / "handbook.md").write_text(HANDBOOK)
            service.index(tmp_path / "docs", project=PROJECT)
            browser = service.owner()
            room = browser.room(PROJECT)
            said = []
            for failure in failures:
                server.behaviour = failure
                said.append(plain(browser.say(room, "How many days of holiday has everybody?")))
            server.behaviour = Behaviour(reply="Everybody has thirty days of holiday [1].")
            well = plain(browser.say(room, "How many days of holiday does everybody have?"))
        finally:
            assert 0 == service.stop(), service.log

    assert ["thirty days"] * len(failures) == [found[0] for one in said if (found := re.findall("thirty days", one))]
    assert [] == [one for one in said if "model" not in one.lower()]
    assert "thirty days" in well
    assert "canary" not in service.log
