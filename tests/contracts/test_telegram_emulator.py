"""The Bot API emulator answers python-telegram-bot as Telegram's own server would."""

from collections.abc import AsyncIterator

import pytest
import telegram
from telegram import BotCommand, BotCommandScopeAllGroupChats, InlineKeyboardButton, MessageEntity, ReplyParameters
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken

from tests.contracts.telegram import client_of
from tests.fakes.telegram import BotApi, running_bot_api

ADA, GROUP, BASIC = 5, -1001, -7
TWO_DAYS_S = 48 * 3600


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    """One private chat, a supergroup and a basic group."""
    async with running_bot_api() as api:
        api.add_private(ADA)
        api.add_group(GROUP, admins=[ADA])
        api.add_group(BASIC, kind="group")
        yield api


@pytest.fixture
async def bot(api: BotApi) -> AsyncIterator[telegram.Bot]:
    """A client that is signed in."""
    async with client_of(api) as client:
        yield client


def button(data: str) -> telegram.InlineKeyboardMarkup:
    """A keyboard of one button."""
    return telegram.InlineKeyboardMarkup([[InlineKeyboardButton("x", callback_data=data)]])


async def refusal(asked: object) -> str:
    """What the server says against a request."""
    with pytest.raises(BadRequest) as told:
        await asked  # type: ignore[misc]
    return told.value.message.lower()


async def test_a_text_stands_with_its_entities_buttons_and_answer(api: BotApi, bot: telegram.Bot) -> None:
    """All of it comes back as sent; offsets are UTF-16 units."""
    asked = api.says(ADA, "hello")
    bold = MessageEntity("bold", 3, 1)
    where = ReplyParameters(asked["message_id"])
    sent = await bot.send_message(ADA, "😀 b", entities=[bold], reply_markup=button("up:1"), reply_parameters=where)

    assert (("😀 b",), "b") == (tuple(api.shown(ADA)), sent.parse_entity(sent.entities[0]))
    assert [sent.message_id] == [one["message_id"] for one in api.answers(asked)]
    assert sent.reply_markup == button("up:1")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("x" * 4097, "message is too long"),
        ("😀" * 2049, "message is too long"),
        (" \n", "message text is empty"),
    ],
)
async def test_texts_that_telegram_does_not_take(bot: telegram.Bot, text: str, error: str) -> None:
    """Length counts in UTF-16 units."""
    assert error == await refusal(bot.send_message(ADA, text))


async def test_texts_at_the_limit_are_taken(api: BotApi, bot: telegram.Bot) -> None:
    """4,096 units, and 64 bytes behind a button."""
    await bot.send_message(ADA, "😀" * 2048, reply_markup=button("ä" * 32))

    assert ["😀" * 2048] == api.shown(ADA)


async def test_a_button_carries_64_bytes(bot: telegram.Bot) -> None:
    """One more is refused."""
    assert "button_data_invalid" == await refusal(bot.send_message(ADA, "x", reply_markup=button("ä" * 32 + "a")))


async def test_an_edit_is_told_from_one_that_changes_nothing(api: BotApi, bot: telegram.Bot) -> None:
    """The same text and buttons again, a message that is not there, and one of somebody else's."""
    theirs = api.says(ADA, "mine")
    sent = await bot.send_message(ADA, "one")
    await bot.edit_message_text("two", ADA, sent.message_id)

    assert (await refusal(bot.edit_message_text("two", ADA, sent.message_id))).startswith(
        "message is not modified: spec"
    )
    assert "message to edit not found" == await refusal(bot.edit_message_text("two", ADA, 999))
    assert "message can't be edited" == await refusal(bot.edit_message_text("two", ADA, theirs["message_id"]))
    assert ["two"] == api.shown(ADA)


async def test_buttons_go_with_an_edit_that_names_none(api: BotApi, bot: telegram.Bot) -> None:
    """As with Telegram: whoever wants to keep them sends them again."""
    sent = await bot.send_message(ADA, "one", reply_markup=button("a"))
    await bot.edit_message_text("one", ADA, sent.message_id)
    await bot.edit_message_reply_markup(ADA, sent.message_id, reply_markup=button("b"))
    shown = [dict(one) for one in api.ours(ADA)]
    await bot.edit_message_reply_markup(ADA, sent.message_id)

    assert [button("b").to_dict()] == [one["reply_markup"] for one in shown]
    assert [False] == ["reply_markup" in one for one in api.ours(ADA)]


async def test_messages_are_taken_back_within_two_days(api: BotApi, bot: telegram.Bot) -> None:
    """Its own; those of others in a group only by right."""
    theirs = api.says(GROUP, "mine")
    young, old = [await bot.send_message(GROUP, text) for text in ("young", "old")]
    await bot.delete_message(GROUP, young.message_id)
    api.hub.place.skew_s = TWO_DAYS_S + 10

    late = await refusal(bot.delete_message(GROUP, old.message_id))
    foreign = await refusal(bot.delete_message(GROUP, theirs["message_id"]))
    gone = await refusal(bot.delete_message(GROUP, young.message_id))
    assert ["message can't be deleted for everyone"] * 2 == [late, foreign]
    assert "message to delete not found" == gone
    assert ["old"] == api.shown(GROUP)


async def test_an_answer_to_a_deleted_message_says_so_unless_it_may_stand_alone(api: BotApi, bot: telegram.Bot) -> None:
    """`allow_sending_without_reply` lets it."""
    asked = api.says(ADA, "hello")
    api.deletes(asked)
    strict, easy = [ReplyParameters(asked["message_id"], allow_sending_without_reply=may) for may in (False, True)]

    assert "message to be replied not found" == await refusal(bot.send_message(ADA, "x", reply_parameters=strict))
    assert (await bot.send_message(ADA, "x", reply_parameters=easy)).reply_to_message is None


async def test_ids_rise_in_each_supergroup_and_over_all_other_chats(api: BotApi, bot: telegram.Bot) -> None:
    """So a gap in a private chat says nothing."""
    sent = [(await bot.send_message(chat, "x")).message_id for chat in (ADA, BASIC, GROUP, ADA, GROUP)]

    assert [1, 2, 2, 3, 3] == sent


async def test_topics_take_what_names_their_thread(api: BotApi, bot: telegram.Bot) -> None:
    """General has none, and a thread that is not there is refused; opening one needs the right."""
    forum = api.add_group(-1002, is_forum=True, bot_is_admin=True)
    topic = api.add_topic(forum, "Help")
    own = await bot.create_forum_topic(forum, "Mine")
    for thread in (topic, own.message_thread_id, None):
        await bot.send_message(forum, f"in {thread}", message_thread_id=thread)
        await bot.send_chat_action(forum, "typing", message_thread_id=thread)

    assert [f"in {topic}"] == api.shown(forum, topic)
    assert [f"in {topic}", f"in {own.message_thread_id}", "in None"] == api.shown(forum)
    assert "message thread not found" == await refusal(bot.send_message(forum, "x", message_thread_id=1))
    assert "the chat is not a forum" == await refusal(bot.create_forum_topic(GROUP, "x"))


async def test_chats_that_are_closed_unknown_or_moved(api: BotApi, bot: telegram.Bot) -> None:
    """Each in its own words, and a moved one says where to."""
    api.blocks(ADA)
    api.kicks(GROUP)
    api.migrates(BASIC, -1007)
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(ADA, "x")
    with pytest.raises(Forbidden, match="bot was kicked from the supergroup chat"):
        await bot.send_message(GROUP, "x")
    with pytest.raises(ChatMigrated) as moved:
        await bot.send_message(BASIC, "x")

    assert -1007 == moved.value.new_chat_id
    assert "chat not found" == await refusal(bot.send_message(404, "x"))


async def test_taps_are_answered_once(api: BotApi, bot: telegram.Bot) -> None:
    """A second answer, and one to a tap that never was, come too late."""
    sent = await bot.send_message(ADA, "x", reply_markup=button("up:1"))
    tap = api.taps(sent.to_dict(), "up:1")
    await bot.answer_callback_query(tap)

    for number in (tap, "none"):
        assert (await refusal(bot.answer_callback_query(number))).startswith("query is too old")


async def test_reactions_are_those_that_telegram_has(api: BotApi, bot: telegram.Bot) -> None:
    """A check mark is none of them."""
    asked = api.says(ADA, "hello")
    await bot.set_message_reaction(ADA, asked["message_id"], "👀")

    assert "reaction_invalid" == await refusal(bot.set_message_reaction(ADA, asked["message_id"], "✅"))
    assert "message to react not found" == await refusal(bot.set_message_reaction(ADA, 99, "👀"))
    assert ["👀"] == api.hub.reactions[ADA, asked["message_id"], api.bot_id]


async def test_drafts_show_in_private_chats_only(api: BotApi, bot: telegram.Bot) -> None:
    """They are no messages."""
    await bot.send_message_draft(ADA, draft_id=1, text="so far")

    assert "textdraft_peer_invalid" == await refusal(bot.send_message_draft(GROUP, draft_id=1, text="x"))
    assert ([], ["so far"]) == (api.shown(ADA), [one["text"] for one in api.hub.drafts])


async def test_files_go_both_ways_up_to_20_megabytes(api: BotApi, bot: telegram.Bot) -> None:
    """A larger one can be sent by people and not fetched by the bot."""
    small = api.sends_file(ADA, "a.txt", b"content")["document"]["file_id"]
    large = api.sends_file(ADA, "b.bin", bytes(20 * 1024 * 1024 + 1))["document"]["file_id"]
    sent = await bot.send_document(ADA, b"from the bot", filename="c.txt", caption="here")

    assert b"content" == bytes(await (await bot.get_file(small)).download_as_bytearray())
    assert sent.document is not None
    assert b"from the bot" == bytes(await (await bot.get_file(sent.document.file_id)).download_as_bytearray())
    assert "file is too big" == await refusal(bot.get_file(large))
    assert "invalid file_id" == await refusal(bot.get_file("none"))


async def test_chats_and_who_is_in_them(api: BotApi, bot: telegram.Bot) -> None:
    """Titles, administrators, anonymous ones too, and everybody else."""
    group = api.add_group(-1003, "Ops", owner=ADA, anonymous=[9], username="ops", bot_is_admin=True)
    admins = {one.user.id: (one.status, getattr(one, "is_anonymous", None)) for one in await bot.get_chat_administrators(group)}  # fmt: skip

    assert {ADA: ("creator", False), 9: ("administrator", True), api.bot_id: ("administrator", False)} == admins
    assert ("Ops", "ops") == ((await bot.get_chat(group)).title, (await bot.get_chat("@ops")).username)
    assert "left" == (await bot.get_chat_member(BASIC, ADA)).status
    assert "there are no administrators in the private chat" == await refusal(bot.get_chat_administrators(ADA))


async def test_menus_belong_to_a_scope_and_a_language(bot: telegram.Bot) -> None:
    """One of another is untouched."""
    menu, scope = [BotCommand("ask", "Ask")], BotCommandScopeAllGroupChats()
    await bot.set_my_commands(menu, scope=scope, language_code="de")

    assert tuple(menu) == await bot.get_my_commands(scope, "de")
    assert () == await bot.get_my_commands(scope)
    assert "bot_command_invalid" == await refusal(bot.set_my_commands([BotCommand("Ask", "x")]))
    await bot.delete_my_commands(scope, "de")
    assert () == await bot.get_my_commands(scope, "de")


async def test_a_revoked_token_opens_nothing(api: BotApi, bot: telegram.Bot) -> None:
    """Nor is it said whose it was."""
    api.revoke_token()

    with pytest.raises(InvalidToken):
        await bot.get_me()
