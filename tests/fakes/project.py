"""A small indexed project: files given as texts, split as the product splits them, held by the fake store."""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from config.load import load
from config.settings import Settings
from pipelines.components.embed import Embedder, NoEmbedder
from pipelines.indexing import Indexing
from pipelines.planning import Listed
from pipelines.searching import Searching
from pipelines.stores.passages import PassageStore
from pipelines.types import Shown, SourceView
from tests.fakes.passages import FakePassages

PROJECT = "team"
SOURCE = "handbook"
COMMIT = "5d6e7f8090a1b2c3d4e5f60718293a4b5c6d7e8f"
LINK = "https://git.example/{commit}/{path}#L{first}-L{last}"


def settings() -> Settings:
    """Give the packaged defaults, whatever this machine's environment says."""
    return load(config_file=None, environ={}, cwd=Path(__file__).parent, data_dir=Path("unused")).settings


async def indexed(
    files: Mapping[str, str],
    *,
    store: PassageStore | None = None,
    room: str | None = None,
    source: str = SOURCE,
    embedder: Embedder | None = None,
) -> PassageStore:
    """Index the files as one source of PROJECT, for keywords alone unless an embedder is given; gives the store."""
    store = store or FakePassages()
    indexing = Indexing(store, embedder or NoEmbedder(), files=settings().files, limits=settings().limits)
    contents = {path: text.encode() for path, text in files.items()}
    listed = [
        Listed(path, hashlib.sha1(raw, usedforsecurity=False).hexdigest(), len(raw)) for path, raw in contents.items()
    ]

    async def read(wanted: Sequence[Listed]) -> AsyncIterator[tuple[Listed, bytes]]:
        for one in wanted:
            yield one, contents[one.path]

    await store.create(PROJECT)
    plan = await indexing.plan(PROJECT, source, listed, room=room)
    await indexing.run(PROJECT, Shown(source, "main", COMMIT, datetime(2026, 11, 1, tzinfo=UTC)), plan, read)
    return store


async def views(_project: str) -> Mapping[str, SourceView]:
    """Show the one source with a link to a made-up host."""
    return {SOURCE: SourceView(SOURCE, "Handbook", LINK)}


def searching(store: PassageStore, embedder: Embedder | None = None) -> Searching:
    """Search the store by keywords alone, unless an embedder is given."""
    return Searching(store, embedder or NoEmbedder(), views)


HANDBOOK: Mapping[str, str] = {
    "README.md": """# Parcel

Parcel moves packages between depots.

## Install

Run this on a machine with Python 3.11:

```bash
pip install parcel
parcel start --port 7070
```

The service listens on port 7070 by default.

## Configuration

Settings lie in `parcel.toml`. The retry limit is 5 attempts; after that a package goes to the dead letter depot.
Set `depot.timeout_s` to change how long a depot may take to answer. It is 30 seconds unless you change it.
""",
    "docs/privacy.md": """# Privacy

## What is kept

Addresses are deleted after 90 days. Photos of packages are never stored.

## Removing a customer

An admin deletes a customer with `parcel customer remove NAME`. Deleting cannot be undone.
""",
    "docs/depots.md": """# Depots

A depot receives packages and hands them on. Two depots are linked by a route.

## Adding a depot

1. Declare it in `parcel.toml`.
2. Run `parcel depot add NAME`.

Depots that do not answer for three minutes are marked as offline.
""",
    "parcel/retry.py": '''"""Retry what failed, a bounded number of times."""

from collections.abc import Callable

MAX_ATTEMPTS = 5


class DeadLetter(Exception):
    """A package that could not be delivered."""


def deliver_with_retry(deliver: Callable[[], bool]) -> int:
    """Call `deliver` until it succeeds; return how many attempts it took."""
    for attempt in range(1, MAX_ATTEMPTS + 1):
        if deliver():
            return attempt
    raise DeadLetter(f"expected a delivery within {MAX_ATTEMPTS} attempts, got none")
''',
    "parcel/route.py": '''"""Find the way of a package from depot to depot."""


class RoutePlanner:
    """Plans routes over linked depots."""

    def shortest_route(self, start: str, goal: str) -> list[str]:
        """Give the depots between start and goal, both included; breadth first."""
        return [start, goal]
''',
    "tests/test_retry.py": '''"""Tests of the retries."""

from parcel.retry import deliver_with_retry


def test_deliver_with_retry_counts_attempts() -> None:
    """The first success ends the retries."""
    assert deliver_with_retry(lambda: True) == 1
''',
}
"""A project with documents, code and tests that questions can be asked about."""
