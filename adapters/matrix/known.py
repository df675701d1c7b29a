"""What is remembered of the last messages, in memory: what later events leave out.

An answer does not say whose message it answers, a thread not who spoke in it, and an edit or a reaction not in which
thread its message stands. What is not remembered is asked of the server (`lookups`), once.
"""

from dataclasses import dataclass
from typing import Final

from adapters.chat import Addressed
from adapters.last import Last


@dataclass(frozen=True, slots=True)
class Seen:
    """A message: who wrote it, in which thread it stands, how it concerned us, and whether it only edits another."""

    sender: str
    thread: str | None = None
    addressed: Addressed = Addressed.AMBIENT
    is_edit: bool = False


NOBODY: Final = Seen("")
"""A message that the server does not have, or does not show us."""


class Known:
    """The last messages and threads of all rooms. Ids count inside their room only: old rooms' may be made up."""

    def __init__(self) -> None:
        self._seen: Last[tuple[str, str], Seen] = Last()
        self._threads: Last[tuple[str, str], bool] = Last()
        self._texts: Last[tuple[str, str], tuple[int, str]] = Last()

    def seen(self, room: str, message: str) -> Seen | None:
        """What is remembered of a message."""
        return self._seen.get((room, message))

    def keep(self, room: str, message: str, seen: Seen) -> None:
        """Remember a message."""
        self._seen.keep((room, message), seen)

    def is_our_thread(self, room: str, root: str) -> bool | None:
        """Whether we said something in a thread; None when that is not remembered."""
        return self._threads.get((room, root))

    def keep_thread(self, room: str, root: str, *, is_ours: bool) -> None:
        """Remember whether we said something in a thread. Once we did, it stays so."""
        self._threads.keep((room, root), is_ours or bool(self._threads.get((room, root))))

    def is_said(self, room: str, message: str, text: str, *, by: str) -> bool:
        """Whether a message has this text already, told by an earlier event than `by`; then it is remembered."""
        before, told_by = self._texts.get((room, message), (0, by))
        if before == hash(text) and told_by != by:
            return True
        self._texts.keep((room, message), (hash(text), by))
        return False
