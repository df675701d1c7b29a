"""Secrets of webhooks: made once, kept sealed, and told nowhere."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from bot.errors import UserError
from bot.hook_setup import HookSetup, SetupParts
from bot.hooks import HookParts, Hooks, Outcome, seal_place
from bot.state.database import Database
from bot.state.queries import audit, sources, webhooks
from bot.state.queries.sources import NewSource
from bot.state.tables import Repository, Source
from bot.state.vault import Vault
from config.settings import Credential
from tests.fakes.deliveries import Hub
from tests.fakes.project import settings
from tests.fakes.state import NOW, later, open_database, some_project

URL = "https://rooms.example.org/webhooks/github"
APP = Credential(
    repositories=("acme/*",), app_id=1, app_key=SecretStr("key"), webhook_secret=SecretStr("the app's secret")
)


@dataclass
class Desk:
    """A source, and what sets its webhook up."""

    db: Database
    parts: SetupParts
    source: Source

    @property
    def setup(self) -> HookSetup:
        """Over the parts as they are now."""
        return HookSetup(self.parts)

    async def repository(self) -> Repository | None:
        """The repository behind the source."""
        row = await self.db.read(lambda session: sources.get(session, self.source.id))
        assert row is not None
        return await self.db.read(lambda session: webhooks.repository_of(session, row))

    async def takes(self, secret: str) -> Outcome:
        """What becomes of a delivery that is signed with a secret."""
        hooks = Hooks(HookParts(self.db, self.parts.vault, {}, lambda: NOW))
        parcel = Hub(secret=secret).push()
        return (await hooks.take(parcel.headers, parcel.body)).outcome

    def with_sources(self, **changes: Any) -> None:
        """Change the settings of sources."""
        self.parts = replace(self.parts, sources=self.parts.sources.model_copy(update=changes))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A project follows acme/app."""
    db, vault = await open_database(tmp_path), Vault([Fernet.generate_key().decode()])
    project = await some_project(db)
    new = NewSource(project.id, "git", "acme/app", "https://github.com/acme/app")
    source = await db.write(lambda session: sources.add(session, new, now=NOW))
    parts = SetupParts(db, vault, settings().sources, "https://rooms.example.org/", lambda: NOW)
    yield Desk(db, parts, source)
    await db.close()


async def test_a_secret_is_made_and_signs_deliveries(desk: Desk) -> None:
    """Of 32 random bytes, with all that is entered beside it; only the sealed one is kept, and the making is recorded."""
    made = await desk.setup.make(desk.source, renews=False)

    secret, row = made.pop("secret"), await desk.repository()
    assert {
        "source": "acme/app",
        "repository": "acme/app",
        "url": URL,
        "content_type": "application/json",
        "events": ["push", "repository"],
        "settings_url": "https://github.com/acme/app/settings/hooks",
        "made_at": NOW.isoformat(),
    } == made
    assert row is not None
    assert 43 == len(secret)
    assert secret not in row.hook_secret_sealed
    assert secret == desk.parts.vault.open(seal_place(row.id), row.hook_secret_sealed)
    assert Outcome.ACCEPTED == await desk.takes(secret)
    acts = await desk.db.read(lambda session: audit.latest(session, limit=9))
    assert [("source webhook", desk.source.id)] == [(act.action, act.target) for act in acts]


async def test_a_secret_that_is_there_stays_until_it_is_renewed(desk: Desk) -> None:
    """Renewing ends the old one at once."""
    first = await desk.setup.make(desk.source, renews=False)

    kept = await desk.setup.make(desk.source, renews=False)
    assert (None, first["made_at"]) == (kept["secret"], kept["made_at"])
    assert Outcome.ACCEPTED == await desk.takes(first["secret"])
    second = await desk.setup.make(desk.source, renews=True)

    assert Outcome.REJECTED == await desk.takes(first["secret"])
    assert Outcome.ACCEPTED == await desk.takes(second["secret"])


async def test_sources_of_one_repository_share_its_webhook(desk: Desk) -> None:
    """In another project, or its threads: GitHub sends each event once."""
    project = await some_project(desk.db, "other")
    new = NewSource(project.id, "threads", "acme/app threads", "https://github.com/acme/app")
    threads = await desk.db.write(lambda session: sources.add(session, new, now=NOW))
    await desk.setup.make(desk.source, renews=False)

    assert (await desk.setup.make(threads, renews=False))["secret"] is None


@pytest.mark.parametrize(
    ("kind", "location"),
    [
        ("folder", "/srv/docs"),
        ("git", "/srv/app.git"),
        ("git", "https://gitlab.com/acme/app"),
        ("git", "https://github.com:8443/acme/app"),
        ("upload", "https://github.com/acme/app"),
    ],
)
async def test_a_source_that_is_no_repository_on_github_has_none(desk: Desk, kind: str, location: str) -> None:
    """Nothing is made, and the sentence says what happens instead."""
    other = Source(**{**desk.source.model_dump(), "kind": kind, "location": location})
    with pytest.raises(UserError, match=r"webhook\.not_github"):
        await desk.setup.make(other, renews=False)
    with pytest.raises(UserError, match=r"webhook\.not_github"):
        await desk.setup.told([other], "en", now=NOW)

    assert await desk.repository() is None


async def test_a_repository_on_github_enterprise_has_one(desk: Desk) -> None:
    """By its host in the settings, with a port that is not the usual one."""
    desk.with_sources(github_hosts=("git.acme.org:8443",))
    source = Source(**{**desk.source.model_dump(), "location": "https://git.acme.org:8443/acme/app"})

    made = await desk.setup.make(source, renews=False)

    assert "https://git.acme.org:8443/acme/app/settings/hooks" == made["settings_url"]


async def test_without_a_public_address_nothing_is_made(desk: Desk) -> None:
    """Nobody could reach it; the sentence says what to set."""
    desk.parts = replace(desk.parts, public_url="")
    with pytest.raises(UserError, match=r"webhook\.no_url"):
        await desk.setup.make(desk.source, renews=True)

    assert await desk.repository() is None
    assert "web.public_url" in await desk.setup.told([desk.source], "en", now=NOW)


async def test_how_a_webhook_stands_is_told_without_its_secret(desk: Desk) -> None:
    """Before it is made, once it is made, and after a delivery."""
    before = await desk.setup.told([desk.source], "en", now=NOW)
    secret = (await desk.setup.make(desk.source, renews=False))["secret"]
    made = await desk.setup.told([desk.source], "en", now=later(minutes=3))
    await desk.takes(secret)
    after = await desk.setup.told([desk.source], "en", now=later(hours=3))

    assert "roomwise webhook 'acme/app' --project 'roomwise'" in before
    assert "a secret was made 3 min ago" in made
    assert "no delivery came yet" in made
    assert "last delivery: push, 3 h ago" in after
    assert all(URL in text and "every 5 min" in text and secret not in text for text in (before, made, after))


@pytest.mark.parametrize("problem", ["no_push", "no_verification", "no_hook", "not_allowed"])
@pytest.mark.parametrize("language", ["en", "de"])
async def test_what_is_wrong_with_a_webhook_is_told(desk: Desk, problem: str, language: str) -> None:
    """Each by a sentence of its own."""
    await desk.setup.make(desk.source, renews=False)
    row = await desk.repository()
    assert row is not None
    well = await desk.setup.told([desk.source], language, now=NOW)
    await desk.db.write(lambda session: webhooks.note_problem(session, row.id, problem))

    assert len(well) + 20 < len(await desk.setup.told([desk.source], language, now=NOW))


async def test_an_apps_webhook_counts_for_its_repositories(desk: Desk) -> None:
    """Where its secret stands in the settings, none of the repository's own is needed."""
    desk.with_sources(credentials={"acme": APP})
    told = await desk.setup.told([desk.source], "en", now=NOW)

    assert "the App 'acme' counts" in told
    assert "roomwise webhook" not in told
    assert "the app's secret" not in told
