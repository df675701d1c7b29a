"""The matrix of one project: rounding, searching, joining and losing files."""

import numpy as np

from pipelines.stores.local_schema import KEYS_PER_FILE
from pipelines.stores.local_vectors import FileVectors, Matrix, quantise, restore
from pipelines.stores.passages import Vectors

SHARED = ("s1", None)


def rows(count: int, *, width: int = 32, seed: int = 1) -> Vectors:
    """Make random unit rows: float32 of shape (count, width)."""
    made = np.random.default_rng(seed).standard_normal((count, width)).astype(np.float32)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), dtype=np.float32)


def matrix_of(*files: Vectors, width: int = 32) -> Matrix:
    """Make a matrix whose files are numbered from 1."""
    added = [FileVectors(number, SHARED, quantise(file)) for number, file in enumerate(files, start=1)]
    return Matrix(generation=1, width=width, groups={}).changed(1, (), added)


def test_rounding_twice_changes_nothing() -> None:
    """Vectors that were reused from the store are stored as the same bytes."""
    once = quantise(rows(50))

    np.testing.assert_array_equal(once.codes, quantise(restore(once)).codes)


def test_zero_rows_stay_zero() -> None:
    """A passage without a vector of its own does not divide by zero."""
    zero = np.zeros((2, 4), dtype=np.float32)

    np.testing.assert_array_equal(zero, restore(quantise(zero)))
    assert (0, 4) == restore(quantise(np.zeros((0, 4), dtype=np.float32))).shape


def test_recall_at_50_is_97_percent_of_the_exact_search() -> None:
    """Over 10,000 random rows the best 50 are nearly those of float32."""
    data = rows(10_000, width=64)
    matrix = matrix_of(data, width=64)
    shares = []
    for query in rows(20, width=64, seed=7):
        exact = set(np.argsort(-(data @ query))[:50].tolist())
        hits = {key - KEYS_PER_FILE for key, _ in matrix.nearest(query, {SHARED}, limit=50)}
        shares.append(len(exact & hits) / 50)

    assert np.mean(shares) >= 0.97


def test_a_changed_matrix_equals_one_made_anew() -> None:
    """Files that left and joined over many changes give the hits of a fresh matrix."""
    files = {number: rows(37, seed=number) for number in range(1, 40)}
    moved = Matrix(generation=0, width=32, groups={})
    for number, file in files.items():
        removed = [number - 5] if number > 5 else []
        moved = moved.changed(number, removed, [FileVectors(number, SHARED, quantise(file))])
    fresh = Matrix(generation=39, width=32, groups={}).changed(
        39, (), [FileVectors(number, SHARED, quantise(files[number])) for number in range(35, 40)]
    )

    query = rows(1, seed=99)[0]

    assert [key for key, _ in fresh.nearest(query, {SHARED}, limit=20)] == [
        key for key, _ in moved.nearest(query, {SHARED}, limit=20)
    ]
    assert moved.is_worn
    assert not fresh.is_worn


def test_an_older_matrix_does_not_see_the_change() -> None:
    """A search that began before a change goes on with what it had."""
    before = matrix_of(rows(5))
    query = rows(1, seed=3)[0]
    expected = before.nearest(query, {SHARED}, limit=9)

    before.changed(2, [1], [FileVectors(2, SHARED, quantise(rows(5, seed=2)))])

    assert expected == before.nearest(query, {SHARED}, limit=9)


def test_only_allowed_groups_are_found() -> None:
    """Rows of a group that is not named, or not known, are never hits."""
    added = [FileVectors(1, ("s1", "r1"), quantise(rows(3))), FileVectors(2, SHARED, quantise(rows(3, seed=2)))]
    matrix = Matrix(generation=1, width=32, groups={}).changed(1, (), added)
    query = rows(1, seed=3)[0]

    assert {2} == {key // KEYS_PER_FILE for key, _ in matrix.nearest(query, {SHARED, ("s9", None)}, limit=9)}
    assert [] == matrix.nearest(query, set(), limit=9)
