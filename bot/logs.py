"""What is written to the log: one line an event, for people or for collectors, with every known secret made unreadable.

Lines of libraries go the same way. Exceptions are kept with their reference; people only ever see the reference.
"""

import logging
import re
import sys
from collections.abc import Iterable, MutableMapping
from typing import Any

import structlog
from structlog.typing import Processor

from config.settings import Log, Settings

_SHORTEST_SECRET = 6
_BEARER = re.compile(r"(?i)\b(bearer|basic|token)\s+[A-Za-z0-9._~+/=-]{8,}")
_LOGIN = re.compile(r"(/login/)[A-Za-z0-9_-]{16,}")
_TELEGRAM = re.compile(r"\d{6,12}:[A-Za-z0-9_-]{30,}")
_URL_USER = re.compile(r"(?i)(\w://)[^/\s@]+@")
_QUIET = (
    "apscheduler",
    "alembic",
    "httpx",
    "httpcore",
    "telegram",
    "nio",
    "peewee",
    "haystack",
    "watchfiles",
    "uvicorn.access",
    "uvicorn.error",
    "asyncio",
)


class Redaction:
    """Replaces secrets in every text of a log event: the values given here, and whatever looks like a credential."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({one for one in secrets if len(one) >= _SHORTEST_SECRET}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def text(self, text: str) -> str:
        """The text without secrets."""
        if self._known is not None:
            text = self._known.sub("[secret]", text)
        text = _BEARER.sub(r"\1 [secret]", text)
        text = _TELEGRAM.sub("[secret]", text)
        text = _URL_USER.sub(r"\1[secret]@", text)
        return _LOGIN.sub(r"\1[secret]", text)

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Clean an event's values; a processor of structlog."""
        return {key: self.text(value) if isinstance(value, str) else self._other(value) for key, value in event.items()}

    def _other(self, value: object) -> object:
        return value if isinstance(value, int | float | None) else self.text(str(value))


def configure(settings: Log, *, secrets: Iterable[str]) -> None:
    """Set up logging of the whole process, to standard error."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    is_console = settings.format == "console" or (settings.format == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    last: Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        if is_console
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            Redaction(secrets),
            last,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


def secrets_of(settings: Settings) -> list[str]:
    """Every secret value of the settings, for the log to leave out."""
    keys = [endpoint.api_key for endpoint in settings.llm.endpoints]
    keys += [settings.embedder.api_key, settings.ranker.api_key, settings.transcription.api_key]
    keys += [settings.telegram.token, settings.telegram.webhook_secret]
    keys += [settings.matrix.access_token, settings.matrix.password]
    keys += [settings.weaviate.api_key, *settings.weaviate.headers.values()]
    for held in settings.sources.credentials.values():
        keys += [held.token, held.app_key, held.webhook_secret]
    return [key.get_secret_value() for key in keys]
