"""Follows the threads of a host in memory, as the product does, and can begin anew as after a kill."""

from datetime import datetime
from pathlib import Path

from adapters.github.threads.following import Followed, Following, Terms
from adapters.github.threads.kinds import KINDS
from adapters.github.threads.purse import Purse
from adapters.github.threads.shelf import Shelf
from tests.fakes.threads import FakeThreads


class Reader:
    """A follower of a host, made anew by `restart` as after a kill."""

    def __init__(
        self, root: Path, host: FakeThreads, *words: str, is_public: bool = False, requests: int = 50, most: int = 5_000
    ) -> None:
        self.host = host
        self.root = root
        self.is_public = is_public
        self.words = words or tuple(KINDS)
        self.terms = Terms(requests=requests, most=most, clock=self.clock)
        self.restart()

    def clock(self) -> datetime:
        """The clock of this machine goes with the host's."""
        return self.host.now

    def restart(self) -> None:
        """Begin with what lies on the disk."""
        self.shelf = Shelf(self.root)
        purse = Purse(self.host.ask, owner="acme", name="app", is_public=self.is_public)
        self.following = Following(purse, self.shelf, [KINDS[word] for word in self.words], self.terms)

    async def look(self) -> Followed:
        """One look."""
        return await self.following.look()

    async def look_until_whole(self) -> int:
        """Look until everything was read; how many looks it took."""
        looks = 1
        while (await self.look()).reading:
            looks += 1
        return looks

    def paths(self) -> list[str]:
        """The documents."""
        return [entry.path for entry in self.shelf.entries()[0]]

    def text(self, path: str) -> str:
        """One document."""
        return (self.shelf.disk.read(path) or b"").decode()


def expected(host: FakeThreads) -> list[str]:
    """The paths of all that is there."""
    return sorted(f"{KINDS[word].folder}/{key}.md" for word, items in host.items.items() for key in items)
