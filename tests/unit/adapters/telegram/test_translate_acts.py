"""Edits, buttons, thumbs, and what happens to rooms."""

from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.chat import Edited, Event, Pressed, Rated, RoomAddress, RoomChanged, Sender
from adapters.telegram.translate import tap_of, translate
from tests.unit.adapters.telegram.telling import ADA, FORUM, GROUP, NOON, make_api, reading, told

CHANNEL = -1_001_000_000_009


def changes(events: list[Event]) -> list[tuple[str, str, str]]:
    """Room, kind and detail of what happened to rooms."""
    return [(event.room.room, event.kind, event.detail) for event in events if isinstance(event, RoomChanged)]


def test_an_edit_has_the_new_text_and_a_revision() -> None:
    """The revision is the time of the edit."""
    api = make_api()
    said = api.says(GROUP, "@roomwise_bot wher?", deliver=False)
    new = api.edits(said, "@roomwise_bot where?")
    (event,) = told(api)

    assert isinstance(event, Edited)
    assert ("where?", str(new["edit_date"])) == (event.text, event.revision)
    assert datetime.fromtimestamp(new["edit_date"], UTC) == event.sent_at


def test_an_edit_that_nobody_made_is_nothing() -> None:
    """A link's preview that comes late has no time of an edit."""
    api = make_api()
    said = api.says(ADA, "see https://example.org", deliver=False)
    api.hub.updates.push("edited_message", said)

    assert [] == told(api)


def test_a_button_says_which_and_who() -> None:
    """Action and data are those of the button."""
    api = make_api()
    ours = api.hub.place.keep(api.hub.place.chats[GROUP], api.bot, text="An answer")
    api.taps(ours, "up:abc:1", user=ADA)
    (event,) = told(api)

    assert isinstance(event, Pressed)
    assert ("up", "abc:1", str(ours["message_id"]), NOON) == (event.action, event.data, event.message_id, event.sent_at)
    assert Sender("telegram", "5", "Ada", language="de") == event.sender


def test_a_button_under_a_message_that_is_too_old_counts_in_its_topic() -> None:
    """Telegram then gives the ids only; the topic is the one that we remember."""
    api = make_api()
    topic = api.add_topic(FORUM, "Bugs", deliver=False)
    ours = api.hub.place.keep(api.hub.place.chats[FORUM], api.bot, text="An answer", message_thread_id=topic)
    api.taps(ours, "up:abc", is_gone=True)
    (event,) = told(api, topic_of=lambda chat, message: topic if message == ours["message_id"] else None)

    assert f"{FORUM}/{topic}" == event.room.room


@pytest.mark.parametrize("data", ["", "up", "rights:owner", "x" * 64])
def test_a_button_that_we_never_made_is_nothing(data: str) -> None:
    """Anybody can send any data."""
    api = make_api()
    ours = api.hub.place.keep(api.hub.place.chats[GROUP], api.bot, text="An answer")
    api.hub.updates.waiting.append(
        {"update_id": 1, "callback_query": {"id": "1", "from": {"id": 5}, "message": ours, "data": data}}
    )

    assert [] == told(api)


def test_every_press_has_an_id_to_be_answered_by() -> None:
    """Also one that is nothing to us, so that the client stops waiting."""
    api = make_api()
    number = api.taps(api.hub.place.keep(api.hub.place.chats[GROUP], api.bot, text="An answer"), "nonsense")

    assert [number] == [tap_of(update) for update in api.waiting]
    assert None is tap_of({"callback_query": []})


def test_thumbs_are_votes_and_can_be_taken_back() -> None:
    """Other reactions are none, and a change between two others is nothing."""
    api = make_api()
    ours = api.hub.place.keep(api.hub.place.chats[GROUP], api.bot, text="An answer")
    for emoji in ("👍", "👎", None, "🔥", "🎉", "👍", "🔥"):
        api.reacts(ours, emoji)
    events = told(api)

    assert [1, -1, None, 1, None] == [event.value for event in events if isinstance(event, Rated)]
    assert 5 == len(events)


def test_joining_leaving_and_rights_of_our_own() -> None:
    """Blocked and unblocked is the same in private."""
    api = make_api()
    own = api.bot_id
    api.kicks(GROUP)
    api.sets_status(GROUP, own, "left")
    api.sets_status(GROUP, own, "member")
    api.sets_status(GROUP, own, "administrator")
    api.blocks(ADA)
    api.unblocks(ADA)
    events = told(api)

    group = str(GROUP)
    assert [(group, "left", ""), (group, "joined", ""), (group, "rights", ""), ("5", "left", ""), ("5", "joined", "")] == changes(events)  # fmt: skip


def test_who_administers_a_group_is_rights_and_members_are_nothing() -> None:
    """Thousands may join; only those who may steer the room concern us."""
    api = make_api()
    api.sets_status(GROUP, 77, "member")
    api.sets_status(GROUP, 77, "administrator")
    api.sets_status(GROUP, 77, "left")
    events = told(api)

    assert [(str(GROUP), "rights", ""), (str(GROUP), "rights", "")] == changes(events)


def test_new_names_of_groups_and_topics() -> None:
    """A topic that was made or renamed tells its name; one with another icon does not."""
    api = make_api()
    api.renames(GROUP, "Crew")
    topic = api.add_topic(FORUM, "Bugs")
    where: dict[str, Any] = {"message_thread_id": topic, "is_topic_message": True}
    api.says(FORUM, forum_topic_edited={"name": "Faults"}, **where)
    api.says(FORUM, forum_topic_edited={"icon_custom_emoji_id": ""}, **where)
    room = f"{FORUM}/{topic}"

    assert [(str(GROUP), "renamed", "Crew"), (room, "renamed", "Bugs"), (room, "renamed", "Faults")] == changes(told(api))  # fmt: skip


def test_a_group_that_becomes_a_supergroup_moves_whichever_message_tells() -> None:
    """Both say that the old room has a new id."""
    api = make_api()
    api.add_group(-7, "Old", kind="group")
    api.migrates(-7, -1_001_000_000_007)

    assert [("-7", "moved_to", "-1001000000007")] * 2 == changes(told(api))


def test_channels_are_nothing() -> None:
    """We may be their administrator and say nothing there."""
    api = make_api()
    api.add_channel(CHANNEL)
    api.sets_status(CHANNEL, api.bot_id, "administrator")

    assert [] == told(api)


def test_the_stop_button_of_a_draft_cancels() -> None:
    """It names the draft, which has the number of the question."""
    api = make_api()
    stopped = {"chat": {"id": ADA, "type": "private", "first_name": "Ada"}, "draft_id": 42}
    api.hub.updates.push("stopped_message_generation", stopped)
    (event,) = told(api)

    assert isinstance(event, Pressed)
    assert ("cancel", "42", "5") == (event.action, event.data, event.sender.id)


def test_an_update_of_a_kind_that_is_not_known_is_nothing() -> None:
    """Telegram adds some every few months."""
    api = make_api()

    assert () == translate({"update_id": 1, "moon_landing": {"chat": {"id": 5, "type": "private"}}}, reading(api))


def test_the_room_has_our_account() -> None:
    """The bot's own id, which stays when its token is replaced."""
    api = make_api()
    api.renames(GROUP, "Crew")
    (event,) = told(api)

    assert RoomAddress("telegram", "6665554443", str(GROUP)) == event.room
