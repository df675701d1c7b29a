"""The running service: started and stopped in order, so that nothing that was asked is lost."""

import asyncio
import contextlib
import errno
import ipaddress
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
import uvicorn

from adapters.chat import ChatError
from adapters.network import ChatAdapter
from adapters.networks import Around, open_networks
from bot import platform
from bot.app import Opened, open_everything, utc_now
from bot.backup import NETWORKS
from bot.first_project import Folders, begin_first_project
from bot.jobs.clockwork import Clock, Clockwork
from bot.jobs.runner import JobRunner
from bot.jobs.sooner import Sooner
from bot.menus import keep_menus
from bot.metrics import Metrics
from bot.platform import PlatformError
from bot.progress import ProgressBoard
from bot.showing import hide_again
from bot.state.notes import StoredNotes
from bot.state.queries import people
from bot.watch import Watch
from bot.web.server import build_app, check_listening, server_config
from bot.wiring import Chat, chat_of, chores_of, watch_of, web_parts_of
from config.settings import Settings, Web

log = structlog.get_logger(__name__)

GRACE_S = 5.0
_LAG_EVERY_S = 0.5


class PortTaken(PlatformError):
    """The address to listen on is in use, or not one of this machine."""


class ServerEnded(PlatformError):
    """The web server ended although nobody told it to."""


@dataclass(frozen=True, slots=True)
class Started:
    """What a person at the terminal is told. `login_url` is empty once there is an owner."""

    address: str
    login_url: str
    board: ProgressBoard


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: the process has one place for them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


@dataclass(slots=True)
class _Running:
    """What must be ended in order."""

    opened: Opened
    chat: Chat
    clockwork: Clockwork
    look: Sooner
    watch: Watch | None
    server: _Server
    serving: asyncio.Task[None]
    metrics: Metrics


async def serve(
    settings: Settings, *, told: Callable[[Started], Coroutine[Any, Any, None]], stop: asyncio.Event
) -> None:
    """Run until `stop` is set. `told` is started as a task once the service listens.

    Raises PlatformError (folder or port in use), ListeningRefused, StateError and StoreUnavailable before that, and
    ServerEnded afterwards.
    """
    async with open_everything(settings, command="run") as opened:
        has_owner = bool(await opened.db.read(lambda session: people.owners(session, now=utc_now())))
        check_listening(settings.web, has_owner=has_owner)
        listening = bind(settings.web)
        await hide_again(opened.db, opened.knowledge.store)
        async with _started(opened, listening) as running:
            login_url = "" if has_owner else (await opened.desk.login_link())["url"]
            started = Started(opened.address, login_url, opened.board)
            opened.tasks.spawn(told(started))
            stopping = opened.tasks.spawn(stop.wait())
            await asyncio.wait({stopping, running.serving}, return_when=asyncio.FIRST_COMPLETED)
            if not stop.is_set():
                raise ServerEnded("expected the web server to run until it is stopped, but it ended; the log says why")


def _around(opened: Opened) -> Around:
    folder = opened.data_dir / NETWORKS
    return Around(partial(StoredNotes, opened.db), opened.tasks.spawn, folder, opened.vault)


@asynccontextmanager
async def _started(opened: Opened, listening: socket.socket) -> AsyncIterator[_Running]:
    """Everything in motion; put away in reverse within 10 s, so that nothing is lost."""
    key = secrets.token_urlsafe(32)
    opened.address = _address_of(opened.settings.web, listening)
    metrics = Metrics()
    if (ranker := opened.knowledge.reranking) is not None:
        metrics.follow_ranker(lambda: ranker.counts)
    networks = open_networks(opened.settings, _around(opened))
    chat = chat_of(opened, metrics, networks=networks)
    runner = JobRunner(opened.db, clock=utc_now)
    chores = chores_of(opened, runner, chat)
    watch = watch_of(opened, chores)
    look = Sooner(partial(runner.run, "tick", chores.refresh_due))
    app = build_app(web_parts_of(opened, chat, metrics, key=key, look=look))
    server = _Server(server_config(app, opened.settings.web))
    serving = opened.tasks.spawn(server.serve(sockets=[listening]))
    jobs, clock = chores.jobs(watch), Clock(utc_now)
    clockwork = chat.jobs.clockwork = Clockwork(opened.db, runner, jobs, clock=clock, spawn=opened.tasks.spawn)
    running = _Running(opened, chat, clockwork, look, watch, server, serving, metrics)
    opened.lock.announce(address=opened.address, key=key)
    try:
        await _begin(running)
        yield running
    finally:
        await _end(running)


async def _begin(running: _Running) -> None:
    opened, chat = running.opened, running.chat
    if opened.settings.sources.first_project:
        await begin_first_project(
            opened.db,
            opened.following,
            opened.projects,
            folders=Folders(platform.checkout_root(), platform.packaged_docs()),
            clock=utc_now,
        )
    await chat.delivery.begin()
    opened.tasks.spawn(chat.delivery.run(opened.tasks.spawn))
    for adapter in chat.networks:
        opened.tasks.spawn(chat.inbox.listen(adapter))
        notes = StoredNotes(opened.db, adapter.network, adapter.account)
        opened.tasks.spawn(keep_menus(adapter, notes, language=opened.settings.answers.language))
    opened.tasks.spawn(chat.lanes.run())  # what they send queues behind what was on its way
    opened.tasks.spawn(_probe_lag(running.metrics))
    opened.tasks.spawn(running.look.run())
    await running.clockwork.begin()
    running.clockwork.start()
    if running.watch is not None:
        await running.watch.align()


async def _end(running: _Running) -> None:
    running.clockwork.stop()
    running.server.should_exit = True
    await running.chat.lanes.stop(GRACE_S)
    for adapter in running.chat.networks:
        await _close(adapter)
    if running.watch is not None:
        await running.watch.close()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait([running.serving], timeout=GRACE_S)


async def _close(adapter: ChatAdapter) -> None:
    """Disconnect from a network within a bounded time, since no other may be kept waiting by it."""
    try:
        async with asyncio.timeout(GRACE_S):
            await adapter.close()
    except (ChatError, TimeoutError) as error:
        log.warning("service.not_closed", network=adapter.network, error=type(error).__name__)


def bind(web: Web) -> socket.socket:
    """A listening socket at the address of the settings. Raises PortTaken."""
    family = socket.AF_INET6 if ":" in web.host else socket.AF_INET
    # Named, the protocol lets asyncio send at once; without, an answer in two pieces may take 40 ms longer.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    platform.allow_quick_restart(listening)
    try:
        listening.bind((web.host, web.port))
    except OSError as error:
        listening.close()
        raise PortTaken(_why_not(web, error)) from error
    listening.listen(512)
    listening.setblocking(False)  # noqa: FBT003 - positional only
    return listening


def _why_not(web: Web, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"expected port {web.port} of {web.host} to be free, but another program listens there; "
            "stop it, or name another port by --port or PORT"
        )
    return f"expected to listen at {web.host!r} port {web.port}, got {error.strerror!r}; correct web.host or web.port"


def _address_of(web: Web, listening: socket.socket) -> str:
    """Where this machine reaches the service."""
    port = listening.getsockname()[1]
    host = web.host
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host).is_unspecified:
            host = "::1" if ":" in host else "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _probe_lag(metrics: Metrics) -> None:
    """Measure for ever how late the event loop runs what is due."""
    while True:
        due = time.monotonic() + _LAG_EVERY_S
        await asyncio.sleep(_LAG_EVERY_S)
        metrics.loop_lag.observe(max(0.0, time.monotonic() - due))
