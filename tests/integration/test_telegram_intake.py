"""The long poll against the emulated Bot API: nothing is lost, and what is wrong is said."""

import asyncio
import logging
from itertools import pairwise

import pytest

from adapters.chat import Batch, Message, Unreachable
from adapters.telegram.wire import ALLOWED_UPDATES
from tests.fakes.telegram import BotApi, running_bot_api
from tests.fakes.telegram.faults import How
from tests.fakes.telegram.server import FIRST_UPDATE, TOKEN
from tests.fakes.telegram_account import Account, account_on

ADA = 5


def texts(batch: Batch) -> list[str]:
    """What was said in a batch."""
    return [event.text for event in batch.events if isinstance(event, Message)]


async def refused(account: Account) -> Unreachable:
    """What asking for updates fails with."""
    with pytest.raises(Unreachable) as caught:
        await anext(account.intake.batches(None))
    return caught.value


async def test_the_next_poll_acknowledges_and_nothing_before_it() -> None:
    """What was handed out stays at Telegram until the next batch is asked for, and comes again after a crash."""
    async with running_bot_api() as api, account_on(api) as account:
        api.add_private(ADA)
        api.says(ADA, "one")
        stream = account.intake.batches(None)
        first = await anext(stream)
        waiting = len(api.waiting)
        async with account_on(api) as restarted:
            again = await anext(restarted.intake.batches(first.cursor))
        api.says(ADA, "two")
        second = await anext(stream)

        assert (["one"], ["one"], ["two"]) == (texts(first), texts(again), texts(second))
        assert (1, 1) == (waiting, len(api.waiting))
        assert first.events[0].id == again.events[0].id


async def test_every_poll_names_all_kinds_and_drops_nothing() -> None:
    """The server keeps the list of the last poll, whoever made it."""
    async with running_bot_api() as api, account_on(api) as account:
        api.add_private(ADA)
        api.says(ADA, "one")
        await anext(account.intake.batches(None))
        (poll,) = api.calls("getUpdates")

        assert list(ALLOWED_UPDATES) == list(poll.args["allowed_updates"])
        assert 5 == poll.args["timeout"]
        assert [] == api.calls("deleteWebhook")


async def test_a_poll_waits_for_what_comes() -> None:
    """An empty poll is no batch; the answer comes as soon as something is said."""
    async with running_bot_api() as api, account_on(api) as account:
        api.add_private(ADA)
        asking = asyncio.ensure_future(anext(account.intake.batches(None)))
        await api.until(lambda: api.calls("getUpdates"))
        api.says(ADA, "one")

        assert ["one"] == texts(await asking)


async def test_a_server_that_does_not_wait_is_not_asked_again_at_once() -> None:
    """Else one that answers every poll with nothing would be asked thousands of times."""
    async with running_bot_api() as api, account_on(api, poll_s=0) as account:
        api.add_private(ADA)
        asking = asyncio.ensure_future(anext(account.intake.batches(None)))
        await api.until(lambda: len(api.calls("getUpdates")) > 2)
        api.says(ADA, "one")
        await asking
        times = [call.time for call in api.calls("getUpdates")]

        assert [] == [later - before for before, later in pairwise(times) if later - before < 0.45]


async def test_ids_that_begin_anew_are_a_new_sequence() -> None:
    """An id that came before, long ago, then names another event."""
    async with running_bot_api() as api, account_on(api) as account:
        api.add_private(ADA)
        api.says(ADA, "one")
        stream = account.intake.batches(None)
        first = await anext(stream)
        asking = asyncio.ensure_future(anext(stream))
        await api.until(lambda: not api.waiting)
        api.restart_update_ids(7)
        api.says(ADA, "two")
        second = await asking
        async with account_on(api) as restarted:
            again = await anext(restarted.intake.batches(second.cursor))

        assert (f"u{FIRST_UPDATE}", str(FIRST_UPDATE + 1)) == (first.events[0].id.event, first.cursor)
        assert ("u7.1", "8.1") == (second.events[0].id.event, second.cursor)
        assert second.events[0].id == again.events[0].id


async def test_a_repeat_has_the_id_that_it_had() -> None:
    """So that the inbox knows it, and the cursor does not go back."""
    async with running_bot_api() as api, account_on(api) as account:
        api.add_private(ADA)
        api.says(ADA, "one")
        api.says(ADA, "two")
        first = await anext(account.intake.batches(None))
        api.hub.updates.clear()
        api.repeat({"update_id": FIRST_UPDATE, "message": api.messages(ADA)[0]})
        second = await anext(account.intake.batches(first.cursor))

        assert (first.events[0].id, first.cursor) == (second.events[0].id, second.cursor)


async def test_another_poller_is_told_of_and_waited_out() -> None:
    """Health is red with the reason until a poll is answered again."""
    async with running_bot_api() as api, account_on(api) as account:
        api.add_private(ADA)
        api.fail("getUpdates", code=409, description="Conflict: terminated by other getUpdates request")
        fault = await refused(account)
        red = account.pulse.probe()
        api.says(ADA, "one")
        await anext(account.intake.batches(None))
        green = account.pulse.probe()

        assert "another program" in str(fault)
        assert fault.retry_after_s is not None
        assert 0.5 <= fault.retry_after_s <= 1.0
        assert (False, True) == (red.is_up, green.is_up)
        assert "another program" in red.detail
        assert "last conflict" in green.facts


async def test_the_webhook_of_a_former_run_is_deleted_once(caplog: pytest.LogCaptureFixture) -> None:
    """What waits for it is kept, and the log says so; a second one is somebody else's and told of."""
    async with running_bot_api() as api, account_on(api) as account:
        api.add_private(ADA)
        await account.connection.client.call("setWebhook", url="https://old.example.org/hook")
        api.says(ADA, "one")
        batch = await anext(account.intake.batches(None))
        await account.connection.client.call("setWebhook", url="https://other.example.org/hook")
        fault = await refused(account)
        (deleted,) = api.calls("deleteWebhook")

        assert ["one"] == texts(batch)
        assert not deleted.args.get("drop_pending_updates")
        assert "a webhook is set" in str(fault)
        assert ["adapters.telegram.intake"] == [record.name for record in caplog.records if "webhook" in record.message]


async def test_a_revoked_token_stops_the_polls_for_minutes() -> None:
    """Health is red with the reason, and the token is in no text."""
    async with running_bot_api() as api, account_on(api) as account:
        api.add_private(ADA)
        asking = asyncio.ensure_future(refused(account))
        await api.until(lambda: api.calls("getUpdates"))
        api.revoke_token()
        fault = await asking
        probe = account.pulse.probe()

        assert (False, 300.0) == (probe.is_up, fault.retry_after_s)
        assert "token" in probe.detail
        assert TOKEN not in repr((fault, fault.__cause__, fault.__context__, probe))


@pytest.mark.parametrize("how", ["error", "reset_before", "reset_after", "malformed"])
async def test_a_failure_is_waited_out_longer_each_time(how: How) -> None:
    """502s, resets and nonsense are no answers; the pauses grow, and an answer makes them short again."""
    async with running_bot_api() as api, account_on(api, poll_s=0) as account:
        api.add_private(ADA)
        api.fail("getUpdates", how, code=502, times=3)
        pauses = [(await refused(account)).retry_after_s or 0.0 for _ in range(3)]
        api.says(ADA, "one")
        batch = await anext(account.intake.batches(None))
        api.fail("getUpdates", how, code=502)
        pauses.append((await refused(account)).retry_after_s or 0.0)

        assert [True, True, True, True] == [
            0.5 * most <= pause <= most for pause, most in zip(pauses, (1, 2, 4, 1), strict=True)
        ]
        assert ["one"] == texts(batch)


async def test_the_pause_that_telegram_asks_for_is_kept() -> None:
    """And told of in the facts."""
    async with running_bot_api() as api, account_on(api) as account:
        api.fail("getUpdates", code=429, retry_after=17)
        fault = await refused(account)

        assert 17 == fault.retry_after_s
        assert "last flood wait" in account.pulse.probe().facts


async def test_a_poll_that_hangs_is_given_up_and_made_anew() -> None:
    """A connection that died without a word does not stop us for good."""
    async with running_bot_api() as api, account_on(api, poll_s=0.1, margin_s=0.1) as account:
        api.add_private(ADA)
        api.fail("getUpdates", "held")
        fault = await refused(account)
        api.says(ADA, "one")
        batch = await anext(account.intake.batches(None))

        assert "not answered" in str(fault) or "no answer" in str(fault)
        assert ["one"] == texts(batch)


async def test_closing_ends_a_poll_that_waits() -> None:
    """At once, and nothing more is yielded."""
    async with running_bot_api() as api, account_on(api, poll_s=50) as account:
        collecting = asyncio.ensure_future(_all(account))
        await api.until(lambda: api.calls("getUpdates"))
        account.intake.close()

        assert [] == await asyncio.wait_for(collecting, 5)
        assert [] == await _all(account)


async def _all(account: Account) -> list[Batch]:
    return [batch async for batch in account.intake.batches(None)]


async def test_every_press_is_answered_and_an_album_is_for_us_as_a_whole() -> None:
    """Also a press that we cannot read; and files beside the one whose caption names us."""
    async with running_bot_api() as api, account_on(api) as account:
        group = api.add_group(-1_001_000_000_001)
        ours = api.hub.place.keep(api.hub.place.chats[group], api.bot, text="An answer")
        pressed = [api.taps(ours, "up:abc"), api.taps(ours, "nonsense")]
        api.bot["can_read_all_group_messages"] = True
        api.sends_album(group, [("a.md", b"a"), ("b.md", b"b")], caption="@roomwise_bot keep")
        batch = await anext(account.intake.batches(None))
        addressed = [event.addressed for event in batch.events if isinstance(event, Message)]

        assert pressed == account.taps
        assert ["mention", "mention"] == addressed


async def test_no_text_of_ours_or_of_the_library_shows_the_token(caplog: pytest.LogCaptureFixture) -> None:
    """It is part of every URL that is asked."""
    with caplog.at_level(logging.INFO):
        async with running_bot_api() as api, account_on(api, poll_s=0, margin_s=0.2) as account:
            logging.getLogger("httpx").setLevel(logging.WARNING)
            hows: tuple[How, ...] = ("error", "reset_before", "malformed")
            for how in hows:
                api.fail("getUpdates", how, code=500)
            for _ in range(3):
                fault = await refused(account)
                assert TOKEN not in repr((fault, fault.__cause__, fault.__context__))

    assert TOKEN not in caplog.text


async def test_a_server_that_is_not_there_is_waited_for() -> None:
    """The service starts without the network, and says that it is not connected."""
    async with running_bot_api() as api:
        base_url = api.base_url
    lonely = BotApi(api.hub, token=TOKEN)
    lonely.base_url = base_url
    async with account_on(lonely) as account:
        fault = await refused(account)

        assert "cannot be reached" in str(fault)
        assert not account.pulse.probe().is_up


async def test_privacy_mode_is_told_of() -> None:
    """It decides what of a group reaches us at all."""
    told = []
    for reads_all in (False, True):
        async with running_bot_api(reads_all=reads_all) as api, account_on(api) as account:
            api.add_private(ADA)
            api.says(ADA, "one")
            await anext(account.intake.batches(None))
            probe = account.pulse.probe()
            told.append((probe.hearing_all, probe.facts["reads all group messages"], probe.facts["bot"]))

    assert [(False, "no: privacy mode is on", "@roomwise_bot"), (True, "yes", "@roomwise_bot")] == told
