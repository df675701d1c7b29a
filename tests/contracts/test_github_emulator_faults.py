"""What goes wrong in the GitHub emulator on request, and how many it serves."""

import asyncio
import ssl
import time

import httpx
import pytest

from tests.contracts.github import Rest, ask, git
from tests.fakes.github.faults import FaultKind
from tests.fakes.github.hub import Hub
from tests.fakes.github.validation import check_rest

HEADS = "{" + " ".join(f'r{n}:repository(owner:"big",name:"repository-{n}"){{id}}' for n in range(10)) + "}"


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize(
    ("kind", "headers"),
    [
        ("retry_after", {"retry-after"}),
        ("exhausted", {"x-ratelimit-remaining", "x-ratelimit-reset"}),
        ("secondary", set()),
    ],
)
@pytest.mark.parametrize("path", ["/api/v3/rate_limit", "/api/graphql"])
async def test_limits_are_told_in_each_form(
    hub: Hub, web: httpx.AsyncClient, kind: FaultKind, headers: set[str], status: int, path: str
) -> None:
    """By retry-after, by what remains, or by nothing but the text; for REST and GraphQL alike."""
    hub.fail(kind, status=status, seconds=30)
    ask_it = {"GET": lambda: web.get(path), "POST": lambda: web.post(path, json={"query": "{rateLimit{cost}}"})}
    answer, after = [await ask_it["POST" if path == "/api/graphql" else "GET"]() for _ in range(2)]

    spoken = {"retry-after", "x-ratelimit-remaining", "x-ratelimit-reset"} & set(answer.headers)
    assert (status, 200) == (answer.status_code, after.status_code)
    assert headers <= spoken
    assert kind != "secondary" or not spoken
    assert kind != "retry_after" or answer.headers["retry-after"] == "30"
    assert kind != "exhausted" or 25 < int(answer.headers["x-ratelimit-reset"]) - time.time() <= 30
    assert ("secondary rate limit" in answer.text) == (kind != "exhausted")


async def test_graphql_tells_a_limit_with_status_200(hub: Hub, web: httpx.AsyncClient) -> None:
    """There is an error and no data."""
    hub.fail("graphql_limited")

    answer = await ask(web, "{rateLimit{cost}}")

    assert (["RATE_LIMITED"], False) == ([error["type"] for error in answer["errors"]], "data" in answer)


@pytest.mark.parametrize(("seconds", "header"), [(9, "9"), (0, None)])
async def test_graphql_tells_the_secondary_limit_with_status_200(
    hub: Hub, web: httpx.AsyncClient, seconds: float, header: str | None
) -> None:
    """With the header that says when, or without."""
    hub.fail("graphql_secondary", seconds=seconds)

    answer = await web.post("/api/graphql", json={"query": "{rateLimit{cost}}"})

    assert (200, header) == (answer.status_code, answer.headers.get("retry-after"))
    assert "secondary rate limit" in answer.json()["errors"][0]["message"]


async def test_points_that_are_used_up_are_told_with_status_200(hub: Hub, web: httpx.AsyncClient) -> None:
    """GraphQL's own way, with the headers that say when there will be more."""
    hub.tokens["token"].limits["graphql"].most = 1
    first, second = [await web.post("/api/graphql", json={"query": "{rateLimit{remaining}}"}) for _ in range(2)]

    assert {"data": {"rateLimit": {"remaining": 0}}} == first.json()
    assert (200, "0", "RATE_LIMITED") == (
        second.status_code,
        second.headers["x-ratelimit-remaining"],
        second.json()["errors"][0]["type"],
    )


async def test_graphql_can_answer_half(hub: Hub, web: httpx.AsyncClient) -> None:
    """What it did not get to is null, with an error that names it."""
    hub.create_many("big", 10)
    hub.fail("graphql_partial")
    answer = await ask(web, HEADS)

    missing = [name for name, told in answer["data"].items() if told is None]
    assert [f"r{n}" for n in range(5, 10)] == missing
    assert [[name] for name in missing] == [error["path"] for error in answer["errors"]]


@pytest.mark.parametrize("status", [502, 504])
async def test_large_queries_can_be_too_much(hub: Hub, web: httpx.AsyncClient, status: int) -> None:
    """Those of more than so many fields fail as long as it is wanted; smaller ones are answered."""
    hub.fail("gateway", times=-1, status=status, above=5)
    hub.create_many("big", 10)
    large = [await web.post("/api/graphql", json={"query": HEADS}) for _ in range(2)]
    small = await ask(web, '{repository(owner:"big",name:"repository-1"){name}}')

    assert [status, status] == [answer.status_code for answer in large]
    assert {"repository": {"name": "repository-1"}} == small["data"]


async def test_faults_happen_to_what_they_are_meant_for(hub: Hub, rest: Rest) -> None:
    """A path narrows them; errors of limits are described by GitHub as well."""
    await hub.create("acme/app", files={"a.py": b"one"})
    hub.fail("gateway", path="/branches/")
    hub.fail("retry_after", path="/hooks")
    whole = await rest.get("/repos/acme/app")
    limited = await rest.get("/repos/acme/app/hooks")

    assert ([200, 403], 1) == ([whole.status_code, limited.status_code], len(hub.faults.waiting))


async def test_a_body_can_be_slow_or_cut_off(hub: Hub, web: httpx.AsyncClient) -> None:
    """A client that waits less gives up; a connection can be reset in the middle."""
    hub.fail("slow", seconds=60)
    with pytest.raises(httpx.ReadTimeout):
        await web.get("/api/v3/rate_limit", timeout=0.3)
    hub.fail("reset")
    with pytest.raises(httpx.TransportError):
        await web.get("/api/v3/rate_limit")
    answer = await web.get("/api/v3/rate_limit")

    check_rest("GET", "/rate_limit", answer.status_code, answer.json())


@pytest.mark.parametrize("kind", ["reset", "gateway", "retry_after"])
async def test_git_fails_likewise(hub: Hub, kind: FaultKind) -> None:
    """And works again afterwards."""
    await hub.create("acme/app", files={"a.py": b"one"})
    hub.fail(kind, path="acme/app")
    codes = [git("ls-remote", f"{hub.url}/acme/app.git")[0] for _ in range(2)]

    assert [128, 0] == codes


async def test_a_client_that_hangs_up_is_no_fault(hub: Hub) -> None:
    """As a killed git does: in the middle of what it sends, and of what it is sent."""
    await hub.create("acme/app", files={"a.py": b"one" * 1_000_000})
    context = ssl.create_default_context(cafile=str(hub.ca_file))
    host, _, port = hub.host.partition(":")
    for lines in (
        b"POST /acme/app.git/git-upload-pack HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n123",
        b"GET /acme/app.git/info/refs?service=git-upload-pack HTTP/1.1\r\nhost: x\r\n\r\n",
    ):
        _reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
        writer.write(lines)
        await writer.drain()
        writer.transport.abort()

    assert 0 == git("ls-remote", f"{hub.url}/acme/app.git")[0]
    assert [] == hub.crashes


async def test_what_is_still_going_on_does_not_hold_up_the_end(hub: Hub, web: httpx.AsyncClient) -> None:
    """An answer that takes a minute is given up when the emulator stops."""
    hub.fail("slow", seconds=60)
    async with web.stream("GET", "/api/v3/rate_limit") as answer:
        assert 200 == answer.status_code


async def test_500_repositories_are_asked_in_5_queries(hub: Hub, web: httpx.AsyncClient) -> None:
    """None is missed, and a query costs one point."""
    many = hub.create_many("big", 500)
    known: dict[str, str] = {}
    for begin in range(0, 500, 100):
        fields = "nameWithOwner defaultBranchRef{target{oid}}"
        query = " ".join(
            f'r{place}:repository(owner:"big",name:"{one.name}"){{{fields}}}'
            for place, one in enumerate(many[begin : begin + 100])
        )
        answer = await ask(web, f"{{{query}}}")
        known |= {told["nameWithOwner"]: told["defaultBranchRef"]["target"]["oid"] for told in answer["data"].values()}

    assert {one.full_name: one.head for one in many} == known
    assert 5 == hub.tokens["token"].limits["graphql"].used
