"""Ignore rules."""

import pytest

from adapters.folder.translate import Rules, is_ignored, is_passing, left_out

ROOT = Rules.parse("", b"*.log\n!keep.log\nbuild/\n/top.txt\n# comment\n\n\\#odd\n[\n")
BELOW = Rules.parse("docs", b"!important.log\ndraft*\n/only-here.txt\n")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.log", True),
        ("keep.log", False),
        ("deep/er/a.log", True),
        ("build/", True),
        ("build", False),
        ("top.txt", True),
        ("deep/top.txt", False),
        ("#odd", True),
        ("a.txt", False),
        ("docs/important.log", False),
        ("docs/other.log", True),
        ("docs/draft-1.md", True),
        ("docs/only-here.txt", True),
        ("docs/deep/only-here.txt", False),
    ],
)
def test_deeper_file_and_later_line_win(path: str, *, expected: bool) -> None:
    """Patterns mean what they mean to git: anchored by '/', folders by a final '/', taken back by '!'."""
    rules = [ROOT, BELOW] if path.startswith("docs/") else [ROOT]

    assert expected == is_ignored(path, rules)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (".git", "version_control"),
        ("node_modules", "vendored"),
        (".ssh", "hidden"),
        (".env", "hidden"),
        (".github", ""),
        ("docs", ""),
        ("data", ""),
    ],
)
def test_names_left_out(name: str, reason: str) -> None:
    """Version control, installed packages and hidden names are left out; a project's own folders never."""
    assert reason == left_out(name)


def test_passing_files() -> None:
    """What editors write beside a file is passing; the file itself is not."""
    assert [True, True, True, False] == [is_passing(name) for name in ("a.md~", ".#a.md", ".a.md.swp", "a.md")]
