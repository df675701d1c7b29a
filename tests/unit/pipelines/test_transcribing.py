"""Recordings become words, over real HTTP; faults of the endpoint become one of our words."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from config.settings import Transcription
from pipelines.parts import open_transcriber
from pipelines.transcribing import EndpointTranscriber, Recording
from pipelines.types import ModelUnavailable
from tests.fakes.http_server import FormFile
from tests.fakes.model_server import Behaviour, ModelServer

KEY = "sk-a-key-that-nobody-may-see"


def settings_of(base_url: str, **more: Any) -> Transcription:
    """The section that names a server."""
    plain = {
        "model": "whisper-1",
        "base_url": base_url,
        "api_key": SecretStr(KEY),
        "local": True,
        "max_minutes": 10,
        "timeout_s": 30.0,
    }
    return Transcription.model_validate(plain | more)


@asynccontextmanager
async def transcriber(server: ModelServer, **more: Any) -> AsyncIterator[tuple[EndpointTranscriber, list[float]]]:
    """What asks a server, and the waits between its tries, which take no time here."""
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    made = EndpointTranscriber(settings_of(server.base_url, **more), sleep=note)
    try:
        yield made, waits
    finally:
        await made.close()


async def test_the_endpoint_gets_the_sound_the_model_and_the_language() -> None:
    """And nothing of the name that the file had; the words come back without blanks around them."""
    async with ModelServer(Behaviour(" How is the reactor cooled? ")) as server, transcriber(server) as (made, _):
        words = await made.transcribe(Recording(b"OggS", "audio/ogg; codecs=opus", "de"))

    (asked,) = server.received
    assert "How is the reactor cooled?" == words
    assert "/v1/audio/transcriptions" == asked.path
    assert f"Bearer {KEY}" == asked.headers["authorization"]
    assert {
        "model": "whisper-1",
        "response_format": "json",
        "language": "de",
        "file": FormFile("voice.ogg", "audio/ogg", b"OggS"),
    } == asked.body


@pytest.mark.parametrize(
    ("media_type", "name"),
    [("audio/mpeg", "voice.mp3"), ("AUDIO/X-M4A", "voice.m4a"), ("audio/wav", "voice.wav"), ("video/x", "voice.ogg")],
)
async def test_the_format_is_told_by_the_ending(media_type: str, name: str) -> None:
    """Servers look at nothing else; what is unknown is sent as what chat networks record."""
    async with ModelServer(Behaviour("Yes.")) as server, transcriber(server) as (made, _):
        await made.transcribe(Recording(b"x", media_type))

    assert name == server.received[0].body["file"].name
    assert "language" not in server.received[0].body


async def test_a_busy_endpoint_is_asked_again() -> None:
    """After the wait that it asks for, or a growing one of ours."""
    script = [Behaviour(status=429, retry_after_s=7), Behaviour(status=503)]
    async with ModelServer(Behaviour("Yes."), script=script) as server, transcriber(server) as (made, waits):
        assert "Yes." == await made.transcribe(Recording(b"x"))

    assert 3 == len(server.received)
    assert 7.0 == waits[0]
    assert 0 < waits[1] < 2


async def test_a_wait_that_is_too_long_for_the_asker_is_not_waited_for() -> None:
    """Somebody waits for an answer: an endpoint that wants a pause of 20 of our 30 seconds has failed."""
    async with ModelServer(Behaviour(status=429, retry_after_s=20)) as server, transcriber(server) as (made, waits):
        with pytest.raises(ModelUnavailable) as failed:
            await made.transcribe(Recording(b"x"))

    assert ("rate_limited", []) == (failed.value.kind, waits)


@pytest.mark.parametrize(
    ("behaviour", "kind", "tries"),
    [
        (Behaviour(status=401), "unauthorised", 1),
        (Behaviour(status=400), "failed", 1),
        (Behaviour(status=500), "failed", 4),
        (Behaviour(raw="<html>"), "garbage", 1),
        (Behaviour(raw="[1]"), "garbage", 1),
        (Behaviour(raw='{"text": null}'), "garbage", 1),
        (Behaviour("a" * 100_001), "garbage", 1),
    ],
)
async def test_faults_have_our_words_and_show_no_key(behaviour: Behaviour, kind: str, tries: int) -> None:
    """What may pass is tried again, four times in all; what the server said is not repeated."""
    async with ModelServer(behaviour) as server, transcriber(server) as (made, _):
        with pytest.raises(ModelUnavailable) as failed:
            await made.transcribe(Recording(b"x"))

    assert kind == failed.value.kind
    assert tries == len(server.received)
    assert KEY not in str(failed.value)
    assert "as the test wants it" not in str(failed.value)


async def test_an_endpoint_that_never_answers_is_left_in_time() -> None:
    """All tries share the one time, so that the asker hears within it."""
    async with ModelServer(Behaviour(hangs=True)) as server, transcriber(server, timeout_s=0.2) as (made, _):
        async with asyncio.timeout(10):
            with pytest.raises(ModelUnavailable) as failed:
                await made.transcribe(Recording(b"x"))

    assert "timeout" == failed.value.kind
    assert "0.2 s" in str(failed.value)


async def test_an_endpoint_that_is_not_there_is_named() -> None:
    """With the setting to look at."""
    async with ModelServer() as server:
        gone = server.base_url
    made = EndpointTranscriber(settings_of(gone), sleep=lambda _seconds: asyncio.sleep(0))
    with pytest.raises(ModelUnavailable, match=r"transcription\.base_url") as failed:
        await made.transcribe(Recording(b"x"))
    await made.close()

    assert "unreachable" == failed.value.kind


async def test_without_a_model_nothing_is_opened() -> None:
    """The setting alone decides."""
    async with AsyncExitStack() as stack:
        assert None is open_transcriber(settings_of("", model=""), stack)
        assert isinstance(open_transcriber(settings_of("http://127.0.0.1:9/v1"), stack), EndpointTranscriber)
