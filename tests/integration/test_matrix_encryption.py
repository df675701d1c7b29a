"""Our side of encrypted rooms on a real Synapse, with people on the same library as ours."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from adapters.chat import Unreadable
from adapters.matrix.crosssigning import State
from bot.state.vault import Vault
from tests.fakes.matrix_bot import Bot
from tests.fakes.matrix_encrypted import EncryptedUser
from tests.fakes.matrix_people import People
from tests.fakes.synapse import Synapse

pytestmark = pytest.mark.synapse
MakeBot = Callable[..., Awaitable[Bot]]


@pytest.fixture
async def make_bot(synapse: Synapse, tmp_path: Path) -> AsyncIterator[MakeBot]:
    """Makes bots that have started, each with an account of its own; closed at the end."""
    async with AsyncExitStack() as stack:

        async def make(**given: Any) -> Bot:
            account = await synapse.register("roomwise")
            vault = Vault([Fernet.generate_key().decode()])
            bot = Bot(account, synapse.url, tmp_path / account.device, vault, given=given)
            stack.push_async_callback(bot.close)
            await bot.start()
            await bot.sync()
            return bot

        yield make


async def met(bot: Bot, *users: EncryptedUser, encrypted: bool = True) -> str:
    """A room of the bot and people, where all know all."""
    room = await users[0].make_room(
        "a room", invite=[bot.account.user, *(user.id for user in users[1:])], encrypted=encrypted
    )
    await bot.join(room)
    for user in users[1:]:
        await user.join(room)
    await bot.sync()
    for user in users:
        await user.until(lambda: bot.account.user in _members(users[0], room))
    return room


def _members(user: EncryptedUser, room: str) -> set[str]:
    return set(user.nio.rooms[room].users) if room in user.nio.rooms else set()


async def hears(bot: Bot, event: str) -> str:
    """What the bot reads as an event."""
    async with asyncio.timeout(60):
        while event not in bot.texts:
            await bot.sync()
    return bot.texts[event]


async def sees(user: EncryptedUser, room: str, event: str) -> Any:
    """The event as a person sees it, once it is readable."""

    def readable() -> Any:
        return next((e for e in user.events[room] if e["event_id"] == event and e["type"] == "m.room.message"), None)

    return await user.until(readable)


async def test_a_person_and_the_bot_read_each_other_before_and_after_a_restart(
    make_bot: MakeBot, people: People
) -> None:
    """The keys outlive the program."""
    bot, ann = await make_bot(), await people.encrypted("ann")
    room = await met(bot, ann)
    first = await hears(bot, await ann.say(room, "before"))
    answer, kind = await bot.say(room, "the answer")
    seen = await sees(ann, room, answer)
    again = await bot.restart()
    try:
        second = await hears(again, await ann.say(room, "after"))
        later = await sees(ann, room, (await again.say(room, "another"))[0])
    finally:
        await again.close()

    assert ("before", "m.room.encrypted", "the answer") == (first, kind, seen["content"]["body"])
    assert ("after", "another") == (second, later["content"]["body"])


async def test_what_was_written_while_it_was_down_is_read_later(make_bot: MakeBot, people: People) -> None:
    """Letters with keys wait at the server."""
    bot, ann = await make_bot(), await people.encrypted("ann")
    room = await met(bot, ann)
    await hears(bot, await ann.say(room, "before"))
    ann.nio.invalidate_outbound_session(room)
    missed = await ann.say(room, "while it was down")
    again = await bot.restart()
    try:
        assert "while it was down" == await hears(again, missed)
    finally:
        await again.close()


async def test_a_new_device_of_a_person_reads_the_next_answer(
    make_bot: MakeBot, people: People, synapse: Synapse
) -> None:
    """Nobody has to trust it first."""
    bot, ann = await make_bot(), await people.encrypted("ann")
    room = await met(bot, ann)
    await bot.say(room, "first")
    login = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": ann.id},
        "password": ann.account.password,
    }
    made = await synapse.call("POST", "/_matrix/client/v3/login", login)
    account = type(ann.account)(ann.id, made["device_id"], made["access_token"], ann.account.password)
    phone = await people.encrypted(account=account)
    await phone.until(lambda: room in phone.nio.rooms)
    await bot.sync()

    answer, _ = await bot.say(room, "second")

    assert "second" == (await sees(phone, room, answer))["content"]["body"]


async def test_who_has_left_gets_no_key_of_what_follows_also_when_it_was_not_seen(
    make_bot: MakeBot, people: People
) -> None:
    """A gap in the timeline may hide it."""
    bot, ann, bob = await make_bot(), await people.encrypted("ann"), await people.encrypted("bob")
    room = await met(bot, ann, bob)
    await bot.say(room, "to both")
    olm = bot.client.nio.olm
    before = olm.outbound_group_sessions[room].id
    await bob.leave(room)
    bot.encryption.forget_members(room)

    await bot.say(room, "to ann")

    reached = olm.outbound_group_sessions[room].users_shared_with
    assert before != olm.outbound_group_sessions[room].id
    assert {ann.id} == {user for user, _ in reached} - {bot.account.user}


async def test_encryption_that_is_switched_on_between_two_messages_holds(make_bot: MakeBot, people: People) -> None:
    """Though the bot has not synced since."""
    bot, ann = await make_bot(), await people.encrypted("ann")
    room = await met(bot, ann, encrypted=False)
    _, before = await bot.say(room, "the placeholder")
    await ann.encrypt(room)
    answer, after = await bot.say(room, "the answer")

    assert ("m.room.message", "m.room.encrypted") == (before, after)
    assert "the answer" == (await sees(ann, room, answer))["content"]["body"]


async def test_a_room_that_the_library_does_not_know_is_not_written_to_in_plain(
    make_bot: MakeBot, people: People
) -> None:
    """As before the first sync, or when its memory is gone."""
    bot, ann = await make_bot(), await people.encrypted("ann")
    room = await met(bot, ann)
    bot.client.nio.rooms.clear()
    bot.client.nio.encrypted_rooms.clear()

    answer, kind = await bot.say(room, "the answer")

    assert "m.room.encrypted" == kind
    assert "the answer" == (await sees(ann, room, answer))["content"]["body"]


async def test_a_message_whose_key_did_not_come_is_said_once_and_answered_when_it_comes(
    make_bot: MakeBot, people: People
) -> None:
    """Days later, after a restart."""
    bot, ann = await make_bot(), await people.encrypted("ann")
    room = await met(bot, ann)
    await ann.say(room, "so that they have a channel")
    ann.nio.olm.create_outbound_group_session(room)
    ann.nio.olm.outbound_group_sessions[room].mark_as_shared()  # it is not
    event = await ann.say(room, "hello")
    await bot.sync()
    bot.clock.move(60)
    await bot.sync()
    again = await bot.restart()
    again.clock.move(3 * 24 * 3_600)
    await again.sync()
    await sends_key_again(ann, bot, room)
    try:
        assert "hello" == await hears(again, event)
    finally:
        await again.close()
    assert ["no_key"] == [told.reason for told in bot.told if isinstance(told, Unreadable)]
    assert [] == again.told


async def sends_key_again(user: EncryptedUser, bot: Bot, room: str) -> None:
    """What other programs do when they are asked for a key."""
    olm = user.nio.olm
    own = olm.account.identity_keys["curve25519"]
    session = olm.inbound_group_store.get(room, own, olm.outbound_group_sessions[room].id)
    content = {
        "algorithm": "m.megolm.v1.aes-sha2",
        "room_id": room,
        "session_id": session.id,
        "session_key": session.export_session(0),
        "sender_key": own,
        "sender_claimed_ed25519_key": session.ed25519,
        "forwarding_curve25519_key_chain": [],
    }
    (device,) = olm.device_store.active_user_devices(bot.account.user)
    sealed = olm._olm_encrypt(olm.session_store.get(device.curve25519), device, "m.forwarded_room_key", content)
    body = {"messages": {bot.account.user: {device.id: sealed}}}
    await user.call("PUT", "v3/sendToDevice/m.room.encrypted/again", body)


async def test_the_device_is_signed_at_first_and_stays_so(make_bot: MakeBot) -> None:
    """Without a password, on a server that takes a first identity so."""
    bot = await make_bot()
    first = await bot.encryption.show()
    again = await bot.restart()
    try:
        second = await again.encryption.show()
    finally:
        await again.close()

    assert (State.SIGNED, State.SIGNED) == (first.standing.state, second.standing.state)
    assert first.fingerprint == second.fingerprint


async def test_with_encryption_off_nothing_is_sent_and_it_is_said(make_bot: MakeBot, people: People) -> None:
    """Once, at once."""
    bot, ann = await make_bot(encryption=False), await people.encrypted("ann")
    room = await met(bot, ann)
    await ann.say(room, "hello?")
    await ann.say(room, "hello!")
    await bot.sync()
    await bot.sync()

    assert ["unencryptable"] == [told.reason for told in bot.told if isinstance(told, Unreadable)]
    with pytest.raises(Exception, match=r"matrix\.encryption is off"):
        await bot.say(room, "hi")
