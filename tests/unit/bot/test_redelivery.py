"""What was missed while the service was down is asked for again, where that is allowed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.source import SourceError, SourceUnreachable
from bot.redelivery import KEPT_FOR, OVERLAP, Redelivery, RedeliveryParts
from bot.state.database import Database
from bot.state.queries import repositories, webhooks
from config.settings import Credential
from tests.fakes.state import NOW, later, open_database

URL = "https://rooms.example.org/webhooks/github"
APP = Credential(
    repositories=("acme/*",), app_id=1, app_key=SecretStr("key"), webhook_secret=SecretStr("the app's secret")
)


@dataclass(frozen=True)
class Done:
    """How asking went."""

    outcome: str = "nothing"
    again: int = 0


@dataclass
class KeepingHost:
    """A host that keeps what it sent; what it is asked is noted. An error is raised instead of an answer."""

    answers: dict[str, Done | SourceError] = field(default_factory=dict)
    asked: list[tuple[str, str, datetime]] = field(default_factory=list)

    async def catch_up(self, repository: str, *, url: str, since: datetime) -> Done:
        """See DeliveringHost."""
        return self._say(repository, url, since)

    async def catch_up_app(self, name: str, credential: Credential, *, since: datetime) -> Done:
        """See DeliveringHost."""
        return self._say(name, credential.host, since)

    def _say(self, of: str, where: str, since: datetime) -> Done:
        self.asked.append((of, where, since))
        answer = self.answers.get(of, Done())
        if isinstance(answer, SourceError):
            raise answer
        return answer


@dataclass
class Down:
    """A service that was down since NOW and starts a day later."""

    db: Database
    host: KeepingHost
    parts: RedeliveryParts

    async def repository(self, name: str, *, heard_at: datetime | None = NOW, secret: str = "sealed") -> str:
        """A repository whose hook was last heard at a time."""

        async def make(session: AsyncSession) -> str:
            row = await repositories.get_or_add(session, f"https://github.com/{name}", host="github.com")
            await webhooks.set_secret(session, row.id, secret, now=NOW)
            if heard_at is not None:
                await webhooks.note_event(session, row.id, "push", problem=None, now=heard_at)
            return row.id

        return await self.db.write(make)

    async def problem(self, repository: str) -> str:
        """What is wrong with its webhook."""
        row = await self.db.read(lambda session: repositories.get(session, repository))
        assert row is not None
        return row.hook_problem

    async def asks(self) -> str:
        """Start the service."""
        return await Redelivery(self.parts).ask_again()


@pytest.fixture
async def down(tmp_path: Path) -> AsyncIterator[Down]:
    """One host."""
    db, host = await open_database(tmp_path), KeepingHost()
    known = {"github.com": host}
    yield Down(db, host, RedeliveryParts(db, known.get, {}, URL, lambda: later(days=1)))
    await db.close()


async def test_each_hook_of_ours_is_asked_since_it_was_last_heard(down: Down) -> None:
    """A little before that, since what came then may have been refused; nothing is asked without a secret of ours."""
    await down.repository("acme/app")
    await down.repository("acme/none", secret="")
    down.host.answers["acme/app"] = Done("asked", 3)

    assert "3 deliveries asked for again" == await down.asks()

    assert [("acme/app", URL, NOW - OVERLAP)] == down.host.asked


async def test_nothing_is_asked_that_the_host_has_let_go(down: Down) -> None:
    """After a long absence; a hook that was never heard is asked since its secret was made."""
    down.parts = replace(down.parts, clock=lambda: later(days=30))
    await down.repository("acme/app", heard_at=None)

    assert "" == await down.asks()

    assert [("acme/app", URL, later(days=30) - KEPT_FOR)] == down.host.asked


@pytest.mark.parametrize("outcome", ["not_allowed", "no_hook"])
async def test_what_stands_in_the_way_is_kept_until_it_is_gone(down: Down, outcome: str) -> None:
    """/source webhook shows it."""
    repository = await down.repository("acme/app")
    down.host.answers["acme/app"] = Done(outcome)

    assert "" == await down.asks()

    assert outcome == await down.problem(repository)
    down.host.answers.clear()
    await down.asks()
    assert "" == await down.problem(repository)


async def test_what_a_ping_has_found_stays(down: Down) -> None:
    """That deliveries can be asked for again does not mean that pushes are among them."""
    repository = await down.repository("acme/app")
    await down.db.write(partial(webhooks.note_problem, repository=repository, problem="no_push"))

    await down.asks()

    assert "no_push" == await down.problem(repository)


async def test_a_host_that_does_not_answer_stops_no_other(down: Down) -> None:
    """The clock finds those changes all the same; nothing is said of the hook."""
    repositories_ = [await down.repository("acme/app"), await down.repository("acme/other")]
    down.host.answers = {name: SourceUnreachable("away") for name in ("acme/app", "acme/other", "app")}
    down.parts = replace(down.parts, credentials={"app": APP})

    assert "" == await down.asks()

    assert 3 == len(down.host.asked)
    assert ["", ""] == [await down.problem(one) for one in repositories_]


async def test_an_apps_hook_is_asked_since_any_delivery_came(down: Down) -> None:
    """It sends for all its repositories; a token beside it is no App."""
    token = Credential(repositories=("acme/*",), token=SecretStr("t"), webhook_secret=SecretStr("s"))
    elsewhere = APP.model_copy(update={"host": "git.acme.org"})
    down.parts = replace(down.parts, credentials={"token": token, "app": APP, "elsewhere": elsewhere})
    keep = partial(webhooks.keep, delivery="1", event="push", repository=None, outcome="marked", now=NOW)
    await down.db.write(keep)
    down.host.answers["app"] = Done("asked", 2)

    assert "2 deliveries asked for again" == await down.asks()

    assert [("app", "github.com", NOW - OVERLAP)] == down.host.asked


async def test_nothing_is_asked_while_nobody_can_reach_us(down: Down) -> None:
    """Without a public address there is no hook of ours."""
    await down.repository("acme/app")
    down.parts = replace(down.parts, url="")

    assert "" == await down.asks()

    assert [] == down.host.asked
