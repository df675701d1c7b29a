"""`roomwise check` and the endpoint that listens: each fault with what to do about it."""

import io
import wave
from pathlib import Path
from typing import Any

import pytest

from bot.cli.voice_check import probe_transcription
from config.load import load
from config.settings import Settings
from tests.fakes.model_server import Behaviour, ModelServer


def settings_with(folder: Path, **transcription: Any) -> Settings:
    """Settings that name an endpoint."""
    given = {"transcription": {"model": "whisper-1", "api_key": "sk-hidden", **transcription}}
    return load(environ={}, cwd=folder, overrides=given).settings


async def test_without_a_model_it_is_said_that_nobody_listens(tmp_path: Path) -> None:
    """That is no fault."""
    found = await probe_transcription(settings_with(tmp_path, model=""))

    assert (found.is_ok, found.cure) == (True, "")
    assert "transcription.model" in found.detail


async def test_a_second_of_silence_is_written_down(tmp_path: Path) -> None:
    """A real file, so that the model's name and the whole way are proved."""
    async with ModelServer(Behaviour("")) as server:
        found = await probe_transcription(settings_with(tmp_path, base_url=server.base_url))

    (asked,) = server.received
    with wave.open(io.BytesIO(asked.body["file"].data)) as sound:
        assert 1.0 == sound.getnframes() / sound.getframerate()
    assert found.is_ok
    assert "whisper-1" in found.detail


@pytest.mark.parametrize(
    ("behaviour", "cure"),
    [
        (Behaviour(status=401), "transcription.api_key"),
        (Behaviour(status=404), "transcription.model"),
        (Behaviour(raw="<html>"), "transcription.base_url"),
        (Behaviour(status=429, retry_after_s=40), "wait"),
        (Behaviour(hangs=True), "transcription.timeout_s"),
    ],
)
async def test_a_fault_comes_with_its_cure(tmp_path: Path, behaviour: Behaviour, cure: str) -> None:
    """And without the key."""
    async with ModelServer(behaviour) as server:
        found = await probe_transcription(settings_with(tmp_path, base_url=server.base_url, timeout_s=0.5))

    assert not found.is_ok
    assert cure in found.cure
    assert "sk-hidden" not in found.detail + found.cure


async def test_an_endpoint_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With its address."""
    async with ModelServer() as server:
        gone = server.base_url
    found = await probe_transcription(settings_with(tmp_path, base_url=gone, timeout_s=5.0))

    assert not found.is_ok
    assert "base_url" in found.cure
    assert gone in found.detail
