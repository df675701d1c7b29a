"""Where we stand in Telegram's updates, across the sequences that their ids form. Pure.

Ids rise by one, until a bot got none for about a week: then the next id is a random one, which may be lower. Another
Bot API server counts anew as well. An event is named by its id and the number of its sequence, so that an update
never passes for one that came long ago.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

# A repeat lies a few hundred ids back at most: what is not acknowledged yet. A random new id lies millions away.
_FAR: Final = 100_000
_FORM: Final = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,9}))?")


@dataclass(frozen=True, slots=True)
class Cursor:
    """The id that is expected next (0: none came yet), and how often the ids began anew."""

    offset: int = 0
    sequence: int = 0

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """Read what `text` wrote; nothing, or what nobody of us wrote, is the beginning."""
        match = _FORM.fullmatch(text or "")
        return cls(int(match[1]), int(match[2] or 0)) if match else cls()

    @property
    def text(self) -> str:
        """The cursor as it is stored."""
        return f"{self.offset}.{self.sequence}" if self.sequence else str(self.offset)

    def after(self, update_id: int) -> Self:
        """Where we stand once this update came; a repeat moves nothing, one that is far lower begins a sequence."""
        if update_id >= self.offset:
            return type(self)(update_id + 1, self.sequence)
        if self.offset - update_id > _FAR:
            return type(self)(update_id + 1, self.sequence + 1)
        return self

    def event(self, update_id: int) -> str:
        """Name an update of this sequence once and for all."""
        return f"u{update_id}.{self.sequence}" if self.sequence else f"u{update_id}"
