"""Plain questions to the Bot API, for `roomwise check`: the library keeps the server's own words and its clock to itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from config.telegram import Telegram

OFFICIAL: Final = "https://api.telegram.org"
NOTHING: Final = 0  # in place of a status: no answer came
_TIMEOUT_S: Final = 15.0
_MOST_CHARS: Final = 300


@dataclass(frozen=True, slots=True)
class Said:
    """An answer. `status` is that of HTTP, NOTHING without one; `words` say why it is none; `at` is the server's time."""

    status: int
    result: Any = None
    words: str = ""
    at: datetime | None = None
    retry_after_s: float = 0.0

    @property
    def is_ok(self) -> bool:
        """Whether what was asked for was done."""
        return not self.words

    def says(self, words: str) -> bool:
        """Whether it was refused with such words."""
        return words in self.words.lower()


class Asking:
    """One bot at one server. What it hands out never holds the token."""

    def __init__(self, settings: Telegram, http: httpx.AsyncClient) -> None:
        self._token = settings.token.get_secret_value()
        self._base = f"{settings.base_url.rstrip('/') or OFFICIAL}/bot{self._token}"
        self._http = http

    async def __call__(self, method: str, *, within_s: float = _TIMEOUT_S, **arguments: Any) -> Said:
        """Call a method of the Bot API; whatever goes wrong is an answer, too."""
        try:
            response = await self._http.post(f"{self._base}/{method}", json=arguments, timeout=within_s)
        except httpx.HTTPError as error:  # its text holds the address, and that the token
            return Said(NOTHING, words=type(error).__name__)
        try:
            body = response.json()
        except ValueError:
            body = None
        return self._read(response, body if isinstance(body, dict) else {})

    def _read(self, response: httpx.Response, body: Mapping[str, Any]) -> Said:
        at = _time_of(response.headers.get("date", ""))
        if body.get("ok") is True:
            return Said(response.status_code, body.get("result"), at=at)
        words = str(body.get("description") or f"status {response.status_code} and no answer of a Bot API server")
        told = body.get("parameters")
        wait_s = told.get("retry_after", 0) if isinstance(told, dict) else 0
        return Said(response.status_code, words=self.without_token(words), at=at, retry_after_s=float(wait_s))

    def without_token(self, text: str) -> str:
        """A text of others, short and without our token."""
        return text.replace(self._token, "…")[:_MOST_CHARS]


def _time_of(date: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(date)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
