"""Sign-in as a GitHub App, and missed webhooks, against an emulator that runs on GitHub's own schemas."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.forge import Asked
from adapters.github.hooks import CaughtUp
from adapters.github.probe import Accepted
from adapters.source import SourceGone
from bot.cli.source_checks import probe_credentials
from config.settings import Credential
from tests.fakes.github.hub import Hub
from tests.fakes.github.server import running_emulator, trusting
from tests.fakes.project import settings
from tests.integration.github_house import APP, House, app_of, commits

NOWHERE = "https://127.0.0.1:9/webhooks/github"


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    """An emulator."""
    async with running_emulator(tmp_path) as running:
        with trusting(running):
            yield running


@pytest.fixture
async def house(hub: Hub) -> AsyncIterator[House]:
    """Forges with an App that is installed for acme's repositories."""
    made = House(hub, app_of(hub))
    yield made
    await made.forges.close()


def rest_of(hub: Hub) -> list[tuple[str, str]]:
    """Status and end of each REST request."""
    return [(seen.method, seen.path.rpartition("/")[2]) for seen in hub.requests if seen.kind == "rest"]


async def test_app_opens_private_repositories(hub: Hub, house: House) -> None:
    """One look-up and one token for all repositories of an owner; the token may do no more than read."""
    made = [await hub.create(f"acme/{name}", files={"a": b"x"}, is_private=True) for name in ("app", "lib")]

    found = await house.heads(*(Asked(one.full_name) for one in made))
    await house.heads(*(Asked(one.full_name) for one in made))

    assert [one.head for one in made] == commits(found)
    assert [("GET", "installation"), ("POST", "access_tokens")] == rest_of(hub)
    assert 4 == len(hub.requests)
    assert {"read"} == {right for token in hub.tokens.values() for right in token.permissions.values()}


async def test_no_log_holds_a_token(hub: Hub, house: House, caplog: pytest.LogCaptureFixture) -> None:
    """Not even at the most talkative level, and not when something is refused."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="httpx")  # also where the program's own logging was set up before
    await hub.create("acme/app", files={"a": b"x"}, is_private=True)
    await house.heads(Asked("acme/app"))
    for text, token in list(hub.tokens.items()):
        hub.tokens[text] = replace(token, expires_at=1.0)
    await house.heads(Asked("acme/app"))

    assert "access_tokens" in caplog.text  # what was asked is told, not with what
    assert [] == [text for text in (*hub.tokens, "eyJ", "PRIVATE KEY") if text in caplog.text]


async def test_token_is_refreshed_before_it_ends(hub: Hub, house: House) -> None:
    """One that lives for less than five minutes more is not used; a new one takes no other look-up."""
    app = await hub.create("acme/app", files={"a": b"x"}, is_private=True)
    hub.apps[APP].token_lives_s = 290.0
    await house.heads(Asked("acme/app"))

    assert [app.head] == commits(await house.heads(Asked("acme/app")))
    assert [("GET", "installation"), ("POST", "access_tokens"), ("POST", "access_tokens")] == rest_of(hub)


async def test_token_that_ended_early_is_made_anew(hub: Hub, house: House) -> None:
    """The host refuses it; nobody notices but for one more request."""
    app = await hub.create("acme/app", files={"a": b"x"}, is_private=True)
    await house.heads(Asked("acme/app"))
    for text, token in list(hub.tokens.items()):
        hub.tokens[text] = replace(token, expires_at=1.0)

    assert [app.head] == commits(await house.heads(Asked("acme/app")))
    assert [200, 401, 200] == [seen.status for seen in hub.requests if seen.kind == "graphql"]


@pytest.mark.parametrize("hours", [-30, 5])
async def test_machine_with_a_wrong_clock_signs_in(hub: Hub, house: House, hours: int) -> None:
    """The host's own clock is taken when it refuses ours; its limits are reckoned from there, too."""
    app = await hub.create("acme/app", files={"a": b"x"}, is_private=True)
    house.clock.ahead = timedelta(hours=hours)

    assert [app.head] == commits(await house.heads(Asked("acme/app")))
    resets_at = house.forge.allowance("work").resets_at
    assert resets_at
    assert timedelta(minutes=55) < resets_at - house.clock() <= timedelta(minutes=60)


async def test_suspended_app_says_so(hub: Hub, house: House) -> None:
    """And works again once it is resumed and the minute is over."""
    app = await hub.create("acme/app", files={"a": b"x"}, is_private=True)
    hub.apps[APP].is_suspended = True

    refused = (await house.heads(Asked("acme/app")))[0]
    hub.apps[APP].is_suspended = False
    house.clock.ahead = timedelta(seconds=61)

    assert isinstance(refused, SourceGone)
    assert "unauthorised" == refused.reason
    assert "suspended" in str(refused)
    assert [app.head] == commits(await house.heads(Asked("acme/app")))


async def test_app_that_was_removed_says_so(hub: Hub, house: House) -> None:
    """The token that is still kept is refused, and there is no installation any more."""
    await hub.create("acme/app", files={"a": b"x"}, is_private=True)
    await house.heads(Asked("acme/app"))
    hub.tokens.clear()
    hub.apps[APP].repositories = ("elsewhere/*",)
    hub.apps[APP].installation_id += 1

    refused = (await house.heads(Asked("acme/app")))[0]

    assert isinstance(refused, SourceGone)
    assert "unauthorised" == refused.reason
    assert "got none: it is not installed there" in str(refused)


async def test_repository_that_the_app_is_not_installed_for(hub: Hub) -> None:
    """Others of its owner are open all the same."""
    open_to_it = await hub.create("acme/app", files={"a": b"x"}, is_private=True)
    await hub.create("acme/secret", files={"a": b"x"}, is_private=True)
    house = House(hub, app_of(hub))
    hub.apps[APP].repositories = ("acme/app",)

    assert [open_to_it.head, "gone"] == commits(await house.heads(Asked("acme/app"), Asked("acme/secret")))
    await house.forges.close()


def attempts_of(hub: Hub, owner: Any) -> dict[str, int]:
    """How often each delivery was tried."""
    guids = [attempt.delivery.guid for attempt in hub.hooks_of(owner)[-1].attempts]
    return {guid: guids.count(guid) for guid in guids}


async def until_all_tried_twice(hub: Hub, owner: Any) -> None:
    """Wait for what was asked to be sent again."""
    async with asyncio.timeout(20):
        while set(attempts_of(hub, owner).values()) != {2}:  # noqa: ASYNC110 - the emulator sends on another thread
            await asyncio.sleep(0.05)


async def test_missed_deliveries_of_a_repository_are_asked_for_again(hub: Hub) -> None:
    """Each once; our webhook is found among others by its address."""
    app = await hub.create("acme/app", files={"a": b"x"})
    hub.add_token("token", repositories=["acme/*"])
    house = House(hub, {"work": {"host": hub.host, "repositories": ["acme/*"], "token": "token"}})
    hub.add_hook(app, "https://other.test/", "secret")
    hook = hub.add_hook(app, NOWHERE, "secret")
    for _ in range(2):
        await hub.deliver("push", app, hook=hook, how="lost")
    before = datetime.now(UTC) - timedelta(minutes=5)

    assert CaughtUp("asked", 2) == await house.forge.catch_up("acme/app", url=NOWHERE, since=before)
    await until_all_tried_twice(hub, app)
    later = datetime.now(UTC) + timedelta(minutes=5)
    assert CaughtUp("nothing") == await house.forge.catch_up("acme/app", url=NOWHERE, since=later)
    assert CaughtUp("no_hook") == await house.forge.catch_up("acme/app", url="https://x.test/", since=before)
    assert CaughtUp("not_allowed") == await house.forge.catch_up("other/app", url=NOWHERE, since=before)
    await house.forges.close()


async def test_missed_deliveries_of_an_app_are_asked_for_again(hub: Hub, house: House) -> None:
    """It asks as itself, by its JWT."""
    app = await hub.create("acme/app", files={"a": b"x"})
    before = datetime.now(UTC) - timedelta(minutes=5)
    credential = house.sources.credentials["work"]
    assert CaughtUp("no_hook") == await house.forge.catch_up_app("work", credential, since=before)
    hook = hub.add_hook(hub.apps[APP], NOWHERE, "secret")
    await hub.deliver("push", app, hook=hook, how="lost")

    assert CaughtUp("asked", 1) == await house.forge.catch_up_app("work", credential, since=before)
    await until_all_tried_twice(hub, hub.apps[APP])


async def test_app_without_the_right_to_webhooks_is_no_error(hub: Hub, house: House) -> None:
    """Its token may read; polling finds what a webhook would have told."""
    app = await hub.create("acme/app", files={"a": b"x"})
    hub.add_hook(app, NOWHERE, "secret")

    assert CaughtUp("not_allowed") == await house.forge.catch_up("acme/app", url=NOWHERE, since=datetime.now(UTC))


async def test_credentials_are_probed_before_they_are_used(hub: Hub, house: House) -> None:
    """An App and a token are known to their host, or it is said what is wrong with them."""
    forge, app = house.forge, house.sources.credentials["work"]
    token = Credential.model_validate({"host": hub.host, "repositories": ["acme/*"], "token": "token"})

    with pytest.raises(SourceGone, match="is wrong, has expired or was revoked"):
        await forge.probe("other", token)
    hub.add_token("token", scopes=["public_repo"])

    assert Accepted("token", scopes="public_repo") == await forge.probe("other", token)
    assert Accepted("app") == await forge.probe("work", app)
    with pytest.raises(SourceGone, match="app_id and app_key do not belong together"):
        await forge.probe("work", app.model_copy(update={"app_id": APP + 1}))


async def test_check_shows_credentials_to_their_host(hub: Hub) -> None:
    """One that is taken says what it may, one that is refused what to correct; neither says the secret."""
    hub.add_token("good-canary", scopes=["repo"])
    credentials = {
        name: Credential.model_validate({"host": hub.host, "repositories": ["acme/*"], "token": f"{name}-canary"})
        for name in ("good", "bad")
    }
    plain = settings()
    declared = {**{name: tuple(value) for name, value in hub.settings().items() if name != "credentials"}}
    sources = plain.sources.model_copy(update={**declared, "credentials": credentials})

    good, bad = await probe_credentials(plain.model_copy(update={"sources": sources}))

    assert (True, False) == (good.is_ok, bad.is_ok)
    assert "taken by the host, scopes: repo" in good.detail
    assert "sources.credentials.bad" in bad.cure
    assert "canary" not in repr((good, bad))
