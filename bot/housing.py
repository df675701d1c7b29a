"""Puts together what the commands and the message flow work with: the house, files, voice, summaries."""

from collections.abc import Sequence

from bot import platform
from bot.app import Opened, utc_now
from bot.commands.house import House, who_answers
from bot.connections import Connections
from bot.context import JobView
from bot.delivery import Delivery
from bot.digest import Digest, DigestParts
from bot.jobs.clockwork import Clockwork
from bot.lanes import Lanes
from bot.listening import Listening, ListeningParts
from bot.metrics import MeasuredTranscribing, Metrics
from bot.onboarding import Onboarding, OnboardingParts
from bot.privacy import PrivacyFacts, privacy_text, search_endpoints
from bot.state.tables import Inbox as InboxRow
from bot.threads import Threads
from bot.uploads import UploadParts, Uploads
from bot.web.knowledge import StoreKnowledge

# Where the web chat puts files until a message brings them into a room.
INCOMING = "uploads"


class Queue:
    """The lanes, for those that are made before them."""

    def __init__(self) -> None:
        self.lanes: Lanes | None = None

    async def cancel(self, room: str, *, person: str | None = None, asked: InboxRow | None = None) -> int:
        """See QueuePort."""
        return await self.lanes.cancel(room, person=person, asked=asked) if self.lanes else 0

    async def answer_now(self, room: str) -> int:
        """See QueuePort."""
        return await self.lanes.answer_now(room) if self.lanes else 0

    def wake(self) -> None:
        """Tell the lanes that the inbox holds something."""
        if self.lanes:
            self.lanes.wake()


class Jobs:
    """The clockwork, for the commands that are made before it."""

    def __init__(self) -> None:
        self.clockwork: Clockwork | None = None

    async def views(self) -> Sequence[JobView]:
        """See JobsPort."""
        return await self.clockwork.views() if self.clockwork else ()

    async def ask(self, name: str) -> None:
        """See JobsPort."""
        if self.clockwork is None:
            raise KeyError(name)
        await self.clockwork.ask(name)


def house_of(opened: Opened, queue: Queue, jobs: Jobs, delivery: Delivery, connections: Connections) -> House:
    """What commands work with."""
    settings = opened.settings
    searching = search_endpoints(settings.embedder, settings.ranker)
    hearing = settings.transcription.endpoint
    facts = PrivacyFacts(settings.retention, settings.llm, settings.access, searching, settings.backup.longest, hearing)
    pages = StoreKnowledge(opened.knowledge.store)

    async def starters(project: str, *, room: str | None, language: str) -> Sequence[str]:
        return await pages.starters(project, room or "", language)

    onboarding = Onboarding(
        OnboardingParts(
            db=opened.db,
            standing=opened.standing,
            board=opened.board,
            starters=starters,
            send=delivery.send,
            spawn=opened.tasks.spawn,
            clock=utc_now,
            keeps_days=settings.retention.turn_days,
            private=settings.access.private,
        )
    )
    return House(
        db=opened.db,
        vault=opened.vault,
        queue=queue,
        jobs=jobs,
        standing=opened.standing,
        following=opened.following,
        hooks=opened.hook_setup,
        onboarding=onboarding,
        projects=opened.projects,
        people=opened.people,
        uploads=uploads_of(opened, delivery),
        threads=Threads(opened.db, opened.following, opened.registry),
        digest=digest_of(opened, delivery),
        connections=connections,
        limits=settings.limits,
        sources=settings.sources,
        access=settings.access,
        privacy_text=lambda language: privacy_text(facts, language),
        who_answers=lambda language: who_answers(settings.llm, language, searching=searching, hearing=hearing),
    )


def hearing_of(opened: Opened, delivery: Delivery, metrics: Metrics) -> Listening:
    """What understands voice messages, or says that nothing does."""
    settings, transcriber = opened.settings, opened.transcriber
    return Listening(
        ListeningParts(
            db=opened.db,
            delivery=delivery,
            transcribing=MeasuredTranscribing(transcriber, metrics) if transcriber else None,
            settings=settings.transcription,
            limits=settings.limits,
            clock=utc_now,
        )
    )


def digest_of(opened: Opened, delivery: Delivery) -> Digest:
    """What writes the daily summaries."""
    settings = opened.settings
    return Digest(
        DigestParts(opened.db, delivery, utc_now, settings.answers.language, github_hosts=settings.sources.github_hosts)
    )


def uploads_of(opened: Opened, delivery: Delivery) -> Uploads:
    """What keeps and indexes the files that people send."""
    return Uploads(
        UploadParts(
            db=opened.db,
            vault=opened.vault,
            store=opened.knowledge.store,
            indexing=opened.knowledge.uploading,
            adapter_of=delivery.adapter_of,
            limits=opened.settings.limits,
            files=opened.settings.files,
            folder=opened.data_dir / "attachments",
            incoming=opened.data_dir / INCOMING,
            free_bytes=lambda: platform.free_disk_bytes(opened.data_dir),
        )
    )
