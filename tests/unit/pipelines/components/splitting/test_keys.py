"""How settings and data are split: by their keys and tables."""

import pytest

from pipelines.components.split import split
from pipelines.components.splitting.keys import keys_of


@pytest.mark.parametrize(
    ("ending", "text", "expected"),
    [
        (
            "yaml",
            "a: 1\njobs:\n  test:\n    - x: 1\n  'on':\n    deep: 2\nb: 2\n",
            "a:0-0 jobs:1-5 test:2-3 on:4-5 b:6-6",
        ),
        ("toml", "x = 1\n[tool.ruff]\na = 1\n\n[[tool.more]] # note\nb = [\n  1\n]\n", "tool.ruff:1-2 tool.more:4-7"),
        ("ini", "[one]\na=1\n[two]\n", "one:0-1 two:2-2"),
        ("json", '{\n  "a": 1,\n  "b": {\n    "c": 2\n  }\n}\n', "a:1-1 b:2-5 c:3-5"),
    ],
)
def test_a_key_holds_the_lines_up_to_the_next(ending: str, text: str, expected: str) -> None:
    """Indexes of lines; keys further in than two are left out."""
    found = keys_of(ending, text.rstrip("\n").split("\n")) or []

    assert expected == " ".join(f"{key.name}:{key.first}-{key.last}" for key in found)


def test_a_passage_of_settings_says_under_which_key_it_stands() -> None:
    """It is the only word that tells two sections apart; keys are no names that somebody defines."""
    steps = "".join(f"      - run: step number {number} of many\n" for number in range(60))

    *_, last = split("ci.yml", f"name: CI\njobs:\n  test:\n    steps:\n{steps}")

    assert (("jobs", "test"), ()) == (last.scope, last.symbols)


def test_sections_of_one_file_are_passages_of_their_own() -> None:
    """Comments above belong to a section."""
    rows = "key = 'some value that is long'\n" * 20

    _, second = split("a.toml", f"[one]\n{rows}\n# About two.\n[two]\n{rows}")

    assert second.text.startswith("# About two.\n[two]")


def test_other_texts_have_no_keys() -> None:
    """They are split after blank lines."""
    assert keys_of("csv", ["a: 1"]) is None
