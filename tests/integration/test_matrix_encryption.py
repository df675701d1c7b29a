"""Our side of encrypted rooms on a real Synapse, with people on the same library as ours."""

import asyncio
import contextlib
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from adapters.chat import Unreachable, Unreadable
from adapters.matrix.crosssigning import State
from adapters.matrix.faults import LoginEnded
from adapters.matrix.login import kept_login
from bot.state.copies import copy_networks
from bot.state.vault import Vault
from tests.fakes.matrix_bot import Bot
from tests.fakes.matrix_encrypted import EncryptedUser
from tests.fakes.matrix_people import People
from tests.fakes.synapse import Account, Synapse

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


async def test_a_lost_store_makes_a_new_device_that_says_what_it_cannot_read(make_bot: MakeBot, people: People) -> None:
    """It is signed by the same identity, and goes on with what is written to it."""
    bot, ann = await make_bot(), await people.encrypted("ann")
    room = await met(bot, ann)
    await hears(bot, await ann.say(room, "before"))
    shown = await bot.encryption.show()
    await bot.close()
    missed = await ann.say(room, "while its keys were lost")
    for store in bot.folder.rglob("*.db"):
        store.unlink()

    again = await anew(bot)
    try:
        await again.sync()
        again.clock.move(60)
        later = await hears(again, await ann.say(room, "after"))
        now = await again.encryption.show()
        seen = await sees(ann, room, (await again.say(room, "the answer"))[0])
    finally:
        await again.close()

    assert ["before_us"] == [told.reason for told in again.told if isinstance(told, Unreadable)]
    assert f"{missed}/unreadable" == again.told[0].id.event
    assert ("after", "the answer", State.SIGNED) == (later, seen["content"]["body"], now.standing.state)
    assert (bot.account.device, shown.fingerprint) != (now.device, now.fingerprint)


async def test_a_store_from_a_backup_makes_a_new_device_that_reads_what_the_copy_opens(
    make_bot: MakeBot, people: People, tmp_path: Path
) -> None:
    """Its own keys are not used on, since they were used after the backup."""
    bot, ann = await make_bot(), await people.encrypted("ann")
    room = await met(bot, ann)
    event = await ann.say(room, "before")
    await hears(bot, event)
    copy = tmp_path / "copy"
    copy_networks(bot.folder, copy, "2026-03-01T12:00:00+00:00")
    await bot.say(room, "used on")
    await bot.close()
    shutil.rmtree(bot.folder)
    shutil.copytree(copy, bot.folder)

    again = await anew(bot)
    try:
        found = await again.client.call("GET", f"/rooms/{room}/event/{event}")
        ann.nio.olm.users_for_key_query.add(bot.account.user)
        read = await again.encryption.keys.read(room, found)
        later = await hears(again, await ann.say(room, "after"))
    finally:
        await again.close()

    assert read is not None
    assert ("before", "after") == (read["content"]["body"], later)
    assert again.account.device != bot.account.device


async def test_without_a_password_a_lost_store_says_what_to_do(make_bot: MakeBot) -> None:
    """And makes nothing."""
    bot = await make_bot()
    await bot.close()
    for store in bot.folder.rglob("*.db"):
        store.unlink()

    with pytest.raises(LoginEnded, match="run `roomwise matrix login`"):
        await bot.start()
    assert [] == list(bot.folder.rglob("*.db"))


async def test_a_server_that_forgot_our_device_gets_its_keys_again(make_bot: MakeBot, synapse: Synapse) -> None:
    """As when its own backup was put back."""
    bot = await make_bot()
    before = await bot.encryption.show()
    await bot.close()
    await asyncio.to_thread(synapse.stop)
    with contextlib.closing(sqlite3.connect(synapse.folder / "homeserver.db")) as database, database:
        for table in ("e2e_device_keys_json", "e2e_one_time_keys_json", "e2e_fallback_keys_json"):
            database.execute(f"DELETE FROM {table} WHERE user_id = ?", (bot.account.user,))
    await asyncio.to_thread(synapse.start)

    again = await bot.restart()
    try:
        now = await again.encryption.show()
    finally:
        await again.close()

    assert (State.SIGNED, before.fingerprint) == (now.standing.state, now.fingerprint)


async def anew(bot: Bot) -> Bot:
    """The bot started again with the password in its settings, by which it makes a new device."""

    def made(account: Account) -> Bot:
        given = {"password": bot.account.password}
        return Bot(account, bot.url, bot.folder, bot.sealing, bot.notes, bot.clock, given, since=bot.since)

    first = made(bot.account)
    with pytest.raises(Unreachable, match="a new device was made"):
        await first.start()
    kept = kept_login(first.settings, bot.folder, bot.sealing)
    assert kept is not None
    again = made(replace(bot.account, device=kept.device, token=kept.token))
    await again.start()
    return again
