"""Commands for the files that people sent."""

from dataclasses import replace

import pytest

from adapters.chat import Attachment
from bot.errors import UserError
from bot.rights import Role
from bot.state.tables import Person, Project, Room
from config.texts import say
from pipelines.stores.passages import Scope
from tests.fakes.house import Typing, confirming


async def _sent(house: Typing, name: str, *, room: Room, person: Person) -> None:
    house.chat.files[name] = b"# Canary\n\nThe word is xylophonist.\n"
    event = await house.context("", room=room, person=person)
    files = (Attachment(name, name, "text/plain", 10),)
    await house.house.uploads.take(replace(event, message=replace(event.message, attachments=files)))


async def _finds(house: Typing, project: Project, room: Room | None) -> int:
    scope = Scope(room=room.id if room else None)
    return len(await house.store.keywords(project.id, "xylophonist", scope=scope, limit=5))


async def test_who_sent_a_file_removes_it(house: Typing) -> None:
    """After his yes nothing of it is found, and its content is gone from the data folder."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.MEMBER, project=project.id)
    await _sent(house, "notes.md", room=room, person=ada)
    assert say("file.here", "en", name="notes.md") in await house.says("/file list", room=room, person=ada)

    asked = await house.types("/file remove NOTES.md", room=room, person=ada)
    assert say("file.remove_confirm", "en", name="notes.md") == asked.markdown
    assert 1 == await _finds(house, project, room)
    done = await house.press(confirming(asked)[0], room=room, person=ada)

    assert done is not None
    assert say("file.removed", "en", name="notes.md") == done.markdown
    assert 0 == await _finds(house, project, room)
    assert say("source.share_empty", "en") == await house.says("/file list", room=room, person=ada)


async def test_others_may_not_remove_it_but_an_admin_may(house: Typing) -> None:
    """A file is its sender's; the admin of the project answers for what is found in it."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.MEMBER, project=project.id)
    bob = await house.person("Bob", role=Role.MEMBER, project=project.id)
    eve = await house.person("Eve", role=Role.ADMIN, project=project.id)
    await _sent(house, "notes.md", room=room, person=ada)

    with pytest.raises(UserError, match=r"file\.not_yours"):
        await house.types("/file remove notes.md", room=room, person=bob)
    asked = await house.types("/file remove notes.md", room=room, person=eve)
    await house.press(confirming(asked)[0], room=room, person=eve)

    assert 0 == await _finds(house, project, room)


async def test_a_shared_file_is_listed_and_removed_for_everybody(house: Typing) -> None:
    """The question says that it is not only this room's any more."""
    project = await house.project()
    room, eve = await house.room(project=project.id), await house.person("Eve", role=Role.ADMIN, project=project.id)
    other = await house.room("other", project=project.id)
    await _sent(house, "notes.md", room=room, person=eve)
    await house.press(
        confirming(await house.types("/source share notes.md", room=room, person=eve))[0], room=room, person=eve
    )
    assert say("file.shared", "en", name="notes.md") in await house.says("/file list", room=other, person=eve)

    asked = await house.types("/file remove notes.md", room=other, person=eve)
    assert say("file.remove_shared_confirm", "en", name="notes.md", project="Handbook") == asked.markdown
    await house.press(confirming(asked)[0], room=other, person=eve)

    assert 0 == await _finds(house, project, None)


async def test_a_file_of_another_room_is_not_known(house: Typing) -> None:
    """Neither its name nor that it exists."""
    project = await house.project()
    room, eve = await house.room(project=project.id), await house.person("Eve", role=Role.ADMIN, project=project.id)
    other = await house.room("other", project=project.id)
    await _sent(house, "notes.md", room=room, person=eve)

    with pytest.raises(UserError, match=r"source\.share_empty"):
        await house.types("/file remove notes.md", room=other, person=eve)
