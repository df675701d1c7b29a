"""How a Jupyter notebook is split: by cell, with the lines of its file."""

import json

from pipelines.components.split import split


def _cell(kind: str, *source: str, **more: object) -> dict[str, object]:
    return {"cell_type": kind, "metadata": {}, **more, "source": [f"{line}\n" for line in source[:-1]] + [source[-1]]}


def _notebook(*cells: dict[str, object]) -> str:
    return json.dumps({"cells": list(cells), "metadata": {}, "nbformat": 4}, indent=1) + "\n"


def test_cells_are_passages_under_the_headings_of_the_text_cells() -> None:
    """Lines are those of the file, so that a citation opens them; names are those that the code defines."""
    code = [f"    value_{number} = 1" for number in range(16)]
    text = _notebook(
        _cell("markdown", "# Guide", "", "A text about it. " * 20),
        _cell("code", "def load(path):", *code, outputs=["# no heading"]),
        _cell("markdown", "## Use", "B " * 200),
        _cell("code", "x = 1"),
    )

    first, second, third, *_ = split("a.ipynb", text)

    assert [("Guide",), ("Guide",), ("Guide", "Use")] == [piece.headings for piece in (first, second, third)]
    assert [(), ("load",), ()] == [piece.symbols for piece in (first, second, third)]
    assert second.text.startswith("  {")
    assert text.split("\n")[second.first_line - 1 : second.last_line] == second.text.split("\n")


def test_long_outputs_are_cut_off_before_the_source() -> None:
    """What a reader looks for stays together."""
    source = [f"value_{number} = '{number:040}'" for number in range(8)]
    text = _notebook(_cell("code", *source, outputs=["x" * 60] * 40))

    (piece,) = (piece for piece in split("a.ipynb", text) if "value_0" in piece.text)

    assert piece.text.startswith('   "source"')
    assert "value_7" in piece.text


def test_a_notebook_on_one_line_is_a_text_like_others() -> None:
    """Nothing is known of its cells, and nothing is lost."""
    text = json.dumps({"cells": [_cell("code", "x = 1")]})

    (piece,) = split("a.ipynb", text)

    assert text == piece.text
