"""GitHub's webhooks: whether a delivery is genuine, and what of it concerns an index. Nothing here does any I/O.

A payload only says where to look; what is true is asked of the repository itself. So order, repeats, truncated lists and
even forged contents do no more than cause a look.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

# GitHub sends no larger ones: https://docs.github.com/en/webhooks/webhook-events-and-payloads
MOST_BYTES: Final = 25 * 1024 * 1024
SIGNATURE: Final = "x-hub-signature-256"
# What a repository's hook should send; GitHub sends "ping" by itself when the hook is made.
EVENTS: Final = ("push", "repository")
CONTENT_TYPE: Final = "application/json"

_FORM: Final = "application/x-www-form-urlencoded"
_DELIVERY = re.compile(r"[A-Za-z0-9-]{1,64}")
_EVENT = re.compile(r"[a-z_]{1,64}")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}")
_LOGIN = re.compile(r"[A-Za-z0-9._-]{1,100}")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[0-9]{1,5})?")
_NODE_ID = re.compile(r"[A-Za-z0-9_=+/-]{1,200}")
_LIFECYCLE = frozenset(
    {"renamed", "transferred", "deleted", "privatized", "publicized", "archived", "unarchived", "edited"}
)
_LISTS = ("repositories", "repositories_added", "repositories_removed")


class Malformed(ValueError):
    """A delivery that GitHub would not send; the text says what was expected, without what came."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the headers of a delivery say: its id, its event, and whether the body is a form."""

    delivery: str
    event: str
    is_form: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """A repository as a payload names it: its host (with a port that is not the usual one), owner/name, node id.

    `former` is its owner/name before it was renamed or transferred.
    """

    host: str
    repository: str
    node_id: str = ""
    former: str = ""
    default_branch: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What of a delivery concerns us: repositories to look at.

    `event` is empty when none of it does. `sender` is the repository whose own hook may have sent it. Installations tell
    many, or just whose they are: `host` and `owner`. `ref` is that of a push; `problem` is a stable word for what is wrong
    with the hook, which only a ping tells: no_push (it does not send pushes), no_verification (of our certificate).
    """

    event: str = ""
    sender: Named | None = None
    about: tuple[Named, ...] = ()
    host: str = ""
    owner: str = ""
    ref: str = ""
    problem: str = ""


def sign(body: bytes, secret: str) -> str:
    """Give the value of X-Hub-Signature-256 for a body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def genuine(body: bytes, signature: str, secrets: Iterable[str]) -> list[bool]:
    """Say for each secret whether the raw body was signed with it; all are tried, so that time tells nothing.

    An empty secret signs nothing.
    """
    given = signature.encode("utf-8", "replace")
    return [bool(secret) & hmac.compare_digest(sign(body, secret).encode(), given) for secret in secrets]


def read_envelope(headers: Mapping[str, str]) -> Envelope:
    """Read the headers of a delivery, whose names are in small letters. Raises Malformed."""
    delivery, event = headers.get("x-github-delivery", ""), headers.get("x-github-event", "")
    if not _DELIVERY.fullmatch(delivery):
        raise Malformed("expected the id of a delivery in X-GitHub-Delivery")
    if not _EVENT.fullmatch(event):
        raise Malformed("expected the name of an event in X-GitHub-Event")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return Envelope(delivery, event, is_form=kind == _FORM)


def read_notice(envelope: Envelope, body: bytes) -> Notice:
    """Read a body, as JSON or as a form with JSON in `payload`. Raises Malformed when it is neither."""
    payload = _payload(envelope, body)
    sender = _repository(payload.get("repository"))
    if envelope.event == "ping":
        return Notice("ping", sender, (sender,) if sender else (), problem=_problem(_mapping(payload.get("hook"))))
    if envelope.event in ("installation", "installation_repositories"):
        return _of_installation(envelope.event, payload)
    if sender is None:
        return Notice()
    if envelope.event == "push":
        return Notice("push", sender, (sender,), ref=_text(payload.get("ref"), 300))
    if envelope.event == "repository":
        return _of_repository(payload, sender)
    return Notice(sender=sender)


def moves(notice: Notice, named: Named, *, ref: str, default_branch: str) -> bool:
    """Say whether a push may have moved what follows `ref`, a branch or tag; '' is the default branch, if it is known.

    Anything but a push may. `default_branch` is what was known before; what the payload says counts as well.
    """
    if not notice.ref:
        return True
    wanted = [ref] if ref else [branch for branch in (default_branch, named.default_branch) if branch]
    return not wanted or any(notice.ref in (one, f"refs/heads/{one}", f"refs/tags/{one}") for one in wanted)


def _payload(envelope: Envelope, body: bytes) -> Mapping[str, Any]:
    try:
        text = _form_field(body) if envelope.is_form else body.decode()
        payload = json.loads(text)
    except (ValueError, RecursionError):  # the text of the error would repeat what came
        raise Malformed("expected JSON, or a form with JSON in the field payload") from None
    if not isinstance(payload, dict):
        raise Malformed("expected a JSON object")
    return payload


def _form_field(body: bytes) -> str:
    fields = parse_qs(body.decode("ascii"), strict_parsing=True, errors="strict", max_num_fields=8)
    return fields.get("payload", [""])[0]


def _of_repository(payload: Mapping[str, Any], sender: Named) -> Notice:
    action, changes = payload.get("action"), _mapping(payload.get("changes"))
    if action not in _LIFECYCLE or (action == "edited" and "default_branch" not in changes):
        return Notice(sender=sender)
    about = Named(sender.host, sender.repository, sender.node_id, _former(changes, sender), sender.default_branch)
    return Notice(f"repository.{action}", about, (about,))


def _former(changes: Mapping[str, Any], now: Named) -> str:
    """The owner/name of before, when the changes tell of another."""
    owner, _, name = now.repository.partition("/")
    old_name = _mapping(_mapping(changes.get("repository")).get("name")).get("from")
    origin = _mapping(_mapping(changes.get("owner")).get("from"))
    owners = [_mapping(origin.get(kind)).get("login") for kind in ("user", "organization")]
    old_owner = next((login for login in owners if isinstance(login, str)), owner)
    former = f"{old_owner}/{old_name if isinstance(old_name, str) else name}"
    return former if former != now.repository and _NAME.fullmatch(former) else ""


def _of_installation(event: str, payload: Mapping[str, Any]) -> Notice:
    """An App was installed, suspended, removed, or given other repositories."""
    account = _mapping(_mapping(payload.get("installation")).get("account"))
    host, owner = _host(account.get("html_url")), account.get("login")
    if not host or not isinstance(owner, str) or not _LOGIN.fullmatch(owner):
        return Notice()
    listed = [one for name in _LISTS for one in _sequence(payload.get(name))]
    about = tuple(named for one in listed if (named := _in_list(host, _mapping(one))) is not None)
    return Notice(event, about=about, host=host, owner=owner)


def _in_list(host: str, entry: Mapping[str, Any]) -> Named | None:
    name, node_id = entry.get("full_name"), entry.get("node_id")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return None
    return Named(host, name, _node_id(node_id))


def _repository(told: object) -> Named | None:
    entry = _mapping(told)
    host = _host(entry.get("html_url"))
    named = _in_list(host, entry)
    if named is None or not host:
        return None
    return Named(host, named.repository, named.node_id, default_branch=_text(entry.get("default_branch"), 255))


def _problem(hook: Mapping[str, Any]) -> str:
    """What is wrong with the hook that a ping describes; what an App sends is chosen elsewhere."""
    events, config = hook.get("events"), _mapping(hook.get("config"))
    if hook.get("type") == "App" or not isinstance(events, list):
        return ""
    if not {"push", "*"} & {event for event in events if isinstance(event, str)}:
        return "no_push"
    return "no_verification" if str(config.get("insecure_ssl", "0")) == "1" else ""


def _host(address: object) -> str:
    """The host of an address, with its port unless that is the usual one; '' when it is none."""
    try:
        parts = urlsplit(address if isinstance(address, str) else "")
        port = parts.port
    except ValueError:
        return ""
    name = (parts.hostname or "").lower()
    host = name if port in (None, 443) else f"{name}:{port}"
    return host if parts.scheme in ("https", "http") and _HOST.fullmatch(host) else ""


def _node_id(told: object) -> str:
    return told if isinstance(told, str) and _NODE_ID.fullmatch(told) else ""


def _text(told: object, most_chars: int) -> str:
    return told if isinstance(told, str) and len(told) <= most_chars else ""


def _mapping(told: object) -> Mapping[str, Any]:
    return told if isinstance(told, dict) else {}


def _sequence(told: object) -> list[Any]:
    return told if isinstance(told, list) else []
