"""What the library raises, in our words.

The token is part of every URL, and texts of the library may hold either. So nothing of what it raised is quoted but its
class, its numbers and, for a refusal that we do not know, Telegram's own words; and it is never kept as the cause.

Refused and Unreachable have these kinds of their own here:
    Refused
    +-- Same          an edit that changes nothing
    +-- NoMessage     the message is not there
    +-- NotOurs       the message is there and nobody's but its author's to change
    Unreachable
    +-- Flooded       too much was sent: the network names the pause
    +-- TokenRefused  the token is not valid (any more)
"""

import re
from collections.abc import Awaitable
from datetime import timedelta
from typing import Final, TypeVar

import httpx
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, RetryAfter, TelegramError

from adapters.chat import ChatError, Refused, RoomGone, RoomMoved, Unreachable

T = TypeVar("T")

_TOKEN_PAUSE_S: Final = 300.0
_MOST_CHARS: Final = 200

# What httpx raises before anything of the request has left us.
_UNSENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


class Same(Refused):
    """An edit that changes nothing."""


class NoMessage(Refused):
    """The message is not there."""


class NotOurs(Refused):
    """The message is not ours to change."""


class Flooded(Unreachable):
    """Too much was sent; it did not happen."""


class TokenRefused(Unreachable):
    """The token is not valid; it did not happen."""


# Telegram's words, in the order in which they are looked for, as tdlib/telegram-bot-api has them (10.0): what they mean
# for us, and what we say of it.
_WORDS: Final[tuple[tuple[str, type[Refused], str], ...]] = (
    ("message is not modified", Same, "the message says this already"),
    ("message to edit not found", NoMessage, "the message is gone"),
    ("message to delete not found", NoMessage, "the message is gone"),
    ("message to react not found", NoMessage, "the message is gone"),
    ("message_id_invalid", NoMessage, "the message is gone"),
    ("message to be replied not found", Refused, "the message that this answers is gone"),
    ("message can't be edited", NotOurs, "the message cannot be edited: it is not ours, or too old"),
    ("message can't be deleted", NotOurs, "the message cannot be deleted: it is not ours, or too old"),
    ("message thread not found", RoomGone, "the topic is gone"),
    ("topic_deleted", RoomGone, "the topic is gone"),
    ("chat not found", RoomGone, "the chat is gone, or the bot never was in it"),
    ("peer_id_invalid", RoomGone, "the chat is gone, or the bot never was in it"),
    ("group chat was deactivated", RoomGone, "the group is gone"),
    ("topic_closed", Refused, "the topic is closed: an administrator can open it again"),
    ("not enough rights", Refused, "the bot has not the right: an administrator can give it"),
    ("have no rights", Refused, "the bot has not the right: an administrator can give it"),
    ("need administrator rights", Refused, "the bot has not the right: make it an administrator"),
    ("_forbidden", Refused, "the bot may not write this here: an administrator can allow it"),
    ("chat_restricted", Refused, "the bot may not write here: an administrator can allow it"),
    ("chat_admin_required", Refused, "the bot has not the right: make it an administrator"),
    ("message is too long", Refused, "the text is too long for one message"),
    ("message_too_long", Refused, "the text is too long for one message"),
    ("entities_too_long", Refused, "the text has too much formatting for one message"),
    ("reply_markup_too_long", Refused, "the message has too many buttons"),
    ("text is empty", Refused, "the text is empty"),
    ("text must be non-empty", Refused, "the text is empty"),
    ("button_", Refused, "a button is not accepted"),
    ("can't parse entities", Refused, "the formatting is not accepted"),
    ("file is too big", Refused, "the file is larger than bots may fetch (20 MB)"),
    ("too large", Refused, "it is larger than Telegram takes"),
    ("wrong file", Refused, "the file is not there any more"),
    ("invalid file_id", Refused, "the file is not there any more"),
    ("query is too old", Refused, "the button was pressed too long ago"),
    ("reaction", Refused, "the reaction is not allowed here"),
)


def fault_of(error: TelegramError) -> ChatError:
    """Say in our words what the library raised."""
    if isinstance(error, RetryAfter):
        wait_s = seconds_of(error)
        return Flooded(f"Telegram asks to wait {wait_s:.0f} s", retry_after_s=wait_s)
    if isinstance(error, ChatMigrated):
        return RoomMoved("the group is a supergroup now", room=str(error.new_chat_id))
    if isinstance(error, InvalidToken):
        return _token_fault(error)
    if isinstance(error, Forbidden):
        return _forbidden(error)
    if isinstance(error, Conflict):
        return Unreachable("another program uses the bot's token, or a webhook is set")
    return _refusal(error) or _network_fault(error)


def seconds_of(error: RetryAfter) -> float:
    """How long Telegram asks to wait, in seconds; the library says it as a number or as a span."""
    wait: int | timedelta = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


async def ask(call: Awaitable[T]) -> T:
    """Wait for a call of the library. Raises ChatError, with nothing of the library's behind it."""
    try:
        return await call
    except TelegramError as error:
        fault = fault_of(error)
    raise fault  # out here it has no cause and no context, whose texts may hold the token


def _token_fault(error: InvalidToken) -> ChatError:
    if "not found" in str(error).lower():  # what a server says of a method that it does not know, or of no token at all
        text = (
            "the Bot API server knows neither this token nor this call: is base_url right, and the server new enough?"
        )
    else:
        text = "Telegram does not accept the token: was it revoked?"
    return TokenRefused(text, retry_after_s=_TOKEN_PAUSE_S)


def _forbidden(error: Forbidden) -> ChatError:
    words = str(error).lower()
    if "rights" in words or "write_forbidden" in words:
        return Refused("the bot has not the right: an administrator can give it")
    return RoomGone("the bot was blocked or removed, or the chat is gone")


def _refusal(error: TelegramError) -> ChatError | None:
    """What Telegram will never do; None when it only failed to do it."""
    words = str(error).lower()
    is_known_refusal = isinstance(error, BadRequest) or "too large" in words  # 413 comes as an error of the network
    if not is_known_refusal:
        return None
    for part, kind, reason in _WORDS:
        if part in words:
            return kind(reason)
    return Refused(f"Telegram refused it: {_without_secrets(str(error))}")


def _network_fault(error: TelegramError) -> ChatError:
    cause = error.__cause__
    if isinstance(cause, _UNSENT):
        return Unreachable(f"Telegram cannot be reached ({type(cause).__name__})")
    what = type(cause).__name__ if isinstance(cause, httpx.HTTPError) else type(error).__name__
    return Unreachable(f"no answer from Telegram ({what})", may_have_happened=True)


def _without_secrets(text: str) -> str:
    """Telegram's words without what looks like a token or an address."""
    return re.sub(r"\d{3,}:[\w-]{20,}|\w+://\S+", "…", text)[:_MOST_CHARS]
