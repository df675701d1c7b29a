"""What a person may ask to follow: owner/name, an https address from an allowed host, or a declared folder's name."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bot.errors import UserError

_REPOSITORY = re.compile(r"([A-Za-z0-9][\w.-]{0,99})/([A-Za-z0-9_][\w.-]{0,99})")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A source as it will be stored: kind, the name that people see, and its location."""

    kind: str
    name: str
    location: str


def as_wanted(text: str, *, folders: Mapping[str, Path], hosts: Sequence[str], project: str) -> Wanted:
    """Read what was typed in chat. Absolute paths, file: and other schemes are for the command line only.

    Raises UserError that names the declared folders or the allowed hosts.
    """
    for name, path in folders.items():
        if text.casefold() == name.casefold():
            return Wanted("folder", name, str(path))
    if _REPOSITORY.fullmatch(text) and not text.endswith("/.."):
        return _checked(f"https://github.com/{text.removesuffix('.git')}", text, hosts)
    if text.startswith("https://"):
        return _checked(text, text, hosts)
    if folders:
        raise UserError("source.wrong", folders=", ".join(sorted(folders)), got=text[:120])
    raise UserError("source.wrong_no_folders", got=text[:120], project=project)


def _checked(address: str, typed: str, hosts: Sequence[str]) -> Wanted:
    try:
        parts = urlsplit(address)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    plain = port is None and not parts.username and not parts.password and not parts.query and not parts.fragment
    if not plain or host not in hosts:
        raise UserError("source.host", hosts=", ".join(hosts), got=(host or typed)[:120])
    path = parts.path.strip("/").removesuffix(".git")
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)+", path) or ".." in path:
        raise UserError("source.host", hosts=", ".join(hosts), got=typed[:120])
    return Wanted("git", path if host == "github.com" else f"{host}/{path}", f"https://{host}/{path}")
