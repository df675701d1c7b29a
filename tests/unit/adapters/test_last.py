"""What is remembered of the newest entries only."""

from adapters.last import Last


def test_the_oldest_entries_are_forgotten() -> None:
    """One that is kept anew counts as new."""
    memory: Last[str, int] = Last(2)
    memory.keep("a", 1)
    memory.keep("b", 2)
    memory.keep("a", 3)
    memory.keep("c", 4)

    assert {"a": 3, "c": 4} == dict(memory)
