"""The section [matrix]."""

from typing import Any

import pytest
from pydantic import ValidationError

from config.load import default_values
from config.matrix import Matrix


def section(**given: Any) -> Matrix:
    """The section with some values given."""
    return Matrix.model_validate({**default_values()["matrix"], **given})


def test_without_a_user_there_is_no_account() -> None:
    """As a fresh installation has it."""
    assert section().account == ""


def test_the_account_is_the_whole_user_id() -> None:
    """It may hold more than one colon."""
    assert section(user="@bot:example.org:8448").account == "@bot:example.org:8448"


@pytest.mark.parametrize("user", ["bot", "@bot", "bot:example.org", "@bot example.org", "@:example.org"])
def test_half_a_user_id_is_refused(user: str) -> None:
    """With an example of a whole one."""
    with pytest.raises(ValidationError, match=r"@roomwise:example\.org"):
        section(user=user)


@pytest.mark.parametrize("given", [{"user": "@bot:example.org"}, {"device": "DEVICE"}, {}])
def test_a_token_needs_the_device_it_belongs_to(given: dict[str, str]) -> None:
    """Another device would read nothing that was sent to this one."""
    with pytest.raises(ValidationError, match="one device"):
        section(access_token="secret", **given)


@pytest.mark.parametrize(
    "server", ["http://synapse:8008", "http://127.0.0.1:8008", "http://10.1.2.3", "https://example.org"]
)
def test_a_server_near_by_needs_no_tls(server: str) -> None:
    """A container beside us, this machine, a private network."""
    assert server == section(user="@bot:example.org", homeserver=server).homeserver


@pytest.mark.parametrize("server", ["http://example.org", "http://93.184.215.14:8008"])
def test_no_token_goes_over_the_internet_in_plain(server: str) -> None:
    """Whoever sits between could read along."""
    with pytest.raises(ValidationError, match="https://"):
        section(user="@bot:example.org", homeserver=server)


@pytest.mark.parametrize(
    "one", ["own-server", "*", "@ann:example.org", "@*:example.org", "example.org", "*.example.org"]
)
def test_invitations_are_accepted_from_users_and_servers(one: str) -> None:
    """With * for anything."""
    assert (one,) == section(invite_from=[one]).invite_from


@pytest.mark.parametrize("one", ["@ann", "!room:example.org", "#alias:example.org", "two words", ""])
def test_what_names_neither_is_refused(one: str) -> None:
    """Such as rooms."""
    with pytest.raises(ValidationError, match="own-server"):
        section(invite_from=[one])
