"""Code cut into windows, and imports told from what matters."""

import pytest

from pipelines.components.windows import WINDOW_LINES, code_windows, without_imports

CODE = '''"""What it is for."""

import os
from a import (
    b,
    c,
)


@decorated
def first() -> int:
    """Say one."""
    return 1


def second() -> int:
    return 2
'''


def texts(code: str, language: str = "python") -> list[str]:
    """The text of each window."""
    return [window.block.text for window in code_windows(code, first_line=1, language=language)]


def test_a_window_holds_a_definition_with_its_decorators_and_ends_with_it() -> None:
    """The next definition is not cut in."""
    assert '@decorated\ndef first() -> int:\n    """Say one."""\n    return 1' in texts(CODE)


def test_no_window_begins_with_an_import() -> None:
    """Names brought in answer nothing, over several lines neither."""
    assert not [text for text in texts(CODE) if text.startswith(("import", "from", "    b", ")"))]


def test_imports_are_left_out_whole() -> None:
    """The lines in brackets go with them."""
    assert "    b," not in without_imports(CODE)
    assert "def first" in without_imports(CODE)


def test_no_window_begins_inside_a_docstring() -> None:
    """It would begin in the middle of a sentence."""
    code = 'def f():\n    """One.\n\n    Two.\n    """\n    return 1\n'

    assert not [text for text in texts(code) if text.startswith("    Two")]


def test_a_setting_is_quoted_with_the_remark_above_it() -> None:
    """A remark and its key belong together, and the next section does not."""
    code = "[web]\n# Where it listens.\nport = 1\n\n[log]\nlevel = 2\n"

    assert "# Where it listens.\nport = 1" in texts(code, "toml")


@pytest.mark.parametrize("code", ["", "\n", ")\n", '"""', "x\n" * 100, "from a import (\n" + "b,\n" * 50])
def test_windows_are_short_and_begin_with_text(code: str) -> None:
    """Whatever the file holds."""
    for window in code_windows(code, first_line=7, language="python"):
        assert window.block.lines[0].strip()
        assert len(window.block.lines) <= WINDOW_LINES
