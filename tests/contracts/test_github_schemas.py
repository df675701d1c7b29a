"""GitHub's descriptions: fetched once by npm, known by their digest, and missed loudly."""

import hashlib
from pathlib import Path

import pytest

from tests.fakes.github.schemas import GRAPHQL, Described, SchemaMissing, fetched

CONTENT = b'{"openapi": "3.0.3"}'


def packed(folder: Path, *, content: bytes = CONTENT, name: str = "description.json") -> str:
    """Make a package that npm can pack, and give what is to be packed: npm takes a folder, too."""
    folder.mkdir()
    (folder / "package.json").write_text('{"name": "described", "version": "1.0.0"}')
    (folder / name).write_bytes(content)
    return str(folder)


def described(package: str, content: bytes = CONTENT) -> Described:
    """What is wanted of it."""
    return Described(package, "package/description.json", hashlib.sha256(content).hexdigest())


def test_a_description_is_fetched_once(tmp_path: Path) -> None:
    """The second time it needs no npm, and nothing but the one file is kept."""
    wanted = described(packed(tmp_path / "described"))
    first = fetched(wanted, cache=tmp_path / "cache")
    second = fetched(wanted, cache=tmp_path / "cache", npm="no-such-program")

    assert (CONTENT, first) == (first.read_bytes(), second)
    assert [first] == list((tmp_path / "cache").iterdir())


def test_another_file_than_the_one_meant_is_refused(tmp_path: Path) -> None:
    """Whatever npm brings must have the digest that our code names; nothing of it is kept."""
    wanted = described(packed(tmp_path / "described", content=b"something else"))

    with pytest.raises(SchemaMissing, match="SHA-256"):
        fetched(wanted, cache=tmp_path / "cache")

    assert [] == list((tmp_path / "cache").iterdir())


def test_a_damaged_file_is_fetched_again(tmp_path: Path) -> None:
    """As after a full disk."""
    wanted = described(packed(tmp_path / "described"))
    path = fetched(wanted, cache=tmp_path / "cache")
    path.write_bytes(CONTENT[:5])

    assert CONTENT == fetched(wanted, cache=tmp_path / "cache").read_bytes()


def test_a_package_without_the_file_is_refused(tmp_path: Path) -> None:
    """It says which one was expected."""
    wanted = described(packed(tmp_path / "described", name="other.json"))

    with pytest.raises(SchemaMissing, match=r"package/description\.json"):
        fetched(wanted, cache=tmp_path / "cache")


def test_without_npm_and_cache_it_says_what_to_install(tmp_path: Path) -> None:
    """It is an error, no skip: what GitHub's forms are is known to nobody else."""
    with pytest.raises(SchemaMissing, match="apt-get install npm"):
        fetched(GRAPHQL, cache=tmp_path, npm="no-such-program")


def test_what_npm_complains_of_is_told(tmp_path: Path) -> None:
    """Here of a folder that is not there."""
    with pytest.raises(SchemaMissing, match="no-such-folder"):
        fetched(described(str(tmp_path / "no-such-folder")), cache=tmp_path / "cache")
