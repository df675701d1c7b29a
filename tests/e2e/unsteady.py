"""A `roomwise` that does not know its messages on Matrix again, for test_kill_matrix.py: the control.

Each sending has another transaction id, and nothing is looked for in the room. Run as `python -m bot` is.
"""

import uuid

from adapters.matrix import looking, sending
from adapters.matrix.looking import Tried
from bot.__main__ import main


def forget() -> None:
    """Let every sending be a new one."""

    async def find(self: looking.Looking, room: str, tried: Tried) -> tuple[bool, str | None]:
        return True, None

    looking.Looking.find = find  # type: ignore[method-assign]
    sending.transaction_of = lambda device, key: uuid.uuid4().hex  # type: ignore[attr-defined]


if __name__ == "__main__":
    forget()
    main()
