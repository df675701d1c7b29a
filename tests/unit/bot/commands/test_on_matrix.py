"""What commands say on a network whose ids hold colons, whose commands begin with "!" and that tells three facts."""

from dataclasses import replace

import pytest

from adapters.chat import Abilities
from bot.errors import UserError
from bot.rights import Role
from bot.state.queries import people
from bot.typed import as_typed
from config.texts import say
from tests.fakes.house import Typing

MATRIX = Abilities(has_buttons=False, command_sign="!")
FACTS = {
    "device": "signed by its account",
    "keys": "stored; last backup 2026-02-28 03:00 UTC",
    "unreadable in 24 h": "2",
}


async def test_an_admin_sees_the_three_facts_of_encryption(house: Typing) -> None:
    """Each on a line of its own, below the network's."""
    house.chat.abilities, house.chat.known = MATRIX, FACTS
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)

    said = await house.says("/status", room=room, person=ada)

    assert [True] * 3 == [f"  - {name}: {value}" in said.splitlines() for name, value in FACTS.items()]


async def test_a_claim_in_a_direct_chat_makes_an_owner(house: Typing) -> None:
    """In a room with others the code dies."""
    house.chat.abilities = MATRIX
    alone, group, ada = await house.room("!a", kind="private"), await house.room("!b"), await house.person()
    first, second = [await house.house.people.make_claim(now=house.now) for _ in range(2)]

    with pytest.raises(UserError, match=r"claim\.in_group"):
        await house.types(f"/claim {first}", room=group, person=ada)
    with pytest.raises(UserError, match=r"claim\.wrong"):
        await house.types(f"/claim {first}", room=alone, person=ada)
    assert say("claim.done", "en") == await house.says(f"/claim {second}", room=alone, person=ada)


async def test_a_role_is_given_to_an_id_with_colons(house: Typing) -> None:
    """Only the first colon parts the network from the id."""
    house.chat.abilities = MATRIX
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)
    bob = await house.person("Bob")
    await house.db.write(lambda session: people.link(session, bob.id, "matrix", "@bob:example.org:8448"))

    said = await house.says("/role grant matrix:@bob:example.org:8448 member", room=room, person=ada)

    assert "Bob is now member" in said


async def test_help_names_commands_as_they_are_typed_there(house: Typing) -> None:
    """Every one of its lines, and how to ask."""
    house.chat.abilities = MATRIX
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)

    shown = as_typed(replace(await house.types("/help", room=room, person=ada)), MATRIX).markdown

    assert "`/" not in shown
    assert "`!source add" in shown
    assert "`!ask`" in shown
