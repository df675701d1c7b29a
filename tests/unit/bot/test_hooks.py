"""What a delivery does: sources of its repository are marked as changed, once, and nothing else is believed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from bot.errors import StateUnavailable
from bot.hooks import HookParts, Hooks, Outcome, Taken, seal_place
from bot.state.database import Database
from bot.state.queries import projects, sources, webhooks
from bot.state.queries.sources import NewSource
from bot.state.tables import Project, Repository, Source, WebhookDelivery
from bot.state.vault import Vault
from config.settings import Credential
from tests.fakes.deliveries import Hub, Parcel
from tests.fakes.state import NOW, later, open_database, some_project

HUB = Hub()
APP_SECRET = "the app's secret"
CREDENTIAL = Credential(
    host="github.com", repositories=("acme/*",), token=SecretStr("t"), webhook_secret=SecretStr(APP_SECRET)
)


@dataclass
class House:
    """A project, and hooks over a real database."""

    db: Database
    vault: Vault
    hooks: Hooks
    project: Project

    async def source(self, hub: Hub = HUB, *, tied: bool = True, known: bool = True, **more: Any) -> Source:
        """A clean source that follows a repository; the secret of its hook is the hub's."""
        location = f"https://{hub.host}/{hub.repository}"
        name = more.pop("name", f"{hub.repository} {more}")
        new = NewSource(self.project.id, more.pop("kind", "git"), name, location, **more)

        async def make(session: AsyncSession) -> Source:
            made = await sources.add(session, new, now=NOW)
            if known:
                row = await webhooks.know(session, made, host=hub.host)
                row.node_id = hub.node_id
                await webhooks.set_secret(session, row.id, self.vault.seal(seal_place(row.id), hub.secret), now=NOW)
            if not tied:
                made.repository = None
            await sources.begin_run(session, made.id, now=NOW)
            return made

        return await self.db.write(make)

    async def take(self, parcel: Parcel) -> Taken:
        """Take a delivery in."""
        return await self.hooks.take(parcel.headers, parcel.body)

    async def is_dirty(self, source: Source) -> bool:
        """Whether a source is to be looked at."""
        row = await self.db.read(lambda session: sources.get(session, source.id))
        assert row is not None
        return row.is_dirty

    async def behind(self, source: Source) -> Repository:
        """The repository behind a source."""
        row = await self.db.read(lambda session: webhooks.repository_of(session, source))
        assert row is not None
        return row

    async def kept(self, parcel: Parcel) -> WebhookDelivery | None:
        """What was kept of a delivery."""
        return await self.db.read(lambda session: session.get(WebhookDelivery, parcel.headers["x-github-delivery"]))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A database in a folder."""
    db, vault = await open_database(tmp_path), Vault([Fernet.generate_key().decode()])
    hooks = Hooks(HookParts(db, vault, {"acme": CREDENTIAL}, lambda: later(minutes=5)))
    yield House(db, vault, hooks, await some_project(db))
    await db.close()


async def test_a_push_marks_the_source_and_is_kept(house: House) -> None:
    """Mark, id and what came last, by one commit."""
    source, parcel = await house.source(), HUB.push()

    assert Taken(Outcome.ACCEPTED, 1) == await house.take(parcel)

    repository, kept = await house.behind(source), await house.kept(parcel)
    assert await house.is_dirty(source)
    assert ("push", later(minutes=5)) == (repository.hook_event, repository.hook_event_at)
    assert kept is not None
    assert ("push", repository.id, "marked", later(minutes=5)) == (kept.event, kept.repository, kept.outcome, kept.at)


async def test_a_repeat_does_nothing(house: House) -> None:
    """GitHub sends one again under the id that it had; the source may have been looked at since."""
    source, parcel = await house.source(), HUB.push()
    await house.take(parcel)
    await house.db.write(lambda session: sources.begin_run(session, source.id, now=NOW))

    assert Taken(Outcome.REPEATED) == await house.take(parcel)

    assert not await house.is_dirty(source)


async def test_a_push_to_another_branch_marks_nothing(house: House) -> None:
    """It is kept all the same, and counts as a sign of life."""
    source, other = await house.source(), await house.source(ref="other")

    assert Taken(Outcome.ACCEPTED, 1) == await house.take(HUB.push("refs/heads/other"))

    assert (False, True) == (await house.is_dirty(source), await house.is_dirty(other))
    assert Taken(Outcome.ACCEPTED, 0) == await house.take(HUB.push("refs/heads/third"))


async def test_every_project_that_follows_a_repository_is_marked(house: House) -> None:
    """A repository is known once, whoever follows it."""
    first = await house.source()
    second = await replace(house, project=await some_project(house.db, "other")).source()

    assert Taken(Outcome.ACCEPTED, 2) == await house.take(HUB.push())

    assert (await house.is_dirty(first), await house.is_dirty(second)) == (True, True)


async def test_a_source_that_is_not_tied_to_its_repository_is_found_by_its_location(house: House) -> None:
    """Whatever the case of its letters."""
    source = await house.source(tied=False)
    shouted = replace(HUB, repository="ACME/App", node_id="")

    assert Taken(Outcome.ACCEPTED, 1) == await house.take(shouted.push())

    assert await house.is_dirty(source)


async def test_removed_sources_and_projects_are_not_marked(house: House) -> None:
    """Only what is still followed is looked at; hidden ones are, since they may be back."""
    hidden, removed = await house.source(), await house.source(ref="main")
    await house.db.write(lambda session: sources.set_state(session, hidden.id, "hidden", now=NOW))
    await house.db.write(lambda session: sources.set_state(session, removed.id, "removed", now=NOW))

    assert Taken(Outcome.ACCEPTED, 1) == await house.take(HUB.push())

    await house.db.write(lambda session: projects.remove(session, house.project.id, now=NOW))
    assert Taken(Outcome.ACCEPTED, 0) == await house.take(HUB.push())


async def test_threads_are_marked_by_everything_but_pushes(house: House) -> None:
    """What people write beside the files moves with no branch."""
    threads = await house.source(kind="threads")
    await house.take(HUB.push())
    assert not await house.is_dirty(threads)

    await house.take(HUB.lived("privatized"))

    assert await house.is_dirty(threads)


@pytest.mark.parametrize("action", ["deleted", "privatized", "publicized", "archived", "unarchived"])
async def test_the_life_of_a_repository_marks_its_sources(house: House, action: str) -> None:
    """Whatever is true then, the look finds out."""
    source = await house.source(ref="any")

    assert Taken(Outcome.ACCEPTED, 1) == await house.take(HUB.lived(action))

    assert f"repository.{action}" == (await house.behind(source)).hook_event


@pytest.mark.parametrize("node_id", ["R_1", ""])
async def test_a_renamed_repository_is_found_by_its_node_id_or_its_former_name(house: House, node_id: str) -> None:
    """We still know it by the old name."""
    source = await house.source()
    renamed = replace(HUB, repository="acme/new", node_id=node_id)

    await house.take(renamed.lived("renamed", {"repository": {"name": {"from": "app"}}}))

    assert await house.is_dirty(source)


async def test_deliveries_out_of_order_do_no_more_than_cause_a_look(house: House) -> None:
    """A rename, a push under the new name that came before it, and one under the old name that comes late."""
    await house.source()
    renamed = replace(HUB, repository="acme/new")
    parcels = [renamed.push(), renamed.lived("renamed", {"repository": {"name": {"from": "app"}}}), HUB.push()]

    taken = [await house.take(parcel) for parcel in reversed(parcels)]

    assert [Taken(Outcome.ACCEPTED, 1)] * 3 == taken


async def test_a_ping_tells_that_the_hook_works_and_what_is_wrong_with_it(house: House) -> None:
    """One that sends no pushes is said so, until it does."""
    source = await house.source()

    assert Taken(Outcome.ACCEPTED, 0) == await house.take(HUB.ping("issues"))

    assert ("ping", "no_push") == _hook(await house.behind(source))
    await house.take(HUB.push("refs/heads/other"))
    assert ("push", "") == _hook(await house.behind(source))
    await house.take(HUB.ping("issues"))
    await house.take(HUB.ping())
    assert ("ping", "") == _hook(await house.behind(source))


async def test_other_events_are_ignored_and_not_kept(house: House) -> None:
    """Whoever chose to be sent everything harms nothing."""
    source = await house.source()
    parcel = HUB.send("issues", {"action": "opened", "repository": HUB.described()})

    assert Taken(Outcome.IGNORED) == await house.take(parcel)

    assert await house.kept(parcel) is None
    assert not await house.is_dirty(source)


@pytest.mark.parametrize("secret", ["another secret", "", "d" * 43])
async def test_a_wrong_signature_is_rejected_and_leaves_no_trace(house: House, secret: str) -> None:
    """Also one that is made with nothing, or with what stands in where there is no secret."""
    source, parcel = await house.source(), HUB.push(secret=secret)

    assert Taken(Outcome.REJECTED) == await house.take(parcel)

    assert await house.kept(parcel) is None
    assert not await house.is_dirty(source)
    assert ("", "") == _hook(await house.behind(source))


async def test_a_body_that_was_changed_on_the_way_is_rejected(house: House) -> None:
    """The signature is over the raw bytes, spaces too."""
    await house.source()
    parcel = HUB.push()

    assert Taken(Outcome.REJECTED) == await house.take(replace(parcel, body=parcel.body + b" "))


async def test_a_repository_that_nobody_follows_is_rejected_like_a_wrong_signature(house: House) -> None:
    """Nobody learns by trying what is followed here."""
    assert Taken(Outcome.REJECTED) == await house.take(HUB.push())


async def test_a_repository_without_a_secret_takes_no_delivery(house: House) -> None:
    """None was made for its hook, so nothing can be signed with it."""
    hub = replace(HUB, secret="")
    source = await house.source(hub)
    await house.db.write(lambda session: webhooks.set_secret(session, source.repository or "", "", now=NOW))

    assert Taken(Outcome.REJECTED) == await house.take(hub.push())


async def test_the_secret_of_one_repository_reaches_no_other(house: House) -> None:
    """A delivery that names two repositories, by id and by name, marks the one whose secret signed it, or none."""
    mine, other = await house.source(), Hub("acme/other", node_id="R_2", secret="of the other")
    theirs = await house.source(other)
    mixed = replace(HUB, repository="acme/other", node_id="R_1")

    assert Taken(Outcome.ACCEPTED, 1) == await house.take(mixed.push())
    assert Taken(Outcome.REJECTED) == await house.take(mixed.push(secret=other.secret))

    assert (True, False) == (await house.is_dirty(mine), await house.is_dirty(theirs))


async def test_a_sealed_secret_that_was_moved_to_another_row_opens_nothing(house: House) -> None:
    """What is sealed opens at its place only."""
    mine, other = await house.source(), Hub("acme/other", node_id="R_2")
    theirs = await house.source(other)
    sealed = (await house.behind(mine)).hook_secret_sealed
    await house.db.write(lambda session: webhooks.set_secret(session, theirs.repository or "", sealed, now=NOW))

    assert Taken(Outcome.REJECTED) == await house.take(other.push())


async def test_an_app_speaks_for_every_repository_of_its_host(house: House) -> None:
    """Those that nobody follows are ignored, since an App sends all that it was given."""
    source = await house.source()

    assert Taken(Outcome.ACCEPTED, 1) == await house.take(HUB.push(secret=APP_SECRET))
    assert Taken(Outcome.IGNORED) == await house.take(Hub("acme/unknown", node_id="R_9").push(secret=APP_SECRET))

    assert await house.is_dirty(source)


async def test_an_app_of_one_host_says_nothing_of_another(house: House) -> None:
    """A leaked secret of one host must not steer another."""
    elsewhere = replace(HUB, host="github.acme.org")
    source = await house.source(elsewhere)

    assert Taken(Outcome.IGNORED) == await house.take(elsewhere.push(secret=APP_SECRET))

    assert not await house.is_dirty(source)


@pytest.mark.parametrize(
    ("event", "lists"),
    [
        ("installation", {"repositories": ["acme/app"]}),
        ("installation", {}),
        ("installation_repositories", {"repositories_removed": ["acme/app", "acme/unknown"]}),
        ("installation_repositories", {"repositories_added": [f"acme/r{number}" for number in range(40_000)]}),
    ],
)
async def test_an_installation_marks_what_it_names(house: House, event: str, lists: dict[str, list[str]]) -> None:
    """One that names nothing, or too much to look up, marks all that is followed of its owner."""
    source, other = await house.source(), await house.source(Hub("acme-two/app", node_id="R_3"))

    assert Taken(Outcome.ACCEPTED, 1) == await house.take(HUB.installation(event, **lists, secret=APP_SECRET))

    assert (True, False) == (await house.is_dirty(source), await house.is_dirty(other))


async def test_an_installation_cannot_be_told_by_a_repositorys_own_hook(house: House) -> None:
    """Its secret speaks for that repository alone."""
    await house.source()

    assert Taken(Outcome.REJECTED) == await house.take(HUB.installation("installation", repositories=["acme/app"]))


async def test_what_is_no_delivery_is_told_only_to_who_has_a_secret(house: House) -> None:
    """Whoever has none gets the answer that a wrong signature gets."""
    genuine = HUB.send("push", [], secret=APP_SECRET)
    headless = replace(genuine, headers={"x-hub-signature-256": genuine.headers["x-hub-signature-256"]})

    assert Taken(Outcome.MALFORMED) == await house.take(genuine)
    assert Taken(Outcome.MALFORMED) == await house.take(headless)
    assert Taken(Outcome.REJECTED) == await house.take(HUB.send("push", [], secret="wrong"))


async def test_nothing_is_marked_when_the_id_cannot_be_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mark and id are one commit: a delivery that was not taken in can come again, and counts then."""
    source, parcel = await house.source(), HUB.push()

    async def fails(*_: object, **__: object) -> None:
        raise StateUnavailable("expected to write, got a lock")

    with monkeypatch.context() as broken:
        broken.setattr(sources, "mark_dirty", fails)
        with pytest.raises(StateUnavailable):
            await house.take(parcel)

    assert await house.kept(parcel) is None
    assert not await house.is_dirty(source)
    assert Taken(Outcome.ACCEPTED, 1) == await house.take(parcel)


def _hook(repository: Repository) -> tuple[str, str]:
    return repository.hook_event, repository.hook_problem
