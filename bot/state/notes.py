"""What an adapter must remember, in the state database (`adapters.network.AdapterState`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.state.database import Database
from bot.state.queries import notes


@dataclass(frozen=True, slots=True)
class StoredNotes:
    """The notes of one account on one network."""

    db: Database
    network: str
    account: str

    async def get(self, key: str) -> Any | None:
        """Return the value last put, or None. Raises StateUnavailable."""
        return await self.db.read(lambda session: notes.get(session, self.network, self.account, key))

    async def put(self, key: str, value: Any) -> None:
        """Keep a value durably. Raises StateUnavailable."""
        await self.db.write(lambda session: notes.put(session, self.network, self.account, key, value=value))

    async def drop(self, key: str) -> None:
        """Forget a value; one that is not there is no error. Raises StateUnavailable."""
        await self.db.write(lambda session: notes.drop(session, self.network, self.account, key))

    async def under(self, prefix: str) -> Mapping[str, Any]:
        """All values whose key begins with `prefix`, by key, in the keys' order. Raises StateUnavailable."""
        return await self.db.read(lambda session: notes.under(session, self.network, self.account, prefix))
