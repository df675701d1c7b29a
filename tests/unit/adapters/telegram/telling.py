"""Updates as the emulator makes them, judged by aiogram's models, and read by our translation. No server runs."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from adapters.chat import Event, Message
from adapters.telegram.messages import Me
from adapters.telegram.translate import Reading, Topics, translate
from adapters.telegram.wire import ALLOWED_UPDATES
from tests.fakes.telegram.api import BotApi
from tests.fakes.telegram.server import make_bot_api

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
ADA = 5
GROUP = -1_001_000_000_001
FORUM = -1_001_000_000_002


def make_api() -> BotApi:
    """An emulator with Ada's private chat, a group that she administers, and a forum; the bot hears everything."""
    api = make_bot_api(reads_all=True)
    api.hub.updates.allow(ALLOWED_UPDATES)
    api.add_private(ADA, name="Ada", language="de")
    api.add_group(GROUP, "Team", admins=[ADA], bot_is_admin=True)
    api.add_group(FORUM, "Forum", is_forum=True, bot_is_admin=True)
    return api


def reading(api: BotApi, *, topic_of: Topics | None = None, event: str = "u1") -> Reading:
    """What is known when an update is read."""
    me = Me(api.bot_id, str(api.bot["username"]))
    return Reading(me, event, NOON, topic_of) if topic_of else Reading(me, event, NOON)


def told(api: BotApi, **known: Any) -> list[Event]:
    """The events of all that waits, oldest first; the judges must have found nothing wrong with it."""
    assert [] == api.errors
    events = [event for update in api.waiting for event in translate(update, reading(api, **known))]
    api.hub.updates.clear()
    return events


def heard(api: BotApi) -> Message:
    """The one message that waits."""
    (event,) = told(api)
    assert isinstance(event, Message)
    return event


def mark(kind: str, offset: int, length: int, **more: Any) -> Mapping[str, Any]:
    """An entity."""
    return {"type": kind, "offset": offset, "length": length, **more}
