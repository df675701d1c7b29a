"""The GitHub emulator's webhooks: payloads as GitHub describes them, signed, repeated, lost, asked for again."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator

import pytest

from tests.contracts.github import Rest
from tests.fakes.github.hooks import Hook
from tests.fakes.github.hub import Hub
from tests.fakes.github.payloads import short_repository
from tests.fakes.github.people import new_app_key
from tests.fakes.github.validation import Undescribed, check_webhook
from tests.fakes.http_server import HttpServer

SECRET = "it is a secret"


class Receiver(HttpServer):
    """Takes webhooks: the headers and the raw body of each."""

    def __init__(self) -> None:
        super().__init__()
        self.status = 202
        self.taken: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Take one and answer with the status."""
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        self.taken.put_nowait((headers, await reader.readexactly(int(headers["content-length"]))))
        writer.write(f"HTTP/1.1 {self.status} X\r\ncontent-length: 0\r\n\r\n".encode())
        await writer.drain()
        return True


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Somewhere to send webhooks to."""
    async with Receiver() as running:
        yield running


@pytest.fixture
async def hook(hub: Hub, receiver: Receiver) -> Hook:
    """A webhook of acme/app."""
    return hub.add_hook(await hub.create("acme/app", files={"a.py": b"one"}), receiver.url, SECRET)


def rightly_signed(headers: dict[str, str], body: bytes) -> bool:
    """Check a signature, by other code than that which made it."""
    return headers["x-hub-signature-256"] == "sha256=" + hmac.digest(SECRET.encode(), body, hashlib.sha256).hex()


async def test_payloads_about_repositories_are_as_github_describes_them(hub: Hub, hook: Hook) -> None:
    """Every event that can follow from what tests do to a repository."""
    repository = hub.repositories[1_001]
    first = repository.head
    seen = [hub.prepare("push", repository)]
    await repository.push({"b.py": b"two"})
    seen.append(hub.prepare("push", repository))
    await repository.push({"c.py": b"three"}, force=True)
    seen.append(hub.prepare("push", repository))
    await repository.point("refs/heads/old", first)
    await repository.point("refs/heads/old", "0" * 40)
    seen.append(hub.prepare("push", repository))
    await hub.rename(repository, "program")
    seen.append(hub.prepare("repository.renamed", repository))
    await hub.transfer(repository, "other")
    seen.append(hub.prepare("repository.transferred", repository))
    await repository.push({"d.py": b"four"}, branch="dev")
    await hub.set_default_branch(repository, "dev")
    seen += [
        hub.prepare(event, repository)
        for event in (
            "ping repository.edited repository.deleted repository.privatized repository.publicized "
            "repository.archived repository.unarchived"
        ).split()
    ]

    for delivery in seen:
        check_webhook(delivery.event, delivery.payload)
    assert [(True, False, False), (False, False, False), (False, False, True), (False, True, False)] == [
        (one.payload["created"], one.payload["deleted"], one.payload["forced"]) for one in seen[:4]
    ]
    assert {"repository": {"name": {"from": "app"}}} == seen[4].payload["changes"]


async def test_payloads_about_installations_are_as_github_describes_them(hub: Hub, receiver: Receiver) -> None:
    """Also a push that comes by the App's hook, which names the installation."""
    repository = await hub.create("acme/app", files={"a.py": b"one"})
    app = hub.add_app(7, new_app_key()[1], ["acme/app"])
    hook = hub.add_hook(app, receiver.url, SECRET)
    told = [short_repository(repository)]
    seen = [
        hub.prepare("installation.created", app, repositories=told),
        hub.prepare("installation.deleted", app, repositories=told),
        hub.prepare("installation_repositories.added", app, repositories_added=told),
        hub.prepare("installation_repositories.removed", app, repositories_removed=told),
        hub.prepare("push", repository, hook=hook),
    ]

    for delivery in seen:
        check_webhook(delivery.event, delivery.payload)
    assert [app.installation_id] * 5 == [delivery.payload["installation"]["id"] for delivery in seen]


async def test_a_payload_that_github_would_not_send_is_found(hub: Hub, hook: Hook) -> None:
    """The control: a missing field, a wrong type, an unknown event."""
    payload = hub.prepare("push", hub.repositories[1_001]).payload
    wrong = [
        ("push", {key: value for key, value in payload.items() if key != "before"}),
        ("push", {**payload, "forced": "no"}),
        ("pusher", payload),
    ]

    for event, body in wrong:
        with pytest.raises(Undescribed):
            check_webhook(event, body)


async def test_a_delivery_is_signed_and_its_answer_noted(hub: Hub, hook: Hook, receiver: Receiver, rest: Rest) -> None:
    """With the headers that GitHub sends."""
    attempt = await hub.deliver("push", hub.repositories[1_001])
    headers, body = receiver.taken.get_nowait()
    hooks = await rest.get("/repos/acme/app/hooks")
    shown = await rest.get(f"/repos/acme/app/hooks/{hook.number}/deliveries/{attempt.number}")

    assert rightly_signed(headers, body)
    assert {
        "x-github-event": "push",
        "x-github-delivery": attempt.delivery.guid,
        "x-github-hook-id": str(hook.number),
        "x-github-hook-installation-target-type": "repository",
        "x-github-hook-installation-target-id": "1001",
    } == {name: value for name, value in headers.items() if name.startswith("x-github-")}
    assert (202, "push", False, attempt.delivery.payload) == (
        shown.json()["status_code"],
        shown.json()["event"],
        shown.json()["redelivery"],
        shown.json()["request"]["payload"],
    )
    assert [(hook.number, "********", 202)] == [
        (one["id"], one["config"]["secret"], one["last_response"]["code"]) for one in hooks.json()
    ]


async def test_deliveries_can_be_wrong_lost_repeated_and_out_of_order(hub: Hub, hook: Hook, receiver: Receiver) -> None:
    """A lost one never arrives; a repeat has the same id."""
    repository = hub.repositories[1_001]
    first, second = hub.prepare("push", repository), hub.prepare("push", repository)
    await hub.deliver("push", repository, how="lost")
    await hub.deliver("push", repository, how="badly_signed")
    for delivery in (second, first, first):
        await hub.send(delivery)
    arrived = [receiver.taken.get_nowait() for _ in range(receiver.taken.qsize())]

    assert [False, True, True, True] == [rightly_signed(*one) for one in arrived]
    assert [second.guid, first.guid, first.guid] == [headers["x-github-delivery"] for headers, _ in arrived[1:]]
    assert [0, 202, 202, 202, 202] == [attempt.status_code for attempt in hook.attempts]
    assert [False, False, False, False, True] == [attempt.is_redelivery for attempt in hook.attempts]


async def test_a_missed_delivery_is_found_and_asked_for_again(
    hub: Hub, hook: Hook, receiver: Receiver, rest: Rest
) -> None:
    """By pages, newest first; the new attempt has the same id and says that it is one."""
    repository = hub.repositories[1_001]
    lost = await hub.deliver("push", repository, how="lost")
    for _ in range(2):
        await hub.deliver("push", repository)
        receiver.taken.get_nowait()
    path = f"/repos/acme/app/hooks/{hook.number}/deliveries"
    page = await rest.get(path, per_page="2")
    following = await rest.get(page.links["next"]["url"].removeprefix(hub.api))
    failed = await rest.get(path, status="failure")
    accepted = await rest.post(f"{path}/{lost.number}/attempts")
    headers, _body = await receiver.taken.get()

    assert [1] == [len(following.json())]
    assert [lost.number] == [one["id"] for one in failed.json()]
    assert (202, lost.delivery.guid) == (accepted.status_code, headers["x-github-delivery"])


async def test_webhooks_are_hidden_from_those_who_may_not_see_them(hub: Hub, hook: Hook, rest: Rest) -> None:
    """A classic token without a scope is told that there are none; others are told what they lack."""
    hub.add_token("noscope", scopes=["public_repo"])
    hub.add_token("fine", kind="fine-grained", permissions={"contents": "read"})
    answers = [await rest.get("/repos/acme/app/hooks", token=token) for token in ("noscope", "fine", "")]

    assert [404, 403, 404] == [answer.status_code for answer in answers]
    assert "repository_hooks=read" == answers[1].headers["x-accepted-github-permissions"]
