"""Requests to a host's API: how they are signed, counted, and what faults become."""

import json

import httpx
import pytest

from adapters.dialing import CheckedClient, SourceLate
from adapters.github.api import GithubApi, Key
from adapters.source import SourceGone, SourceRefused, SourceUnreachable
from tests.unit.adapters.github.answers import NOON, Clock, Script, answer, api

KEY = Key("work", "ghp_secret")


async def test_requests_are_signed_and_go_to_the_hosts_api() -> None:
    """GitHub Enterprise has its API below the host itself."""
    script = Script(answer(200, {"id": 1}))
    found = await api(script, host="git.acme.test:8443").rest("GET", "/repos/a/b", key=KEY)

    assert {"id": 1} == found.json()
    assert "https://git.acme.test:8443/api/v3/repos/a/b" == str(script.asked[0].url)
    assert "Bearer ghp_secret" == script.asked[0].headers["authorization"]


async def test_nobody_sends_no_authorization() -> None:
    """An empty key is none, not an empty header."""
    script = Script(answer(200, {}))
    await api(script).rest("GET", "/repos/a/b", key=Key())

    assert "authorization" not in script.asked[0].headers


def test_key_never_shows_its_token() -> None:
    """It is printed into logs and errors by its name alone."""
    assert "secret" not in repr(KEY)


async def test_nothing_is_asked_during_a_pause() -> None:
    """The limit was told once; until it is over, no request leaves."""
    script, clock = Script(answer(429, {}, retry_after="60"), answer(200, {})), Clock()
    client = api(script, clock)

    for _ in range(3):
        with pytest.raises(SourceUnreachable) as paused:
            await client.rest("GET", "/repos/a/b", key=KEY)
        assert 60.0 == paused.value.retry_after_s
    clock.ahead(60)
    await client.rest("GET", "/repos/a/b", key=KEY)

    assert 2 == len(script.asked)


async def test_graphql_limit_comes_with_status_200() -> None:
    """It is a limit all the same."""
    limited = {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}

    with pytest.raises(SourceUnreachable) as paused:
        await api(Script(answer(200, limited))).graphql("{ viewer { id } }", {}, key=KEY)

    assert 60.0 == paused.value.retry_after_s


async def test_connection_faults_pause_with_a_growing_wait() -> None:
    """A host that is away is not asked again at once."""

    def reset(_request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("connection reset")

    clock = Clock()
    client = GithubApi("github.com", CheckedClient(httpx.MockTransport(reset)), now=clock)
    waits = []
    for _ in range(2):
        with pytest.raises(SourceUnreachable) as away:
            await client.graphql("{ viewer { id } }", {}, key=KEY)
        waits.append(away.value.retry_after_s)
        clock.ahead(31)

    assert [15.0, 30.0] == waits


@pytest.mark.parametrize("status", [502, 504])
async def test_gateway_faults_ask_for_a_smaller_query(status: int) -> None:
    """They are late, not away: nothing is paused, so that half of it can be asked at once."""
    client = api(Script(answer(status, {"message": "Server Error"})))

    with pytest.raises(SourceLate):
        await client.graphql("{ viewer { id } }", {}, key=KEY)

    client.ledger.check("work", "graphql")


async def test_errors_come_by_the_alias_that_they_are_about() -> None:
    """Data of the others is used."""
    body = {"data": {"r0": {"id": "R"}, "r1": None}, "errors": [{"type": "NOT_FOUND", "path": ["r1"], "message": "x"}]}
    replied = await api(Script(answer(200, body))).graphql("{ viewer { id } }", {}, key=KEY)

    assert {"id": "R"} == replied.data["r0"]
    assert ["r1"] == list(replied.errors)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"errors": [{"message": "Field 'isNew' doesn't exist on type 'Repository'"}]}, SourceRefused),
        ({"errors": [{"message": "Something went wrong while executing your query."}], "data": None}, SourceLate),
        ([], SourceUnreachable),
        ({}, SourceUnreachable),
    ],
)
async def test_answers_without_data(body: object, kind: type[Exception]) -> None:
    """A query that a host does not know is refused for good; one that was too much may be halved; else it is away."""
    with pytest.raises(kind) as fault:
        await api(Script(answer(200, body))).graphql("{ viewer { id } }", {}, key=KEY)

    assert kind is type(fault.value)


async def test_host_without_graphql_says_nothing_of_repositories() -> None:
    """Its 404 is about the API; git can still be asked."""
    with pytest.raises(SourceRefused, match="GraphQL API"):
        await api(Script(answer(404))).graphql("{ viewer { id } }", {}, key=KEY)


async def test_question_that_can_wait_leaves_the_rest_of_the_hour() -> None:
    """The request is not sent at all."""
    reset = str(int(NOON.timestamp()) + 600)
    low = {"x_ratelimit_limit": "5000", "x_ratelimit_remaining": "400", "x_ratelimit_reset": reset}
    script = Script(answer(200, {"data": {}}, **low))
    client = api(script)
    await client.graphql("{ viewer { id } }", {}, key=KEY, spare=0.2)

    with pytest.raises(SourceUnreachable):
        await client.graphql("{ viewer { id } }", {}, key=KEY, spare=0.2)
    await client.graphql("{ viewer { id } }", {}, key=KEY)

    assert 2 == len(script.asked)


async def test_redirect_to_another_host_says_nothing_of_a_repository() -> None:
    """That host saw no token; its 404 must hide nothing."""
    script = Script(answer(302, location="https://elsewhere.test/"), answer(404))

    with pytest.raises(SourceRefused, match=r"redirect to 'elsewhere\.test'"):
        await api(script).rest("GET", "/repos/a/b", key=KEY)


async def test_redirected_query_is_refused() -> None:
    """A host that has moved is to be configured by its new name."""
    script = Script(answer(301, location="https://elsewhere.test/"), answer(404))

    with pytest.raises(SourceRefused, match="HTTP 301"):
        await api(script).graphql("{ viewer { id } }", {}, key=KEY)


async def test_graphql_without_a_token_is_not_asked() -> None:
    """The host would refuse it."""
    script = Script(answer(200, {}))

    with pytest.raises(SourceRefused, match="wants one"):
        await api(script).graphql("{ viewer { id } }", {}, key=Key())

    assert [] == script.asked


async def test_pages_follow_links_of_the_same_host_only() -> None:
    """A link elsewhere ends the list: it would carry the token there."""
    script = Script(
        answer(200, [1], link='<https://api.github.com/repos/a/b/issues?page=2>; rel="next", <x>; rel="last"'),
        answer(200, [2], link='<https://evil.test/repos/a/b/issues?page=3>; rel="next"'),
    )
    found = [page async for page in api(script).pages("/repos/a/b/issues", key=KEY, query={"state": "all"})]

    assert [[1], [2]] == found
    assert ["GET /repos/a/b/issues?per_page=100&state=all", "GET /repos/a/b/issues?page=2"] == script.paths


async def test_refusal_names_the_repository_and_the_credential() -> None:
    """The message helps without showing a token."""
    with pytest.raises(SourceGone) as gone:
        await api(Script(answer(404))).rest("GET", "/repos/acme/app/hooks?per_page=100", key=KEY)

    assert "acme/app" in str(gone.value)
    assert "'work'" in str(gone.value)
    assert "ghp_secret" not in str(gone.value)


async def test_body_is_json() -> None:
    """What is posted is what was given."""
    script = Script(answer(201, {}))
    await api(script).rest("POST", "/x", key=KEY, body={"permissions": {"contents": "read"}})

    assert {"permissions": {"contents": "read"}} == json.loads(script.asked[0].content)
