"""Messages: who wrote them, where, whether they are for us, and what came with them."""

from datetime import UTC, datetime

import pytest

from adapters.chat import Addressed, Attachment, EventId, Message, RoomAddress, Sender
from tests.fakes.telegram.place import Json
from tests.unit.adapters.telegram.telling import ADA, FORUM, GROUP, heard, make_api, mark, told

CHANNEL = -1_001_000_000_009


def room(name: str) -> RoomAddress:
    """A room of the emulated bot."""
    return RoomAddress("telegram", "6665554443", name)


def test_a_private_message_is_for_us_with_all_that_it_says() -> None:
    """Room, ids, sender, language, time and text come over."""
    api = make_api()
    said = api.says(ADA, "Where is the parser?")
    expected = Message(
        id=EventId("telegram", "6665554443", "u1"),
        room=room("5"),
        message_id=str(said["message_id"]),
        sender=Sender("telegram", "5", "Ada", language="de"),
        text="Where is the parser?",
        sent_at=datetime.fromtimestamp(said["date"], UTC),
        addressed=Addressed.PRIVATE,
    )

    assert expected == heard(api)


@pytest.mark.parametrize(
    ("text", "addressed", "kept"),
    [
        ("/ask where?", Addressed.COMMAND, "/ask where?"),
        ("/ask@Roomwise_Bot where?", Addressed.COMMAND, "/ask where?"),
        ("see /ask", Addressed.AMBIENT, "see /ask"),
        ("@roomwise_bot where?", Addressed.MENTION, "where?"),
        ("@ROOMWISE_BOT, where?", Addressed.MENTION, "where?"),
        ("where, @roomwise_bot?", Addressed.MENTION, "where,?"),
        ("tell me @roomwise_bot where", Addressed.MENTION, "tell me where"),
        ("🦜 👩🏽‍💻 @roomwise_bot where", Addressed.MENTION, "🦜 👩🏽‍💻 where"),
        ("@roomwise_bot /etc/hosts is what?", Addressed.MENTION, "@roomwise_bot /etc/hosts is what?"),
        ("@roomwise_botany where?", Addressed.AMBIENT, "@roomwise_botany where?"),
        ("where is lunch?", Addressed.AMBIENT, "where is lunch?"),
    ],
)
def test_in_a_group_a_message_is_for_us_by_command_or_mention(text: str, addressed: Addressed, kept: str) -> None:
    """Our name goes out of the text; a command counts at the very beginning only."""
    api = make_api()
    api.says(GROUP, text)
    message = heard(api)

    assert (addressed, kept) == (message.addressed, message.text)


def test_a_command_to_another_bot_is_not_for_us_at_all() -> None:
    """It is not even kept in rooms where everything is answered."""
    api = make_api()
    api.says(GROUP, "/help@other_bot")

    assert [] == told(api)


def test_a_mention_by_name_is_one_too() -> None:
    """Clients write bots without a username as a mark with the user behind it."""
    api = make_api()
    api.says(GROUP, "Roomwise where?", entities=[dict(mark("text_mention", 0, 8, user=api.bot))])

    assert "where?" == heard(api).text


def test_a_mention_in_a_caption_counts() -> None:
    """A file with our name under it is for us, and the caption is its text."""
    api = make_api()
    api.sends_file(GROUP, "notes.md", b"# Notes", caption="@roomwise_bot keep this")
    message = heard(api)

    assert (Addressed.MENTION, "keep this") == (message.addressed, message.text)


def test_a_reply_to_us_is_for_us() -> None:
    """And says which message it answers."""
    api = make_api()
    ours = api.hub.place.keep(api.hub.place.chats[GROUP], api.bot, text="An answer")
    api.says(GROUP, "why?", reply_to=ours["message_id"])
    message = heard(api)

    assert (Addressed.REPLY, str(ours["message_id"])) == (message.addressed, message.reply_to)


def test_a_chain_of_replies_is_no_topic() -> None:
    """Outside forums the thread's number is no room."""
    api = make_api()
    first = api.says(GROUP, "one", deliver=False)
    api.says(GROUP, "two", reply_to=first["message_id"])

    assert room(str(GROUP)) == heard(api).room


def test_a_topic_is_a_room_and_its_first_message_is_not_answered_to() -> None:
    """Everything in a topic formally replies to the message that opened it, even where we opened it."""
    api = make_api()
    topic = api.add_topic(FORUM, "Bugs", user=api.bot_id)
    api.says(FORUM, "who knows?", topic=topic)
    message = heard(api)

    assert (room(f"{FORUM}/{topic}"), None, Addressed.AMBIENT) == (message.room, message.reply_to, message.addressed)


def test_the_general_topic_is_the_chat_itself() -> None:
    """It has no thread number."""
    api = make_api()
    api.says(FORUM, "/status")

    assert room(str(FORUM)) == heard(api).room


def test_anonymous_administrators_are_one_shared_sender() -> None:
    """They are known by the group, as a person who may be any of several."""
    api = make_api()
    api.says(GROUP, "/status", as_anonymous=True)

    assert Sender("telegram", str(GROUP), "Team", is_shared=True) == heard(api).sender


def test_who_is_no_person_is_marked_so() -> None:
    """Other bots, channels that write in a group, posts of a linked channel and inline bots never steer us."""
    api = make_api()
    api.add_channel(CHANNEL, "News")
    api.add_user(77, name="Other", username="other_bot", is_bot=True)
    api.hub.updates.push("message", api.says(GROUP, "/status", user=77, deliver=False))
    api.says(GROUP, "/status", as_channel=CHANNEL)
    api.says(GROUP, "/status", as_channel=CHANNEL, is_automatic=True)
    api.says(GROUP, "/status", via_bot=api.hub.place.user(77))
    events = told(api)

    assert [False] * 4 == [event.sender.is_person for event in events if isinstance(event, Message)]


def test_channels_and_our_own_messages_are_nothing() -> None:
    """We do not answer posts of channels, nor ourselves."""
    api = make_api()
    api.hub.updates.push("message", api.says(GROUP, "An answer", user=api.bot_id, deliver=False))
    events = told(api)

    assert [] == events


def test_a_forward_is_marked_and_its_command_is_none() -> None:
    """What somebody wrote elsewhere is not said to us here."""
    api = make_api()
    api.says(GROUP, "/status@roomwise_bot", forwarded=True)
    in_group = heard(api)
    api.says(ADA, "/status", forwarded=True)
    in_private = heard(api)

    assert (True, Addressed.AMBIENT) == (in_group.is_forwarded, in_group.addressed)
    assert (True, Addressed.PRIVATE) == (in_private.is_forwarded, in_private.addressed)


def test_files_come_with_their_kind_name_and_type() -> None:
    """A photo in its largest size, and a name for each that has none."""
    api = make_api()
    photo = api.sends_photo(ADA, b"1234" * 100, caption="What is this?")
    voice = api.sends_voice(ADA, b"ogg", seconds=7)
    api.sends_file(ADA, "a.md", b"# A", media_type="text/markdown")
    of_photo, of_voice, of_file = (event for event in told(api) if isinstance(event, Message))
    largest = photo["photo"][-1]

    assert "What is this?" == of_photo.text
    named = f"photo-{photo['message_id']}.jpg"
    assert (Attachment(largest["file_id"], named, "image/jpeg", 400, kind="photo"),) == of_photo.attachments
    named = f"voice-{voice['message_id']}.ogg"
    spoken = Attachment(voice["voice"]["file_id"], named, "audio/ogg", 3, kind="voice", seconds=7)
    assert (spoken,) == of_voice.attachments
    assert ("a.md", "text/markdown", 3, "file") == _about(of_file.attachments[0])


def _about(one: Attachment) -> tuple[str, str, int, str]:
    return one.name, one.media_type, one.size_bytes, one.kind


@pytest.mark.parametrize(
    ("part", "kind", "name"),
    [
        ({"audio": {"file_id": "A", "duration": 9, "file_size": 1}}, "audio", "audio-1.mp3"),
        ({"video": {"file_id": "A", "duration": 9, "file_size": 1, "file_name": "x.mov"}}, "video", "x.mov"),
        ({"video_note": {"file_id": "A", "duration": 9, "file_size": 1}}, "video", "video-1.mp4"),
        (
            {"animation": {"file_id": "A", "duration": 9, "file_size": 1}, "document": {"file_id": "A"}},
            "video",
            "video-1.mp4",
        ),
    ],
)
def test_sound_and_moving_pictures_have_their_length(part: Json, kind: str, name: str) -> None:
    """An animation counts once, although Telegram names it twice."""
    api = make_api()
    bare = {"message_id": 1, "date": 1, "chat": {"id": ADA, "type": "private"}, "from": {"id": ADA}}
    api.hub.updates.waiting.append({"update_id": 1, "message": {**bare, **part}})
    (file,) = heard(api).attachments

    assert (kind, name, 9) == (file.kind, file.name, file.seconds)


def test_an_album_is_messages_with_one_name() -> None:
    """Each file is a message of its own, with the same album."""
    api = make_api()
    api.sends_album(ADA, [("a.md", b"a"), ("b.md", b"b")], caption="keep")
    first, second = (event for event in told(api) if isinstance(event, Message))

    assert first.album == second.album
    assert ("keep", "", True) == (first.text, second.text, bool(first.album))


def test_what_says_nothing_is_nothing() -> None:
    """Stickers, pinned messages and newcomers give no event."""
    api = make_api()
    api.says(ADA, sticker={"file_id": "S", "file_unique_id": "S", "type": "regular", "width": 1, "height": 1, "is_animated": False, "is_video": False})  # fmt: skip
    api.joins(GROUP, 77)
    events = told(api)

    assert [] == events
