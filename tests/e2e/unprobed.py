"""A `roomwise` that does not look for messages whose sending was cut off, for test_kill_telegram.py: the control.

It sends them once more, as on a network that cannot be probed. Run as `python -m bot` is.
"""

from collections.abc import Collection

from adapters.chat import Reply, RoomAddress, Sent
from adapters.telegram.adapter import TelegramAdapter
from bot.__main__ import main


def look_nowhere() -> None:
    """Let nothing ever be found."""

    async def find(
        self: TelegramAdapter,
        room: RoomAddress,
        reply: Reply,
        *,
        key: str,
        after: str | None,
        known: Collection[str] = (),
    ) -> Sent | None:
        return None

    TelegramAdapter.find = find  # type: ignore[method-assign]


if __name__ == "__main__":
    look_nowhere()
    main()
