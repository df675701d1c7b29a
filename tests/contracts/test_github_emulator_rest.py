"""The GitHub emulator's REST: repositories and trees, who asks, what is left to ask, and GitHub Apps.

Every answer that `rest` gives was compared with GitHub's OpenAPI description.
"""

import functools
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

import jwt
import pytest

from tests.contracts.github import Rest
from tests.fakes.github.hub import Hub
from tests.fakes.github.people import App, new_app_key
from tests.fakes.github.validation import Undescribed, check_rest

app_key = functools.cache(new_app_key)


def signed(app_id: int = 7, *, key: str = "", **claims: int) -> str:
    """What an App signs in with; `claims` are seconds from now."""
    times = {"iat": -60, "exp": 540, **claims}
    now = int(time.time())
    return jwt.encode(
        {"iss": str(app_id), **{name: now + offset for name, offset in times.items()}}, key or app_key()[0], "RS256"
    )


@pytest.fixture
def app(hub: Hub) -> App:
    """An App that is installed for one repository, acme/app."""
    return hub.add_app(7, app_key()[1], ["acme/app"], permissions={"contents": "read", "metadata": "read"})


async def test_a_repository_is_told_by_name_and_by_number(hub: Hub, rest: Rest) -> None:
    """Its number and node id stay; a former name leads to the number."""
    repository = await hub.create("acme/app", files={"a.py": b"one"}, is_private=True)
    await hub.rename(repository, "program")
    moved = await rest.get("/repos/acme/app")
    there = await rest.get(moved.headers["location"].removeprefix(hub.api))
    branch = await rest.get(f"/repositories/{repository.number}/branches/main")

    assert (301, f"{hub.api}/repositories/{repository.number}") == (moved.status_code, moved.json()["url"])
    assert ("acme/program", repository.node_id, True, "private") == tuple(
        there.json()[name] for name in ("full_name", "node_id", "private", "visibility")
    )
    assert repository.head == branch.json()["commit"]["sha"]


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        ("/repos/acme/secret", "", 404),
        ("/repos/acme/nothing", "token", 404),
        ("/repos/other/secret", "token", 404),
        ("/repos/acme/secret", "noscope", 404),
        ("/repos/acme/secret", "wrong", 401),
        ("/repos/acme/secret", "expired", 401),
        ("/repos/acme/secret", "sso", 403),
        ("/repos/acme/secret/branches/main", "meta", 403),
        ("/repos/acme/secret/branches/none", "token", 404),
        ("/repos/acme/secret", "meta", 200),
    ],
)
async def test_what_may_not_be_seen_is_refused_as_github_does(
    hub: Hub, rest: Rest, path: str, token: str, status: int
) -> None:
    """Private is as good as missing; a token that is wrong, too old or too weak says so."""
    await hub.create("acme/secret", files={"a.py": b"one"}, is_private=True)
    await hub.create("other/secret", files={"a.py": b"one"}, is_private=True)
    hub.add_token("noscope", scopes=["read:user"])
    hub.add_token("expired", expires_at=1.0)
    hub.add_token("sso", needs_sso=True)
    hub.add_token("meta", kind="fine-grained", permissions={"metadata": "read"})

    answer = await rest.get(path, token=token)

    assert status == answer.status_code
    assert (token == "sso") == ("x-github-sso" in answer.headers)


async def test_a_classic_token_shows_its_scopes(hub: Hub, rest: Rest) -> None:
    """Which is how a client can say what is lacking; other tokens have none."""
    hub.add_token("two", scopes=["repo", "read:org"])
    hub.add_token("fine", kind="fine-grained")
    answers = [await rest.get("/user", token=token) for token in ("two", "fine")]

    assert ["repo, read:org", None] == [answer.headers.get("x-oauth-scopes") for answer in answers]


async def test_a_tree_can_be_truncated(hub: Hub, rest: Rest) -> None:
    """Whole at first, then half of it with the flag."""
    await hub.create("acme/app", files={"a.py": b"one", "deep/b.py": b"two", "deep/c.py": b"three"})
    hub.fail("truncated_tree")
    cut = await rest.get("/repos/acme/app/git/trees/main", recursive="1")
    whole = await rest.get("/repos/acme/app/git/trees/main", recursive="1")

    assert (True, 2) == (cut.json()["truncated"], len(cut.json()["tree"]))
    assert (False, ["a.py", "deep", "deep/b.py", "deep/c.py"]) == (
        whole.json()["truncated"],
        [entry["path"] for entry in whole.json()["tree"]],
    )


async def test_an_empty_repository_has_no_tree(hub: Hub, rest: Rest) -> None:
    """GitHub says 409."""
    await hub.create("acme/empty")

    assert 409 == (await rest.get("/repos/acme/empty/git/trees/main")).status_code


async def test_what_is_known_already_is_not_sent_or_counted_again(hub: Hub, rest: Rest) -> None:
    """A 304 costs nothing; /rate_limit neither."""
    await hub.create("acme/app", files={"a.py": b"one"})
    first = await rest.get("/repos/acme/app")
    again = await rest.get("/repos/acme/app", headers={"if-none-match": first.headers["etag"]})
    told = await rest.get("/rate_limit")

    assert (304, b"") == (again.status_code, again.content)
    assert ["4999", "4999"] == [answer.headers["x-ratelimit-remaining"] for answer in (first, again)]
    assert 4_999 == told.json()["rate"]["remaining"]


async def test_a_limit_that_is_used_up_refuses(hub: Hub, rest: Rest) -> None:
    """Until its hour is over, with the headers that say when."""
    await hub.create("acme/app", files={"a.py": b"one"})
    hub.anonymous.most = 1
    answers = [await rest.get("/repos/acme/app", token="") for _ in range(2)]
    hub.anonymous.resets_at = int(time.time()) - 1

    assert 200 == (await rest.get("/repos/acme/app", token="")).status_code
    assert [(200, "0"), (403, "0")] == [(one.status_code, one.headers["x-ratelimit-remaining"]) for one in answers]
    assert int(answers[1].headers["x-ratelimit-reset"]) > time.time()


async def test_an_app_gets_tokens_that_open_its_repositories(hub: Hub, app: App, rest: Rest) -> None:
    """And no others; a token can be for less than the whole installation."""
    mine = await hub.create("acme/app", files={"a.py": b"one"}, is_private=True)
    await hub.create("acme/other", files={"a.py": b"one"}, is_private=True)
    about = await rest.get("/app", token=signed())
    installed = await rest.get("/app/installations", token=signed())
    found = await rest.get("/repos/acme/app/installation", token=signed())
    path = f"/app/installations/{found.json()['id']}/access_tokens"
    made = await rest.post(path, token=signed(), json={"repositories": ["app"], "permissions": {"contents": "read"}})
    token = made.json()["token"]
    opened = await rest.get("/repos/acme/app", token=token)
    listed = await rest.get("/installation/repositories", token=token)

    assert (7, [app.installation_id]) == (about.json()["id"], [one["id"] for one in installed.json()])
    assert (201, 200) == (made.status_code, opened.status_code)
    assert [mine.node_id] == [one["node_id"] for one in listed.json()["repositories"]]
    assert 404 == (await rest.get("/repos/acme/other", token=token)).status_code
    assert 404 == (await rest.get("/repos/acme/other/installation", token=signed())).status_code
    assert 404 == (await rest.get(f"/app/installations/{app.installation_id + 1}", token=signed())).status_code
    assert 200 == (await rest.get(f"/app/installations/{app.installation_id}", token=signed())).status_code


@pytest.mark.parametrize("wanted", [{"repositories": ["other"]}, {"permissions": {"issues": "read"}}])
async def test_a_token_cannot_be_more_than_its_installation(
    hub: Hub, app: App, rest: Rest, wanted: Mapping[str, object]
) -> None:
    """Neither for another repository nor for another permission."""
    await hub.create("acme/other", files={"a.py": b"one"})

    made = await rest.post(f"/app/installations/{app.installation_id}/access_tokens", token=signed(), json=wanted)

    assert 422 == made.status_code


async def test_a_suspended_app_gets_no_token(hub: Hub, app: App, rest: Rest) -> None:
    """Until its owner takes that back."""
    app.is_suspended = True

    made = await rest.post(f"/app/installations/{app.installation_id}/access_tokens", token=signed())

    assert 403 == made.status_code


@pytest.mark.parametrize(
    ("sign", "said"),
    [
        (lambda: signed(exp=700), "too far in the future"),
        (lambda: signed(exp=-1), "'exp'"),
        (lambda: signed(iat=300), "'iat'"),
        (lambda: signed(8), "Integration not found"),
        (lambda: signed(key=new_app_key()[0]), "could not be decoded"),
        (lambda: "token", "could not be decoded"),
    ],
)
async def test_an_app_must_sign_in_rightly(hub: Hub, app: App, rest: Rest, sign: Callable[[], str], said: str) -> None:
    """Its key, its clock, at most ten minutes."""
    answer = await rest.get("/app", token=sign())

    assert (401, True) == (answer.status_code, said in answer.json()["message"])


async def test_a_clock_that_is_behind_cannot_sign_in(hub: Hub, app: App, rest: Rest) -> None:
    """What it signs is out of date where it arrives; the header `date` tells who is wrong."""
    hub.clock_ahead_s = 3_600
    answer = await rest.get("/app", token=signed())

    ahead_s = parsedate_to_datetime(answer.headers["date"]).timestamp() - time.time()
    assert (401, True) == (answer.status_code, 3_500 < ahead_s < 3_700)


async def test_an_installation_is_nobody(hub: Hub, app: App, rest: Rest) -> None:
    """It has no account of its own, and an expired token opens nothing."""
    hub.tokens["fresh"] = app.new_token()
    app.token_lives_s = -1
    hub.tokens["old"] = app.new_token()

    assert [403, 401] == [(await rest.get("/user", token=token)).status_code for token in ("fresh", "old")]


async def test_app_deliveries_are_listed_and_repeated(hub: Hub, app: App, rest: Rest) -> None:
    """By the App itself only."""
    hub.add_hook(app, "http://127.0.0.1:1/nowhere", "secret")
    lost = await hub.deliver("installation.created", app, how="lost")
    listed = await rest.get("/app/hook/deliveries", token=signed())
    shown = await rest.get(f"/app/hook/deliveries/{lost.number}", token=signed())
    again = await rest.post(f"/app/hook/deliveries/{lost.number}/attempts", token=signed())

    assert [lost.delivery.guid] == [one["guid"] for one in listed.json()]
    assert ("installation", "created", 202) == (shown.json()["event"], shown.json()["action"], again.status_code)
    assert 401 == (await rest.get("/app/hook/deliveries")).status_code


async def test_an_answer_that_github_would_not_give_is_found(hub: Hub, rest: Rest) -> None:
    """The control: a missing field, a wrong type, an unknown path, a status that is not described."""
    await hub.create("acme/app", files={"a.py": b"one"})
    body = (await rest.get("/repos/acme/app")).json()
    wrong = [
        ("/repos/acme/app", 200, {key: value for key, value in body.items() if key != "node_id"}),
        ("/repos/acme/app", 200, {**body, "id": "1001"}),
        ("/repos/acme/app", 202, body),
        ("/repository/acme/app", 200, body),
    ]

    for path, status, said in wrong:
        with pytest.raises(Undescribed):
            check_rest("GET", path, status, said)
