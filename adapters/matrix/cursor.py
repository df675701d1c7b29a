"""Where we are in what the server tells: the sync token, and what belongs to it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Cursor:
    """All before `since` is stored. `since` is "" before the first sync.

    `gaps` says, by room, up to where a gap behind `since` is stored too. `joined` has, by room, the event by which we
    came in, for those that are new in this step: kept by the same write as what was said since.
    """

    since: str = ""
    gaps: Mapping[str, str] = field(default_factory=dict)
    joined: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """Read one; what is none is the beginning."""
        try:
            said = json.loads(text) if text else {}
        except ValueError:
            said = {}
        if not isinstance(said, dict) or not isinstance(said.get("since"), str):
            return cls()
        return cls(said["since"], gaps=_texts(said.get("gaps")), joined=_texts(said.get("joined")))

    @property
    def text(self) -> str:
        """It as the product keeps it."""
        said: dict[str, Any] = {"since": self.since}
        if self.gaps:
            said["gaps"] = dict(self.gaps)
        if self.joined:
            said["joined"] = dict(self.joined)
        return json.dumps(said)


def _texts(found: Any) -> Mapping[str, str]:
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, str)}
