"""What an adapter remembers, kept in memory."""

from collections.abc import Mapping
from typing import Any


class Notes:
    """What an adapter remembers, in memory (`adapters.network.AdapterState`)."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    async def get(self, key: str) -> Any | None:
        """The value last put, or None."""
        return self.kept.get(key)

    async def put(self, key: str, value: Any) -> None:
        """Keep a value."""
        self.kept[key] = value

    async def drop(self, key: str) -> None:
        """Forget a value."""
        self.kept.pop(key, None)

    async def under(self, prefix: str) -> Mapping[str, Any]:
        """All values whose key begins with `prefix`."""
        return {key: self.kept[key] for key in sorted(self.kept) if key.startswith(prefix)}
