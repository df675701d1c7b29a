"""Verifying an answer: each sentence with the lines that support it, or as not found."""

import pytest

from pipelines.stores.passages import PassageStore, Scope
from pipelines.types import StoreUnavailable
from pipelines.verifying import MAX_SENTENCES, Verifying
from tests.fakes.passages import FakePassages
from tests.fakes.project import HANDBOOK, PROJECT, indexed, searching


@pytest.fixture
async def store() -> PassageStore:
    """The handbook, indexed."""
    return await indexed(HANDBOOK)


def verifying(store: PassageStore) -> Verifying:
    """Verify over a store."""
    return Verifying(searching(store))


async def test_each_sentence_is_checked_by_itself(store: PassageStore) -> None:
    """A true sentence has its lines, an altered one and an invented one have none; order stays."""
    answer = "The retry limit is 5 attempts [1]. Addresses are deleted after 30 days [2]. Zebras run parcel."

    checked = await verifying(store).verify(PROJECT, answer, Scope())

    assert [True, False, False] == [one.is_supported for one in checked]
    assert "The retry limit is 5 attempts." == checked[0].sentence
    assert "The retry limit is 5 attempts" in checked[0].passages[0].text
    assert () == checked[1].passages


async def test_the_supporting_lines_are_numbered_as_in_the_file(store: PassageStore) -> None:
    """What is shown are the file's own lines."""
    checked = await verifying(store).verify(PROJECT, "Addresses are deleted after 90 days.", Scope())
    passage = checked[0].passages[0]

    lines = HANDBOOK[passage.path].split("\n")[passage.first_line - 1 : passage.last_line]
    assert "\n".join(lines) == passage.text


async def test_code_blocks_are_checked_line_by_line(store: PassageStore) -> None:
    """Code that stands in the sources is supported, changed code is not."""
    answer = "```bash\npip install parcel\nparcel start --port 7070\n```\n\n```bash\nparcel destroy --all\n```\n"

    assert [True, False] == [one.is_supported for one in await verifying(store).verify(PROJECT, answer, Scope())]


async def test_another_rooms_upload_supports_nothing_here(store: PassageStore) -> None:
    """Verification searches where the question was asked, no wider."""
    await indexed({"secret.md": "# Canary\n\nThe canary sings at dawn.\n"}, store=store, room="r1", source="uploads")
    product = verifying(store)

    assert (await product.verify(PROJECT, "The canary sings at dawn.", Scope(room="r1")))[0].is_supported
    assert not (await product.verify(PROJECT, "The canary sings at dawn.", Scope(room="r2")))[0].is_supported


async def test_nothing_to_check_gives_nothing(store: PassageStore) -> None:
    """An empty answer has no sentences."""
    assert [] == await verifying(store).verify(PROJECT, " \n", Scope())


async def test_a_very_long_answer_is_checked_up_to_a_limit(store: PassageStore) -> None:
    """The work for one press of a button is bounded."""
    answer = " ".join(f"Depots number {count} exist." for count in range(MAX_SENTENCES + 20))

    assert MAX_SENTENCES == len(await verifying(store).verify(PROJECT, answer, Scope()))


async def test_a_store_that_is_away_is_told() -> None:
    """StoreUnavailable comes out as it is."""
    store = FakePassages()
    store.fault = StoreUnavailable("the disk is gone")

    with pytest.raises(StoreUnavailable):
        await verifying(store).verify(PROJECT, "Anything at all. Something else.", Scope())
