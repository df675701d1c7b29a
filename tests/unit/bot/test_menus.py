"""The command menus of the networks."""

from typing import Any

import pytest

from adapters.chat import Refused, Unreachable
from bot.menus import fill_menus, keep_menus, menu, menus
from config.texts import LANGUAGES, say
from tests.fakes.chat import FakeChat
from tests.fakes.notes import Notes

SCOPES = ("private", "group", "group_admin")


class MenuChat(FakeChat):
    """A network that counts the menus it was given, and fails when a test says so."""

    async def set_commands(self, *args: Any, **more: Any) -> None:
        """Keep the menu."""
        await self._step("set_commands")
        await super().set_commands(*args, **more)


def names(scope: str) -> list[str]:
    """The words of a menu."""
    return [command.name for command in menu(scope, "en")]


def test_each_scope_shows_what_can_be_done_there() -> None:
    """Owners in private, those who ask in groups, those who steer a group besides."""
    private, group, admin = map(names, SCOPES)

    assert {"project", "source", "audit", "delete", "settings"} <= set(private)
    assert {"ask", "status", "cancel", "reset", "help", "privacy", "developer_info"} <= set(group)
    assert not {"answer", "settings", "digest", "role", "audit", "delete"} & set(group)
    assert {"answer", "settings", "digest", "guests", "unmute"} | set(group) <= set(admin)
    assert "audit" not in admin
    assert all("ask" == words[0] for words in (private, group, admin))


@pytest.mark.parametrize("scope", SCOPES)
def test_commands_of_two_words_stand_once_by_their_first(scope: str) -> None:
    """Typed alone it offers the others; secret words are not told."""
    words = names(scope)

    assert len(words) == len(set(words))
    assert all(" " not in word for word in words)
    assert not {"claim", "join", "start"} & set(words)


def test_menus_speak_each_language_and_have_one_for_all_others() -> None:
    """Whoever speaks none of ours gets the language of the settings."""
    every = {(scope, language): commands for scope, language, commands in menus("de")}

    assert {(scope, language) for scope in SCOPES for language in ("", *LANGUAGES)} == set(every)
    assert every["group", ""] == every["group", "de"]
    assert say("command.status", "de") in {one.summary for one in every["group", "de"]}
    assert say("command.status", "en") in {one.summary for one in every["group", "en"]}


async def test_menus_are_filled_in_once_and_when_they_change() -> None:
    """The network is asked nothing at the next start, unless another language or program made them different."""
    chat, notes = MenuChat(), Notes()

    assert await fill_menus(chat, notes, language="en")
    first = len(chat.verbs)
    assert not await fill_menus(chat, notes, language="en")
    assert first == len(chat.verbs) == len(chat.menus) == 9
    assert await fill_menus(chat, notes, language="de")
    assert chat.menus["group", ""] == chat.menus["group", "de"]


async def test_a_failure_is_tried_again_later() -> None:
    """All menus once more, after the pause that the network names when it is longer."""
    chat, notes, pauses = MenuChat(), Notes(), list[float]()
    chat.fail("set_commands")
    chat.fail("set_commands", Unreachable("wait", retry_after_s=700.0))

    async def wait(pause_s: float) -> None:
        assert not notes.kept
        pauses.append(pause_s)

    await keep_menus(chat, notes, language="en", sleep=wait)

    assert [30.0, 700.0] == pauses
    assert 9 == len(chat.menus)
    assert not await fill_menus(chat, notes, language="en")


async def test_a_refusal_is_no_reason_to_ask_for_ever() -> None:
    """It is logged; everything works without menus."""
    chat, notes = MenuChat(), Notes()
    chat.fail("set_commands", Refused("no"))

    await keep_menus(chat, notes, language="en")

    assert 1 == len(chat.verbs)
    assert not notes.kept
