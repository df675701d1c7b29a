"""Answers without a model: quotes with exact lines, an honest "not found", freshness, follow-ups and the cache."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.answering import Answering
from pipelines.components.embed import NoEmbedder
from pipelines.searching import Searching
from pipelines.stores.passages import Change, IndexedFile, PassageStore
from pipelines.types import Answer, AnswerEvent, Exchange, Question, SourceView, StoreUnavailable, Verdict
from pipelines.types import Searching as SearchBegins
from tests.fakes.passages import FakePassages
from tests.fakes.project import COMMIT, HANDBOOK, PROJECT, SOURCE, indexed, searching, settings


@pytest.fixture
async def store() -> FakePassages:
    """The handbook, indexed."""
    store = FakePassages()
    await indexed(HANDBOOK, store=store)
    return store


def answering(store: PassageStore) -> Answering:
    """Answer over a store without a model."""
    return Answering(searching(store), None, settings().answers)


async def events_of(store: PassageStore, question: Question) -> list[AnswerEvent]:
    """Ask and gather all events."""
    return [event async for event in answering(store).answer(question)]


async def answer_to(store: PassageStore, text: str, **more: object) -> Answer:
    """Ask and give the last event."""
    last = (await events_of(store, Question(text, PROJECT, **more)))[-1]  # type: ignore[arg-type]
    assert isinstance(last, Answer)
    return last


def lines_of(path: str, first: int, last: int) -> str:
    """The lines as they stand in the handbook."""
    return "\n".join(HANDBOOK[path].split("\n")[first - 1 : last])


async def test_searching_comes_first_and_one_answer_last(store: FakePassages) -> None:
    """The contract of the events: Searching, then exactly one Answer."""
    events = await events_of(store, Question("How do I install parcel?", PROJECT))

    assert [SearchBegins, Answer] == [type(event) for event in events]


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        ("How do I install parcel?", "README.md", "pip install parcel"),
        ("What is the retry limit?", "README.md", "5 attempts"),
        ("How long are addresses kept?", "docs/privacy.md", "90 days"),
        ("How do I add a depot?", "docs/depots.md", "parcel depot add NAME"),
        ("deliver_with_retry", "parcel/retry.py", "def deliver_with_retry"),
        ("Wie lösche ich einen Kunden?", "docs/privacy.md", "parcel customer remove NAME"),
    ],
)
async def test_the_lines_that_answer_are_quoted(store: FakePassages, text: str, path: str, said: str) -> None:
    """The first citation of each question holds what answers it, and the text shows it."""
    answer = await answer_to(store, text)

    assert Verdict.EXTRACTIVE is answer.verdict
    assert path == answer.citations[0].path
    assert said in answer.citations[0].quote
    assert said in answer.markdown


@pytest.mark.parametrize("text", ["How do I install parcel?", "deliver_with_retry", "depots", "retry", "parcel"])
async def test_a_quote_is_exactly_the_lines_it_points_to(store: FakePassages, text: str) -> None:
    """Every citation's quote equals the file's lines, at the shown commit, with a link to them."""
    answer = await answer_to(store, text)

    assert answer.citations
    for number, cited in enumerate(answer.citations, 1):
        assert lines_of(cited.path, cited.first_line, cited.last_line) == cited.quote
        assert (number, SOURCE, COMMIT) == (cited.number, cited.source, cited.version)
        assert f"https://git.example/{COMMIT}/{cited.path}#L{cited.first_line}-L{cited.last_line}" == cited.url
        assert f"[{number}]" in answer.markdown


async def test_a_citation_is_pinned_to_a_version_that_holds_its_lines(store: FakePassages) -> None:
    """Half-way through a large change, a file that is already replaced is linked at the coming commit, others are not."""
    entry = (await store.manifest(PROJECT, SOURCE))["README.md"]
    replaced = IndexedFile(entry, await store.of_file(PROJECT, SOURCE, "README.md"), None)
    between = replace((await store.shown(PROJECT))[SOURCE], updating_to="c2")
    await store.apply(PROJECT, Change(put=[replaced], shown=[between]))

    cited = [
        one
        for text in ("What is the retry limit?", "How long are addresses kept?")
        for one in (await answer_to(store, text)).citations[:1]
    ]

    assert [("README.md", "c2"), ("docs/privacy.md", COMMIT)] == [(one.path, one.version) for one in cited]
    assert all(f"/{one.version}/" in str(one.url) for one in cited)


@pytest.mark.parametrize(
    "text",
    [
        "Does parcel support drones?",
        "How do I configure the Kafka broker?",
        "What is the airspeed of an unladen swallow?",
        "Who is the chief executive of the company?",
        "Which Kubernetes version is required?",
        "How much does the premium subscription cost?",
        "frobnicate_widget",
        "Unterstützt parcel die Bezahlung mit Kreditkarte?",
    ],
)
async def test_what_the_sources_do_not_hold_is_said(store: FakePassages, text: str) -> None:
    """No guess: the answer says that nothing was found, and every place it names exists."""
    answer = await answer_to(store, text)

    assert Verdict.NOT_FOUND is answer.verdict
    assert "did not find" in answer.markdown
    for cited in answer.citations:
        assert lines_of(cited.path, cited.first_line, cited.last_line) == cited.quote


REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
async def own_docs() -> PassageStore:
    """The pages of this very repository."""
    pages = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md")]
    return await indexed({page.relative_to(REPOSITORY).as_posix(): page.read_text("utf-8") for page in pages})


@pytest.mark.parametrize(
    "text",
    [
        "How do I train a LoRA adapter?",
        "What is the refund policy for enterprise customers?",
        "Does it support Kerberos tickets?",
        "How do I set up a Kafka consumer group?",
        "What are the office hours of the support hotline?",
        "How do I fine-tune with DPO?",
        "Wie hoch ist der Mount Everest?",
    ],
)
async def test_real_pages_do_not_answer_what_they_do_not_hold(own_docs: PassageStore, text: str) -> None:
    """Questions that sound alike but whose matter stands nowhere in our own pages are not found."""
    assert Verdict.NOT_FOUND is (await answer_to(own_docs, text)).verdict


@pytest.mark.parametrize(
    ("text", "path"),
    [("How do I uninstall Roomwise?", "docs/uninstall.md"), ("Which setting changes the port?", "docs/settings.md")],
)
async def test_real_pages_answer_what_they_hold(own_docs: PassageStore, text: str, path: str) -> None:
    """The same pages answer what they are for."""
    answer = await answer_to(own_docs, text)

    assert Verdict.EXTRACTIVE is answer.verdict
    assert path in {cited.path for cited in answer.citations}


async def test_an_empty_project_says_so() -> None:
    """Nothing is indexed: no "not found", which would be a statement about sources."""
    store = FakePassages()
    await store.create(PROJECT)

    assert Verdict.EMPTY is (await answer_to(store, "How do I install parcel?")).verdict


async def test_a_german_question_gets_german_sentences(store: FakePassages) -> None:
    """What we say ourselves is in the language of the room."""
    answer = await answer_to(store, "Gibt es Drohnen?", language="de")

    assert answer.markdown.startswith("Das habe ich in den Quellen nicht gefunden.")


async def test_documents_come_before_code_unless_code_is_meant(store: FakePassages) -> None:
    """A question in prose is answered from the documents first; one for a function from the code."""
    prose = await answer_to(store, "After how many attempts is a package given up as a dead letter?")
    code = await answer_to(store, "Where is the function that retries a delivery?")

    assert "README.md" == prose.citations[0].path
    assert "parcel/retry.py" == code.citations[0].path


async def test_text_from_sources_calls_nobody_and_opens_nothing() -> None:
    """A hostile document: its mention, image, false citation and link do nothing in the answer."""
    hostile = "# Zebra\n\nThe zebra protocol @room is ![x](https://evil.example/p.png) described [7] [here](evil.md).\n"
    store = await indexed({"zebra.md": hostile})
    answer = await answer_to(store, "What is the zebra protocol?")

    assert Verdict.EXTRACTIVE is answer.verdict
    assert "@room" not in answer.markdown
    assert "![" not in answer.markdown
    assert "[7]" not in answer.markdown
    assert "(evil.md)" not in answer.markdown


async def test_a_fence_in_code_does_not_end_the_quote() -> None:
    """Code that holds a fence itself is put into a longer one."""
    store = await indexed({"fence.py": 'def zebra_fence():\n    return """\n```\nafter\n```\n"""\n'})

    assert "````python\n" in (await answer_to(store, "zebra_fence")).markdown


async def test_quotes_are_chosen_off_the_event_loop(store: FakePassages) -> None:
    """It is work for the processor: chats of others go on meanwhile."""
    threads = []

    class Watched(dict[str, SourceView]):
        def get(self, key: str, default: object = None) -> Any:
            threads.append(threading.get_ident())
            return super().get(key)

    async def views(_project: str) -> Mapping[str, SourceView]:
        return Watched({SOURCE: SourceView(SOURCE, "Handbook")})

    product = Answering(Searching(store, NoEmbedder(), views), None, settings().answers)
    for text in ("What is the retry limit?", "Which Kubernetes version is required for depots?"):
        assert isinstance([event async for event in product.answer(Question(text, PROJECT))][-1], Answer)

    assert threads
    assert threading.get_ident() not in threads


async def test_one_very_long_line_is_shortened_in_the_text_and_whole_in_the_quote() -> None:
    """A paragraph on one line shows its telling sentences; the citation keeps the line as it is."""
    filler = " ".join(f"Sentence number {count} is about the weather." for count in range(60))
    line = f"{filler} The zebra crossing opens at noon. {filler}"
    answer = await answer_to(await indexed({"long.md": f"# Long\n\n{line}\n"}), "When does the zebra crossing open?")

    assert "zebra crossing opens at noon" in answer.markdown
    assert "…" in answer.markdown
    assert len(answer.markdown) < 1_500


async def test_a_follow_up_is_understood_with_the_question_before(store: FakePassages) -> None:
    """The question "And photos?" leans on the question before it; a full question does not."""
    history = (Exchange("How long are addresses kept?", "90 days [1]."),)
    answer = await answer_to(store, "And how can I change it?", history=(Exchange("What is the depot timeout?", "30"),))

    assert "README.md" == answer.citations[0].path
    assert "docs/privacy.md" == (await answer_to(store, "And photos?", history=history)).citations[0].path
    assert "docs/depots.md" == (await answer_to(store, "How do I add a depot?", history=history)).citations[0].path


async def test_the_answer_says_how_fresh_it_is_and_what_took_how_long(store: FakePassages) -> None:
    """Freshness names each searched source at its version; timings are seconds."""
    answer = await answer_to(store, "What is the retry limit?")

    assert [(SOURCE, COMMIT)] == [(shown.source, shown.commit) for shown in answer.freshness]
    assert {"search_s", "write_s", "total_s"} == set(answer.timings)


async def test_the_same_question_is_answered_from_memory_until_something_changes(store: FakePassages) -> None:
    """A repeat asks the store for nothing but its generation; a change of the index is seen at once."""
    product = answering(store)
    question = Question("What is the retry limit?", PROJECT)
    first = [event async for event in product.answer(question)][-1]
    store.calls.clear()
    again = [event async for event in product.answer(question)][-1]
    assert isinstance(first, Answer)
    assert isinstance(again, Answer)
    assert first.markdown == again.markdown
    assert ["generation"] == store.calls

    await store.hide(PROJECT, SOURCE, hidden=True)
    hidden = [event async for event in product.answer(question)][-1]

    assert isinstance(hidden, Answer)
    assert () == hidden.citations


async def test_a_room_never_gets_the_memory_of_another(store: FakePassages) -> None:
    """The cache keeps rooms apart, as uploads belong to a room."""
    await indexed({"secret.md": "# Canary\n\nThe canary sings at dawn.\n"}, store=store, room="r1", source="uploads")
    product = answering(store)
    inside = [event async for event in product.answer(Question("When sings the canary?", PROJECT, room="r1"))][-1]
    outside = [event async for event in product.answer(Question("When sings the canary?", PROJECT, room="r2"))][-1]
    assert isinstance(inside, Answer)
    assert isinstance(outside, Answer)

    assert "dawn" in inside.markdown
    assert "dawn" not in outside.markdown


async def test_a_store_that_is_away_is_told(store: FakePassages) -> None:
    """StoreUnavailable leaves the iterator, for the conversation to tell the asker."""
    store.fault = StoreUnavailable("the disk is gone")

    with pytest.raises(StoreUnavailable):
        await events_of(store, Question("retry", PROJECT))


@pytest.mark.parametrize("text", ["what is the and of to", "Was ist das?", "is", "?!"])
async def test_a_question_without_a_telling_word_is_not_answered(store: FakePassages, text: str) -> None:
    """Each of its words stands in every text; no place is named as near."""
    answer = await answer_to(store, text)

    assert (Verdict.NOT_FOUND, ()) == (answer.verdict, answer.citations)
