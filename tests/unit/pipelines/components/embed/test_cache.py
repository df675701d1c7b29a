"""Vectors that are kept: no text is embedded twice, and nothing breaks with the file."""

import asyncio
import os
import sqlite3
from collections.abc import MutableMapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.components.embed import NoEmbedder, Vectors
from pipelines.components.embed.cache import SLICE_TEXTS, CachedEmbedder, VectorCache
from pipelines.types import ModelUnavailable

DAY_S = 86_400


class Counting(NoEmbedder):
    """Gives unit vectors made of a text, remembers what it was asked, and fails where it is told to."""

    width = 64

    def __init__(self, name: str = "counting", *, fails_after: int | None = None) -> None:
        self.name = name
        self.asked: list[str] = []
        self.fails_after = fails_after

    async def embed(self, texts: Sequence[str]) -> Vectors:
        if self.fails_after is not None and len(self.asked) >= self.fails_after:
            raise ModelUnavailable("expected vectors, got none")
        self.asked += texts
        rows = np.stack(
            [np.random.default_rng(list(text.encode("utf-8", "replace"))).normal(size=64) for text in texts]
        )
        unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        return unit


class Yielding(Counting):
    """Lets others work before it answers, as an endpoint does."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        await asyncio.sleep(0)
        return await super().embed(texts)


def cache_at(path: Path, *, most_bytes: int = 10_000_000, day: int = 1) -> VectorCache:
    """Open a cache on that day."""
    return VectorCache(path / "vectors.db", most_bytes=most_bytes, clock=lambda: day * DAY_S)


def written(folder: Path) -> list[bytes]:
    """What lies in the files."""
    return [file.read_bytes() for file in folder.iterdir()]


async def test_no_text_is_embedded_twice_not_even_after_a_restart(tmp_path: Path) -> None:
    """Nor when it stands twice in one call; what comes back is the vector, to half precision."""
    first, cache = Counting(), cache_at(tmp_path)
    given = await CachedEmbedder(first, cache).embed(["a", "b", "a", "c"])
    again = await CachedEmbedder(first, cache).embed(["c", "b"])
    cache.close()
    second = Counting()
    later = await CachedEmbedder(second, cache_at(tmp_path)).embed(["a", "d", "c"])

    assert ["a", "b", "c"] == first.asked
    assert ["d"] == second.asked
    assert np.array_equal(given[0], given[2])
    assert np.allclose(given[[3, 1]], again, atol=1e-3)
    assert np.allclose(given[[0, 3]], later[[0, 2]], atol=1e-3)
    assert np.allclose(1.0, np.linalg.norm(later, axis=1), atol=1e-5)


async def test_each_space_has_its_own_vectors(tmp_path: Path) -> None:
    """After a change of the model nothing of the old one comes back."""
    cache = cache_at(tmp_path)
    one, other = Counting("one"), Counting("other")
    await CachedEmbedder(one, cache).embed(["a"])
    await CachedEmbedder(other, cache).embed(["a"])

    assert [["a"], ["a"]] == [one.asked, other.asked]


async def test_what_was_embedded_before_a_fault_is_kept(tmp_path: Path) -> None:
    """The next run pays for the rest only."""
    texts = [f"text {number}" for number in range(3 * SLICE_TEXTS)]
    failing, cache = Counting(fails_after=2 * SLICE_TEXTS), cache_at(tmp_path)
    with pytest.raises(ModelUnavailable):
        await CachedEmbedder(failing, cache).embed(texts)
    whole = Counting()
    await CachedEmbedder(whole, cache).embed(texts)

    assert texts[: 2 * SLICE_TEXTS] == failing.asked
    assert texts[2 * SLICE_TEXTS :] == whole.asked


async def test_questions_are_not_kept(tmp_path: Path) -> None:
    """They are people's words; the file holds none of them, nor any text of a source."""
    cache = cache_at(tmp_path)
    embedder = CachedEmbedder(Counting(), cache)
    await embedder.embed(["a passage of a source"])
    await embedder.embed_query("a question of a person")
    cache.close()

    raw = b"".join(written(tmp_path))
    with sqlite3.connect(tmp_path / "vectors.db") as db:
        assert (1,) == db.execute("SELECT count(*) FROM vector").fetchone()
    assert b"passage" not in raw
    assert b"question" not in raw


async def test_the_file_is_bounded_and_loses_what_was_not_used_for_longest(tmp_path: Path) -> None:
    """What is used again and again stays."""
    for day in range(12):
        cache = cache_at(tmp_path, most_bytes=400_000, day=day)
        embedder = CachedEmbedder(Counting(), cache)
        await embedder.embed(["always", *(f"{day}/{number}" for number in range(500))])
        cache.close()
    last = Counting()
    await CachedEmbedder(last, cache_at(tmp_path, day=12)).embed(["always", "0/1", "11/1"])

    assert ["0/1"] == last.asked
    assert 700_000 > sum(map(len, written(tmp_path)))


@pytest.mark.parametrize("content", [b"this is no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
async def test_a_spoilt_file_is_made_anew(tmp_path: Path, content: bytes) -> None:
    """It holds nothing that cannot be had again."""
    (tmp_path / "vectors.db").write_bytes(content)
    counting, cache = Counting(), cache_at(tmp_path)
    embedder = CachedEmbedder(counting, cache)
    for _ in range(3):
        rows = await embedder.embed(["a", "b"])

    assert (2, 64) == rows.shape
    assert 4 >= len(counting.asked)


@pytest.mark.parametrize("numbers", ["x'00ff11'", "x''", "'text'", "NULL", "7", "zeroblob(128)", "x'7e7e'"])
async def test_a_row_that_holds_no_vector_is_embedded_again(tmp_path: Path, numbers: str) -> None:
    """Whatever a fault has left there: the others still count, and the row is mended."""
    cache = cache_at(tmp_path)
    await CachedEmbedder(Counting(), cache).embed(["a", "b"])
    cache.close()
    with closing(sqlite3.connect(tmp_path / "vectors.db")) as db, db:
        db.execute("CREATE TABLE loose AS SELECT * FROM vector")  # which takes NULL as well
        db.execute("DROP TABLE vector")
        db.execute("ALTER TABLE loose RENAME TO vector")
        db.execute("CREATE UNIQUE INDEX vector_key ON vector (space, digest)")
        db.execute(f"UPDATE vector SET numbers = {numbers} WHERE rowid = 1")
    counting, cache = Counting(), cache_at(tmp_path)
    for _ in range(2):
        rows = await CachedEmbedder(counting, cache).embed(["a", "b"])
    cache.close()

    assert ["a"] == counting.asked
    assert np.allclose(await Counting().embed(["a", "b"]), rows, atol=1e-3)


async def test_a_file_of_another_kind_is_made_anew(tmp_path: Path) -> None:
    """An earlier version's, or another program's: it would be refused at every passage."""
    with closing(sqlite3.connect(tmp_path / "vectors.db")) as db:
        db.execute("CREATE TABLE vector (space, digest)")
    counting, cache = Counting(), cache_at(tmp_path)
    for _ in range(3):
        await CachedEmbedder(counting, cache).embed(["a", "b"])
    cache.close()

    assert 4 >= len(counting.asked)


async def test_a_file_that_was_cut_short_is_made_anew(tmp_path: Path) -> None:
    """As after a crash of the machine."""
    texts = [f"text {number}" for number in range(600)]
    cache = cache_at(tmp_path)
    await CachedEmbedder(Counting(), cache).embed(texts)
    cache.close()
    whole = (tmp_path / "vectors.db").read_bytes()
    (tmp_path / "vectors.db").write_bytes(whole[: len(whole) // 2 + 100])
    counting, cache = Counting(), cache_at(tmp_path)
    for _ in range(3):
        await CachedEmbedder(counting, cache).embed(texts)
    cache.close()

    assert 2 * len(texts) >= len(counting.asked)


async def test_what_two_sources_hold_is_embedded_once_though_both_are_indexed_now(tmp_path: Path) -> None:
    """Whoever comes second waits for the first, and finds what it got."""
    counting = Yielding()
    embedder = CachedEmbedder(counting, cache_at(tmp_path))
    one, other = await asyncio.gather(embedder.embed(["a", "b", "c"]), embedder.embed(["c", "b", "d"]))

    assert ["a", "b", "c", "d"] == sorted(counting.asked)
    assert np.allclose(one[2], other[0], atol=1e-3)


def test_nobody_else_may_read_the_file(tmp_path: Path) -> None:
    """Vectors tell much of a text; on Windows it is the folder that says who may read."""
    cache = cache_at(tmp_path)
    cache.keep("space", [(b"digest", np.ones(1, dtype=np.float32))])

    assert not any(file.stat().st_mode & 0o077 for file in tmp_path.iterdir() if os.name == "posix")


async def test_a_place_that_stays_away_is_told_once(
    tmp_path: Path, faults_logged: list[MutableMapping[str, Any]]
) -> None:
    """Not twice for every file of an index."""
    embedder = CachedEmbedder(Counting(), cache_at(tmp_path / "nowhere"))
    for text in "abc":
        await embedder.embed([text])

    assert ["vector_cache_unused"] == [entry["event"] for entry in faults_logged]


async def test_without_a_place_for_the_file_texts_are_embedded_all_the_same(tmp_path: Path) -> None:
    """The cache is a help, never a need."""
    (tmp_path / "file").write_text("in the way")
    counting = Counting()
    embedder = CachedEmbedder(counting, cache_at(tmp_path / "file"))
    rows = await embedder.embed(["a"])

    assert (1, 64) == rows.shape
    assert ["a"] == counting.asked


async def test_odd_texts_have_digests_too(tmp_path: Path) -> None:
    """Lone surrogates come out of odd file names."""
    counting = Counting()
    embedder = CachedEmbedder(counting, cache_at(tmp_path))

    assert (2, 64) == (await embedder.embed(["\udcff", ""])).shape
    assert (0, 64) == (await embedder.embed([])).shape
    assert (64,) == (await embedder.embed_query("x")).shape
