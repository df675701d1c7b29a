"""What the Bot API emulator tells the bot of people and rooms: what Telegram would, and nothing more."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.fakes.telegram import BotApi
from tests.fakes.telegram.server import running_bot_api

ADA, GROUP, BASIC, BOT, CHANNEL = 5, -1001, -7, 77, -1009


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    """A private chat, a supergroup, a basic group, another bot and a channel; the bot is in privacy mode."""
    async with running_bot_api() as api:
        api.add_private(ADA)
        api.add_user(BOT, name="Other", username="other_bot", is_bot=True)
        api.add_group(GROUP, admins=[ADA])
        api.add_group(BASIC, kind="group")
        api.add_channel(CHANNEL)
        api.hub.updates.allow(["message", "edited_message", "channel_post", "callback_query", "my_chat_member", "chat_member", "message_reaction"])  # fmt: skip
        yield api


def told(api: BotApi) -> list[tuple[str, Any]]:
    """The updates that came, by kind and text, and nothing of them again."""
    said = [(kind, what.get("text", what.get("data", ""))) for one in api.waiting for kind, what in one.items() if kind != "update_id"]  # fmt: skip
    api.hub.updates.clear()
    return said


def test_privacy_mode_lets_through_what_is_for_the_bot(api: BotApi) -> None:
    """Commands, mentions and answers to it; not talk, and not what is for another bot."""
    ours = api.hub.place.keep(api.hub.place.chats[GROUP], api.hub.place.user(api.bot_id), text="an answer")
    for text in ("talk", "/ask x", "/ask@roomwise_bot x", "/ask@other_bot x", "hey @roomwise_bot", "hey @other_bot"):
        api.says(GROUP, text)
    api.says(GROUP, "why?", reply_to=ours["message_id"])
    heard = ["/ask x", "/ask@roomwise_bot x", "hey @roomwise_bot", "why?"]

    assert [("message", text) for text in heard] == told(api)


def test_an_administrating_bot_and_one_without_privacy_mode_hear_all(api: BotApi) -> None:
    """So does everyone in a private chat."""
    api.says(ADA, "private")
    api.bot["can_read_all_group_messages"] = True
    api.says(GROUP, "open")
    api.bot["can_read_all_group_messages"] = False
    api.sets_status(GROUP, api.bot_id, "administrator")
    api.says(GROUP, "admin")

    assert ["private", "open", "admin"] == [text for kind, text in told(api) if kind == "message"]


def test_other_bots_are_never_heard(api: BotApi) -> None:
    """Not even in a private chat; one that people send through is."""
    api.bot["can_read_all_group_messages"] = True
    api.says(GROUP, "beep", user=BOT)
    api.says(GROUP, "through", via_bot=api.hub.place.user(BOT))

    assert [("message", "through")] == told(api)


def test_who_speaks_for_a_group_or_a_channel(api: BotApi) -> None:
    """Anonymous administrators as the group, channels as themselves, and what a linked channel forwards by itself."""
    said = [
        api.says(GROUP, "/a", as_anonymous=True),
        api.says(GROUP, "/b", as_channel=CHANNEL),
        api.says(GROUP, "/c", as_channel=CHANNEL, is_automatic=True),
        api.says(CHANNEL, "/d"),
    ]
    seen = [(one.get("from", {}).get("id"), one["sender_chat"]["id"], one.get("is_automatic_forward", False)) for one in said]  # fmt: skip

    assert [
        (1087968824, GROUP, False),
        (136817688, CHANNEL, False),
        (777000, CHANNEL, True),
        (None, CHANNEL, False),
    ] == seen
    assert ["message", "message", "message", "channel_post"] == [kind for kind, _ in told(api)]


def test_a_message_in_a_topic_answers_what_opened_it(api: BotApi) -> None:
    """Unless it answers another; in General nothing says that it is one, and a thread in a plain group is no topic."""
    forum = api.add_group(-1002, is_forum=True)
    topic = api.add_topic(forum, "Help")
    first = api.says(forum, "/a", topic=topic)
    second = api.says(forum, "/b", topic=topic, reply_to=first["message_id"])
    general = api.says(forum, "/c")
    plain = api.says(GROUP, "/d", reply_to=api.says(GROUP, "root")["message_id"])

    assert [topic, first["message_id"]] == [one["reply_to_message"]["message_id"] for one in (first, second)]
    assert [True, True, False, False] == [one.get("is_topic_message", False) for one in (first, second, general, plain)]
    assert [topic, topic, None] == [one.get("message_thread_id") for one in (first, second, general)]
    assert plain["reply_to_message"]["message_id"] == plain["message_thread_id"]


def test_a_topic_that_the_bot_opened_makes_talk_no_answer_to_it(api: BotApi) -> None:
    """Although the message that it answers is the bot's."""
    forum = api.add_group(-1002, is_forum=True)
    topic = api.add_topic(forum, "Mine", user=api.bot_id)
    api.says(forum, "talk", topic=topic)

    assert [] == told(api)


def test_edits_are_told_and_deletions_never(api: BotApi) -> None:
    """An answer to a message that is deleted says nothing of it."""
    asked = api.says(ADA, "one")
    api.edits(asked, "two")
    api.deletes(asked)
    late = api.says(ADA, "three", reply_to=asked["message_id"])

    assert [("message", "one"), ("edited_message", "two"), ("message", "three")] == told(api)
    assert "reply_to_message" not in late


def test_reactions_are_told_to_an_administrating_bot_only(api: BotApi) -> None:
    """With what was there before."""
    asked = api.says(GROUP, "/a")
    api.reacts(asked, "👍")
    api.sets_status(GROUP, api.bot_id, "administrator")
    api.reacts(asked, "👎")
    (reaction,) = [one["message_reaction"] for one in api.waiting if "message_reaction" in one]

    assert ["👍"] == [one["emoji"] for one in reaction["old_reaction"]]
    assert ["👎"] == [one["emoji"] for one in reaction["new_reaction"]]


def test_a_group_that_grows_says_so_on_both_sides(api: BotApi) -> None:
    """Or on one, as the test wants."""
    api.migrates(BASIC, -1007)
    said = [(one["message"]["chat"]["id"], one["message"].get("migrate_to_chat_id"), one["message"].get("migrate_from_chat_id")) for one in api.waiting]  # fmt: skip

    assert [(BASIC, -1007, None), (-1007, None, BASIC)] == said


def test_the_bot_learns_what_becomes_of_it(api: BotApi) -> None:
    """Blocked, let in again, kicked, and invited again; of others only where it administers."""
    api.blocks(ADA)
    api.unblocks(ADA)
    api.kicks(GROUP)
    api.joins(GROUP)
    api.joins(GROUP, 8)
    changes = [(one["my_chat_member"]["chat"]["id"], one["my_chat_member"]["new_chat_member"]["status"]) for one in api.waiting if "my_chat_member" in one]  # fmt: skip

    assert [(ADA, "kicked"), (ADA, "member"), (GROUP, "kicked"), (GROUP, "member")] == changes
    assert not [one for one in api.waiting if "chat_member" in one]


def test_an_album_is_several_messages_with_one_name(api: BotApi) -> None:
    """The first has the caption; photos come in two sizes, and voice with its length."""
    album = api.sends_album(ADA, [("a.txt", b"a"), ("b.txt", b"b")], caption="both")
    photo = api.sends_photo(ADA, bytes(4000), caption="look")
    voice = api.sends_voice(ADA, b"ogg", seconds=9)

    assert 1 == len({one["media_group_id"] for one in album})
    assert ["both", None] == [one.get("caption") for one in album]
    assert [1000, 4000] == [one["file_size"] for one in photo["photo"]]
    assert 9 == voice["voice"]["duration"]


def test_a_tap_on_a_message_too_old_shows_none(api: BotApi) -> None:
    """Only where it was."""
    asked = api.hub.place.keep(api.hub.place.chats[ADA], api.hub.place.user(api.bot_id), text="an answer")
    api.taps(asked, "up:1", is_gone=True)

    assert 0 == api.waiting[0]["callback_query"]["message"]["date"]
