"""Which projects rest when others are used."""

from pipelines.stores.weaviate_lately import Lately
from pipelines.stores.weaviate_projects import Held
from pipelines.stores.weaviate_state import Head, Place, State


def held(name: str) -> Held:
    """A project that nobody uses now."""
    return Held(name, State(Head(Place("v1", f"{name}-aa"))))


def test_the_project_that_was_used_longest_ago_rests_for_another() -> None:
    """One that is used again is the newest."""
    lately, (a, b, c) = Lately(2), map(held, "abc")
    for one in (a, b, a):
        assert [] == lately.used(one)

    assert [b] == lately.used(c)
    assert [a] == lately.used(b)


def test_what_somebody_uses_now_does_not_rest() -> None:
    """The next one does, and when all are used there are more for a while."""
    lately, (a, b, c, d) = Lately(2), map(held, "abcd")
    with a.reading("a"):
        lately.used(a)
        lately.used(b)
        assert [b] == lately.used(c)
        with c.reading("c"):
            assert [] == lately.used(d)

    assert [a, c] == lately.used(b)


def test_any_number_may_be_awake_without_a_limit() -> None:
    """0 is no limit."""
    lately = Lately(0)

    assert [[]] * 9 == [lately.used(held(f"p{number}")) for number in range(9)]
