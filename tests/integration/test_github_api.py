"""Heads, limits and refusals of GitHub's API, against an emulator that runs on GitHub's own schemas."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.forge import Asked, Seen
from adapters.source import Head, SourceGone, SourceUnreachable
from tests.fakes.github.hub import Hub
from tests.fakes.github.server import running_emulator, trusting
from tests.integration.github_house import House, commits

NOTHING = Head("", "0" * 40)


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    """An emulator with a token for acme's repositories."""
    async with running_emulator(tmp_path) as running:
        running.add_token("token", repositories=["acme/*"])
        with trusting(running):
            yield running


@pytest.fixture
async def house(hub: Hub) -> AsyncIterator[House]:
    """Forges with the token."""
    made = House(hub, {"work": {"host": hub.host, "repositories": ["*/*"], "token": "token"}})
    yield made
    await made.forges.close()


def asked_of(hub: Hub, kind: str = "graphql") -> int:
    """How many requests of a kind came."""
    return sum(seen.kind == kind for seen in hub.requests)


async def test_one_query_tells_of_every_kind_of_repository(hub: Hub, house: House) -> None:
    """Default branch, branch, annotated tag, empty, archived, private, blocked, missing branch, missing repository."""
    app = await hub.create("acme/app", files={"a.py": b"one"})
    first = app.head
    await app.tag("v1", message="annotated")
    dev = await app.push({"b.py": b"two"}, branch="dev")
    await hub.create("acme/empty")
    old = await hub.create("acme/old", files={"a": b"x"}, is_private=True)
    await hub.archive(old)
    blocked = await hub.create("acme/blocked", files={"a": b"x"})
    await hub.disable(blocked)
    hub.requests.clear()

    found = await house.heads(
        Asked("acme/app"),
        Asked("acme/app", "dev"),
        Asked("acme/app", "v1"),
        Asked("acme/empty"),
        Asked("acme/old"),
        Asked("acme/blocked"),
        Asked("acme/app", "gone"),
        Asked("acme/nothing"),
        Asked("other/app"),
    )

    assert [first, dev, first, NOTHING.commit, old.head] == commits(found)[:5]
    assert ["SourceUnreachable", "branch", "gone", "gone"] == commits(found)[5:]
    assert Seen("acme/app", app.node_id, "main", Head("main", first), is_private=False) == found[0]
    assert Seen("acme/old", old.node_id, "main", Head("main", old.head), is_private=True, is_archived=True) == found[4]
    assert 1 == len(hub.requests)


async def test_2100_repositories_are_21_queries(hub: Hub, house: House) -> None:
    """No request besides, none missed, one point a query."""
    made = hub.create_many("acme", 2_100)
    before = house.forge.allowance("work").remaining

    found = await house.heads(*(Asked(one.full_name, node_id=one.node_id) for one in made))

    assert [one.head for one in made] == commits(found)
    assert 21 == len(hub.requests) == asked_of(hub)
    assert before is None
    assert 5_000 - 21 == house.forge.allowance("work").remaining


async def test_repository_is_followed_by_its_node_id(hub: Hub, house: House) -> None:
    """Renamed and transferred, it has another name and the same head; its former name may be somebody else's by now."""
    app = await hub.create("acme/app", files={"a": b"x"})
    await hub.rename(app, "renamed")
    await hub.transfer(app, "acme-labs")
    other = await hub.create("acme/app", files={"a": b"y"})

    by_id, by_name = await house.heads(Asked("acme/app", node_id=app.node_id), Asked("acme/app"))

    assert Seen("acme-labs/renamed", app.node_id, "main", Head("main", app.head), is_private=False) == by_id
    assert Seen("acme/app", other.node_id, "main", Head("main", other.head), is_private=False) == by_name


async def test_former_name_leads_to_a_renamed_repository(hub: Hub, house: House) -> None:
    """As long as nobody else took it; then the new name is to be kept."""
    app = await hub.create("acme/app", files={"a": b"x"})
    await hub.rename(app, "renamed")

    found = (await house.heads(Asked("acme/app")))[0]

    assert isinstance(found, Seen)
    assert "acme/renamed" == found.repository


async def test_repository_that_was_made_anew_is_found_by_name(hub: Hub, house: House) -> None:
    """Its node id tells that it is another one."""
    old = await hub.create("acme/app", files={"a": b"x"})
    await hub.delete(old)
    gone = (await house.heads(Asked("acme/app", node_id=old.node_id)))[0]
    new = await hub.create("acme/app", files={"a": b"y"})
    found = (await house.heads(Asked("acme/app", node_id=old.node_id)))[0]

    assert isinstance(gone, SourceGone)
    assert isinstance(found, Seen)
    assert new.node_id == found.node_id != old.node_id


async def test_batch_that_is_too_much_is_halved(hub: Hub, house: House) -> None:
    """A host that gives up on more than 30 at once still tells of all."""
    made = hub.create_many("acme", 120)
    hub.fail("gateway", times=-1, path="/api/graphql", above=30)

    found = await house.heads(*(Asked(one.full_name) for one in made))

    assert [one.head for one in made] == commits(found)
    assert [502, 502, 200] == [seen.status for seen in hub.requests[:3]]
    assert None is house.forge.allowance("work").paused_until


async def test_partial_answer_is_used(hub: Hub, house: House) -> None:
    """What did not come is asked for again; what came is not."""
    made = hub.create_many("acme", 8)
    hub.fail("graphql_partial")

    found = await house.heads(*(Asked(one.full_name) for one in made))

    assert [one.head for one in made] == commits(found)
    assert [8, 4] == [query.count("repository(") for query in hub.queries]


async def test_slow_body_is_cut_and_asked_for_in_halves(hub: Hub) -> None:
    """An answer that does not come in time may come for fewer."""
    made = hub.create_many("acme", 8)
    house = House(hub, {"work": {"host": hub.host, "repositories": ["*/*"], "token": "token"}}, timeout_s=2.0)
    hub.fail("slow", path="/api/graphql", seconds=30.0)

    found = await house.heads(*(Asked(one.full_name) for one in made))

    assert [one.head for one in made] == commits(found)
    assert [8, 4, 4] == [query.count("repository(") for query in hub.queries][:3]
    await house.forges.close()


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize(
    ("kind", "reason", "wait_s"),
    [("retry_after", "secondary", 90), ("exhausted", "primary", 90), ("secondary", "secondary", 60)],
)
async def test_limits_pause_and_are_restored(
    hub: Hub, house: House, kind: Any, status: int, reason: str, wait_s: float
) -> None:
    """Nothing is asked until the limit is over, not even after a restart; then everything is."""
    made = hub.create_many("acme", 3)
    asked = [Asked(one.full_name) for one in made]
    hub.fail(kind, status=status, seconds=90.0, path="/api/graphql")

    with pytest.raises(SourceUnreachable) as limited:
        await house.heads(*asked)
    restarted = House(hub, {"work": {"host": hub.host, "repositories": ["*/*"], "token": "token"}})
    restarted.forge.restore(house.forge.allowance("work"))
    for one in (house, restarted):
        with pytest.raises(SourceUnreachable):
            await one.heads(*asked)

    assert wait_s == pytest.approx(limited.value.retry_after_s, abs=3)
    assert reason == house.forge.allowance("work").reason
    assert 1 == len(hub.requests)
    restarted.clock.ahead = timedelta(seconds=wait_s + 3)
    assert [one.head for one in made] == commits(await restarted.heads(*asked))
    await restarted.forges.close()


async def test_graphql_limit_with_status_200_pauses(hub: Hub, house: House) -> None:
    """GraphQL says it with an error and a status that looks like success."""
    hub.create_many("acme", 1)
    hub.fail("graphql_limited", times=-1)

    for _ in range(2):
        with pytest.raises(SourceUnreachable) as limited:
            await house.heads(Asked("acme/repository-0"))
        assert 60 == pytest.approx(limited.value.retry_after_s, abs=2)

    assert 1 == len(hub.requests)
    assert "primary" == house.forge.allowance("work").reason


async def test_limit_in_the_middle_keeps_what_was_answered(hub: Hub, house: House) -> None:
    """The first hundred are known; the others say how long to wait."""
    made = hub.create_many("acme", 150)
    hub.tokens["token"].limits["graphql"].used = 4_999

    found = await house.heads(*(Asked(one.full_name) for one in made))

    assert [one.head for one in made[:100]] == commits(found[:100])
    assert all(isinstance(one, SourceUnreachable) and one.retry_after_s for one in found[100:])
    assert 1 == len(hub.requests)


async def test_reset_connection_is_an_outage(hub: Hub, house: House) -> None:
    """It is over with the next answer."""
    made = hub.create_many("acme", 2)
    hub.fail("reset", path="/api/graphql")

    with pytest.raises(SourceUnreachable) as away:
        await house.heads(Asked("acme/repository-0"))
    assert 15.0 == away.value.retry_after_s
    assert "outage" == house.forge.allowance("work").reason
    house.clock.ahead = timedelta(seconds=16)

    assert [made[0].head] == commits(await house.heads(Asked("acme/repository-0")))


async def test_dead_gateway_is_an_outage_after_few_requests(hub: Hub, house: House) -> None:
    """Halving ends: nine requests for 200 repositories, none during the pause."""
    made = hub.create_many("acme", 200)
    hub.fail("gateway", times=-1, path="/api/graphql", status=504)

    for _ in range(2):
        with pytest.raises(SourceUnreachable) as away:
            await house.heads(*(Asked(one.full_name) for one in made))
        assert away.value.retry_after_s

    assert 9 == len(hub.requests)


async def test_wrong_token_is_the_result_for_each(hub: Hub) -> None:
    """It says which credential, and not what stands in it."""
    await hub.create("acme/app", files={"a": b"x"})
    house = House(hub, {"work": {"host": hub.host, "repositories": ["*/*"], "token": "ghp_wrong"}})

    found = await house.heads(Asked("acme/app"), Asked("acme/lib"))

    assert ["unauthorised", "unauthorised"] == commits(found)
    assert "the credential 'work', got HTTP 401" in str(found[0])
    assert "ghp_wrong" not in str(found[0])
    assert 1 == len(hub.requests)
    await house.forges.close()


async def test_expired_token_is_refused(hub: Hub) -> None:
    """GitHub says the same of it as of a wrong one, so both are named."""
    hub.add_token("old", repositories=["acme/*"], expires_at=1.0)
    house = House(hub, {"work": {"host": hub.host, "repositories": ["*/*"], "token": "old"}})

    with pytest.raises(SourceGone, match="is wrong, has expired or was revoked") as refused:
        await house.forge.describe(Asked("acme/app"), credential="work")

    assert "unauthorised" == refused.value.reason
    await house.forges.close()


async def test_missing_scope_is_named(hub: Hub) -> None:
    """A token for public repositories only cannot see a private one; which scope is missing is said."""
    await hub.create("acme/secret", files={"a": b"x"}, is_private=True)
    hub.add_token("narrow", repositories=["acme/*"], scopes=["public_repo"])
    house = House(hub, {"work": {"host": hub.host, "repositories": ["*/*"], "token": "narrow"}})

    with pytest.raises(SourceGone, match="private ones need the scope repo, and the token has public_repo"):
        await house.forge.describe(Asked("acme/secret"), credential="work")
    await house.forges.close()


async def test_single_sign_on_is_named(hub: Hub) -> None:
    """The organization has not authorised the token yet."""
    await hub.create("acme/app", files={"a": b"x"})
    hub.add_token("sso", repositories=["acme/*"], needs_sso=True)
    house = House(hub, {"work": {"host": hub.host, "repositories": ["*/*"], "token": "sso"}})

    with pytest.raises(SourceGone, match="SAML single sign-on"):
        await house.forge.describe(Asked("acme/app"), credential="work")
    await house.forges.close()


async def test_public_repository_is_described_to_nobody(hub: Hub, house: House) -> None:
    """Without a credential: what is public, what is empty; what is private is as if it were not there."""
    app = await hub.create("acme/app", files={"a": b"x"})
    dev = await app.push({"a": b"y"}, branch="dev/x")
    await hub.create("acme/empty")
    await hub.create("acme/secret", files={"a": b"x"}, is_private=True)
    describe = house.forge.describe

    assert Seen("acme/app", app.node_id, "main", Head("main", app.head), is_private=False) == await describe(
        Asked("acme/app")
    )
    assert Head("dev/x", dev) == (await describe(Asked("acme/app", "dev/x"))).head
    assert NOTHING == (await describe(Asked("acme/empty"))).head
    for asked, reason in (
        (Asked("acme/secret"), "gone"),
        (Asked("acme/no"), "gone"),
        (Asked("acme/app", "no"), "branch"),
    ):
        with pytest.raises(SourceGone) as gone:
            await describe(asked)
        assert reason == gone.value.reason
    assert 0 == asked_of(hub)


async def test_renamed_repository_is_described_to_nobody(hub: Hub, house: House) -> None:
    """GitHub redirects to the number of the repository, on the same host."""
    app = await hub.create("acme/app", files={"a": b"x"})
    await hub.rename(app, "renamed")

    assert "acme/renamed" == (await house.forge.describe(Asked("acme/app"))).repository


async def test_certificate_that_nobody_vouches_for_names_the_cure(tmp_path: Path) -> None:
    """A GitHub Enterprise with a certificate of its own needs its authority to be named."""
    async with running_emulator(tmp_path) as hub:
        house = House(hub, {"work": {"host": hub.host, "repositories": ["*/*"], "token": "token"}})

        with pytest.raises(SourceUnreachable, match="SSL_CERT_FILE"):
            await house.heads(Asked("acme/app"))
        await house.forges.close()
