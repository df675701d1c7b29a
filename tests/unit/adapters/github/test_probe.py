"""What a host tells of a token."""

from datetime import UTC, datetime

import pytest

from adapters.dialing import Answer
from adapters.github.app import AppTokens
from adapters.github.probe import Accepted, end_of, probe
from config.settings import Credential
from tests.unit.adapters.github.answers import Script, answer, api


@pytest.mark.parametrize(
    ("told", "ends_at"),
    [
        ("2026-12-01 08:30:00 UTC", datetime(2026, 12, 1, 8, 30, tzinfo=UTC)),
        ("2026-12-01 00:30:00 -0800", datetime(2026, 12, 1, 8, 30, tzinfo=UTC)),
        ("", None),
        ("soon", None),
    ],
)
def test_end_of_a_token_is_read(told: str, ends_at: datetime | None) -> None:
    """In both forms that GitHub has used; anything else tells nothing."""
    assert ends_at == end_of(told)


@pytest.mark.parametrize(
    ("one", "accepted"),
    [
        (answer(200, {}, x_oauth_scopes="repo"), Accepted("token", "repo")),
        (
            answer(200, {}, github_authentication_token_expiration="2026-12-01 08:30:00 UTC"),
            Accepted("token", None, datetime(2026, 12, 1, 8, 30, tzinfo=UTC)),
        ),
        (answer(404, {"message": "Rate limiting is not enabled."}), Accepted("token")),
    ],
)
async def test_token_that_is_taken(one: Answer, accepted: Accepted) -> None:
    """Classic, fine-grained, and on a GitHub Enterprise without limits."""
    client = api(Script(one))
    credential = Credential.model_validate({"repositories": ["acme/*"], "token": "ghp_secret"})

    assert accepted == await probe(client, AppTokens(lambda _host: client), "work", credential)
