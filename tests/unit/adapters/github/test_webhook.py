"""Whether a delivery is genuine, and what it says."""

import json
import traceback
from typing import Any
from urllib.parse import urlencode

import pytest

from adapters.github.webhook import Malformed, Named, Notice, genuine, moves, read_envelope, read_notice, sign

REPOSITORY = {
    "node_id": "R_kgDOAbc",
    "full_name": "acme/app",
    "html_url": "https://github.com/acme/app",
    "default_branch": "main",
    "private": False,
}
APP = Named("github.com", "acme/app", "R_kgDOAbc", default_branch="main")
ACCOUNT = {"login": "acme", "html_url": "https://github.com/acme"}


def read(event: str, payload: object, *, kind: str = "application/json") -> Notice:
    """A delivery as GitHub sends it."""
    headers = {"x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958", "x-github-event": event}
    body = json.dumps(payload).encode()
    if "form" in kind:
        body = urlencode({"payload": body}).encode()
    return read_notice(read_envelope(headers | {"content-type": kind}), body)


def changed(action: str, **changes: Any) -> Notice:
    """An event about the repository itself."""
    return read("repository", {"action": action, "repository": REPOSITORY, "changes": changes})


def test_the_example_of_githubs_documentation_is_genuine() -> None:
    """Secret, body and signature as the page "Validating webhook deliveries" gives them."""
    body, secret = b"Hello, World!", "It's a Secret to Everybody"
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

    assert sign(body, secret) == signature
    assert [False, True, False] == genuine(body, signature, ["another", secret, ""])


@pytest.mark.parametrize("signature", ["", "sha256=", "sha1=abc", "sha256=é", "757107ea"])
def test_anything_else_is_no_signature(signature: str) -> None:
    """A missing one, another algorithm, or signs that are none."""
    assert [False] == genuine(b"Hello", signature, ["secret"])


def test_an_empty_secret_signs_nothing() -> None:
    """A repository without a secret must not be opened by the signature that anybody can make."""
    assert [False] == genuine(b"Hello", sign(b"Hello", ""), [""])


def test_a_push_names_its_repository_and_ref() -> None:
    """As JSON and as a form alike; what it lists of files is not read."""
    payload = {"ref": "refs/heads/main", "repository": REPOSITORY, "commits": "not even a list", "forced": True}

    notice = read("push", payload)

    assert Notice("push", APP, (APP,), ref="refs/heads/main") == notice
    assert notice == read("push", payload, kind="application/x-www-form-urlencoded; charset=utf-8")


@pytest.mark.parametrize(
    ("pushed", "followed", "known_default", "expected"),
    [
        ("refs/heads/main", "", "", True),
        ("refs/heads/main", "main", "", True),
        ("refs/heads/other", "", "main", False),
        ("refs/heads/other", "main", "main", False),
        ("refs/heads/trunk", "", "trunk", True),
        ("refs/tags/v1", "v1", "main", True),
        ("refs/tags/main", "main", "main", True),
        ("refs/tags/v2", "v1", "main", False),
        ("refs/heads/feature/main", "main", "main", False),
        ("refs/heads/main", "refs/heads/main", "", True),
    ],
)
def test_a_push_moves_only_what_follows_its_ref(pushed: str, followed: str, known_default: str, expected: bool) -> None:  # noqa: FBT001 - a table
    """The default branch is that of the payload or the one known before, whichever is newer."""
    notice = read("push", {"ref": pushed, "repository": REPOSITORY})

    assert moves(notice, APP, ref=followed, default_branch=known_default) is expected


def test_a_push_moves_everything_while_no_default_branch_is_known() -> None:
    """Then only a look can tell."""
    unknown = Named("github.com", "acme/app")

    assert moves(Notice("push", unknown, (unknown,), ref="refs/heads/x"), unknown, ref="", default_branch="")


def test_a_rename_tells_the_name_before() -> None:
    """Whoever knows the repository by its old name must find it."""
    notice = changed("renamed", repository={"name": {"from": "old"}})

    assert ("repository.renamed", "acme/old") == (notice.event, notice.about[0].former)


@pytest.mark.parametrize("kind", ["user", "organization"])
def test_a_transfer_tells_the_owner_before(kind: str) -> None:
    """A person or an organization."""
    assert "former/app" == changed("transferred", owner={"from": {kind: {"login": "former"}}}).about[0].former


@pytest.mark.parametrize("action", ["deleted", "privatized", "publicized", "archived", "unarchived"])
def test_the_life_of_a_repository_is_told(action: str) -> None:
    """Each is a reason to look."""
    assert Notice(f"repository.{action}", APP, (APP,)) == changed(action)


def test_an_edit_counts_when_the_default_branch_has_changed() -> None:
    """A new description moves nothing."""
    assert "repository.edited" == changed("edited", default_branch={"from": "master"}).event
    assert "" == changed("edited", description={"from": "old"}).event
    assert "" == changed("created").event


@pytest.mark.parametrize(
    ("event", "lists"),
    [
        ("installation", {"repositories": ["acme/app"]}),
        ("installation_repositories", {"repositories_added": ["acme/app"], "repositories_removed": []}),
        ("installation_repositories", {"repositories_added": [], "repositories_removed": ["acme/app"]}),
    ],
)
def test_an_installation_names_its_repositories(event: str, lists: dict[str, list[str]]) -> None:
    """Those that an App was given or has lost; nobody's own hook sends such events."""
    told = {key: [{"full_name": name, "node_id": "R_1"} for name in names] for key, names in lists.items()}

    notice = read(event, {"action": "any", "installation": {"account": ACCOUNT}, **told})

    named = (Named("github.com", "acme/app", "R_1"),)
    assert Notice(event, about=named, host="github.com", owner="acme") == notice


def test_an_installation_that_lists_nothing_names_its_owner() -> None:
    """As when an App is suspended."""
    notice = read("installation", {"action": "suspend", "installation": {"account": ACCOUNT}})

    assert ("github.com", "acme", ()) == (notice.host, notice.owner, notice.about)


@pytest.mark.parametrize(
    ("hook", "problem"),
    [
        ({"type": "Repository", "events": ["push", "repository"], "config": {"insecure_ssl": "0"}}, ""),
        ({"type": "Repository", "events": ["*"], "config": {}}, ""),
        ({"type": "Repository", "events": ["issues"], "config": {}}, "no_push"),
        ({"type": "Repository", "events": ["push"], "config": {"insecure_ssl": "1"}}, "no_verification"),
        ({"type": "App", "events": []}, ""),
        ({}, ""),
    ],
)
def test_a_ping_tells_what_is_wrong_with_the_hook(hook: dict[str, Any], problem: str) -> None:
    """Before the first push is missed."""
    assert Notice("ping", APP, (APP,), problem=problem) == read("ping", {"hook": hook, "repository": REPOSITORY})


def test_other_events_concern_nothing() -> None:
    """Their sender is known all the same, since their signature must be right."""
    assert Notice(sender=APP) == read("issues", {"action": "opened", "repository": REPOSITORY})
    assert Notice() == read("push", {"ref": "refs/heads/main"})


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://GitHub.acme.org/acme/app", "github.acme.org"),
        ("https://localhost:8443/acme/app", "localhost:8443"),
        ("https://github.com:443/acme/app", "github.com"),
    ],
)
def test_the_host_is_that_of_the_repositorys_page(address: str, host: str) -> None:
    """GitHub Enterprise has its own, perhaps with a port."""
    notice = read("push", {"ref": "refs/heads/main", "repository": REPOSITORY | {"html_url": address}})

    assert notice.sender is not None
    assert host == notice.sender.host


@pytest.mark.parametrize(
    "strange",
    [
        {"full_name": "acme/app/more"},
        {"full_name": ["acme/app"]},
        {"full_name": "acme/a%"},
        {"html_url": "https://[::1/acme/app"},
        {"html_url": "ssh://github.com/acme/app"},
        {"html_url": 7},
    ],
)
def test_a_repository_without_a_name_or_host_is_none(strange: dict[str, object]) -> None:
    """Whatever stands there, nothing is looked for by it."""
    assert Notice() == read("push", {"ref": "refs/heads/main", "repository": REPOSITORY | strange})


@pytest.mark.parametrize("strange", [{"node_id": "x y"}, {"node_id": 5}, {"default_branch": []}])
def test_what_else_is_strange_about_a_repository_is_left_out(strange: dict[str, object]) -> None:
    """Its name is enough to look."""
    notice = read("push", {"ref": "refs/heads/main", "repository": REPOSITORY | strange})

    assert notice.sender is not None
    assert "" in (notice.sender.node_id, notice.sender.default_branch)


@pytest.mark.parametrize(
    "body",
    [b"", b"no json", b"[]", b"7", b"\xff\xfe", b'{"a": ' + b"[" * 100_000, b'{"a": ' + b"9" * 5_000 + b"}"],
)
def test_a_body_that_is_no_object_is_malformed(body: bytes) -> None:
    """Also one that is nested deeper than anybody reads, or holds a number that nobody can hold."""
    envelope = read_envelope({"x-github-delivery": "1", "x-github-event": "push"})
    with pytest.raises(Malformed) as caught:
        read_notice(envelope, body)

    assert "no json" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("body", [b"payload", b"other=1", b"payload=no", b"a=1&" * 20, "payload=é".encode()])
def test_a_form_without_json_in_payload_is_malformed(body: bytes) -> None:
    """The other form that GitHub offers."""
    headers = {"x-github-delivery": "1", "x-github-event": "push", "content-type": "application/x-www-form-urlencoded"}
    with pytest.raises(Malformed):
        read_notice(read_envelope(headers), body)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-github-delivery": "1"},
        {"x-github-event": "push"},
        {"x-github-delivery": "1" * 65, "x-github-event": "push"},
        {"x-github-delivery": "a b", "x-github-event": "push"},
        {"x-github-delivery": "1", "x-github-event": "Push!"},
    ],
)
def test_headers_without_an_id_or_an_event_are_malformed(headers: dict[str, str]) -> None:
    """An id is stored, so it is none of any length."""
    with pytest.raises(Malformed):
        read_envelope(headers)
