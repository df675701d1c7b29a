"""What a file is for, by its path."""

import pytest

from pipelines.components.roles import part_of, role_of


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("src/client.py", ""),
        ("tests/test_client.py", "tests"),
        ("pkg/client_test.go", "tests"),
        ("src/button.spec.ts", "tests"),
        ("docs_src/examples/one.py", "examples"),
        ("CHANGELOG.md", "history"),
        ("CONTRIBUTING.md", "building"),
        ("LICENSE", "legal"),
        ("app/locale/de.po", "texts"),
        ("db/migrations/0001.py", "generated"),
        ("pkg/__init__.py", "init"),
        ("docs/index.md", ""),
        ("issues/12.md", "threads"),
        ("pull/12.md", "threads"),
        ("discussions/12.md", "threads"),
        ("releases/tag/v1.2.md", "history"),
        ("docs/issues/12.md", ""),
        ("issues/templates.md", ""),
    ],
)
def test_a_path_tells_what_the_file_is_for(path: str, role: str) -> None:
    """Names of folders and of the file decide, whatever their case."""
    assert role == role_of(path)
    assert role == role_of(path.upper()) or role == "init"


@pytest.mark.parametrize(
    ("path", "kind", "part"),
    [
        ("src/client.py", "code", "code"),
        ("pkg/__init__.py", "code", "code"),
        ("docs/guide.md", "docs", "docs"),
        ("examples/README.md", "docs", "docs"),
        ("CONTRIBUTING.md", "docs", "docs"),
        ("tests/test_client.py", "code", "aside"),
        ("CHANGELOG.md", "docs", "aside"),
        ("config.toml", "text", "aside"),
        ("issues/12.md", "docs", "aside"),
        ("releases/tag/v1.2.md", "docs", "aside"),
    ],
)
def test_a_passage_belongs_to_one_part(path: str, kind: str, part: str) -> None:
    """Code and documents proper are looked for apart from tests, data and history."""
    assert part == part_of(path, kind)
