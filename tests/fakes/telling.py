"""What rooms would be told of sources."""

from dataclasses import dataclass, field


@dataclass
class Told:
    """What rooms were told, by source."""

    said: list[tuple[str, ...]] = field(default_factory=list)

    async def source_is_gone(self, source: str) -> None:
        """See Telling."""
        self.said.append(("gone", source))

    async def source_is_back(self, source: str) -> None:
        """See Telling."""
        self.said.append(("back", source))

    async def source_was_renamed(self, source: str, *, old: str, new: str) -> None:
        """See Telling."""
        self.said.append(("renamed", source, old, new))

    async def default_branch_is_another(self, source: str, *, old: str, new: str) -> None:
        """See Telling."""
        self.said.append(("default", source, old, new))
