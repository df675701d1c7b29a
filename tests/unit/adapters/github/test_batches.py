"""Batches that shrink when they were too much."""

from collections.abc import Callable, Sequence

import pytest

from adapters.dialing import SourceLate
from adapters.forge import Asked, Seen
from adapters.github.batches import BatchSize, Result, Round
from adapters.source import Head, SourceGone, SourceUnreachable

Answers = Callable[[Sequence[Asked]], list[Result | None]]


def repository(asked: Asked) -> Seen:
    """What is seen of a repository."""
    return Seen(asked.repository, "R", "main", Head("main", "c" * 40), is_private=False)


class Host:
    """Answers batches as a test says, and keeps how large they were."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.sizes: list[int] = []

    async def ask(self, batch: Sequence[Asked]) -> list[Result | None]:
        """Answer one batch."""
        self.sizes.append(len(batch))
        return self.answers(batch)


def at_most(count: int) -> Answers:
    """Answers batches up to a size, and is late with larger ones."""

    def answers(batch: Sequence[Asked]) -> list[Result | None]:
        if len(batch) > count:
            raise SourceLate("as the test wants it")
        return [repository(one) for one in batch]

    return answers


def many(count: int) -> list[Asked]:
    """Repositories to ask for."""
    return [Asked(f"acme/{number}") for number in range(count)]


async def test_everything_goes_in_batches_of_a_hundred() -> None:
    """2,100 repositories are 21 queries, and every one has its own result."""
    host, wanted = Host(at_most(100)), many(2_100)
    going = Round(wanted, host.ask, BatchSize())

    await going.run()

    assert [100] * 21 == host.sizes
    assert {n: repository(one) for n, one in enumerate(wanted)} == going.results


async def test_batch_that_is_too_much_is_halved_and_grows_again_slowly() -> None:
    """The size that works is found, kept for the next round, and tried a quarter larger after each success."""
    host, size = Host(at_most(30)), BatchSize()
    await Round(many(80), host.ask, size).run()

    assert [80, 40, 20, 25, 31, 15, 18, 2] == host.sizes
    assert size.now < 30


async def test_slow_repository_stops_no_other() -> None:
    """One that is never answered is found by halving; the rest get their results."""

    def answers(batch: Sequence[Asked]) -> list[Result | None]:
        if any(one.repository == "acme/13" for one in batch):
            raise SourceLate("as the test wants it")
        return [repository(one) for one in batch]

    going = Round(many(40), Host(answers).ask, BatchSize())
    await going.run()

    assert [13] == [index for index, one in going.results.items() if not isinstance(one, Seen)]
    assert isinstance(going.results[13], SourceUnreachable)


async def test_dead_host_is_given_up_after_one_chain_of_halves() -> None:
    """An outage costs nine requests, not one for each repository; the next round starts with single ones."""
    host, size = Host(at_most(0)), BatchSize()

    with pytest.raises(SourceLate):
        await Round(many(2_100), host.ask, size).run()
    with pytest.raises(SourceLate):
        await Round(many(2_100), host.ask, size).run()

    assert [100, 50, 25, 12, 6, 3, 1, 1, 1, 1, 1, 1] == host.sizes


async def test_partial_answers_are_used() -> None:
    """What a query got to is kept; only the rest is asked again, in a smaller batch."""
    asked: list[str] = []

    def answers(batch: Sequence[Asked]) -> list[Result | None]:
        asked.extend(one.repository for one in batch)
        done = len(batch) if len(batch) <= 4 else len(batch) // 2
        return [repository(one) if n < done else None for n, one in enumerate(batch)]

    host = Host(answers)
    going = Round(many(8), host.ask, BatchSize())
    await going.run()

    assert [8, 4] == host.sizes
    assert 8 == len(going.results)
    assert 1 == asked.count("acme/0")


async def test_node_id_that_leads_nowhere_falls_back_on_the_name() -> None:
    """A repository that was deleted and made anew has another id under the same name."""
    asked: list[tuple[str, str]] = []

    def answers(batch: Sequence[Asked]) -> list[Result | None]:
        asked.extend((one.node_id, one.repository) for one in batch)
        return [SourceGone("none") if one.node_id == "R_old" else repository(one) for one in batch]

    going = Round(
        [Asked("acme/app", node_id="R_old"), Asked("acme/lib", node_id="R_2")], Host(answers).ask, BatchSize()
    )
    await going.run()

    assert [("R_old", "acme/app"), ("R_2", "acme/lib"), ("", "acme/app")] == asked
    assert isinstance(going.results[0], Seen)


async def test_name_that_leads_nowhere_is_gone() -> None:
    """By id and by name: then it is a result, and nothing is asked a third time."""
    host = Host(lambda batch: [SourceGone("none") for _ in batch])
    going = Round([Asked("acme/app", node_id="R_1")], host.ask, BatchSize())
    await going.run()

    assert [1, 1] == host.sizes
    assert isinstance(going.results[0], SourceGone)


async def test_slow_repository_at_the_front_stops_no_other() -> None:
    """Even when batches have shrunk to one, what stands behind it is asked."""

    def answers(batch: Sequence[Asked]) -> list[Result | None]:
        if batch[0].repository == "acme/0":
            raise SourceLate("as the test wants it")
        return [repository(one) for one in batch]

    size = BatchSize()
    size.shrink(2)
    going = Round(many(10), Host(answers).ask, size)
    await going.run()

    assert [0] == [index for index, one in going.results.items() if not isinstance(one, Seen)]
