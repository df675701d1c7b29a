"""The sources of an answer: passages grown to whole functions and sections, merged, within a budget."""

from collections.abc import Sequence
from dataclasses import dataclass

from haystack import Document

from pipelines.components.neighbours import GROWN, LARGEST_CHARS, MOST_BLANK_LINES, files_to_read, in_context, units
from pipelines.searching import passage_of
from pipelines.types import Found

AMPLE = 50_000


@dataclass(frozen=True, slots=True)
class Cut:
    """A passage as a splitter makes it: so many lines, after so many blank ones that are in no passage."""

    lines: int = 10
    scope: Sequence[str] = ()
    symbols: Sequence[str] = ()
    headings: Sequence[str] = ()
    blank: int = 0


def file_of(*cuts: Cut, path: str = "a.py", source: str = "s") -> list[Document]:
    """The passages of a file; every line names its file and its number."""
    documents, line = [], 1
    for ordinal, cut in enumerate(cuts):
        first, last = line + cut.blank, line + cut.blank + cut.lines - 1
        text = "\n".join(f"{path} line {number}" for number in range(first, last + 1))
        meta = {"source": source, "path": path, "blob": "b", "first_line": first, "last_line": last, "kind": "code"}
        names = {"scope": list(cut.scope), "symbols": list(cut.symbols), "headings": list(cut.headings)}
        documents.append(Document(id=f"{path}#{ordinal}", content=text, meta={**meta, **names}))
        line = last + 1
    return documents


def found(*documents: Document) -> list[Found]:
    """These passages as a search gives them."""
    return [Found(passage_of(document), "v") for document in documents]


def places(sources: Sequence[Found]) -> list[tuple[str, int, int]]:
    """Where the sources stand."""
    return [(one.passage.path, one.passage.first_line, one.passage.last_line) for one in sources]


def files(*listed: Sequence[Document]) -> dict[tuple[str, str], Sequence[Document]]:
    """These files by source and path."""
    return {(str(one[0].meta["source"]), str(one[0].meta["path"])): one for one in listed}


FUNCTION = file_of(
    Cut(symbols=["other"]),
    Cut(symbols=["Planner", "route"]),
    Cut(scope=["Planner", "route"]),
    Cut(scope=["Planner", "route"]),
    Cut(scope=["Planner"], symbols=["weigh"]),
    Cut(symbols=["last"]),
)


def test_a_passage_grows_to_its_whole_function() -> None:
    """From the passage that defines it to the last one that it reaches into; the class around it is too large."""
    sources = in_context(found(FUNCTION[2]), files(FUNCTION), budget_chars=500)

    assert [("a.py", 11, 40)] == places(sources)


def test_a_passage_grows_to_its_class_when_the_budget_allows() -> None:
    """What is around the function comes next."""
    sources = in_context(found(FUNCTION[2]), files(FUNCTION), budget_chars=AMPLE)

    assert [("a.py", 11, 50)] == places(sources)


def test_the_beginning_of_a_function_grows_to_its_end() -> None:
    """The definition's line is in the passage, what follows is not."""
    documents = file_of(Cut(symbols=["one"]), Cut(scope=["one"]), Cut(symbols=["two"]))

    assert [("a.py", 1, 20)] == places(in_context(found(documents[0]), files(documents), budget_chars=AMPLE))


def test_a_function_that_its_passage_names_as_scope_takes_nothing_of_the_one_before() -> None:
    """Where a passage begins with the very line of a definition, nothing before belongs to it."""
    documents = file_of(Cut(symbols=["one"]), Cut(scope=["two"], symbols=["two"]), Cut(scope=["two"]))

    assert [range(1, 3)] == units(documents, 2)


def test_a_passage_grows_to_its_section() -> None:
    """The passages below the same heading, then those of the sections inside it."""
    documents = file_of(
        Cut(headings=["Page"]),
        Cut(headings=["Page", "Install"]),
        Cut(headings=["Page", "Install"]),
        Cut(headings=["Page", "Install", "On Windows"]),
        Cut(headings=["Page", "Use"]),
        path="a.md",
    )

    assert [range(1, 4), range(5)] == units(documents, 1)
    assert [("a.md", 11, 40)] == places(in_context(found(documents[1]), files(documents), budget_chars=500))


def test_a_function_that_is_too_large_stays_as_it_was_found() -> None:
    """A page of ten thousand characters is no answer."""
    documents = file_of(*(Cut(scope=["huge"], lines=100) for _ in range(9)))

    sources = in_context(found(documents[4]), files(documents), budget_chars=AMPLE)

    assert LARGEST_CHARS < sum(len(document.content or "") for document in documents)
    assert [("a.py", 401, 500)] == places(sources)


def test_what_was_found_comes_before_what_it_may_grow_to() -> None:
    """No passage found is left out so that a better one may grow."""
    others = file_of(Cut(lines=20), path="b.py")
    both = found(FUNCTION[2], others[0])
    budget_chars = sum(len(one.passage.text) + 1 for one in both)

    sources = in_context(both, files(FUNCTION, others), budget_chars=budget_chars)

    assert [("a.py", 21, 30), ("b.py", 1, 20)] == places(sources)


def test_passages_that_follow_each_other_become_one_source() -> None:
    """At the place of the better one, with one range of lines and the text as it stands, blank lines too."""
    documents = file_of(Cut(symbols=["one"]), Cut(symbols=["two"], blank=2), Cut(), Cut(symbols=["four"]))
    other = file_of(Cut(), path="b.py")

    sources = in_context(
        found(documents[1], other[0], documents[0], documents[3]), files(documents, other), budget_chars=AMPLE
    )

    assert [("a.py", 1, 22), ("b.py", 1, 10), ("a.py", 33, 42)] == places(sources)
    lines = sources[0].passage.text.split("\n")
    assert 22 == len(lines)
    assert ("a.py line 10", "", "", "a.py line 13") == tuple(lines[9:13])
    assert ("one", "two") == sources[0].passage.symbols
    assert documents[1].id == sources[0].passage.id


def test_every_line_of_a_source_has_its_right_number() -> None:
    """Citations are counted from the first line of a source."""
    for at in range(len(FUNCTION)):
        for one in in_context(found(FUNCTION[at]), files(FUNCTION), budget_chars=AMPLE):
            for number, line in enumerate(one.passage.text.split("\n"), one.passage.first_line):
                assert f"a.py line {number}" == line


def test_sources_stay_within_the_budget() -> None:
    """Whatever grows; only a first passage that is longer alone goes over it."""
    every = found(*FUNCTION)
    for budget_chars in (150, 400, 900, 1_000):
        sources = in_context(every, files(FUNCTION), budget_chars=budget_chars)

        assert sum(len(one.passage.text) for one in sources) <= budget_chars
    assert [every[0]] == in_context(every, files(FUNCTION), budget_chars=1)


def test_a_file_that_was_replaced_meanwhile_lets_its_passage_stand() -> None:
    """Its passages have other ids by now: nothing of the new file is put beside the old lines."""
    new = [Document(id=f"new{document.id}", content="new", meta=document.meta) for document in FUNCTION]

    assert [("a.py", 21, 30)] == places(in_context(found(FUNCTION[2]), files(new), budget_chars=AMPLE))


def test_two_files_of_one_path_in_two_sources_are_two() -> None:
    """A source is part of what names a file."""
    one, other = file_of(Cut(), Cut(), source="one"), file_of(Cut(), Cut(), source="other")
    other = [Document(id=f"other{document.id}", content=document.content, meta=document.meta) for document in other]

    sources = in_context(found(one[0], other[1]), files(one, other), budget_chars=AMPLE)

    assert [("a.py", 1, 10), ("a.py", 11, 20)] == places(sources)


def test_only_files_that_matter_are_read() -> None:
    """Those of the passages that may grow, and those where passages may follow each other."""
    documents = [file_of(Cut(), Cut(), path=f"{letter}.py") for letter in "abcdefgh"]
    listed = found(*(one[0] for one in documents), documents[6][1])

    assert GROWN == 4
    assert [("s", f"{letter}.py") for letter in "abcdg"] == files_to_read(listed)


FAR = file_of(Cut(symbols=["route"]), Cut(scope=["route"], blank=5000), Cut(scope=["route"]))


def test_passages_with_thousands_of_blank_lines_between_them_stay_apart() -> None:
    """All of these lines would be written out, beyond any budget; what is near still joins."""
    sources = in_context(found(*FAR), files(FAR), budget_chars=2000)

    assert [("a.py", 1, 10), ("a.py", 5011, 5030)] == places(sources)
    assert sum(len(one.passage.text) for one in sources) <= 2000


def test_blank_lines_count_when_a_passage_grows() -> None:
    """A function with room between its parts takes its whole room."""
    spaced = file_of(Cut(symbols=["route"]), *[Cut(scope=["route"], blank=MOST_BLANK_LINES)] * 3)
    size_chars = len(in_context(found(spaced[0]), files(spaced), budget_chars=AMPLE)[0].passage.text)

    assert [("a.py", 1, 100)] == places(in_context(found(spaced[0]), files(spaced), budget_chars=size_chars + 1))
    assert [("a.py", 1, 10)] == places(in_context(found(spaced[0]), files(spaced), budget_chars=size_chars - 1))
