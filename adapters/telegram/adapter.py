"""Telegram as a network: one bot account, put together from its parts."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from adapters.chat import (
    Attachment,
    Batch,
    Command,
    Finding,
    Message,
    Probe,
    Reply,
    Rights,
    RoomAddress,
    RoomFacts,
    Sender,
    Sent,
)
from adapters.telegram.client import Client
from adapters.telegram.connection import Surroundings, connect
from adapters.telegram.drafts import draft_of
from adapters.telegram.examine import Situation, examine
from adapters.telegram.links import invitation
from adapters.telegram.menus import set_commands
from adapters.telegram.messages import NETWORK
from adapters.telegram.parts import parts
from adapters.telegram.sending import ABILITIES, Sending
from config.telegram import Telegram

_TOKEN_REFUSED: Final = "Telegram does not accept the token: was it revoked?"  # noqa: S105


class TelegramAdapter:
    """One bot on Telegram (`adapters.network.ChatAdapter`, `PushedTo` and `Inviting`)."""

    network = NETWORK
    abilities = ABILITIES

    def __init__(self, settings: Telegram, around: Surroundings) -> None:
        self.account = settings.account
        self._client = Client(settings)
        self._spawn = around.spawn
        self._sending = Sending(self._client.bot, settings)
        self._situation = Situation(settings, around.public_url, is_running=True)
        self._receiving = connect(settings, self._client, around, tapped=self._tapped, saw=self._saw)

    def batches(self, cursor: str | None) -> AsyncIterator[Batch]:
        """Yield what came; asking for the next batch acknowledges this one. Raises Unreachable with the time to wait."""
        return self._receiving.intake.batches(cursor)

    def take(self, headers: Mapping[str, str], body: bytes) -> Batch:
        """Read a push. Raises BadPush: 403 wrong secret, 400 no update, 404 when we poll, 503 when not ready yet."""
        return self._receiving.intake.take(headers, body)

    def parts(self, reply: Reply) -> Sequence[Reply]:
        """Cut a reply at the borders of its blocks; each part has its marks in `layout`."""
        return parts(reply)

    async def send(self, room: RoomAddress, reply: Reply, *, key: str) -> Sent:
        """Post a reply that one message can hold. Raises ChatError."""
        sent = await self._sending.send(room, reply, key=key)
        self._receiving.recent.note_place(room, sent.message_id)
        if (draft := draft_of(sent.message_id)) is not None:
            self._note_draft(str(draft.number), reply)
        return sent

    async def edit(self, room: RoomAddress, message_id: str, reply: Reply, *, key: str) -> None:
        """Replace a message of ours; the same text again is no error. Raises ChatError."""
        await self._sending.edit(room, message_id, reply, key=key)
        self._receiving.recent.note_place(room, message_id)

    async def delete(self, room: RoomAddress, message_id: str) -> None:
        """Take a message back; one that is gone already is no error. Raises ChatError."""
        await self._sending.delete(room, message_id)

    async def react(self, room: RoomAddress, message_id: str, emoji: str) -> None:
        """Put one reaction on a message, where that is allowed."""
        await self._sending.react(room, message_id, emoji)

    async def typing(self, room: RoomAddress) -> None:
        """Show that we are at work."""
        await self._sending.typing(room)

    async def download(self, attachment: Attachment, *, max_bytes: int) -> bytes:
        """Fetch an attachment. Raises Refused when it is larger or gone, and Unreachable."""
        return await self._sending.download(attachment, max_bytes=max_bytes)

    async def rights(self, room: RoomAddress, sender: Sender) -> Rights:
        """Ask who administers a group. Raises ChatError."""
        return await self._receiving.rooms.rights(room, sender)

    async def describe(self, room: RoomAddress) -> RoomFacts:
        """Ask about a chat or a topic. Raises ChatError."""
        return await self._receiving.rooms.describe(room)

    async def set_commands(self, commands: Sequence[Command], *, scope: str, language: str) -> None:
        """Fill the command menu of a scope and a language. Raises ChatError."""
        await set_commands(self._client.bot, commands, scope=scope, language=language)

    async def find(
        self, room: RoomAddress, reply: Reply, *, key: str, after: str | None, known: Collection[str] = ()
    ) -> Sent | None:
        """Look for a reply whose sending was interrupted, by edits that change nothing. Raises Unreachable."""
        return await self._sending.find(room, reply, key=key, after=after, known=known)

    async def probe(self) -> Probe:
        """Say how the connection is doing, from memory."""
        probe = self._receiving.pulse.probe()
        return replace(probe, is_up=False, detail=_TOKEN_REFUSED) if self._sending.is_token_refused else probe

    async def examine(self, *, live_in: str = "") -> Sequence[Finding]:
        """Ask Telegram all that `roomwise check` tells."""
        return await examine(self._situation, live_in=live_in)

    def invitation(self, code: str, *, to_group: bool) -> str:
        """The link that brings a code to us or to a group; "" while our name is not known."""
        return invitation(self._receiving.intake.username, code, to_group=to_group)

    async def close(self) -> None:
        """Disconnect; nothing more is yielded."""
        self._receiving.intake.close()
        await self._client.close()

    def _tapped(self, press: str) -> None:
        self._spawn(self._sending.answer_callback(press))

    def _saw(self, message: Message) -> None:
        self._sending.saw(message.room, message.message_id)

    def _note_draft(self, number: str, reply: Reply) -> None:
        cancels = [button.data for row in reply.buttons for button in row if button.action == "cancel"]
        if cancels:
            self._receiving.recent.note_draft(number, cancels[0])
