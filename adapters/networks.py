"""Which networks the settings name, and their adapters. Each network is imported only when it is used."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.network import AdapterState, ChatAdapter, Sealing
from config.settings import Settings


@dataclass(frozen=True, slots=True)
class Around:
    """What the networks find around them.

    `notes` gives what is remembered for a network and an account, `spawn` starts work in the background, `folder` holds
    what a network keeps in files, a folder each, and `sealing` what of it nobody else may read.
    """

    notes: Callable[[str, str], AdapterState]
    spawn: Callable[[Coroutine[Any, Any, None]], object]
    folder: Path
    sealing: Sealing


def open_networks(settings: Settings, around: Around) -> list[ChatAdapter]:
    """Make the adapters of all networks that have an account; nothing is asked of a network yet."""
    opened: list[ChatAdapter] = []
    if settings.telegram.account:
        opened.append(_telegram(settings, around))
    if settings.matrix.account:
        opened.append(_matrix(settings, around))
    return opened


def _telegram(settings: Settings, around: Around) -> ChatAdapter:
    from adapters.telegram.adapter import TelegramAdapter
    from adapters.telegram.connection import Surroundings
    from adapters.telegram.messages import NETWORK

    state = around.notes(NETWORK, settings.telegram.account)
    return TelegramAdapter(settings.telegram, Surroundings(state, around.spawn, settings.web.public_url))


def _matrix(settings: Settings, around: Around) -> ChatAdapter:
    from adapters.matrix.adapter import MatrixAdapter
    from adapters.matrix.surroundings import NETWORK, Surroundings

    state = around.notes(NETWORK, settings.matrix.account)
    return MatrixAdapter(settings.matrix, Surroundings(state, around.spawn, around.folder, around.sealing))
