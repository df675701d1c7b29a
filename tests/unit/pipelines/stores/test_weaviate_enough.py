"""How often a server is asked until enough is found, on answers that are made up here: no server is asked."""

from pipelines.stores.passages import Entry
from pipelines.stores.weaviate_finding import Finding, Hit, Memory
from pipelines.stores.weaviate_projects import Sweeps
from pipelines.stores.weaviate_rows import Row
from pipelines.stores.weaviate_state import Head, Place

HEAD = Head(Place("v", "t"), generation=2, dead=frozenset({"dead"}))


def hits(file: str, count: int) -> list[Hit]:
    """Hits in a file."""
    return [Hit(f"{file}{at}", file, at, 1.0) for at in range(count)]


async def asked_for(sweeps: Sweeps, *, is_swept: bool) -> tuple[list[int], int]:
    """Find up to ten of five, half of the best of which are dead; gives what is asked for, and how many are found."""
    memory = Memory.of(1_000_000)
    entry = Entry("s1", "a.md", "b1", "s", 5, 100)
    memory.rows.keep("t", {name: Row(name, entry, 1) for name in ("dead", "live")})
    finding = Finding(None, memory, HEAD, sweeps=sweeps)  # type: ignore[arg-type]
    asked: list[int] = []

    async def ask(most: int) -> list[Hit]:
        asked.append(most)
        if not is_swept or len(asked) > 1:
            return hits("dead", 0 if is_swept else 2) + hits("live", 5)
        with sweeps.one():  # of the best ten seven were dead, and are gone before they are read
            return hits("live", 3)

    return asked, len(await finding._enough(ask, 10))


async def test_a_search_beside_a_sweep_asks_for_more() -> None:
    """What was swept away in between had taken the places of passages that count."""
    assert ([10, 40], 5) == await asked_for(Sweeps(), is_swept=True)


async def test_a_search_that_found_all_is_done() -> None:
    """As almost always: nothing was swept since it began."""
    assert ([10], 5) == await asked_for(Sweeps(begun=3, ended=3), is_swept=False)
