"""Verifying an answer: each sentence with the lines that support it, or as not found."""

import pytest

from pipelines.answering import Answering
from pipelines.stores.passages import PassageStore, Scope
from pipelines.types import Answer, Question, StoreUnavailable, Verdict
from pipelines.verifying import MAX_SENTENCES, Verifying
from tests.fakes.passages import FakePassages
from tests.fakes.project import HANDBOOK, PROJECT, indexed, searching, settings


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


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(
    "question", ["How do I install parcel?", "How long may a depot take?", "deliver_with_retry", "Who is the emperor?"]
)
async def test_an_answer_of_quotes_is_supported_by_its_own_lines(
    store: PassageStore, question: str, language: str
) -> None:
    """Each quote stands where it was quoted from; what only leads to quotes or names their places is not checked."""
    asked = Question(question, PROJECT, language=language)
    events = [event async for event in Answering(searching(store), None, settings().answers).answer(asked)]
    answer = events[-1]
    assert isinstance(answer, Answer)

    checked = await verifying(store).verify(PROJECT, answer.markdown, Scope())

    assert [] == [one.sentence for one in checked if not one.is_supported]
    assert {one.path for one in answer.citations if answer.verdict is Verdict.EXTRACTIVE} == {
        one.passages[0].path for one in checked
    }


async def test_a_quote_is_found_however_far_down(store: PassageStore) -> None:
    """Others speak of the same with more of its words; the very sentence is what counts, and is shown first."""
    crowd = {
        f"notes/{number}.md": "# Addresses are deleted after days\n\nAre 90 addresses deleted? 90 days after, deleted...\n"
        for number in range(12)
    }
    await indexed(crowd, store=store, source="crowd")

    (checked,) = await verifying(store).verify(PROJECT, "> Addresses are deleted after 90 days.", Scope())

    assert "docs/privacy.md" == checked.passages[0].path


async def test_headings_are_not_checked(store: PassageStore) -> None:
    """They name a matter and claim nothing; a comment in code is no heading."""
    answer = "## Zebras\n\nPhotos of packages are never stored.\n\n```bash\n# zebras\n```"

    checked = await verifying(store).verify(PROJECT, answer, Scope())

    assert ["Photos of packages are never stored.", "# zebras"] == [one.sentence for one in checked]


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
