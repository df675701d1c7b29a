"""What a host's refusals mean in our words."""

import pytest

from adapters.dialing import Answer, SourceLate
from adapters.github.translate import Subject, api_url, explain, explain_field, graphql_url
from adapters.source import SourceError, SourceGone, SourceRefused, SourceUnreachable
from tests.unit.adapters.github.answers import answer

ABOUT = Subject("acme/app", "github.com", "work")
NOBODY = Subject("acme/app", "github.com", "")


@pytest.mark.parametrize(
    ("host", "rest", "graphql"),
    [
        ("github.com", "https://api.github.com", "https://api.github.com/graphql"),
        ("git.acme.test:8443", "https://git.acme.test:8443/api/v3", "https://git.acme.test:8443/api/graphql"),
        ("acme.ghe.com", "https://api.acme.ghe.com", "https://api.acme.ghe.com/graphql"),
    ],
)
def test_each_kind_of_host_has_its_addresses(host: str, rest: str, graphql: str) -> None:
    """github.com, GitHub Enterprise Server and GitHub Enterprise Cloud with data residency."""
    assert (rest, graphql) == (api_url(host), graphql_url(host))


@pytest.mark.parametrize(
    ("one", "kind", "reason", "words"),
    [
        (answer(401), SourceGone, "unauthorised", "credential 'work', got HTTP 401: its token is wrong, has expired"),
        (
            answer(403, {}, x_accepted_oauth_scopes="repo", x_oauth_scopes="public_repo, gist"),
            SourceGone,
            "unauthorised",
            "it needs one of the scopes repo, and the token has gist, public_repo",
        ),
        (
            answer(403, {}, x_accepted_oauth_scopes="admin:repo_hook, repo", x_oauth_scopes=""),
            SourceGone,
            "unauthorised",
            "it needs one of the scopes admin:repo_hook, repo, and the token has none",
        ),
        (answer(403, {}, x_accepted_github_permissions="contents=read"), SourceGone, "unauthorised", "contents=read"),
        (answer(403, {}, x_github_sso="required; url=https://x"), SourceGone, "unauthorised", "SAML single sign-on"),
        (
            answer(403, {"message": "This installation has been suspended"}),
            SourceGone,
            "unauthorised",
            "installation is suspended",
        ),
        (
            answer(403, {"message": "the organization has an IP allow list enabled"}),
            SourceGone,
            "unauthorised",
            "lets certain addresses in only",
        ),
        (answer(403, {"message": "Repository access blocked"}), SourceUnreachable, None, "the host has blocked"),
        (answer(403, {"message": "No."}), SourceGone, "unauthorised", "it lacks a right"),
        (answer(404), SourceGone, "gone", "it does not exist, its name is misspelt, or it is private and not open to"),
        (
            answer(404, {}, x_oauth_scopes="public_repo"),
            SourceGone,
            "gone",
            "private ones need the scope repo, and the token has public_repo",
        ),
        (answer(410), SourceGone, "gone", "does not exist"),
        (answer(451), SourceGone, "gone", "taken down by law"),
        (answer(500), SourceUnreachable, None, "HTTP 500"),
        (answer(503), SourceUnreachable, None, "HTTP 503"),
        (answer(502), SourceLate, None, "HTTP 502"),
        (answer(504), SourceLate, None, "HTTP 504"),
        (answer(422), SourceRefused, None, "HTTP 422"),
        (answer(304), SourceRefused, None, "HTTP 304"),
    ],
)
def test_each_refusal_says_what_to_do(one: Answer, kind: type[SourceError], reason: str | None, words: str) -> None:
    """A wrong token, a missing scope (which one), single sign-on, a suspended App, a block, an outage: each is told apart."""
    error = explain(one, ABOUT)

    assert kind is type(error)
    assert reason == getattr(error, "reason", None)
    assert words in str(error)


def test_nobody_signed_in_is_told_to() -> None:
    """A 401 without any credential asks for one instead of blaming it."""
    assert "to accept nobody signed in, got HTTP 401: it wants one" in str(explain(answer(401), NOBODY))


def test_what_a_host_writes_is_not_passed_on() -> None:
    """A page of a host, or of whoever stands between, never ends up in a room."""
    error = explain(answer(403, {"message": "<a href='https://evil.test'>click</a>"}), ABOUT)

    assert "evil" not in str(error)


@pytest.mark.parametrize(
    ("told", "kind", "reason"),
    [
        ({"type": "NOT_FOUND", "message": "Could not resolve to a Repository"}, SourceGone, "gone"),
        ({"type": "INSUFFICIENT_SCOPES", "message": "Your token has not been granted"}, SourceGone, "unauthorised"),
        ({"type": "FORBIDDEN", "extensions": {"saml_failure": True}, "message": "x"}, SourceGone, "unauthorised"),
        ({"type": "FORBIDDEN", "message": "Resource not accessible"}, SourceGone, "unauthorised"),
        ({"type": "FORBIDDEN", "message": "Repository access blocked"}, SourceUnreachable, None),
        ({"type": "INTERNAL", "message": "odd"}, SourceUnreachable, None),
    ],
)
def test_errors_of_one_field_are_about_one_repository(
    told: dict[str, object], kind: type[SourceError], reason: str | None
) -> None:
    """GraphQL has its own words for the same refusals."""
    error = explain_field(told, ABOUT, {})

    assert kind is type(error)
    assert reason == getattr(error, "reason", None)


def test_field_that_was_not_got_to_is_no_result() -> None:
    """What ran out of time is asked again, and says nothing about the repository."""
    told = {"message": "Something went wrong while executing your query. This may be the result of a timeout"}

    assert None is explain_field(told, ABOUT, {})
