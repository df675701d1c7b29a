"""What goes out to Telegram, over HTTP to the emulator, with everything that may go wrong on the way."""

import pytest

from adapters.chat import (
    Cited,
    Refused,
    Reply,
    RoomAddress,
    RoomGone,
    RoomMoved,
    Stage,
    Unreachable,
)
from adapters.telegram.faults import TokenRefused
from adapters.telegram.parts import parts
from tests.fakes.telegram import BotApi
from tests.fakes.telegram.faults import How
from tests.integration.telegram_bots import ADA, BASIC, GROUP, STOP, VOTES, Sender, sender


async def put(us: Sender, method: str, room: RoomAddress, message_id: str) -> None:
    """Bring an answer out, as a message or in place of one."""
    if method == "sendMessage":
        await us.sending.send(room, Reply("the answer"), key="k2")
    else:
        await us.sending.edit(room, message_id, Reply("the answer"), key="e")


class TestPosting:
    async def test_markdown_arrives_as_text_with_entities_and_buttons(self, api: BotApi, us: Sender) -> None:
        """No parse mode: what is formatted is told beside the text."""
        sent = await us.sending.send(us.room(ADA), Reply("**Yes**: `a < b`", buttons=VOTES), key="k")

        (shown,) = api.ours(ADA)
        assert sent.message_id == str(shown["message_id"])
        assert "Yes: a < b" == shown["text"]
        assert ["bold", "code"] == [one["type"] for one in shown["entities"]]
        assert "up:turn1" == shown["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        assert api.calls("sendMessage")[0].args["link_preview_options"] == {"is_disabled": True}

    async def test_a_topics_answers_go_to_the_topic(self, api: BotApi, us: Sender) -> None:
        """And those to the chat itself name no topic, as General wants it."""
        topic = api.add_topic(GROUP, "Build")
        await us.sending.send(us.room(GROUP, topic), Reply("in the topic"), key="k1")
        await us.sending.send(us.room(GROUP), Reply("in general"), key="k2")

        assert ["in the topic"] == api.shown(GROUP, topic)
        assert "message_thread_id" not in api.calls("sendMessage")[1].args

    async def test_an_answer_hangs_at_its_question(self, api: BotApi, us: Sender) -> None:
        """The reply is a reply."""
        question = api.says(ADA, "why?")
        await us.sending.send(us.room(ADA), Reply("because", reply_to=str(question["message_id"])), key="k")

        assert ["because"] == [one["text"] for one in api.answers(question)]

    async def test_an_answer_to_a_deleted_question_arrives_all_the_same(self, api: BotApi, us: Sender) -> None:
        """It hangs at nothing then."""
        question = api.says(ADA, "why?")
        api.deletes(question)
        await us.sending.send(us.room(ADA), Reply("because", reply_to=str(question["message_id"])), key="k")

        assert ["because"] == api.shown(ADA)

    async def test_a_quiet_reply_makes_no_noise(self, api: BotApi, us: Sender) -> None:
        """Scheduled posts wake nobody."""
        await us.sending.send(us.room(ADA), Reply("digest", is_quiet=True), key="k")

        assert api.calls("sendMessage")[0].args["disable_notification"] in (True, "true")

    async def test_a_code_block_of_the_whole_length_arrives_whole(self, api: BotApi, us: Sender) -> None:
        """4,096 characters of code are one message."""
        code = "x" * 4096
        await us.sending.send(us.room(ADA), Reply(f"```python\n{code}\n```"), key="k")

        (shown,) = api.ours(ADA)
        assert code == shown["text"]
        assert "pre" == shown["entities"][0]["type"]

    async def test_a_long_answer_arrives_in_parts(self, api: BotApi, us: Sender) -> None:
        """Every paragraph stands there once and in order, the buttons under the last part."""
        text = "\n\n".join(f"Paragraph {number}: " + "word " * 60 for number in range(60))
        for number, part in enumerate(parts(Reply(text, buttons=VOTES))):
            await us.sending.send(us.room(ADA), part, key=f"k/{number}")

        shown = api.ours(ADA)
        said = "\n".join(one["text"] for one in shown)
        assert len(shown) > 3
        assert [said.count(f"Paragraph {number}:") for number in range(60)] == [1] * 60
        assert ["reply_markup" in one for one in shown] == [False] * (len(shown) - 1) + [True]

    async def test_sources_come_as_links(self, api: BotApi, us: Sender) -> None:
        """The lines that an answer cites can be opened."""
        cited = Cited(1, "a.py:1-2", "a.py", 1, 2, "abc", "x = 1", url="https://example.org/a.py#L1")
        await us.sending.send(us.room(ADA), Reply("It is so [1].", cited=(cited,)), key="k")

        (shown,) = api.ours(ADA)
        assert "https://example.org/a.py#L1" in [one.get("url") for one in shown["entities"]]

    @pytest.mark.parametrize("room", ["", "abc", "12/", "/3", "12/x", "-100--1", "12/3/4"])
    async def test_an_address_of_no_chat_is_refused(self, us: Sender, room: str) -> None:
        """Nothing is asked of the network."""
        with pytest.raises(Refused):
            await us.sending.send(RoomAddress("telegram", "1", room), Reply("hello"), key="k")


class TestEditing:
    async def test_the_final_text_takes_the_placeholders_place_and_its_buttons(self, api: BotApi, us: Sender) -> None:
        """The stop button goes with the placeholder."""
        room = us.room(ADA)
        sent = await us.sending.send(room, Reply("Looking it up…", stage=Stage.WAITING, buttons=STOP), key="k")
        await us.sending.edit(room, sent.message_id, Reply("a preview …", stage=Stage.PREVIEW, buttons=STOP), key="p")
        await us.sending.edit(room, sent.message_id, Reply("the answer"), key="e")

        (shown,) = api.ours(ADA)
        assert "the answer" == shown["text"]
        assert "reply_markup" not in shown

    async def test_the_same_edit_twice_is_no_error(self, api: BotApi, us: Sender) -> None:
        """What is "not modified" stands there."""
        room = us.room(ADA)
        sent = await us.sending.send(room, Reply("one"), key="k")
        for _ in range(2):
            await us.sending.edit(room, sent.message_id, Reply("two"), key="e")

        assert ["two"] == api.shown(ADA)

    async def test_a_message_that_was_deleted_is_refused(self, api: BotApi, us: Sender) -> None:
        """Then the caller sends anew."""
        sent = await us.sending.send(us.room(ADA), Reply("one"), key="k")
        api.deletes(api.ours(ADA)[0])

        with pytest.raises(Refused):
            await us.sending.edit(us.room(ADA), sent.message_id, Reply("two"), key="e")
        with pytest.raises(Refused):
            await us.sending.edit(us.room(ADA), "no number", Reply("two"), key="e")

    async def test_deleting_twice_is_no_error_and_others_messages_are_refused(self, api: BotApi, us: Sender) -> None:
        """Ours goes, theirs stays where the bot is no administrator."""
        sent = await us.sending.send(us.room(GROUP), Reply("one"), key="k")
        theirs = api.says(GROUP, "mine", deliver=False)
        for _ in range(2):
            await us.sending.delete(us.room(GROUP), sent.message_id)
        with pytest.raises(Refused):
            await us.sending.delete(us.room(GROUP), str(theirs["message_id"]))

        assert [] == api.shown(GROUP)


class TestFaults:
    async def test_a_preview_that_meets_a_flood_is_dropped(self, api: BotApi, us: Sender) -> None:
        """It says when to come again, and is not tried twice."""
        room = us.room(GROUP)
        sent = await us.sending.send(room, Reply("Looking it up…", stage=Stage.WAITING), key="k")
        flood = api.fail("editMessageText", code=429, retry_after=7, times=-1)

        with pytest.raises(Unreachable) as caught:
            await us.sending.edit(room, sent.message_id, Reply("so far …", stage=Stage.PREVIEW), key="p")

        assert caught.value.retry_after_s is not None
        assert 5.0 < caught.value.retry_after_s <= 8.0
        assert not caught.value.may_have_happened
        assert 1 == flood.happened

    @pytest.mark.parametrize("method", ["editMessageText", "sendMessage"])
    async def test_a_final_text_waits_out_a_short_flood(self, api: BotApi, us: Sender, method: str) -> None:
        """A second of pause is waited, and the text arrives once."""
        room = us.room(GROUP)
        sent = await us.sending.send(room, Reply("Looking it up…", stage=Stage.WAITING), key="k")
        api.fail(method, code=429, retry_after=1)

        await put(us, method, room, sent.message_id)

        assert 1 == api.shown(GROUP).count("the answer")

    @pytest.mark.parametrize("method", ["editMessageText", "sendMessage"])
    async def test_a_long_flood_is_told_to_the_caller_and_holds_up_no_other_chat(
        self, api: BotApi, us: Sender, method: str
    ) -> None:
        """It says when to come again; meanwhile another chat gets its text."""
        room = us.room(GROUP)
        sent = await us.sending.send(room, Reply("Looking it up…", stage=Stage.WAITING), key="k")
        api.fail(method, code=429, retry_after=200)

        with pytest.raises(Unreachable) as caught:
            await put(us, method, room, sent.message_id)
        await us.sending.send(us.room(ADA), Reply("another"), key="k3")

        assert caught.value.retry_after_s is not None
        assert 190.0 < caught.value.retry_after_s <= 201.0
        assert not caught.value.may_have_happened
        assert ["another"] == api.shown(ADA)

    async def test_a_storm_of_floods_ends_with_one_message(self, api: BotApi, us: Sender) -> None:
        """Whoever comes again as told gets through, and nothing stands there twice."""
        api.fail("sendMessage", code=429, retry_after=1, times=2)

        await us.sending.send(us.room(GROUP), Reply("the answer"), key="k")

        assert ["the answer"] == api.shown(GROUP)

    @pytest.mark.parametrize("how", ["reset_before", "reset_after", "malformed"])
    async def test_a_connection_that_breaks_leaves_it_open(self, api: BotApi, us: Sender, how: How) -> None:
        """It may have happened, or not: the caller must look."""
        api.fail("sendMessage", how)

        with pytest.raises(Unreachable) as caught:
            await us.sending.send(us.room(ADA), Reply("hello"), key="k")

        assert caught.value.may_have_happened
        assert api.token not in str(caught.value)

    async def test_a_gateway_that_fails_leaves_it_open(self, api: BotApi, us: Sender) -> None:
        """502 comes from between us and the server."""
        api.fail("sendMessage", code=502)

        with pytest.raises(Unreachable) as caught:
            await us.sending.send(us.room(ADA), Reply("hello"), key="k")

        assert caught.value.may_have_happened

    async def test_a_server_that_is_not_there_surely_did_nothing(self, api: BotApi) -> None:
        """No connection, no message."""
        async with sender(api, base_url="http://127.0.0.1:9") as us:
            with pytest.raises(Unreachable) as caught:
                await us.sending.send(us.room(ADA), Reply("hello"), key="k")

        assert not caught.value.may_have_happened

    async def test_a_person_who_blocked_us_and_a_group_that_removed_us_are_gone(self, api: BotApi, us: Sender) -> None:
        """So is a chat that never was."""
        api.blocks(ADA)
        api.kicks(GROUP)

        for chat in (ADA, GROUP, 777):
            with pytest.raises(RoomGone):
                await us.sending.send(us.room(chat), Reply("hello"), key="k")

    async def test_a_topic_that_is_gone_takes_its_room_along(self, api: BotApi, us: Sender) -> None:
        """The group stays."""
        with pytest.raises(RoomGone):
            await us.sending.send(us.room(GROUP, 9999), Reply("hello"), key="k")
        await us.sending.send(us.room(GROUP), Reply("hello"), key="k2")

        assert ["hello"] == api.shown(GROUP)

    async def test_a_group_that_grew_tells_its_new_id(self, api: BotApi, us: Sender) -> None:
        """What was asked did not happen, and may be asked there."""
        api.migrates(BASIC, -100_55, tell=())

        with pytest.raises(RoomMoved) as caught:
            await us.sending.send(us.room(BASIC), Reply("hello"), key="k")

        assert "-10055" == caught.value.room

    async def test_a_revoked_token_is_noticed(self, api: BotApi, us: Sender) -> None:
        """It is not asked again for minutes, and health can say why."""
        api.revoke_token()

        with pytest.raises(TokenRefused) as caught:
            await us.sending.send(us.room(ADA), Reply("hello"), key="k")

        assert us.sending.is_token_refused
        assert (caught.value.retry_after_s or 0) >= 60
