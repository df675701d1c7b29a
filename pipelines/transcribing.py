"""Writes down what is said in a recording, by any OpenAI-compatible /audio/transcriptions."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from config.settings import Transcription
from pipelines.components.posting import Address, File, JsonEndpoint, Patience, Sleep, parsed
from pipelines.types import ModelUnavailable

OPENAI: Final = "https://api.openai.com/v1"
_RETRIES: Final = 3
_MOST_CHARS: Final = 100_000  # an hour of fast speech has 60,000
# How servers tell the format: by the ending of the name. The name that people gave stays here.
_ENDINGS: Final[Mapping[str, str]] = {
    "audio/ogg": "ogg",
    "audio/opus": "ogg",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/mp4": "m4a",
    "audio/m4a": "m4a",
    "audio/x-m4a": "m4a",
    "audio/aac": "m4a",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/vnd.wave": "wav",
    "audio/webm": "webm",
    "audio/flac": "flac",
    "audio/x-flac": "flac",
}
_USUAL: Final = "audio/ogg"  # what chat networks record


@dataclass(frozen=True, slots=True)
class Recording:
    """Sound as a chat network gave it, `seconds` long, as far as it says so.

    `language` is what its speaker probably speaks, two letters, or "".
    """

    data: bytes
    media_type: str = _USUAL
    language: str = ""
    seconds: int = 0


class Transcribing(Protocol):
    """Writes recordings down."""

    async def transcribe(self, recording: Recording) -> str:
        """Give the words, "" when nothing was said. Raises ModelUnavailable."""


class EndpointTranscriber:
    """Asks an endpoint, again while it is busy and time is left. Close it before its event loop ends."""

    def __init__(self, settings: Transcription, *, sleep: Sleep = asyncio.sleep) -> None:
        """Make the client; nothing is asked yet. Raises ModelUnavailable for a key that no header can hold."""
        self._model = settings.model
        self._within_s = settings.timeout_s
        key = settings.api_key.get_secret_value()
        self._endpoint = JsonEndpoint(Address(settings.base_url or OPENAI, key, "transcription"), sleep=sleep)
        self._patience = Patience(settings.timeout_s, _RETRIES, longest_wait_s=settings.timeout_s / 2)

    async def transcribe(self, recording: Recording) -> str:
        """Give the words, "" when nothing was said. Raises ModelUnavailable."""
        media_type = recording.media_type.partition(";")[0].strip().lower()
        media_type = media_type if media_type in _ENDINGS else _USUAL
        fields = {"model": self._model, "response_format": "json"}
        if recording.language:
            fields["language"] = recording.language
        file = File(f"voice.{_ENDINGS[media_type]}", recording.data, media_type)
        try:
            async with asyncio.timeout(self._within_s):
                raw = await self._endpoint.post_file("audio/transcriptions", fields, file, self._patience)
        except TimeoutError:
            raise ModelUnavailable(
                f"expected a transcript within {self._within_s:g} s, got none", kind="timeout"
            ) from None
        return _text_of(parsed(raw))

    async def close(self) -> None:
        """Release connections."""
        await self._endpoint.close()


def _text_of(answer: object) -> str:
    text = answer.get("text") if isinstance(answer, dict) else None
    if not isinstance(text, str) or len(text) > _MOST_CHARS:
        raise ModelUnavailable("expected a transcript of the endpoint, got something else", kind="garbage")
    return text.strip()
