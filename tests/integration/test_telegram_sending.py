"""What goes out to Telegram, over HTTP to the emulator, with everything that may go wrong on the way."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from adapters.chat import (
    Attachment,
    Button,
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
from tests.integration.telegram_bots import ADA, BASIC, GROUP, ScaledClock, Sender, house, sender

VOTES = ((Button("👍", "up", "turn1"), Button("👎", "down", "turn1")),)
STOP = ((Button("Stop", "cancel", "17"),),)


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    """An emulator with three chats, whose judges must have found nothing at the end."""
    async with house() as api:
        yield api


@pytest.fixture
async def us(api: BotApi) -> AsyncIterator[Sender]:
    """A bot that sends."""
    async with sender(api) as us:
        yield us


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


class TestUnderTheLimits:
    async def test_three_answers_at_once_in_a_group_meet_no_429(self, api: BotApi) -> None:
        """45 s each by a clock that runs twenty times faster, as the emulator's does: placeholder, previews, final text."""
        api.flood.is_on, api.flood.scale = True, 20.0
        clock = ScaledClock(20.0)
        async with sender(api, clock=clock) as us:
            previews = await asyncio.gather(*(answer(us, clock, number) for number in range(3)))

        assert 0 == api.flood.refused
        assert {"answer 0", "answer 1", "answer 2"} == set(api.shown(GROUP))
        assert all(shown >= 1 for shown in previews)

    async def test_a_long_answer_in_a_private_chat_meets_no_429(self, api: BotApi) -> None:
        """Twelve parts are more than may come at once: the later ones wait for their turn."""
        api.flood.is_on, api.flood.scale = True, 20.0
        clock = ScaledClock(20.0)
        async with sender(api, clock=clock) as us:
            for number in range(12):
                await brought_out(us, clock, Reply(f"part {number}"), key=f"k{number}")

        assert 0 == api.flood.refused
        assert [f"part {number}" for number in range(12)] == api.shown(ADA)


async def answer(us: Sender, clock: ScaledClock, number: int) -> int:
    """One answer of 45 s in the group, with a try at a preview each second; how many previews were shown."""
    room, shown = us.room(GROUP), 0
    sent = await us.sending.send(room, Reply(f"Looking… {number}", stage=Stage.WAITING), key=f"k{number}")
    ends_s = clock() + 45.0
    while clock() < ends_s:
        preview = Reply(f"answer {number} so far: {clock()}", stage=Stage.PREVIEW)
        with contextlib.suppress(Unreachable):
            await us.sending.edit(room, sent.message_id, preview, key="p")
            shown += 1
        await clock.sleep(1.0)
    await us.sending.edit(room, sent.message_id, Reply(f"answer {number}"), key=f"e{number}")
    return shown


async def brought_out(us: Sender, clock: ScaledClock, reply: Reply, *, key: str) -> None:
    """Send, and come again when told so."""
    while True:
        try:
            await us.sending.send(us.room(ADA), reply, key=key)
            return
        except Unreachable as later:
            await clock.sleep(later.retry_after_s or 1.0)


class TestFinding:
    async def test_what_arrived_although_the_answer_was_lost_is_found(self, api: BotApi) -> None:
        """A run ends between the send and its record; the next one looks before it sends."""
        question = api.says(GROUP, "/ask why?")
        reply = Reply("the **answer**", reply_to=str(question["message_id"]), buttons=VOTES)
        async with sender(api) as first:
            await first.sending.send(first.room(GROUP), reply, key="k")
        api.says(GROUP, "something else", deliver=False)
        async with sender(api) as second:
            found = await second.sending.find(
                second.room(GROUP), reply, key="k", after=str(question["message_id"]), known=()
            )

        assert found is not None
        assert found.message_id == str(api.ours(GROUP)[0]["message_id"])
        assert "edit_date" not in api.ours(GROUP)[0]

    async def test_what_took_effect_after_its_time_was_up_is_found(self, api: BotApi) -> None:
        """The answer of the server came too late for us."""
        question = api.says(GROUP, "/ask why?")
        reply = Reply("the answer", reply_to=str(question["message_id"]))
        held = api.fail("sendMessage", "held_after")
        async with sender(api, answer_s=0.3) as us:
            with pytest.raises(Unreachable) as caught:
                await us.sending.send(us.room(GROUP), reply, key="k")
            held.release()
            sent = await us.sending.find(us.room(GROUP), reply, key="k", after=None)

        assert caught.value.may_have_happened
        assert sent is not None
        assert ["the answer"] == api.shown(GROUP)
        assert sent.message_id == str(api.ours(GROUP)[0]["message_id"])

    async def test_what_never_arrived_is_not_found(self, api: BotApi) -> None:
        """Five ids without a message are the end of a supergroup."""
        question = api.says(GROUP, "/ask why?")
        async with sender(api) as us:
            found = await us.sending.find(
                us.room(GROUP), Reply("the answer"), key="k", after=str(question["message_id"]), known=()
            )

        assert found is None
        assert 5 == len(api.calls("editMessageText"))

    async def test_what_is_recorded_is_not_touched(self, api: BotApi) -> None:
        """An earlier answer of ours lies on the way and stays as it is."""
        question = api.says(GROUP, "/ask why?")
        async with sender(api) as first:
            old = await first.sending.send(first.room(GROUP), Reply("another answer"), key="k1")
            await first.sending.send(first.room(GROUP), Reply("the answer"), key="k2")
        async with sender(api) as second:
            found = await second.sending.find(
                second.room(GROUP),
                Reply("the answer"),
                key="k2",
                after=str(question["message_id"]),
                known=[old.message_id],
            )

        assert found is not None
        assert ["another answer", "the answer"] == api.shown(GROUP)

    async def test_two_that_nobody_recorded_each_stand_there_once(self, api: BotApi) -> None:
        """Two answers to two questions were cut off together: each is found, at its own question."""
        questions = [api.says(GROUP, f"/ask {number}") for number in range(2)]
        replies = [Reply(f"answer {n}", reply_to=str(one["message_id"])) for n, one in enumerate(questions)]
        async with sender(api) as first:
            for number in (1, 0):  # not in the order of the questions
                await first.sending.send(first.room(GROUP), replies[number], key=f"k{number}")
        async with sender(api) as second:
            after = str(questions[1]["message_id"])
            known: list[str] = []
            for number in range(2):
                found = await second.sending.find(
                    second.room(GROUP), replies[number], key=f"k{number}", after=after, known=known
                )
                assert found is not None
                known.append(found.message_id)

        assert ["answer 1", "answer 0"] == api.shown(GROUP)
        assert [["answer 0"], ["answer 1"]] == [[one["text"] for one in api.answers(two)] for two in questions]

    async def test_in_private_chats_other_chats_messages_lie_between(self, api: BotApi) -> None:
        """One row of numbers serves them all, so the walk is longer there."""
        question = api.says(ADA, "why?")
        api.add_private(43, name="Bob")
        for number in range(25):
            api.says(43, f"noise {number}", deliver=False)
        reply = Reply("the answer", reply_to=str(question["message_id"]))
        async with sender(api) as first:
            await first.sending.send(first.room(ADA), reply, key="k")
        async with sender(api) as second:
            found = await second.sending.find(second.room(ADA), reply, key="k", after=str(question["message_id"]))

        assert found is not None
        assert ["the answer"] == api.shown(ADA)

    async def test_looking_that_is_cut_off_leaves_it_open(self, api: BotApi) -> None:
        """The row must stay unclear; and the next look goes on."""
        question = api.says(GROUP, "/ask why?")
        reply = Reply("the answer", reply_to=str(question["message_id"]))
        async with sender(api) as first:
            await first.sending.send(first.room(GROUP), reply, key="k")
        api.fail("editMessageText", "reset_before")
        async with sender(api) as second:
            with pytest.raises(Unreachable) as caught:
                await second.sending.find(second.room(GROUP), reply, key="k", after=reply.reply_to)
            found = await second.sending.find(second.room(GROUP), reply, key="k", after=reply.reply_to)

        assert caught.value.may_have_happened
        assert found is not None

    async def test_without_a_place_to_begin_nothing_is_touched(self, api: BotApi, us: Sender) -> None:
        """Neither a known message nor a question: then nobody can say."""
        found = await us.sending.find(us.room(GROUP), Reply("hello"), key="k", after=None)

        assert found is None
        assert [] == api.calls("editMessageText")


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
