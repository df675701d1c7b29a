"""Puts the message flow, the jobs and the web pages together over the opened parts. Nothing runs yet."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from adapters.network import ChatAdapter
from adapters.web.adapter import WebAdapter
from adapters.web.uploads import UploadFolder
from bot.admission import AnswerRules
from bot.albums import Albums
from bot.announcing import Announcing
from bot.app import Opened, utc_now
from bot.attempts import LaneRules
from bot.commands import all_commands
from bot.commands.execution import Commands
from bot.connections import Connections
from bot.conversation import Conversation
from bot.delivery import Delivery
from bot.digest import Digest
from bot.housing import INCOMING, Jobs, Queue, hearing_of, house_of
from bot.inbox import Inbox
from bot.jobs.chores import ChoreParts, Chores
from bot.jobs.runner import JobRunner
from bot.lanes import Lanes
from bot.lifecycle import Lifecycle, LifecycleParts
from bot.loops import Loops
from bot.metrics import MeasuredAnswering, Metrics
from bot.reactions import Reactions
from bot.readiness import Readiness
from bot.redelivery import Redelivery, RedeliveryParts
from bot.routing import Routing
from bot.state.ids import new_id
from bot.state.weblog import StoredWebLog
from bot.uploads import Uploads
from bot.watch import Watch
from bot.web.knowledge import StoreKnowledge
from bot.web.parts import Health, WebParts, pushed_of
from bot.web_messages import WebChat, WebMessages
from config.settings import Settings
from pipelines.stores.passages import Scope
from pipelines.types import Supported


@dataclass(slots=True)
class _Checks:
    """`bot.context.VerifyingPort` over the knowledge side."""

    opened: Opened

    async def verify(self, project: str, markdown: str, *, room: str) -> Sequence[Supported]:
        """Each sentence with what supports it, as this room may see the sources."""
        return await self.opened.knowledge.verifying.verify(project, markdown, Scope(room=room))


@dataclass(frozen=True, slots=True)
class Chat:
    """The message flow, put together; `networks` are the adapters that must be listened to, the web chat's included."""

    web: WebAdapter
    networks: Sequence[ChatAdapter]
    connections: Connections
    log: StoredWebLog
    uploads: UploadFolder
    files: Uploads
    delivery: Delivery
    inbox: Inbox
    lanes: Lanes
    commands: Commands
    jobs: Jobs
    digest: Digest


def chat_of(opened: Opened, metrics: Metrics, *, networks: Sequence[ChatAdapter] = ()) -> Chat:
    """Wire the message flow: what comes in, waits, is answered and goes out; answers are counted in `metrics`.

    `networks` are the adapters of what is configured beside the web chat; who made them leaves closing them to us.
    """
    settings, spawn = opened.settings, opened.tasks.spawn
    weblog = StoredWebLog(opened.db, opened.vault, utc_now)
    folder = UploadFolder(opened.data_dir / INCOMING)
    web = WebAdapter(weblog, folder)
    adapters: dict[tuple[str, str], ChatAdapter] = {(one.network, one.account): one for one in (web, *networks)}
    connections = Connections(adapters)
    metrics.follow_networks(connections.probes)
    queue, jobs = Queue(), Jobs()
    logs = {(web.network, web.account): WebChat(weblog, web)}
    delivery = Delivery(opened.db, opened.vault, adapters, utc_now, logs=logs)
    inbox = Inbox(
        opened.db, opened.vault, utc_now, wake=queue.wake, adapters=adapters, answer_mode=settings.room.answer
    )
    conversation = _conversation(opened, delivery, metrics)
    house = house_of(opened, queue, jobs, delivery, connections)
    commands = Commands(house)
    routing = Routing(
        conversation,
        Reactions(conversation, commands, _Checks(opened), queue, keeping=_keeping(settings)),
        commands,
        house.onboarding,
        house.uploads,
        settings.answers.language,
        utc_now,
        Albums(opened.db, opened.vault, utc_now),
        hearing_of(opened, delivery, metrics),
        Loops(settings.limits.person_messages_per_minute),
    )
    lane_rules = LaneRules(
        owner=new_id(), room_parallel=settings.room.parallel, total_parallel=settings.answers.parallel
    )
    queue.lanes = Lanes(opened.db, routing, lane_rules, utc_now, spawn)
    return Chat(
        web=web,
        networks=tuple(adapters.values()),
        connections=connections,
        log=weblog,
        uploads=folder,
        files=house.uploads,
        delivery=delivery,
        inbox=inbox,
        lanes=queue.lanes,
        commands=commands,
        jobs=jobs,
        digest=house.digest,
    )


def _keeping(settings: Settings) -> tuple[str, ...]:
    """The networks where an answer stays when its question is deleted."""
    return () if settings.matrix.delete_answers else ("matrix",)


def _conversation(opened: Opened, delivery: Delivery, metrics: Metrics) -> Conversation:
    settings = opened.settings
    rules = AnswerRules(
        settings.answers,
        settings.limits,
        idle=timedelta(minutes=settings.room.idle_minutes),
        viewer=settings.web.public_url.rstrip("/") or None,
    )
    return Conversation(
        opened.db,
        opened.vault,
        delivery,
        MeasuredAnswering(opened.knowledge.answering, metrics),
        opened.board,
        rules,
        utc_now,
        time.monotonic,
        opened.tasks.spawn,
    )


def chores_of(opened: Opened, runner: JobRunner, chat: Chat) -> Chores:
    """Wire what the clock does."""
    announcing = Announcing(
        opened.db,
        chat.delivery,
        default_language=opened.settings.answers.language,
        purge_after_days=opened.settings.sources.purge_after_days,
    )
    return Chores(
        ChoreParts(
            db=opened.db,
            store=opened.knowledge.store,
            refresh=opened.refresh,
            following=opened.following,
            runner=runner,
            spawn=opened.tasks.spawn,
            clock=utc_now,
            keep=opened.settings.retention,
            purge_after_days=opened.settings.sources.purge_after_days,
            registry=opened.registry,
            vault=opened.vault,
            lifecycle=Lifecycle(
                LifecycleParts(
                    db=opened.db,
                    refresh=opened.refresh,
                    credential=opened.registry.access.named,
                    move_mirror=opened.registry.move_mirror,
                    telling=announcing,
                    spawn=opened.tasks.spawn,
                    clock=utc_now,
                )
            ),
            telling=announcing,
            uploads=chat.files,
            backups=opened.backups,
            backup_every=opened.settings.backup.every,
            redelivery=_redelivery(opened),
            digest=chat.digest,
        )
    )


def _redelivery(opened: Opened) -> Redelivery:
    return Redelivery(
        RedeliveryParts(
            db=opened.db,
            host=opened.registry.forge,
            credentials=opened.settings.sources.credentials,
            url=opened.hook_setup.url,
            clock=utc_now,
        )
    )


def watch_of(opened: Opened, chores: Chores) -> Watch | None:
    """Wire the watchers of this machine; None when they are switched off."""
    if not opened.settings.sources.watch:
        return None
    return Watch(opened.db, opened.refresh, refresh_now=chores.refresh_now, spawn=opened.tasks.spawn)


def web_parts_of(opened: Opened, chat: Chat, metrics: Metrics, *, key: str, look: Callable[[], object]) -> WebParts:
    """Wire what the pages and the API use; `key` is what commands of this machine call with.

    `look` has sources that are due looked at soon.
    """
    pages = StoreKnowledge(opened.knowledge.store)

    readiness = Readiness(
        opened.db, time.monotonic, are_connected=chat.connections.are_up, store=opened.knowledge.store
    )

    async def health() -> Health:
        return Health(is_ready=await readiness.is_ready())

    return WebParts(
        settings=opened.settings.web,
        limits=opened.settings.limits,
        db=opened.db,
        vault=opened.vault,
        chat=chat.web,
        log=chat.log,
        messages=WebMessages(chat.inbox, chat.log, chat.web, utc_now),
        people=opened.people,
        board=opened.board,
        commands=all_commands,
        metrics=metrics,
        desk=lambda: opened.desk,
        knowledge=lambda: pages,
        health=health,
        hooks=opened.hooks,
        look=look,
        spawn=opened.tasks.spawn,
        clock=utc_now,
        service_key=key,
        uploads=chat.uploads,
        language=opened.settings.answers.language,
        pushed=pushed_of(chat.networks, chat.inbox) if opened.settings.telegram.intake == "webhook" else {},
    )
