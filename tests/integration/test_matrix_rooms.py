"""Rooms on a real Synapse: invitations, rights, direct chats, upgrades, and what becomes of a room."""

import pytest

from adapters.chat import Addressed, Deleted, Edited, Rated
from tests.fakes.matrix_ear import Ear, Remembered, ear
from tests.fakes.matrix_people import People, User
from tests.fakes.synapse import Synapse

pytestmark = pytest.mark.synapse


async def meet(person: User, bot: Ear, **more: object) -> str:
    """A room with both; the bot came by invitation."""
    room = await person.make_room(invite=[bot.user], **more)  # type: ignore[arg-type]
    await bot.changed(room, "joined")
    return room


def is_in(bot: Ear, room: str, person: User) -> bool:
    """Whether the bot has heard that somebody is in a room."""
    member = bot.reading.state(room).members.get(person.id)
    return member is not None and member.membership == "join"


async def test_an_invitation_from_the_list_is_accepted(people: People, synapse: Synapse) -> None:
    """Who invited is told, and the room is known by its name."""
    ada, account = await people.plain("ada"), await synapse.register("bot")
    async with ear(account, synapse.url) as bot:
        room = await ada.make_room("Parcels", invite=[bot.user])
        joined = await bot.changed(room, "joined")
        facts = await bot.describe(room)
        await bot.settle()

        assert joined.sender is not None
        assert (ada.id, "Parcels", "group", False) == (joined.sender.id, facts.title, facts.kind, facts.is_public)
        assert {} == await bot.remembered.notes.under("invitation/")


async def test_an_invitation_from_others_is_refused(people: People, synapse: Synapse) -> None:
    """The bot leaves, and nothing is told; the person sees that it did."""
    ada, eve, account = await people.plain("ada"), await people.plain("eve"), await synapse.register("bot")
    async with ear(account, synapse.url, invite_from=[ada.id]) as bot:
        room = await eve.make_room("Trap", invite=[bot.user])
        await bot.until(lambda: bot.remembered.notes.kept)
        await bot.settle()
        members = {one["state_key"]: one["content"] for one in await eve.state(room) if one["type"] == "m.room.member"}

        assert "leave" == members[bot.user]["membership"]
        assert {} == bot.remembered.told


async def test_an_invitation_that_came_while_we_were_down_is_answered(people: People, synapse: Synapse) -> None:
    """By the next sync, and one that was noted only by the notes."""
    ada, account = await people.plain("ada"), await synapse.register("bot")
    kept = Remembered()
    async with ear(account, synapse.url, kept):
        pass
    first = await ada.make_room("First", invite=[account.user])
    second = await ada.make_room("Second", invite=[account.user])
    async with ear(account, synapse.url, kept) as bot:
        await bot.changed(first, "joined")
        await bot.changed(second, "joined")
    third = await ada.make_room("Third", invite=[account.user])
    await kept.notes.put(f"invitation/{third}", {"act": "join", "via": "localhost"})
    async with ear(account, synapse.url, kept) as bot:
        await bot.rooms.invites.resume()
        await bot.changed(third, "joined")


async def test_a_space_is_neither_joined_nor_refused(people: People, synapse: Synapse) -> None:
    """It is a list of rooms; whoever runs the account may join it by hand."""
    ada, account = await people.plain("ada"), await synapse.register("bot")
    async with ear(account, synapse.url) as bot:
        space = await ada.make_room("Space", invite=[bot.user], creation_content={"type": "m.space"})
        room = await meet(ada, bot)
        await bot.settle()
        members = {one["state_key"]: one["content"] for one in await ada.state(space) if one["type"] == "m.room.member"}

        assert "invite" == members[bot.user]["membership"]
        assert room != space


async def test_a_direct_chat_is_heard_as_one_until_a_third_person_comes(people: People, synapse: Synapse) -> None:
    """Also when it has a name, if it was begun as one; a restart changes nothing."""
    ada, bob, account = await people.plain("ada"), await people.plain("bob"), await synapse.register("bot")
    kept = Remembered()
    async with ear(account, synapse.url, kept) as bot:
        nameless = await meet(ada, bot)
        named = await meet(ada, bot, name="Ada and the bot", is_direct=True)
        group = await meet(ada, bot, name="Two, for now")
        heard = [await bot.said(room, await ada.say(room, "where?")) for room in (nameless, named, group)]

        assert [Addressed.PRIVATE, Addressed.PRIVATE, Addressed.AMBIENT] == [one.addressed for one in heard]
    async with ear(account, synapse.url, kept) as bot:
        again = await bot.said(named, await ada.say(named, "and who?"))
        kind = (await bot.describe(named)).kind
        await ada.invite(named, bob.id)
        await bot.until(lambda: ("visibility", "group") in kept.changes(named))
        later = await bot.said(named, await ada.say(named, "lunch?"))

        assert (Addressed.PRIVATE, "private", Addressed.AMBIENT) == (again.addressed, kind, later.addressed)
        assert "group" == (await bot.describe(named)).kind


@pytest.mark.parametrize("version", ["11", "12"])
async def test_rights_follow_the_rooms_own_rules(people: People, synapse: Synapse, version: str) -> None:
    """The creator administers, since version 12 without a level of their own; a change counts at once."""
    ada, bob, account = await people.plain("ada"), await people.plain("bob"), await synapse.register("bot")
    async with ear(account, synapse.url) as bot:
        room = await meet(ada, bot, name="Team", room_version=version)
        await ada.invite(room, bob.id)
        before = (await bot.rights(room, bob.id)).is_member
        await bob.join(room)
        await bot.until(lambda: is_in(bot, room, bob))
        found = [await bot.rights(room, who) for who in (ada.id, bob.id)]
        levels = next(one["content"] for one in await ada.state(room) if one["type"] == "m.room.power_levels")
        told = [kind for kind, _ in bot.remembered.changes(room)].count("rights")
        await ada.set_state(room, "m.room.power_levels", {**levels, "users": {**levels["users"], bob.id: 50}})
        await bot.until(lambda: [kind for kind, _ in bot.remembered.changes(room)].count("rights") > told)
        promoted = await bot.rights(room, bob.id)

        assert [(True, True), (False, True), (True, True)] == [
            (one.is_room_admin, one.is_member) for one in (*found, promoted)
        ]
        assert not before
        assert (version == "12") == (ada.id not in levels["users"])


async def test_whoever_left_has_no_rights(people: People, synapse: Synapse) -> None:
    """Whatever level they have left behind."""
    ada, bob, account = await people.plain("ada"), await people.plain("bob"), await synapse.register("bot")
    async with ear(account, synapse.url) as bot:
        room = await meet(ada, bot, name="Team", room_version="11")
        await ada.invite(room, bob.id)
        await bob.join(room)
        await ada.leave(room)
        await bot.until(lambda: ada.id not in bot.reading.state(room).members)
        rights = await bot.rights(room, ada.id)

        assert (False, False) == (rights.is_room_admin, rights.is_member)


async def test_kick_ban_and_return_are_told(people: People, synapse: Synapse) -> None:
    """Each with who did it, by an event of its own."""
    ada, account = await people.plain("ada"), await synapse.register("bot")
    async with ear(account, synapse.url) as bot:
        room = await meet(ada, bot, name="Team")
        await ada.remove(room, bot.user)
        await bot.until(lambda: ("left", "kicked") in bot.remembered.changes(room))
        await ada.invite(room, bot.user)
        await bot.until(lambda: [kind for kind, _ in bot.remembered.changes(room)].count("joined") == 2)
        await ada.remove(room, bot.user, how="ban")
        await bot.until(lambda: ("left", "banned") in bot.remembered.changes(room))


async def test_what_becomes_of_a_room_is_told(people: People, synapse: Synapse) -> None:
    """A name, everybody's way in, and encryption, which is noted for ever."""
    ada, account = await people.plain("ada"), await synapse.register("bot")
    async with ear(account, synapse.url) as bot:
        room = await meet(ada, bot, name="Team")
        bot.remembered.told.clear()
        await ada.set_state(room, "m.room.name", {"name": "Crew"})
        await ada.set_state(room, "m.room.join_rules", {"join_rule": "public"})
        await ada.encrypt(room)
        await bot.changed(room, "encryption")
        facts = await bot.describe(room)

        assert [("renamed", "Crew"), ("visibility", "public"), ("encryption", "")] == bot.remembered.changes(room)
        assert ("Crew", True, True) == (facts.title, facts.is_public, facts.is_encrypted)
        assert await bot.remembered.notes.get(f"encrypted/{room}")


@pytest.mark.parametrize("version", ["11", "12"])
async def test_an_upgrade_is_followed_by_invitation(people: People, synapse: Synapse, version: str) -> None:
    """The new room of a private one is closed to us until somebody asks us in, whoever may invite otherwise."""
    ada, account = await people.plain("ada"), await synapse.register("bot")
    kept = Remembered()
    async with ear(account, synapse.url, kept) as bot:
        old = await meet(ada, bot, name="Team", room_version=version)
    async with ear(account, synapse.url, kept, invite_from=["elsewhere.example"]) as bot:
        new = await ada.upgrade(old, "12")
        await bot.until(lambda: bot.reading.state(old).tombstone)
        before = kept.changes(old)
        await ada.invite(new, bot.user)
        moved = await bot.changed(old, "moved_to")
        late = await ada.say(old, "!help")
        asked = await bot.said(new, await ada.say(new, "!help"))

        assert "moved_to" not in [kind for kind, _ in before]
        assert (new, "/help", Addressed.COMMAND) == (moved.detail, asked.text, asked.addressed)
        assert [] == kept.changes(new)
        assert late not in {one.message_id for one in kept.messages(old)}


async def test_an_upgrade_of_a_public_room_is_followed_at_once(people: People, synapse: Synapse) -> None:
    """Nobody needs to ask us in, and told again after a restart it is the same event."""
    ada, account = await people.plain("ada"), await synapse.register("bot")
    kept = Remembered()
    async with ear(account, synapse.url, kept) as bot:
        old = await meet(ada, bot, name="Open", preset="public_chat")
        since, inside = kept.since, dict(kept.inside)
        new = await ada.upgrade(old, "12")
        moved = await bot.changed(old, "moved_to")
        await bot.settle()
        kept.since, kept.inside = since, inside
    told = list(kept.told)
    async with ear(account, synapse.url, kept) as bot:
        await bot.hear()

        assert new == moved.detail
        assert told == list(kept.told)
        assert {} == await kept.notes.under("invitation/")


async def test_a_tombstone_that_points_to_a_strange_room_is_not_followed(people: People, synapse: Synapse) -> None:
    """The bot looks in, sees that it is another room, and leaves without a word."""
    ada, account = await people.plain("ada"), await synapse.register("bot")
    async with ear(account, synapse.url) as bot:
        old = await meet(ada, bot, name="Team")
        strange = await ada.make_room("Strange", preset="public_chat")
        await ada.set_state(old, "m.room.tombstone", {"replacement_room": strange, "body": "go"})
        await bot.until(lambda: bot.reading.state(old).tombstone)
        await bot.settle()
        await bot.hear()
        hello = await bot.said(old, await ada.say(old, "!help"))

        assert "" == await bot.membership(strange)
        assert [] == bot.remembered.changes(strange)
        assert "/help" == hello.text


async def test_a_room_that_claims_to_replace_ours_does_not(people: People, synapse: Synapse) -> None:
    """Anybody can say so of their own room."""
    ada, eve, account = await people.plain("ada"), await people.plain("eve"), await synapse.register("bot")
    async with ear(account, synapse.url) as bot:
        old = await meet(ada, bot, name="Team")
        claimed = await meet(eve, bot, name="Team", creation_content={"predecessor": {"room_id": old}})

        assert [("joined", "")] == bot.remembered.changes(claimed)
        assert "moved_to" not in [kind for kind, _ in bot.remembered.changes(old)]


async def test_who_answered_whom_is_asked_after_a_restart(people: People, synapse: Synapse) -> None:
    """Answers, threads, edits and thumbs of messages from before: memory is empty then."""
    ada, account = await people.plain("ada"), await synapse.register("bot")
    ours = User(account, synapse.url)
    kept = Remembered()
    async with ours, ear(account, synapse.url, kept) as bot:
        room = await meet(ada, bot, name="Team")
        answer = await ours.say(room, "An answer")
        root = await ada.say(room, "Roomwise: where?", mention=bot.user)
        await ours.say(room, "There.", thread=root)
        other = await ada.say(room, "lunch?")
        await bot.said(room, other)
    async with ear(account, synapse.url, kept) as bot:
        reply = await bot.said(room, await ada.say(room, "why?", reply_to=answer))
        in_thread = await bot.said(room, await ada.say(room, "and when?", thread=root))
        elsewhere = await bot.said(room, await ada.say(room, "yes", thread=other))
        edit = await ada.edit(room, root, "Roomwise: who?", **{"m.mentions": {"user_ids": [bot.user]}})
        thumb = await ada.react(room, answer, "👍")
        await bot.until(lambda: thumb in kept.told)

        assert [Addressed.REPLY, Addressed.THREAD, Addressed.AMBIENT] == [
            one.addressed for one in (reply, in_thread, elsewhere)
        ]
        edited, rated = kept.told[edit], kept.told[thumb]
        assert isinstance(edited, Edited)
        assert isinstance(rated, Rated)
        assert (root, Addressed.MENTION, 1) == (edited.message_id, edited.addressed, rated.value)


async def test_a_thumb_is_taken_back_after_a_restart(people: People, synapse: Synapse) -> None:
    """The reaction's id is in the notes; what takes back a message is another thing."""
    ada, account = await people.plain("ada"), await synapse.register("bot")
    ours = User(account, synapse.url)
    kept = Remembered()
    async with ours, ear(account, synapse.url, kept) as bot:
        room = await meet(ada, bot, name="Team")
        answer, question = await ours.say(room, "An answer"), await ada.say(room, "!ask where?")
        thumb = await ada.react(room, answer, "👍")
        await bot.until(lambda: thumb in kept.told)
    async with ear(account, synapse.url, kept) as bot:
        gone, taken = await ada.redact(room, thumb), await ada.redact(room, question)
        await bot.until(lambda: taken in kept.told)
        back, deleted = kept.told[gone], kept.told[taken]

        assert isinstance(back, Rated)
        assert isinstance(deleted, Deleted)
        assert (None, answer, ada.id, question) == (back.value, back.message_id, back.sender.id, deleted.message_id)


async def test_a_question_of_a_gap_that_was_edited_is_asked_once(people: People, synapse: Synapse) -> None:
    """The server sends the edit along with it, and then the edit by itself; only who wrote it may edit it."""
    ada, bob, account = await people.plain("ada"), await people.plain("bob"), await synapse.register("bot")
    async with ear(account, synapse.url) as bot:
        room = await meet(ada, bot, name="Team")
        await ada.invite(room, bob.id)
        await bob.join(room)
        await bot.until(lambda: is_in(bot, room, bob))
        question = await ada.say(room, "!ask wher?")
        await ada.edit(room, question, "!ask where?")
        await bob.edit(room, question, "!ask who?")
        page = await bot.client.call("GET", f"/rooms/{room}/messages", query={"dir": "b", "limit": "3"})
        await bot.read(room, page["chunk"][::-1])

        assert ["/ask where?"] == [one.text for one in bot.remembered.messages(room)]
        assert [] == [one for one in bot.remembered.told.values() if isinstance(one, Edited)]


@pytest.mark.parametrize("version", ["10", "11", "12"])
async def test_a_question_is_taken_back_in_rooms_of_every_age(people: People, synapse: Synapse, version: str) -> None:
    """Where a redaction says what it takes back has changed with version 11."""
    ada, account = await people.plain("ada"), await synapse.register("bot")
    kept = Remembered()
    async with ear(account, synapse.url, kept) as bot:
        room = await meet(ada, bot, name="Team", room_version=version)
        question = await ada.say(room, "!ask where?")
        await bot.said(room, question)
        gone = await ada.redact(room, question)
        await bot.until(lambda: gone in kept.told)
        deleted = kept.told[gone]

        assert isinstance(deleted, Deleted)
        assert question == deleted.message_id
