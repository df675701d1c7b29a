"""The settings of Matrix."""

import ipaddress
import re
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from config.fields import HttpAddress, Name, Positive, Seconds, Section

_USER = re.compile(r"@[^:\s]+:\S+")
OWN_SERVER = "own-server"
"""In `invite_from`: everybody on the account's own server."""


def _user(text: str) -> str:
    if text and not _USER.fullmatch(text):
        raise ValueError('expected a whole user id, such as "@roomwise:example.org"')
    return text


def _pattern(text: str) -> str:
    if text in {OWN_SERVER, "*"} or re.fullmatch(r"[\w.*-]+(:\d+)?", text) or re.fullmatch(r"@[^:\s]+:\S+", text):
        return text
    raise ValueError(
        f'expected "{OWN_SERVER}", a user id such as "@ann:example.org" or a server such as "example.org"; * stands '
        "for anything"
    )


def _user_pattern(text: str) -> str:
    if not _USER.fullmatch(text):
        raise ValueError('expected a user id, such as "@ann:example.org"; * stands for anything')
    return text


class Matrix(Section):
    """The account on Matrix; an empty user means that there is none.

    Without `access_token` the login that `roomwise matrix login` has kept in the data folder is used.
    """

    homeserver: HttpAddress
    user: Annotated[Name, AfterValidator(_user)]
    device: Name
    access_token: SecretStr
    password: SecretStr
    encryption: bool
    invite_from: tuple[Annotated[Name, AfterValidator(_pattern)], ...]
    ignore: tuple[Annotated[Name, AfterValidator(_user_pattern)], ...]
    hear_name: bool
    delete_answers: bool
    key_wait_seconds: Seconds
    rate_limited: bool
    messages_per_second: Annotated[float, Field(gt=0, le=1_000)]
    burst: Positive

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.access_token.get_secret_value() and not (self.user and self.device):
            raise ValueError("expected user and device beside access_token: encryption belongs to one device")
        if self.user and self.homeserver.startswith("http://") and not _is_near(self.homeserver):
            raise ValueError("expected a homeserver with https://, since the access token is part of each request")
        return self

    @property
    def account(self) -> str:
        """The user id; "" for no account."""
        return self.user


def _is_near(address: str) -> bool:
    """Whether an address is this machine, a container beside it or one of a private network."""
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost" or "." not in host
