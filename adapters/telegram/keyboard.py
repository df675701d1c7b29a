"""Buttons as an inline keyboard, and what comes back when one is pressed. What comes back is anybody's to forge."""

from collections.abc import Sequence
from typing import Any, Final

from adapters.chat import Button

MAX_BYTES: Final = 64  # https://core.telegram.org/bots/api#inlinekeyboardbutton
ACTIONS: Final = frozenset("verify sources up down again cancel confirm answer_now command".split())


def keyboard(rows: Sequence[Sequence[Button]]) -> list[list[dict[str, Any]]] | None:
    """Rows of buttons as Telegram's `inline_keyboard`; None when there is none. Raises ValueError as `data_of` does."""
    lines = [[{"text": button.label, "callback_data": data_of(button)} for button in row] for row in rows if row]
    return lines or None


def data_of(button: Button) -> str:
    """A button as callback data, "action:data". Raises ValueError for what `read` would not give back."""
    data = f"{button.action}:{button.data}"
    size = len(data.encode("utf-8", "replace"))
    if size > MAX_BYTES:
        raise ValueError(f"expected at most {MAX_BYTES} bytes of callback data, got {size}: {data!r}")
    if read(data) is None:
        raise ValueError(f"expected a known action and some data for a button, got {data!r}")
    return data


def read(data: str) -> tuple[str, str] | None:
    """The action and the data that `data_of` put together; None for what is not ours."""
    action, _, what = data.partition(":")
    return (action, what) if action in ACTIONS and what else None
