"""Files from encrypted rooms: nothing is fetched before somebody there has agreed."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.chat import Abilities, Attachment, Reply
from bot.errors import UserError
from bot.rights import Role
from bot.state.tables import Person, Project, Room
from bot.typed import as_typed
from config.texts import say
from pipelines.stores.passages import Scope
from tests.fakes.house import Typing, open_house

TYPING = Abilities(has_buttons=False, command_sign="!")
NOTES = Attachment("notes.md", "notes.md", "text/plain", 10)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Typing]:
    """The commands and all that they steer, on a network without buttons."""
    async with open_house(tmp_path) as opened:
        opened.chat.abilities = TYPING
        opened.chat.files["notes.md"] = b"# Canary\n\nThe word is xylophonist.\n"
        yield opened


async def _encrypted(house: Typing, *, kind: str = "group") -> tuple[Project, Room, Person]:
    project = await house.project()
    room = await house.room(project=project.id, kind=kind, is_encrypted=True)
    return project, room, await house.person(role=Role.MEMBER, project=project.id)


async def _send(house: Typing, *files: Attachment, room: Room, person: Person, text: str = "") -> Reply:
    event = await house.context(text, room=await house.at(room), person=person)
    said = await house.house.uploads.take(replace(event, message=replace(event.message, attachments=files)))
    assert said is not None
    return said


async def _finds(house: Typing, project: Project, room: Room) -> int:
    return len(await house.store.keywords(project.id, "xylophonist", scope=Scope(room=room.id), limit=5))


async def test_an_encrypted_room_is_asked_before_anything_is_fetched(house: Typing) -> None:
    """The question names the file and says where its text will lie; what to type stands below it."""
    project, room, ada = await _encrypted(house)

    asked = await _send(house, NOTES, room=room, person=ada)

    assert say("upload.ask", "en", names="'notes.md'") == asked.markdown
    assert "`!yes always`" in as_typed(asked, TYPING).markdown
    assert [] == house.chat.verbs
    assert 0 == await _finds(house, project, room)


async def test_yes_takes_this_file_and_the_next_is_asked_about_again(house: Typing) -> None:
    """It is indexed for its room."""
    project, room, ada = await _encrypted(house)
    await _send(house, NOTES, room=room, person=ada)

    done = await house.says("/yes", room=room, person=ada)

    assert say("upload.indexed", "en", name="notes.md", passages=1) == done
    assert 1 == await _finds(house, project, room)
    assert (await _send(house, NOTES, room=room, person=ada)).buttons


async def test_no_and_silence_fetch_nothing(house: Typing) -> None:
    """A yes after the no, or after two minutes, comes too late."""
    _, room, ada = await _encrypted(house)
    await _send(house, NOTES, room=room, person=ada)
    await house.says("/no", room=room, person=ada)
    with pytest.raises(UserError, match=r"confirm\.answered_already"):
        await house.types("/yes", room=room, person=ada)
    house.now += timedelta(seconds=1)
    await _send(house, NOTES, room=room, person=ada)
    house.now += timedelta(minutes=2)

    with pytest.raises(UserError, match=r"confirm\.expired"):
        await house.types("/yes", room=room, person=ada)
    assert [] == house.chat.verbs


async def test_an_administrator_of_the_room_says_it_for_always(house: Typing) -> None:
    """From then on files are taken at once, until the setting asks again."""
    project, room, ada = await _encrypted(house)
    await _send(house, NOTES, room=room, person=ada)

    done = await house.says("/yes always", room=room, person=ada, is_room_admin=True)

    assert done.endswith(say("upload.always", "en"))
    assert not (await _send(house, NOTES, room=room, person=ada)).buttons
    await house.types("/settings files ask", room=await house.at(room), person=ada, is_room_admin=True)
    assert (await _send(house, NOTES, room=room, person=ada)).buttons
    assert 1 == await _finds(house, project, room)


async def test_who_steers_nothing_cannot_say_it_for_always(house: Typing) -> None:
    """The file is taken, since that much he may; the next is asked about, and he is told why."""
    _, room, ada = await _encrypted(house)
    await _send(house, NOTES, room=room, person=ada)

    done = await house.says("/yes always", room=room, person=ada)

    assert done.endswith(say("upload.always_refused", "en"))
    assert (await _send(house, NOTES, room=room, person=ada)).buttons


async def test_alone_with_us_everybody_says_it_for_himself(house: Typing) -> None:
    """Nobody else reads along there."""
    _, room, ada = await _encrypted(house, kind="private")
    await _send(house, NOTES, room=room, person=ada)

    assert (await house.says("/yes always", room=room, person=ada)).endswith(say("upload.always", "en"))


async def test_another_person_does_not_agree_for_the_sender(house: Typing) -> None:
    """Nor by a word that means nothing."""
    project, room, ada = await _encrypted(house)
    bob = await house.person("Bob", role=Role.ADMIN, project=project.id)
    await _send(house, NOTES, room=room, person=ada)

    with pytest.raises(UserError, match=r"confirm\.not_yours"):
        await house.types("/yes", room=room, person=bob)
    with pytest.raises(UserError, match=r"command\.usage"):
        await house.types("/yes forever", room=room, person=ada)
    assert [] == house.chat.verbs


async def test_what_would_not_be_taken_is_refused_without_a_question(house: Typing) -> None:
    """A picture, a file that is too large: as in any room, and nothing is fetched to find out."""
    _, room, ada = await _encrypted(house)
    photo = Attachment("p", "p.jpg", "image/jpeg", 10, kind="photo")
    large = Attachment("l", "l.txt", "text/plain", 10**9)

    refused = await _send(house, photo, large, room=room, person=ada)
    mixed = await _send(house, photo, NOTES, room=room, person=ada)

    assert not refused.buttons
    assert say("upload.photo", "en") in refused.markdown
    assert mixed.buttons
    assert [True, True] == [say("upload.photo", "en") in mixed.markdown, "'notes.md'" in mixed.markdown]
    assert [] == house.chat.verbs


async def test_a_file_that_came_encrypted_is_asked_about_whatever_the_room_is_taken_for(house: Typing) -> None:
    """We may not have learned yet that its room is encrypted. A question beside it waits."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.MEMBER, project=project.id)

    asked = await _send(house, replace(NOTES, is_encrypted=True), room=room, person=ada, text="What is in it?")
    plain = await _send(house, NOTES, room=room, person=ada)

    assert asked.buttons
    assert say("upload.ask_question", "en") in asked.markdown
    assert not plain.buttons


async def test_with_buttons_the_same_is_pressed(house: Typing) -> None:
    """Yes, no and always."""
    house.chat.abilities = Abilities()
    project, room, ada = await _encrypted(house, kind="private")
    (row,) = (await _send(house, NOTES, room=room, person=ada)).buttons

    said = await house.press(row[2].data, room=room, person=ada)

    assert ["Yes, do it", "No", "Always in this room"] == [button.label for button in row]
    assert said is not None
    assert said.markdown.endswith(say("upload.always", "en"))
    assert 1 == await _finds(house, project, room)
