"""The GitHub emulator's issues, pull requests, discussions and releases, by REST and by GraphQL."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.contracts.github import Rest, ask
from tests.fakes.github.hub import Hub
from tests.fakes.github.repositories import Repository

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
async def repository(hub: Hub) -> Repository:
    """A repository with three issues, a pull request, a discussion and a release, each a minute after the last."""
    made = await hub.create("acme/app", files={"a.py": b"one"})
    for title in ("First", "Second", "Third"):
        made.board.open("issue", title, f"About {title}")
    made.board.open("pull", "Change", author="robot[bot]")
    made.board.open("discussion", "How?", author=None)
    for minutes, thread in enumerate(made.board.threads):
        thread.created_at = thread.updated_at = NOON + timedelta(minutes=minutes)
    made.board.release("v1", body="What is new")
    return made


def numbers(answer: httpx.Response) -> list[int]:
    """The numbers of the threads in an answer."""
    return [one["number"] for one in answer.json()]


async def test_issues_are_listed_with_pull_requests(repository: Repository, rest: Rest) -> None:
    """Newest first, open ones; a pull request is marked as one; no discussion."""
    repository.board.threads[0].close(reason="not_planned")
    listed = await rest.get("/repos/acme/app/issues")
    everything = await rest.get("/repos/acme/app/issues", state="all")

    assert [4, 3, 2] == numbers(listed)
    assert [True, False, False] == ["pull_request" in one for one in listed.json()]
    assert ("robot[bot]", "Bot") == (listed.json()[0]["user"]["login"], listed.json()[0]["user"]["type"])
    assert ("closed", "not_planned") == (everything.json()[3]["state"], everything.json()[3]["state_reason"])


async def test_issues_can_be_asked_for_since_a_time(repository: Repository, rest: Rest) -> None:
    """The very second counts, in any time zone; comments bring a thread up; pages follow each other."""
    path = "/repos/acme/app/issues"
    late = await rest.get(path, since="2026-01-01T13:02:00+01:00", sort="updated", direction="asc")
    repository.board.threads[0].comment("I too")
    page = await rest.get(path, since="2026-01-01T12:02:00Z", sort="updated", direction="asc", per_page="2")
    following = await rest.get(page.links["next"]["url"].partition("/api/v3")[2])

    assert [3, 4] == numbers(late)
    assert ([3, 4], [1]) == (numbers(page), numbers(following))
    assert "next" not in following.links
    assert 422 == (await rest.get(path, since="yesterday")).status_code


async def test_comments_are_listed_edited_and_deleted(repository: Repository, rest: Rest) -> None:
    """For one thread and for all; those on lines of a pull request are a list of their own."""
    first, pull = repository.board.threads[0], repository.board.threads[3]
    one, two = first.comment("one"), first.comment("two", author=None)
    pull.comment("three")
    pull.comment("on a line", path="a.py")
    first.edit_comment(one, "one, better")
    of_first = await rest.get("/repos/acme/app/issues/1/comments")
    first.delete_comment(two)
    of_all = await rest.get("/repos/acme/app/issues/comments", sort="updated", since="2026-01-01T12:00:00Z")
    on_lines = [await rest.get(f"/repos/acme/app/pulls/{which}") for which in ("comments", "4/comments")]

    assert [("one, better", "octocat"), ("two", None)] == [
        (told["body"], told["user"] and told["user"]["login"]) for told in of_first.json()
    ]
    assert {"one, better", "three"} == {told["body"] for told in of_all.json()}
    assert [["a.py"], ["a.py"]] == [[told["path"] for told in answer.json()] for answer in on_lines]


async def test_pull_requests_and_releases_are_told(repository: Repository, rest: Rest) -> None:
    """Merged ones say when; a draft of a release is hidden."""
    repository.board.threads[3].close(is_merged=True)
    repository.board.release("v2").is_draft = True
    listed = await rest.get("/repos/acme/app/pulls", state="all", sort="updated", direction="desc")
    whole = await rest.get("/repos/acme/app/pulls/4")
    releases = await rest.get("/repos/acme/app/releases")
    release = await rest.get(f"/repos/acme/app/releases/{releases.json()[0]['id']}")

    assert ([4], True) == (numbers(listed), whole.json()["merged"])
    assert listed.json()[0]["merged_at"] is not None
    assert ([("v1", "What is new")], "v1") == (
        [(one["tag_name"], one["body"]) for one in releases.json()],
        release.json()["name"],
    )


async def test_what_is_deleted_is_gone(hub: Hub, repository: Repository, rest: Rest, web: httpx.AsyncClient) -> None:
    """REST says 410 for an issue that was, 404 for one that never was; GraphQL knows neither."""
    node_id = (await rest.get("/repos/acme/app/issues/2")).json()["node_id"]
    repository.board.delete(repository.board.threads[1])
    statuses = [(await rest.get(f"/repos/acme/app/issues/{number}")).status_code for number in (1, 2, 99)]
    answer = await ask(web, "query($id:ID!){node(id:$id){id}}", id=node_id)
    repository.board.has_issues = False

    assert [200, 410, 404] == statuses
    assert ({"node": None}, "NOT_FOUND") == (answer["data"], answer["errors"][0]["type"])
    assert 410 == (await rest.get("/repos/acme/app/issues")).status_code


async def test_graphql_gives_issues_by_pages(repository: Repository, web: httpx.AsyncClient) -> None:
    """In the order of their updates since a time; a cursor stays right when what it stands for moves away."""
    query = """query($after:String){repository(owner:"acme",name:"app"){issues(first:2,after:$after,
        orderBy:{field:UPDATED_AT,direction:ASC},filterBy:{since:"2026-01-01T12:00:00Z"}){
        totalCount nodes{number title state author{login} comments(first:5){nodes{body}}}
        pageInfo{hasNextPage endCursor}}}}"""
    first = (await ask(web, query))["data"]["repository"]["issues"]
    repository.board.threads[1].comment("moves to the end")
    second = (await ask(web, query, after=first["pageInfo"]["endCursor"]))["data"]["repository"]["issues"]

    assert ([1, 2], True, 3) == (
        [one["number"] for one in first["nodes"]],
        first["pageInfo"]["hasNextPage"],
        first["totalCount"],
    )
    assert [(3, []), (2, [{"body": "moves to the end"}])] == [
        (one["number"], one["comments"]["nodes"]) for one in second["nodes"]
    ]
    assert second["pageInfo"]["hasNextPage"] is False


async def test_graphql_gives_discussions_with_answers_and_replies(
    repository: Repository, web: httpx.AsyncClient
) -> None:
    """Deleted accounts are null, minimized comments say so."""
    thread = repository.board.threads[4]
    comment = thread.comment("Like this")
    comment.is_answer = True
    thread.comment("Thanks", author="robot[bot]", reply_to=comment).minimized = "SPAM"
    answer = await ask(
        web,
        """{repository(owner:"acme",name:"app"){discussions(first:9,orderBy:{field:UPDATED_AT,direction:DESC}){nodes{
        number author{login} category{name} isAnswered answer{body} comments(first:9){nodes{body isAnswer
        replies(first:9){nodes{body isMinimized minimizedReason author{__typename login}}}}}}}}}""",
    )

    reply = {"body": "Thanks", "isMinimized": True, "minimizedReason": "SPAM"}
    assert [
        {
            "number": 5,
            "author": None,
            "category": {"name": "General"},
            "isAnswered": True,
            "answer": {"body": "Like this"},
            "comments": {
                "nodes": [
                    {
                        "body": "Like this",
                        "isAnswer": True,
                        "replies": {"nodes": [reply | {"author": {"__typename": "Bot", "login": "robot"}}]},
                    }
                ]
            },
        }
    ] == answer["data"]["repository"]["discussions"]["nodes"]


async def test_graphql_gives_pull_requests_and_releases(repository: Repository, web: httpx.AsyncClient) -> None:
    """With conversations on lines."""
    pull = repository.board.threads[3]
    pull.comment("on a line", path="a.py")
    pull.close(is_merged=True)
    answer = await ask(
        web,
        """{repository(owner:"acme",name:"app"){pullRequests(last:1,states:[MERGED]){nodes{number merged
        reviewThreads(first:5){nodes{path comments(first:5){nodes{body path}}}} labels(first:5){nodes{name}}}}
        releases(first:5){nodes{tagName description isDraft}} pullRequest(number:4){url} issue(number:4){url}}}""",
    )

    line = {"path": "a.py", "comments": {"nodes": [{"body": "on a line", "path": "a.py"}]}}
    told = answer["data"]["repository"]
    assert [{"number": 4, "merged": True, "reviewThreads": {"nodes": [line]}, "labels": {"nodes": []}}] == told[
        "pullRequests"
    ]["nodes"]
    assert [{"tagName": "v1", "description": "What is new", "isDraft": False}] == told["releases"]["nodes"]
    assert (True, None) == (told["pullRequest"]["url"].endswith("/acme/app/pull/4"), told["issue"])


@pytest.mark.parametrize(
    ("arguments", "said"), [("", "MISSING_PAGINATION_BOUNDARIES"), ("(first:101)", "EXCESSIVE_PAGINATION")]
)
async def test_graphql_wants_pages_of_a_hundred(
    repository: Repository, web: httpx.AsyncClient, arguments: str, said: str
) -> None:
    """A list without a size, or with too large a one, is refused as GitHub does it."""
    answer = await ask(web, f'{{repository(owner:"acme",name:"app"){{issues{arguments}{{totalCount}}}}}}')

    assert [said] == [error["type"] for error in answer["errors"]]


async def test_what_a_token_may_not_read_is_said(hub: Hub, repository: Repository, rest: Rest) -> None:
    """Issues need a permission of their own where a repository is private."""
    await hub.set_private(repository)
    hub.add_token("code", kind="fine-grained", permissions={"metadata": "read", "contents": "read"})
    headers = {"authorization": "Bearer code"}
    async with httpx.AsyncClient(base_url=hub.url, headers=headers, timeout=30) as client:
        answer = await ask(client, '{repository(owner:"acme",name:"app"){nameWithOwner issues(first:1){totalCount}}}')

    assert 403 == (await rest.get("/repos/acme/app/issues", token="code")).status_code
    assert [("FORBIDDEN", ["repository", "issues"])] == [(one["type"], one["path"]) for one in answer["errors"]]


async def test_a_query_costs_a_point_for_a_hundred_lists(repository: Repository, web: httpx.AsyncClient) -> None:
    """A hundred issues with the comments of each are 101 lists: one point; with replies to each it is many."""
    inner = "comments(first:100){nodes{replies(first:10){totalCount}}}"
    queries = [
        "rateLimit{cost}",
        'repository(owner:"acme",name:"app"){issues(first:100){nodes{comments(first:9){totalCount}}}} rateLimit{cost}',
        f'repository(owner:"acme",name:"app"){{discussions(first:100){{nodes{{{inner}}}}}}} rateLimit{{cost}}',
    ]
    costs = [(await ask(web, f"{{{query}}}"))["data"]["rateLimit"]["cost"] for query in queries]

    assert [1, 1, 101] == costs
