"""Which networks the settings name, and their adapters. Each network is imported only when it is used."""

from collections.abc import Callable, Coroutine
from typing import Any

from adapters.network import AdapterState, ChatAdapter
from config.settings import Settings


def open_networks(
    settings: Settings,
    notes: Callable[[str, str], AdapterState],
    *,
    spawn: Callable[[Coroutine[Any, Any, None]], object],
) -> list[ChatAdapter]:
    """Make the adapters of all networks that have an account; nothing is asked of a network yet.

    `notes` gives what is remembered for a network and an account, `spawn` starts work in the background.
    """
    return [_telegram(settings, notes, spawn)] if settings.telegram.account else []


def _telegram(
    settings: Settings,
    notes: Callable[[str, str], AdapterState],
    spawn: Callable[[Coroutine[Any, Any, None]], object],
) -> ChatAdapter:
    from adapters.telegram.adapter import TelegramAdapter
    from adapters.telegram.connection import Surroundings
    from adapters.telegram.messages import NETWORK

    state = notes(NETWORK, settings.telegram.account)
    return TelegramAdapter(settings.telegram, Surroundings(state, spawn, settings.web.public_url))
