"""Jobs of the real service over kills: what was due while it was down runs, and a summary is posted once."""

import json
import os
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.service import HANDBOOK, PROJECT, Browser, Service, plain, until

pytestmark = pytest.mark.timeout(600)  # a loaded machine takes its time to start a program so often
KILLS = int(os.environ.get("ROOMWISE_KILLS", "2"))
TITLE = f"What changed in {PROJECT}"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service that has indexed a handbook."""
    handbook = tmp_path / "handbook"
    handbook.mkdir()
    (handbook / "guide.md").write_text(HANDBOOK, "utf-8")
    made = Service(tmp_path, {"ROOMWISE_SOURCES__WATCH": "false", "ROOMWISE_EMBEDDER__KIND": "none"}).start()
    made.index(handbook, project=PROJECT)
    yield made
    kill(made)


def kill(service: Service) -> None:
    """End it without a chance to do anything."""
    if service.process is not None:
        service.process.kill()
        service.process.wait()
        (service.data / "service.json").unlink(missing_ok=True)  # its address, which the next start would wait for


def change(service: Service, statement: str, *values: object) -> None:
    """Change the state while the service is down."""
    with closing(sqlite3.connect(service.data / "state.db")) as connection, connection:
        connection.execute(statement, values)


def at(**ago: float) -> str:
    """A time in the past as the state database keeps it."""
    return (datetime.now(UTC) - timedelta(**ago)).strftime("%Y-%m-%d %H:%M:%S.%f")


def jobs(service: Service) -> dict[str, dict[str, object]]:
    """How each job stands, as `roomwise status --json` tells it."""
    with service.shell() as http:
        return {job["job"]: job for job in http.get("/api/status").json()["jobs"]}


def shown(browser: Browser, room: str) -> list[str]:
    """The texts that stand in a room."""
    page = browser.http.get(f"/api/rooms/{room}/messages", params={"limit": 100}).json()
    return [plain(message["html"]) for message in page["messages"]]


def test_a_job_that_was_due_while_the_service_was_down_runs_at_the_start(service: Service) -> None:
    """The daily copy of the state, an hour late; one that is not due does not run, and one that was cut off does."""
    first = jobs(service)
    kill(service)
    assert "" == first["backup"]["outcome"]
    change(service, "UPDATE jobstate SET next_due_at = ? WHERE name = 'backup'", at(hours=1))
    change(service, "UPDATE jobstate SET started_at = ?, ended_at = NULL WHERE name = 'purge'", at(minutes=1))

    service.start()

    late = until(lambda: [one for one in [jobs(service)] if one["backup"]["outcome"] == "ok"], "the state is copied")[0]
    (manifest,) = (service.data / "backups").glob("*.json")
    made = json.loads(manifest.read_text("utf-8"))
    assert (manifest.parent / made["file"]).stat().st_size == made["bytes"]
    assert datetime.fromisoformat(str(late["backup"]["next_due_at"])) > datetime.now(UTC) + timedelta(hours=20)
    assert "" == late["mirrors"]["outcome"]
    assert until(lambda: jobs(service)["purge"]["outcome"] == "ok", "what was cut off has run again")


def test_a_summary_is_posted_once_over_kills(service: Service) -> None:
    """The job is told to run and the service killed, again and again; then it runs in peace and has nothing to do."""
    browser = service.owner()
    room = browser.room(PROJECT)
    assert "00:00 UTC" in plain(browser.say(room, "/digest on 00:00"))
    kill(service)
    change(service, "UPDATE room SET digested_at = ?, bound_at = ?", at(days=2), at(days=3))
    columns = "source, at, ref, before, after, added, changed, removed, moved, files"
    files = json.dumps([["~", "guide.md"]])
    insert = f"INSERT INTO change ({columns}) SELECT id, ?, '', 'a', 'b', 0, 1, 0, 0, ? FROM source"
    change(service, "DELETE FROM change")  # the first index, which is told as a new source
    change(service, insert, at(hours=1), files)
    choose = random.Random(4)

    for _ in range(KILLS):
        browser = service.start().owner()
        browser.write(room, "/jobs run digest")
        time.sleep(choose.uniform(0.0, 0.3))  # a kill has no event to wait on
        kill(service)
    browser = service.start().owner()
    for _ in range(2):
        browser.say(room, "/jobs run digest")
    until(lambda: [text for text in shown(browser, room) if TITLE in text], "the summary is there")

    assert 1 == sum(TITLE in text for text in shown(browser, room))
    assert any("guide.md" in text for text in shown(browser, room))
