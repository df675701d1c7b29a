"""The emulator as a test sees it: people and rooms on the one side, and on the other what the bot has done."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from tests.fakes.telegram.faults import Fault, How
from tests.fakes.telegram.flood import Flood
from tests.fakes.telegram.hub import Call, Hub
from tests.fakes.telegram.people import People
from tests.fakes.telegram.place import Json
from tests.fakes.telegram.rooms import Rooms

PATIENCE_S = 60.0


class BotApi(People, Rooms):
    """One emulated Bot API server with one bot."""

    def __init__(self, hub: Hub, *, token: str) -> None:
        People.__init__(self, hub)
        self.token = token
        self.base_url = ""  # known once it listens

    @property
    def bot(self) -> Json:
        """The bot, as getMe tells it; a test may change it."""
        return self.hub.place.bot

    @property
    def bot_id(self) -> int:
        """The bot's own id."""
        return int(self.bot["id"])

    @property
    def errors(self) -> list[str]:
        """What the judges found wrong in requests, answers and updates; at the end of a test there must be nothing."""
        return self.hub.judge.errors

    @property
    def flood(self) -> Flood:
        """The limits; off until `flood.is_on` is set."""
        return self.hub.flood

    def settings(self) -> Json:
        """What stands in the section [telegram] for this bot."""
        return {"token": self.token, "base_url": self.base_url}

    def messages(self, chat: int) -> list[Json]:
        """All messages that stand in a chat, oldest first."""
        return self.hub.place.chats[chat].standing()

    def ours(self, chat: int, topic: int | None = None) -> list[Json]:
        """The bot's own messages that stand in a chat, or in one topic of it."""
        own = [one for one in self.messages(chat) if one.get("from", {}).get("id") == self.bot_id]
        said = [one for one in own if "forum_topic_created" not in one]
        return [one for one in said if topic is None or one.get("message_thread_id") == topic]

    def shown(self, chat: int, topic: int | None = None) -> list[str]:
        """The texts of the bot that stand in a chat, or in one topic of it, oldest first; captions for files."""
        return [str(one.get("text") or one.get("caption") or "") for one in self.ours(chat, topic)]

    def calls(self, method: str) -> list[Call]:
        """The understood requests of a method, oldest first, refused ones too."""
        return [call for name, call in self.hub.calls if name == method.lower()]

    def answers(self, message: Json) -> list[Json]:
        """The bot's messages that answer a message."""
        number = message["message_id"]
        own = self.ours(message["chat"]["id"])
        return [one for one in own if one.get("reply_to_message", {}).get("message_id") == number]

    async def until(self, predicate: Callable[[], Any], *, within_s: float = PATIENCE_S) -> None:
        """Wait until something holds; whatever happens here is a reason to look again. Raises TimeoutError."""
        end = time.monotonic() + within_s
        while not predicate():
            # What a test looks at may also change without the emulator, so it looks again now and then.
            await self.hub.news.wait(0.05)
            if time.monotonic() > end:
                raise TimeoutError(f"it did not come to that; the judges: {self.errors}")

    def fail(self, method: str, how: How = "error", **more: Any) -> Fault:
        """Let something go wrong; `how` and `more` are those of Fault, "*" is every method."""
        return self.hub.faults.add(Fault(method, how, **more))

    def repeat(self, update: Json) -> None:
        """Deliver an update once more."""
        self.hub.updates.repeat(update)

    def restart_update_ids(self, next_id: int = 7) -> None:
        """Number updates from elsewhere, as after a week of silence."""
        self.hub.updates.restart(next_id)

    def revoke_token(self) -> None:
        """The token is no longer valid: everything gets 401 from now on, what is being asked as well."""
        self.hub.is_revoked = True
        self.hub.updates.arrived.tell()

    @property
    def waiting(self) -> list[Json]:
        """The updates that nobody has confirmed yet."""
        return list(self.hub.updates.waiting)

    def second_poller(self) -> None:
        """Let another instance on the same token ask for updates, which ends the poll that waits now."""
        from tests.fakes.telegram.errors import OTHER_POLL

        self.hub.updates.end_poll(OTHER_POLL)

    async def close(self) -> None:
        """Let nothing wait any more."""
        self.hub.faults.clear()
        await self.hub.delivery.stop()
        self.hub.updates.end_poll("the emulator ends")
        await asyncio.sleep(0)
