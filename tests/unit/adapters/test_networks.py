"""Which networks the settings open."""

from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from adapters.network import ChatAdapter, Inviting, PushedTo
from adapters.networks import Around, open_networks
from bot.state.vault import Vault
from config.load import default_values
from config.settings import Settings
from tests.fakes.notes import Notes


def opened(token: str = "", matrix: str = "") -> tuple[list[ChatAdapter], list[tuple[str, str]]]:
    """The adapters, and for which accounts notes were asked for."""
    defaults = default_values()
    given = {**defaults, "data_dir": Path(), "telegram": {**defaults["telegram"], "token": token}}
    given["matrix"] = {**defaults["matrix"], "user": matrix}
    asked: list[tuple[str, str]] = []

    def notes(network: str, account: str) -> Notes:
        asked.append((network, account))
        return Notes()

    def spawn(work: Coroutine[Any, Any, None]) -> None:
        work.close()
        pytest.fail("nothing may start before a network is listened to")

    around = Around(notes, spawn, Path(), Vault([Fernet.generate_key().decode()]))
    return open_networks(Settings.model_validate(given), around), asked


def test_without_an_account_no_network_is_opened() -> None:
    """The web chat is none of these."""
    assert ([], []) == opened()


async def test_a_token_opens_telegram_under_the_id_of_its_bot() -> None:
    """Which also takes pushes and makes links."""
    (adapter,), asked = opened("123456:" + "A" * 35)
    await adapter.close()

    assert ("telegram", "123456") == (adapter.network, adapter.account)
    assert [("telegram", "123456")] == asked
    assert isinstance(adapter, PushedTo)
    assert isinstance(adapter, Inviting)
    assert "" == adapter.invitation("code", to_group=False)


async def test_a_user_id_opens_matrix_and_stands_beside_telegram() -> None:
    """Nothing is asked of a server before it is listened to."""
    adapters, asked = opened("123456:" + "A" * 35, "@roomwise:example.org")
    for adapter in adapters:
        await adapter.close()

    assert [("telegram", "123456"), ("matrix", "@roomwise:example.org")] == asked
    assert asked == [(adapter.network, adapter.account) for adapter in adapters]
    assert not isinstance(adapters[1], PushedTo | Inviting)
