"""Files and voice on Telegram: documents, photos, voice messages and albums, in private chats and in topics."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import RoomAddress, RoomFacts
from adapters.telegram.adapter import TelegramAdapter
from adapters.telegram.connection import Surroundings
from bot.actions import Role
from bot.listening import Listening, ListeningParts
from bot.state.queries import people, rooms
from bot.uploads import UploadParts, Uploads
from config.load import load
from config.settings import Settings
from config.texts import say
from pipelines.components.embed import NoEmbedder
from pipelines.indexing import Indexing
from pipelines.transcribing import EndpointTranscriber
from tests.fakes.flow import Clock, Flow, open_flow
from tests.fakes.model_server import Behaviour, ModelServer
from tests.fakes.notes import Notes
from tests.fakes.passages import FakePassages
from tests.fakes.telegram import BotApi, running_bot_api
from tests.fakes.telegram_account import telegram_settings
from tests.unit.pipelines.test_transcribing import settings_of

ADA, FORUM = 5, -1001
NOTES = b"# Notes\n\nThe canary word is xylophonist.\n"
FILES = [("a.md", NOTES), ("b.md", NOTES), ("c.zip", b"PK\x03\x04")]


@dataclass
class Team:
    """Ada and the bot, in private and in a topic, both of one project."""

    api: BotApi
    flow: Flow
    server: ModelServer
    topic: int = 0

    async def until_shown(self, *words: str, chat: int = ADA, topic: int | None = None) -> list[str]:
        """Wait until our messages hold these words, one each, in this order; their texts."""

        def stands() -> bool:
            shown = self.api.shown(chat, topic)
            return len(shown) == len(words) and all(word in text for word, text in zip(words, shown, strict=True))

        await self.api.until(stands)
        return self.api.shown(chat, topic)


def indexed(name: str) -> str:
    """What is said of a file that was taken."""
    return say("upload.indexed", "en", name=name, passages=1)


@pytest.fixture
async def team(tmp_path: Path) -> AsyncIterator[Team]:
    """The whole flow on the emulator, with privacy mode off, so that the parts of albums come."""
    async with running_bot_api(reads_all=True) as api, ModelServer(Behaviour("How is it cooled?")) as server:
        api.add_private(ADA)
        api.add_group(FORUM, is_forum=True)
        adapter = TelegramAdapter(telegram_settings(api), Surroundings(Notes(), asyncio.ensure_future, poll_s=0.2))
        async with open_flow(tmp_path, clock=Clock(datetime.now(UTC))) as flow:
            flow.adapters[adapter.network, adapter.account] = adapter
            team = Team(api, flow, server, api.add_topic(FORUM, "Build"))
            async with knowing_files(team, adapter, tmp_path):
                flow.conversation.spawn(flow.inbox.listen(adapter))
                yield team
        await adapter.close()


@asynccontextmanager
async def knowing_files(team: Team, adapter: TelegramAdapter, folder: Path) -> AsyncIterator[None]:
    """Let the flow take files and listen, and the project have both rooms."""
    flow, settings = team.flow, load(environ={}, cwd=folder, data_dir=folder).settings
    await flow.db.write(lambda session: _rooms_of(session, team, adapter))
    flow.routing.uploads = Uploads(_upload_parts(flow, adapter, settings, folder))
    section = settings_of(team.server.base_url)
    transcriber = EndpointTranscriber(section)
    flow.routing.hearing = Listening(
        ListeningParts(flow.db, flow.delivery, transcriber, section, settings.limits, flow.clock)
    )
    yield
    await transcriber.close()


async def _rooms_of(session: AsyncSession, team: Team, adapter: TelegramAdapter) -> None:
    now, project = team.flow.clock(), team.flow.project
    ada = await people.ensure(session, "telegram", str(ADA), name="Ada", now=now)
    await people.give_role(session, ada.id, Role.MEMBER, project=project, given_by=None, now=now)
    for name, kind in ((str(ADA), "private"), (f"{FORUM}/{team.topic}", "topic")):
        address = RoomAddress("telegram", adapter.account, name)
        room = await rooms.ensure(session, address, RoomFacts(name, kind), now=now)
        await rooms.bind(session, room.id, project=project, bound_by=None, now=now)


def _upload_parts(flow: Flow, adapter: TelegramAdapter, settings: Settings, folder: Path) -> UploadParts:
    store = FakePassages()
    return UploadParts(
        db=flow.db,
        vault=flow.vault,
        store=store,
        indexing=Indexing(
            store, NoEmbedder(), files=settings.files.for_uploads(settings.limits), limits=settings.limits
        ),
        adapter_of=lambda _room: adapter,
        limits=settings.limits,
        files=settings.files,
        folder=folder / "attachments",
        incoming=folder / "uploads",
        free_bytes=lambda: 10**12,
    )


async def test_a_document_is_indexed_and_its_caption_answered(team: Team) -> None:
    """Two messages, both in reply to the document."""
    sent = team.api.sends_file(ADA, "a.md", NOTES, caption="what is in it?")

    await team.until_shown(indexed("a.md"), "answer to what is in it?")
    assert 2 == len(team.api.answers(sent))


async def test_a_photo_is_answered_honestly_and_not_fetched(team: Team) -> None:
    """It says what to send instead."""
    team.api.sends_photo(ADA, b"\xff\xd8" + bytes(1_000))

    await team.until_shown(say("upload.photo", "en"))
    assert [] == team.api.calls("getFile")


async def test_an_archive_is_refused_and_not_fetched(team: Team) -> None:
    """By its name."""
    team.api.sends_file(ADA, "c.zip", b"PK\x03\x04")

    await team.until_shown("archives are not unpacked")
    assert [] == team.api.calls("getFile")


async def test_a_voice_message_is_answered_with_what_was_heard(team: Team) -> None:
    """The sound goes to the endpoint, and one message says what was understood and answers it."""
    team.api.sends_voice(ADA, b"OggS sound")

    (text,) = await team.until_shown("answer to How is it cooled?")
    assert say("voice.heard", "en", words="How is it cooled?") in text
    assert b"OggS sound" == team.server.received[0].body["file"].data


@pytest.mark.parametrize("is_topic", [False, True])
async def test_an_album_is_one_act(team: Team, *, is_topic: bool) -> None:
    """What became of each file, and one answer to the caption; in a group only that part has our name."""
    chat, topic = (FORUM, team.topic) if is_topic else (ADA, None)
    name = f"@{team.api.bot['username']} " if is_topic else ""
    more = {"topic": topic} if topic else {}
    team.api.sends_album(chat, FILES, caption=f"{name}what is in it?", **more)

    told, _ = await team.until_shown(indexed("a.md"), "answer to what is in it?", chat=chat, topic=topic)
    assert indexed("b.md") in told
    assert "c.zip" in told
    assert 0 == team.flow.inbox.ignored


async def test_a_group_may_send_each_other_files(team: Team) -> None:
    """What is not for us is neither stored nor fetched, album or not."""
    team.api.sends_album(FORUM, FILES, caption="look", topic=team.topic)
    team.api.sends_voice(FORUM, b"OggS", topic=team.topic)
    team.api.sends_file(ADA, "a.md", NOTES)

    await team.until_shown(indexed("a.md"))
    assert 4 == team.flow.inbox.ignored
    assert 1 == len(team.api.calls("getFile"))
