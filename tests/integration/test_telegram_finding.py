"""What was cut off on its way to Telegram is found there, and nothing else is touched."""

import pytest

from adapters.chat import (
    Reply,
    Unreachable,
)
from tests.fakes.telegram import BotApi
from tests.integration.telegram_bots import ADA, GROUP, VOTES, Sender, sender


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
