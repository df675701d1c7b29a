"""What is hidden in memory while its server does not take it, or does not answer yet."""

from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.stores.weaviate_hiding import Hiding
from pipelines.stores.weaviate_projects import Projects
from pipelines.stores.weaviate_schema import Names
from pipelines.stores.weaviate_state import Head, Place, State, pack_state
from pipelines.types import StoreUnavailable

PROJECT, SOURCE = "p1", "s1"


class Away:
    """A recorded stub of a server, which holds one state and is away until it is back. It is no server."""

    def __init__(self) -> None:
        self.names = Names("stub")
        self.is_away = True

    async def is_replicated(self, _name: str) -> bool:
        """One node holds all."""
        return False

    async def projects(self) -> Any:
        """The collection of states."""
        if self.is_away:
            raise StoreUnavailable("nobody is there")
        told = {"project": PROJECT, "state": pack_state(State(Head(Place("v", "t"))))}

        async def fetch_objects(**_: Any) -> Any:
            return SimpleNamespace(objects=[SimpleNamespace(uuid="u", properties=told)])

        return SimpleNamespace(query=SimpleNamespace(fetch_objects=fetch_objects))


def test_only_the_last_call_that_hides_a_source_ends_the_hiding() -> None:
    """One before it, which was written late, is of a time before the source was shown, and says nothing any more."""
    hiding = Hiding()
    first = hiding.begin(PROJECT, SOURCE)
    hiding.end(PROJECT, SOURCE)
    second = hiding.begin(PROJECT, SOURCE)

    assert not hiding.end(PROJECT, SOURCE, first)
    assert {SOURCE} == hiding.of(PROJECT)
    assert hiding.end(PROJECT, SOURCE, second)
    assert not hiding.of(PROJECT)


async def test_what_is_hidden_while_the_server_is_away_is_hidden_when_it_is_back() -> None:
    """As at a start: nothing was read yet, and no state says so. The rebuild's id and other sources mean others."""
    server = Away()
    projects = Projects(server)  # type: ignore[arg-type]
    projects.hide(PROJECT, SOURCE)
    with pytest.raises(StoreUnavailable):
        await projects.all()
    server.is_away = False
    held = await projects.find(PROJECT)
    assert held is not None
    with held.reading(PROJECT) as head:
        hidden = None if head is None else head.hidden
    projects.hidden(PROJECT, SOURCE)
    shown = held.seen(PROJECT)

    assert frozenset({SOURCE}) == hidden
    assert Head(Place("v", "t")) == shown == held.state.current
    assert held.generation(PROJECT) > 0
