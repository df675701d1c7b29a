"""Copies of passages: found by their text, left out, named by the one that stays."""

from collections.abc import Sequence

from haystack import Document

from pipelines.components.candidate import Candidate
from pipelines.components.copies import collapsed, without_copies
from pipelines.components.rank import Ranked
from pipelines.types import Found, Passage

SAID = "def retry(call, attempts):\n" + "\n".join(f"    attempt_number_{at} = call(attempts)" for at in range(6))


def ranked(path: str, text: str = SAID, *, source: str = "s", score: float = 1.0) -> Ranked:
    """A passage as ranking gives it."""
    meta = {"source": source, "path": path, "first_line": 3, "last_line": 3 + text.count("\n"), "kind": "code"}
    return Ranked(Candidate(Document(id=f"{source}{path}", content=text, meta=meta)), score, 1.0, ())


def paths(shown: Sequence[Ranked]) -> list[str]:
    """Their paths in order."""
    return [one.candidate.path for one in shown]


def found(path: str, text: str = SAID) -> Found:
    """A passage as a search gives it."""
    return Found(Passage(path, "s", path, "b", 1, 1 + text.count("\n"), text), "v")


def test_a_vendored_copy_is_left_out_and_named_by_the_original() -> None:
    """Its feature has no value: it explains and does not weigh."""
    shown = collapsed([ranked("lib/retry.py"), ranked("lib/other.py", SAID[::-1]), ranked("vendor/lib/retry.py")])

    assert ["lib/retry.py", "lib/other.py"] == paths(shown)
    assert [("same text elsewhere", 0.0, "vendor/lib/retry.py:3-9")] == [
        (feature.name, feature.value, feature.note) for feature in shown[0].features
    ]
    assert () == shown[1].features


def test_the_better_ranked_copy_stays() -> None:
    """Which one it is was decided by the ranking."""
    assert ["vendor/retry.py"] == paths(collapsed([ranked("vendor/retry.py"), ranked("retry.py")]))


def test_a_copy_with_other_spaces_is_a_copy() -> None:
    """Tabs, blank lines and line ends say nothing."""
    assert 1 == len(collapsed([ranked("a/x.py"), ranked("b/x.py", SAID.replace("    ", "\t").replace("\n", "\n\n"))]))


def test_a_part_of_a_passage_is_a_copy_of_it_but_not_the_other_way_round() -> None:
    """Forks of a file are cut at other lines; what says more is kept."""
    part = SAID.partition("\n")[2]

    assert ["a/x.py"] == paths(collapsed([ranked("a/x.py"), ranked("b/x.py", part)]))
    assert ["b/x.py", "a/x.py"] == paths(collapsed([ranked("b/x.py", part), ranked("a/x.py")]))


def test_a_text_that_differs_in_one_word_is_no_copy() -> None:
    """Two versions of a manual differ in the one number that was asked for."""
    assert 2 == len(collapsed([ranked("v1/x.md"), ranked("v2/x.md", SAID.replace("number_3", "number_4"))]))


def test_the_same_text_in_files_of_other_names_is_found_twice() -> None:
    """Either file may be the one that is looked for."""
    assert 2 == len(collapsed([ranked("a/one.py"), ranked("a/two.py")]))


def test_the_same_path_in_another_source_is_a_copy() -> None:
    """A fork of a repository that the same project follows."""
    assert 1 == len(collapsed([ranked("x.py", source="one"), ranked("x.py", source="two")]))


def test_a_text_that_stands_twice_in_one_file_is_found_twice() -> None:
    """Both places may be meant, and a reader wants to know that there are two."""
    assert 2 == len(collapsed([ranked("x.py"), ranked("x.py")]))


def test_short_texts_are_no_copies() -> None:
    """An import stands in many files and copies none."""
    assert 2 == len(collapsed([ranked("a/x.py", "import os"), ranked("b/x.py", "import os")]))


def test_many_copies_are_counted() -> None:
    """Five are named."""
    (one,) = collapsed([ranked(f"{folder}/x.py") for folder in "abcdefghi"])

    assert one.features[0].note.endswith("f/x.py:3-9, 3 more")


def test_a_model_reads_no_text_twice_whatever_the_files_are_called() -> None:
    """For an answer a second copy is but a cost."""
    assert ["one.py", "other.py"] == [
        one.passage.path for one in without_copies([found("one.py"), found("two.py"), found("other.py", SAID[::-1])])
    ]
