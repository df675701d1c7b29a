"""What the Bot API refuses, in the official server's words (tdlib/telegram-bot-api, Client.cpp)."""

from collections.abc import Mapping
from typing import Any

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content "
    "and reply markup of the message"
)
OTHER_POLL = "terminated by other getUpdates request; make sure that only one bot instance is running"
HAS_WEBHOOK = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
NEW_WEBHOOK = "terminated by setWebhook request"
TOO_OLD = "query is too old and response timeout expired or query ID is invalid"

_NAMES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class ApiError(Exception):
    """An answer that is no success; `parameters` are those that tell a client what to do."""

    def __init__(self, code: int, description: str = "", **parameters: int) -> None:
        name = _NAMES.get(code, "Error")
        super().__init__(f"{name}: {description}" if description else name)
        self.code = code
        self.parameters = parameters

    @property
    def body(self) -> Mapping[str, Any]:
        """What the client gets as JSON."""
        body: dict[str, Any] = {"ok": False, "error_code": self.code, "description": str(self)}
        return {**body, "parameters": self.parameters} if self.parameters else body


def bad(description: str, **parameters: int) -> ApiError:
    """A request that is wrong as it stands."""
    return ApiError(400, description, **parameters)


def too_many(seconds: int) -> ApiError:
    """One that came too soon; whole seconds, at least one."""
    return ApiError(429, f"retry after {max(1, seconds)}", retry_after=max(1, seconds))
