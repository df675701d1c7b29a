"""What settings are made of: kinds of values with their checks, and the model that every section is."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints


def _absolute(path: Path) -> Path:
    if not path.expanduser().is_absolute():
        raise ValueError("expected an absolute path")
    return path.expanduser()


def _absolute_or_none(text: str) -> str:
    return str(_absolute(Path(text))) if text else ""


def _http_address(text: str) -> str:
    if text and not re.fullmatch(r"https?://[^\s/]+\S*", text):
        raise ValueError("expected an address that begins with http:// or https://")
    try:
        _ = urlsplit(text).port
    except ValueError:
        raise ValueError('expected a host and perhaps a port, such as "http://127.0.0.1:8080"') from None
    return text


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError('expected an address or a network, such as "10.0.0.0/8"') from None
    return text


Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]
Name = Annotated[str, StringConstraints(strip_whitespace=True)]
Network = Annotated[Name, AfterValidator(_network)]
HttpAddress = Annotated[Name, AfterValidator(_http_address)]
AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
MaybePath = Annotated[Name, AfterValidator(_absolute_or_none)]
Language = Literal["en", "de"]
AnswerMode = Literal["mention", "all", "off"]


class Section(BaseModel):
    """A section: frozen, and closed to keys that nobody reads."""

    model_config = ConfigDict(extra="forbid", frozen=True)
