"""What GitHub sends reaches the sources that it is about: an emulator's deliveries to the real web server."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.registry import SourceRegistry
from bot.app import Tasks
from bot.hook_setup import HookSetup, SetupParts
from bot.hooks import HookParts, Hooks
from bot.redelivery import Redelivery, RedeliveryParts
from bot.service import bind
from bot.state.queries import projects, repositories, sources, webhooks
from bot.state.queries.sources import NewSource
from bot.state.tables import Repository, Source
from bot.web.parts import WebParts
from bot.web.server import build_app, server_config
from config.load import load
from config.settings import Credential, Settings
from tests.fakes.github.hooks import Hook
from tests.fakes.github.hub import Hub
from tests.fakes.github.payloads import short_repository
from tests.fakes.github.repositories import Repository as Hosted
from tests.fakes.github.server import running_emulator, trusting
from tests.fakes.web import make

APP_SECRET = "the app's secret"


@dataclass
class House:
    """A service that follows acme/app at the emulator, whose hook has our address and secret."""

    hub: Hub
    parts: WebParts
    settings: Settings
    url: str
    hosted: Hosted
    source: Source
    hook: Hook
    looked: asyncio.Semaphore  # counts the deliveries that asked for a look

    async def marked(self) -> bool:
        """Whether the source is to be looked at; it is clean afterwards."""
        row = await self.parts.db.read(lambda session: sources.get(session, self.source.id))
        assert row is not None
        await self.parts.db.write(lambda session: sources.begin_run(session, self.source.id, now=self.parts.clock()))
        return row.is_dirty

    async def repository(self) -> Repository:
        """What is known of the repository."""
        location = self.source.location
        row = await self.parts.db.read(lambda session: repositories.by_location(session, location))
        assert row is not None
        return row

    async def sent(self, event: str, **more: Any) -> tuple[int, bool]:
        """Let the emulator deliver; the status of our answer, and whether the source was marked."""
        attempt = await self.hub.deliver(event, self.hosted, hook=self.hook, **more)
        return attempt.status_code, await self.marked()

    async def catches_up(self) -> str:
        """Start again."""
        registry = SourceRegistry(self.hub.root, sources=self.settings.sources, files=self.settings.files)
        parts = RedeliveryParts(
            self.parts.db, registry.forge, self.settings.sources.credentials, self.url, self.parts.clock
        )
        return await Redelivery(parts).ask_again()


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    """An emulator that this process trusts."""
    async with running_emulator(tmp_path) as running:
        with trusting(running):
            yield running


@pytest.fixture
async def house(hub: Hub, tmp_path: Path) -> AsyncIterator[House]:
    """The web server on a port of its own, over a state database."""
    hosted = await hub.create("acme/app", files={"a.py": b"a = 1\n"})
    settings = _settings(hub, tmp_path)
    (tmp_path / "data").mkdir()
    looked, tasks = asyncio.Semaphore(0), Tasks()
    parts = await make(tmp_path / "data", tasks.spawn)
    hooks = Hooks(HookParts(parts.db, parts.vault, settings.sources.credentials, parts.clock))
    listening = bind(settings.web)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    source, secret = await _followed(parts, settings, f"https://{hub.host}/acme/app", address)
    app = build_app(replace(parts, hooks=hooks, look=looked.release))
    server = uvicorn.Server(server_config(app, settings.web))
    serving = tasks.spawn(server.serve(sockets=[listening]))
    url = f"{address}/webhooks/github"
    hook = hub.add_hook(hosted, url, secret, events=("push", "repository"))
    yield House(hub, parts, settings, url, hosted, source, hook, looked)
    server.should_exit = True
    await serving
    await parts.chat.close()
    await tasks.close()
    await parts.db.close()


def _settings(hub: Hub, folder: Path) -> Settings:
    """Those that know the emulator, with a token and an App for it."""
    hub.add_token("token", repositories=["acme/*"], scopes=["repo", "admin:repo_hook"])
    private, public = _key()
    hub.add_app(7, public, ["acme/*"])
    plain = load(config_file=None, data_dir=folder, default_data_dir=folder, environ={}).settings
    app = {"host": hub.host, "repositories": ["other/*"], "app_id": 7, "app_key": private, "webhook_secret": APP_SECRET}
    declared = hub.settings()
    credentials = {name: Credential(**one) for name, one in (declared["credentials"] | {"app": app}).items()}
    followed = plain.sources.model_copy(update={**declared, "credentials": credentials})
    return plain.model_copy(update={"sources": followed, "web": plain.web.model_copy(update={"port": 0})})


async def _followed(parts: WebParts, settings: Settings, location: str, address: str) -> tuple[Source, str]:
    """A clean source, and the secret that was made for it."""

    async def follow(session: AsyncSession) -> Source:
        project = (await projects.list_all(session))[0]
        made = await sources.add(session, NewSource(project.id, "git", "acme/app", location), now=parts.clock())
        await sources.begin_run(session, made.id, now=parts.clock())
        return made

    source = await parts.db.write(follow)
    setup = HookSetup(SetupParts(parts.db, parts.vault, settings.sources, address, parts.clock))
    return source, str((await setup.make(source, renews=False))["secret"])


def _key() -> tuple[str, str]:
    """A key of an App, private and public."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return secret.decode(), public.decode()


async def test_a_ping_and_pushes_arrive(house: House) -> None:
    """Pushed, forced, a tag, another branch, and the end of the branch that is followed."""
    hosted = house.hosted
    seen = {"ping": await house.sent("ping")}
    for name, push in {
        "plain": {"branch": "main"},
        "forced": {"branch": "main", "force": True},
        "another": {"branch": "other"},
    }.items():
        await hosted.push({"a.py": name.encode()}, **push)  # type: ignore[arg-type]
        seen[name] = await house.sent("push")
    seen["tag"] = await house.sent("push", ref="refs/tags/v1")
    seen["deleted"] = await house.sent("push", ref="refs/heads/main", after="0" * 40, deleted=True, head_commit=None)

    assert {
        "ping": (202, False),
        "plain": (202, True),
        "forced": (202, True),
        "another": (202, False),
        "tag": (202, False),
        "deleted": (202, True),
    } == seen
    assert ("push", "") == ((row := await house.repository()).hook_event, row.hook_problem)


async def test_the_life_of_a_repository_arrives(house: House) -> None:
    """Each as GitHub tells it once it has happened."""
    hub, hosted = house.hub, house.hosted
    seen = []
    await hub.set_private(hosted)
    seen.append(await house.sent("repository.privatized"))
    await hub.set_private(hosted, False)  # noqa: FBT003
    seen.append(await house.sent("repository.publicized"))
    await hub.archive(hosted)
    seen.append(await house.sent("repository.archived"))
    await hub.archive(hosted, False)  # noqa: FBT003
    seen.append(await house.sent("repository.unarchived"))
    await hosted.push({"a.py": b"b"}, branch="trunk")
    await hub.set_default_branch(hosted, "trunk")
    seen.append(await house.sent("repository.edited"))
    await hub.rename(hosted, "renamed")
    seen.append(await house.sent("repository.renamed"))
    await hub.delete(hosted)
    late = await house.sent("repository.deleted")

    assert [(202, True)] * 6 == seen
    assert (401, False) == late, "we know it by its old name alone, and nobody has told its node id yet"
    await _tell_node_id(house)
    assert (202, True) == await house.sent("repository.deleted")


async def _tell_node_id(house: House) -> None:
    """What a look would have found out."""
    row = await house.repository()
    told = {"node_id": house.hosted.node_id, "default_branch": "trunk", "is_private": False, "is_archived": False}
    await house.parts.db.write(lambda session: repositories.describe(session, row.id, **told))  # type: ignore[arg-type]


async def test_repeats_wrong_signatures_and_the_order_do_no_harm(house: House) -> None:
    """A delivery that is sent twice, one that is badly signed, and two that overtake each other."""
    hub, hosted, hook = house.hub, house.hosted, house.hook
    first = hub.prepare("push", hosted, hook=hook)
    await hosted.push({"a.py": b"a = 2\n"})
    second = hub.prepare("push", hosted, hook=hook)

    statuses = [(await hub.send(one)).status_code for one in (second, first)]
    marks = [await house.marked()]
    statuses += [(await hub.send(one)).status_code for one in (second, first)]
    marks += [await house.marked()]
    wrong = await house.sent("push", how="badly_signed")

    assert ([202] * 4, [True, False], (401, False)) == (statuses, marks, wrong)


async def test_an_app_tells_of_its_repositories(house: House) -> None:
    """Pushes, and what it may see from now on."""
    hub, app = house.hub, house.hub.apps[7]
    hook = hub.add_hook(app, house.url, APP_SECRET)
    short = [short_repository(house.hosted)]
    seen = []
    seen.append((await hub.deliver("push", house.hosted, hook=hook)).status_code)
    marks = [await house.marked()]
    told: dict[str, Any] = {
        "installation.suspend": {"repositories": short},
        "installation_repositories.removed": {"repositories_removed": short},
        "installation_repositories.added": {"repositories_added": short},
    }
    for event, lists in told.items():
        seen.append((await hub.deliver(event, app, hook=hook, **lists)).status_code)
        marks.append(await house.marked())

    assert ([202] * 4, [True] * 4) == (seen, marks)


async def test_what_was_missed_is_asked_for_again_at_start(house: House) -> None:
    """By the repository's own hook and an App's; each delivery counts once."""
    hub, hosted = house.hub, house.hosted
    app_hook = hub.add_hook(hub.apps[7], house.url, APP_SECRET)
    for hook in (house.hook, app_hook):
        await hub.deliver("push", hosted, hook=hook, how="lost")

    assert "2 deliveries asked for again" == await house.catches_up()

    for _ in range(2):
        await house.looked.acquire()
    row = await house.repository()
    assert (True, "push", "") == (await house.marked(), row.hook_event, row.hook_problem)


async def test_what_may_not_be_asked_for_again_is_kept_as_a_problem(house: House) -> None:
    """A token without the right to webhooks; and a hook with our address that is no longer there."""
    house.hub.tokens["token"].scopes = ("public_repo",)
    await house.catches_up()
    refused = (await house.repository()).hook_problem
    house.hub.tokens["token"].scopes = ("repo", "admin:repo_hook")
    house.hub.hooks.clear()
    await house.catches_up()

    assert ("not_allowed", "no_hook") == (refused, (await house.repository()).hook_problem)


async def test_what_the_host_let_go_is_not_asked_for(house: House) -> None:
    """Three days after the last delivery, nothing that old is asked for."""
    await house.hub.deliver("push", house.hosted, hook=house.hook, how="lost")
    later = house.parts.clock() + timedelta(days=4)
    house.parts = replace(house.parts, clock=lambda: later)

    assert "" == await house.catches_up()

    assert (await house.parts.db.read(webhooks.last_at)) is None
