"""Small favours on Telegram, files that come in, and drafts."""

from dataclasses import replace

import pytest

from adapters.chat import (
    Attachment,
    Refused,
    Reply,
    Stage,
)
from tests.fakes.telegram import BotApi
from tests.integration.telegram_bots import ADA, GROUP, STOP, VOTES, Sender, sender


class TestFavours:
    async def test_typing_is_told_once_in_four_seconds(self, api: BotApi, us: Sender) -> None:
        """And goes to the topic; another room has its own."""
        topic = api.add_topic(GROUP, "Build")
        for _ in range(3):
            await us.sending.typing(us.room(GROUP, topic))
        await us.sending.typing(us.room(ADA))

        assert [topic, None] == [one.get("message_thread_id") for one in api.hub.actions]

    async def test_favours_never_fail(self, api: BotApi, us: Sender) -> None:
        """A chat that is gone, a reaction that is none, a button pressed long ago."""
        await us.sending.typing(us.room(777))
        await us.sending.react(us.room(777), "1", "👍")
        await us.sending.react(us.room(ADA), "1", "no emoji")
        await us.sending.answer_callback("gone", text="x" * 300)

        assert [] == api.calls("sendMessage")

    async def test_a_reaction_stands_at_the_message(self, api: BotApi, us: Sender) -> None:
        """One that Telegram has."""
        said = api.says(ADA, "thanks")
        await us.sending.react(us.room(ADA), str(said["message_id"]), "👍")

        assert ["👍"] == api.hub.reactions[ADA, said["message_id"], api.bot_id]

    async def test_a_pressed_button_stops_waiting(self, api: BotApi, us: Sender) -> None:
        """It is answered at once."""
        await us.sending.send(us.room(ADA), Reply("hello", buttons=VOTES), key="k")
        tap = api.taps(api.ours(ADA)[0], "up:turn1")
        await us.sending.answer_callback(tap)

        assert api.hub.taps[tap]


class TestFiles:
    async def test_a_file_comes_as_it_was_sent(self, api: BotApi, us: Sender) -> None:
        """Byte for byte."""
        content = bytes(range(256)) * 100
        said = api.sends_file(ADA, "a.bin", content)
        attachment = Attachment(said["document"]["file_id"], "a.bin", "", len(content))

        assert content == await us.sending.download(attachment, max_bytes=len(content))

    async def test_a_file_over_the_limit_is_refused_before_it_is_fetched(self, api: BotApi, us: Sender) -> None:
        """Whether its size was told truly, or only shows while it comes."""
        said = api.sends_file(ADA, "a.bin", b"x" * 1000)
        honest = Attachment(said["document"]["file_id"], "a.bin", "", 1000)

        for attachment in (honest, replace(honest, size_bytes=1)):
            with pytest.raises(Refused):
                await us.sending.download(attachment, max_bytes=999)

    async def test_a_file_that_telegram_does_not_give_to_bots_is_refused(self, api: BotApi, us: Sender) -> None:
        """Over 20 MB it says so itself; so it does for one that it does not know."""
        said = api.sends_file(ADA, "a.bin", b"x" * (20 * 1024 * 1024 + 1))

        for handle in (said["document"]["file_id"], "unknown"):
            with pytest.raises(Refused):
                await us.sending.download(Attachment(handle, "a.bin", "", 1), max_bytes=10**9)


class TestDrafts:
    async def test_an_answer_in_a_private_chat_is_drafted_and_then_sent(self, api: BotApi) -> None:
        """No placeholder stands there; the final text is a message, sent when the edit is refused."""
        question = api.says(ADA, "why?")
        answered = str(question["message_id"])
        async with sender(api, drafts=True) as us:
            room = us.room(ADA)
            sent = await us.sending.send(room, Reply("Looking it up…", answered, Stage.WAITING, STOP), key="k")
            before = api.shown(ADA)
            with pytest.raises(Refused):
                await us.sending.edit(room, sent.message_id, Reply("the answer", answered), key="e")
            final = await us.sending.send(room, Reply("the answer", answered), key="k")
            await us.sending.delete(room, sent.message_id)

        assert [] == before
        assert "Looking it up…" == api.hub.drafts[0]["text"]
        assert ["the answer"] == api.shown(ADA)
        assert final.message_id == str(api.ours(ADA)[0]["message_id"])

    async def test_groups_have_placeholders(self, api: BotApi) -> None:
        """Drafts are for private chats only."""
        async with sender(api, drafts=True) as us:
            await us.sending.send(us.room(GROUP), Reply("Looking…", "1", Stage.WAITING), key="k")

        assert ["Looking…"] == api.shown(GROUP)

    async def test_a_chat_that_takes_no_drafts_gets_messages(self, api: BotApi) -> None:
        """Whatever Telegram has against it."""
        api.fail("sendMessageDraft", code=400, description="TEXTDRAFT_PEER_INVALID")
        question = api.says(ADA, "why?")
        async with sender(api, drafts=True) as us:
            reply = Reply("Looking…", str(question["message_id"]), Stage.WAITING)
            sent = await us.sending.send(us.room(ADA), reply, key="k")

        assert ["Looking…"] == api.shown(ADA)
        assert sent.message_id == str(api.ours(ADA)[0]["message_id"])
