"""How the server is that a passage store needs; the store of the data folder needs none."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from pipelines.stores.passages import PassageStore


@dataclass(frozen=True, slots=True)
class ServerHealth:
    """What a server calls itself, with its version once that is known, and what is wrong with it, '' when nothing is."""

    name: str
    problem: str = ""

    @property
    def is_well(self) -> bool:
        """Whether it works for us."""
        return not self.problem


@runtime_checkable
class Served(Protocol):
    """A store that needs a server, or several stores of which one may."""

    async def health(self) -> ServerHealth | None:
        """How the server is, None without one; it is asked every few seconds at most. Never raises StoreUnavailable."""


async def health_of(store: PassageStore) -> ServerHealth | None:
    """How the server of a store is; None where there is none."""
    return await store.health() if isinstance(store, Served) else None
