"""The endpoint that writes voice messages down, probed by `roomwise check`."""

import io
import time
import wave
from contextlib import AsyncExitStack
from typing import Final

from bot.cli.finding import Finding, address_without_secrets
from config.settings import Settings
from pipelines.parts import open_transcriber
from pipelines.transcribing import OPENAI, Recording
from pipelines.types import ModelUnavailable

_NAME: Final = "voice messages"
_RATE_HZ: Final = 16_000
# By the kinds of ModelUnavailable; all others are cured by a look at the address and the model.
_CURES: Final = {
    "unauthorised": "check transcription.api_key (better: ROOMWISE_TRANSCRIPTION__API_KEY_FILE)",
    "rate_limited": "wait, or look at what your account at the provider may still spend",
    "timeout": "see that it runs, or raise transcription.timeout_s",
    "unreachable": "check transcription.base_url, and that it runs",
}


async def probe_transcription(settings: Settings) -> Finding:
    """Have a second of silence written down, which is what the provider bills."""
    asked = settings.transcription
    where = f"{asked.model} at {address_without_secrets(asked.base_url or OPENAI)}"
    try:
        async with AsyncExitStack() as stack:
            transcriber = open_transcriber(asked, stack)
            if transcriber is None:
                return Finding(_NAME, is_ok=True, detail="not listened to, which is told (transcription.model)")
            began = time.perf_counter()
            await transcriber.transcribe(Recording(silence(1), "audio/wav", seconds=1))
            took_ms = round((time.perf_counter() - began) * 1000)
    except ModelUnavailable as fault:
        cure = _CURES.get(fault.kind, "check transcription.base_url and transcription.model")
        return Finding(_NAME, is_ok=False, detail=f"{where}: {fault}", cure=cure)
    return Finding(_NAME, is_ok=True, detail=f"{where}, which gets each: a second of silence in {took_ms} ms")


def silence(seconds: int) -> bytes:
    """A WAV file in which nothing is heard."""
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE_HZ)
        file.writeframes(b"\0\0" * _RATE_HZ * seconds)
    return held.getvalue()
