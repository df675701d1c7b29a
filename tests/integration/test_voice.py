"""Voice messages: listened to over real HTTP, answered as if typed, and nothing of the sound kept."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from adapters.chat import Attachment, EventId, Message, Pressed, Unreachable
from bot.listening import Listening, ListeningParts
from bot.state.queries import turns
from config.load import load
from config.texts import say
from pipelines.transcribing import EndpointTranscriber
from tests.fakes.chat import NOON, FakeChat
from tests.fakes.flow import Clock, Flow, open_flow
from tests.fakes.model_server import Behaviour, ModelServer
from tests.unit.pipelines.test_transcribing import settings_of

SOUND = b"OggS the sound of a question"
ASKED = "How is the reactor cooled"


@dataclass
class Voice:
    """A flow that listens by a server."""

    flow: Flow
    server: ModelServer

    async def says(self, number: int = 1, caption: str = "", *, sender: str = "ann", **more: Any) -> Message:
        """Let somebody send a voice message and wait for what comes of it."""
        message = spoken(self.flow.chat, number, caption, sender=sender, **more)
        await self.flow.receive(message)
        await self.flow.idle()
        return message


def spoken(chat: FakeChat, number: int, caption: str = "", *, sender: str = "ann", **more: Any) -> Message:
    """A voice message of four seconds; `more` replaces what its attachment says."""
    sound = Attachment("v", "voice.ogg", "audio/ogg", len(SOUND), kind="voice", seconds=4)
    message = chat.message(number, caption, sender=sender, attachments=(replace(sound, **more),))
    return replace(message, sender=replace(message.sender, language="de-AT"))


@asynccontextmanager
async def listening(
    folder: Path, server: ModelServer | None, *, clock: Clock | None = None, **more: Any
) -> AsyncIterator[Voice]:
    """A running flow whose voice messages go to a server, or nowhere."""
    chat = more.pop("chat", None) or FakeChat()
    chat.files["v"] = SOUND
    limits = load(environ={}, cwd=folder, data_dir=folder).settings.limits.model_copy(update=more.get("limits", {}))
    async with open_flow(folder, chat=chat, clock=clock, runs=False, **more) as flow:
        section = settings_of(server.base_url if server else "", model="whisper-1" if server else "")
        transcriber = EndpointTranscriber(section) if server else None
        flow.routing.hearing = Listening(
            ListeningParts(flow.db, flow.delivery, transcriber, section, limits, flow.clock)
        )
        flow.conversation.spawn(flow.lanes.run())
        flow.conversation.spawn(flow.delivery.run(flow.conversation.spawn))
        yield Voice(flow, server or ModelServer())
        if transcriber:
            await transcriber.close()


def contents(folder: Path) -> bytes:
    """All that lies on the disk."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
async def voice(tmp_path: Path) -> AsyncIterator[Voice]:
    """A flow that understands one question, whatever is said."""
    async with ModelServer(Behaviour(f"{ASKED}?")) as server, listening(tmp_path, server) as made:
        yield made


async def test_a_spoken_question_is_answered_and_shows_what_was_heard(voice: Voice) -> None:
    """In one message, which said that it listens at first; the language is that of the person's client."""
    await voice.says()

    (shown,) = voice.flow.chat.messages.values()
    heard, _, answer = shown.reply.markdown.partition("\n\n")
    assert say("voice.listening", "de") == shown.texts[0]
    assert f"> {say('voice.heard', 'de', words=f'{ASKED}?')}" == heard
    assert answer.startswith(f"answer to {ASKED}? [1]")
    assert "1" == shown.reply.reply_to
    (asked,) = voice.server.received
    assert ("de", SOUND) == (asked.body["language"], asked.body["file"].data)


async def test_a_recording_is_listened_to_as_well(voice: Voice) -> None:
    """As sent from the files of a phone; one that does not say how long it is, is not."""
    await voice.says(1, kind="audio", media_type="audio/mpeg")
    await voice.says(2, kind="audio", seconds=0)

    first, second = voice.flow.chat.shown()
    assert ASKED in first
    assert say("voice.too_long_unknown", "de", most=10) == second
    assert 1 == len(voice.server.received)


async def test_a_caption_is_asked_along(voice: Voice) -> None:
    """Both are the question; only what was heard is quoted."""
    await voice.says(1, "In ship 7:")

    assert [f"In ship 7:\n{ASKED}?"] == [question.text for question in voice.flow.answering.asked]


async def test_a_command_is_never_taken_from_a_voice(voice: Voice) -> None:
    """Not even when the transcript is one to the letter: it is a question like any other."""
    voice.server.behaviour = Behaviour("/change")
    await voice.says()

    assert [] == voice.flow.commands.ran
    assert ["/change"] == [question.text for question in voice.flow.answering.asked]


async def test_marks_in_what_was_heard_are_shown_as_they_are(voice: Voice) -> None:
    """A transcript adds no link, and a long one is shortened."""
    voice.server.behaviour = Behaviour("[click](https://evil.example) " + "word " * 300)
    await voice.says()

    heard = voice.flow.chat.shown()[0].partition("\n\n")[0]
    assert "[click](" not in heard
    assert heard.endswith("…“")
    assert len(heard) < 600


async def test_without_a_model_it_says_so(tmp_path: Path) -> None:
    """What the person can do, and what the operator can; nothing is fetched."""
    async with listening(tmp_path, None) as voice:
        await voice.says()

        assert [say("voice.not_configured", "de")] == voice.flow.chat.shown()
        assert "download" not in voice.flow.chat.verbs


@pytest.mark.parametrize(
    ("more", "key", "values"),
    [
        ({"seconds": 601}, "voice.too_long", {"most": 10, "got": 11}),
        ({"size_bytes": 20_000_001}, "voice.too_large", {"most": "20"}),
    ],
)
async def test_what_is_too_long_is_not_fetched(voice: Voice, more: Any, key: str, values: Any) -> None:
    """The limit is told."""
    await voice.says(**more)

    assert [say(key, "de", **values)] == voice.flow.chat.shown()
    assert "download" not in voice.flow.chat.verbs
    assert [] == voice.server.received


async def test_nobody_listens_to_a_stranger(voice: Voice) -> None:
    """Rights are asked before anything is fetched or paid for."""
    await voice.says(sender="eve")

    assert [] == voice.server.received
    assert "download" not in voice.flow.chat.verbs
    assert [] == voice.flow.answering.asked


async def test_who_has_asked_enough_is_not_listened_to(tmp_path: Path) -> None:
    """It is said once when to come back, as for typed questions; what was allowed was counted once."""
    async with (
        ModelServer(Behaviour("Why?")) as server,
        listening(tmp_path, server, limits={"person_questions": 2}) as voice,
    ):
        for number in range(1, 5):
            await voice.says(number)

        *answers, refusal = voice.flow.chat.shown()
    assert [True] * 2 == ["answer to Why?" in text for text in answers]
    assert say("ask.limit_person", "de", minutes=10) == refusal
    assert 2 == len(server.received)


@pytest.mark.parametrize("words", ["", " … "])
async def test_silence_is_no_question(voice: Voice, words: str) -> None:
    """It says that it heard nothing."""
    voice.server.behaviour = Behaviour(words)
    await voice.says()

    assert [say("voice.nothing", "de")] == voice.flow.chat.shown()
    assert [] == voice.flow.answering.asked


async def test_a_secret_that_is_read_out_is_not_kept(voice: Voice) -> None:
    """As for one that is typed."""
    token = "ghp_" + "a1B2" * 9
    voice.server.behaviour = Behaviour(f"my token is {token} what now")
    await voice.says()
    await voice.flow.db.checkpoint()

    assert [] == voice.flow.answering.asked
    assert token not in voice.flow.chat.shown()[0]


async def test_an_endpoint_that_fails_is_told_with_a_reference(voice: Voice) -> None:
    """Nothing of what it said; the person can type."""
    voice.server.behaviour = Behaviour(status=401)
    await voice.says()

    (told,) = voice.flow.chat.shown()
    assert told.startswith(say("voice.failed", "de", reference="").partition(";")[0])
    assert "as the test wants it" not in told
    assert [] == voice.flow.answering.asked


async def test_a_network_that_does_not_hand_the_sound_out_is_told(voice: Voice) -> None:
    """For now, or for good."""
    voice.flow.chat.fail("download", Unreachable("down"))
    await voice.says(1)
    del voice.flow.chat.files["v"]
    await voice.says(2)

    assert [say("voice.unreachable", "de"), say("voice.gone", "de", most="20")] == voice.flow.chat.shown()


async def test_neither_sound_nor_words_lie_open_on_the_disk(voice: Voice, tmp_path: Path) -> None:
    """The words are sealed as those of a typed question, the sound was only ever in memory."""
    await voice.says()
    await voice.flow.db.checkpoint()

    async def asked(session: Any) -> str | None:
        known = await turns.open_conversation(session, voice.flow.room, thread="", now=NOON, idle=None)
        assert known is not None
        (turn,) = await turns.recent(session, known.id, limit=5)
        return turns.texts_of(turn, voice.flow.vault).question

    assert f"{ASKED}?" == await voice.flow.db.read(asked)
    held = contents(tmp_path)
    assert ASKED.encode() not in held
    assert SOUND not in held


async def test_a_crash_while_it_listens_costs_nobody_the_answer(tmp_path: Path) -> None:
    """The message waits in the inbox and is listened to again; one answer stands in place of the placeholder."""
    chat, clock = FakeChat(), Clock()
    async with ModelServer(Behaviour("Why?"), script=[Behaviour(hangs=True)]) as server:
        async with listening(tmp_path, server, chat=chat, clock=clock) as before:
            await before.flow.receive(spoken(chat, 1))
            await server.arrived.wait()
            await before.flow.crash()
        async with listening(tmp_path, server, chat=chat, clock=clock) as after:
            await after.flow.idle()

    assert 1 == len(chat.messages)
    assert "answer to Why?" in chat.shown()[0]


async def test_listening_can_be_cancelled(tmp_path: Path) -> None:
    """By the button under the placeholder; the endpoint is hung up on."""
    async with ModelServer(Behaviour(hangs=True)) as server, listening(tmp_path, server) as voice:
        message = spoken(voice.flow.chat, 1)
        await voice.flow.receive(message)
        await server.arrived.wait()
        (shown,) = voice.flow.chat.messages.values()
        button = shown.reply.buttons[0][0]
        press = EventId("fake", "bot", "p1")
        await voice.flow.receive(
            Pressed(press, message.room, shown.id, message.sender, button.action, button.data, NOON)
        )
        await voice.flow.idle()
        await server.received[0].gone.wait()

        assert [say("reply.cancelled", "de")] == voice.flow.chat.shown()
