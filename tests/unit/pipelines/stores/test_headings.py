"""Which headings and symbols are picked for starter questions."""

from pipelines.stores.headings import Outline, nearest_first, pick_headings


def test_the_front_page_comes_before_deep_pages_and_tests_come_last() -> None:
    """README-like files, then shallow paths, then what stands aside."""
    outlines = [
        Outline("tests/readme.md", ["Fixtures"], [], "docs"),
        Outline("docs/deep/page.md", ["Deep"], [], "docs"),
        Outline("README.md", ["Roomwise", "Install"], [], "docs"),
    ]

    assert ["Install", "Deep", "Fixtures"] == [item["heading"] for item in pick_headings(outlines, limit=9)]


def test_headings_and_public_symbols_take_turns() -> None:
    """Two headings, then a symbol; private names are no question."""
    outlines = [
        Outline("a.md", ["One"], [], "docs"),
        Outline("b.md", ["Two"], [], "docs"),
        Outline("c.md", ["Three"], [], "docs"),
        Outline("core.py", [], ["_hidden", "Pool._grow", "Pool.take"], "code"),
    ]

    picked = pick_headings(outlines, limit=4)

    assert ["One", "Two", "Pool.take", "Three"] == [item.get("heading") or item["symbol"] for item in picked]
    assert {"path": "core.py", "symbol": "Pool.take", "kind": "code"} == picked[2]


def test_what_a_file_is_named_after_comes_before_its_other_symbols() -> None:
    """However far down it is defined."""
    outlines = [Outline("sessions.py", [], ["merge", "hooks"], "code"), Outline("sessions.py", [], ["Session"], "code")]

    assert ["Session", "merge", "hooks"] == [item["symbol"] for item in pick_headings(outlines, limit=9)]


def test_no_file_takes_more_than_three_turns() -> None:
    """A long page leaves room for others, and the same heading comes once."""
    outlines = [Outline("README.md", [f"H{number}"], [], "docs") for number in (1, 1, 2, 3, 4)]

    assert ["H1", "H2", "H3"] == [item["heading"] for item in pick_headings(outlines, limit=9)]


def test_nothing_to_pick_from_gives_nothing() -> None:
    """An empty project has no starter questions."""
    assert [] == pick_headings([], limit=3)


def test_files_to_look_into_are_some_documents_and_some_code() -> None:
    """Each kind has its own places, so that a project of code only still has symbols."""
    paths = ["b.md", "README.md", "main.py", "src/x.py", "tests/test_x.py"]

    assert ["README.md", "main.py"] == nearest_first(paths, per_kind=1)
