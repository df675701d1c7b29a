"""What a run changes, told of files that are new, changed, gone and moved."""

from adapters.source import Head
from bot.difference import FILES_NAMED, Difference, difference
from pipelines.indexing import Plan
from pipelines.planning import Listed
from pipelines.stores.passages import Entry

HEAD = Head("main", "b" * 40)


def _held(**blobs: str) -> dict[str, Entry]:
    return {path: Entry("docs", path, blob, "split-1", 1, 10) for path, blob in blobs.items()}


def _listed(**blobs: str) -> list[Listed]:
    return [Listed(path, blob, 10) for path, blob in blobs.items()]


def test_each_kind_of_change_is_counted_once() -> None:
    """A file that moved is neither new nor gone; what was only made anew has not changed."""
    held = _held(old="1", changed="2", gone="3", same="4")
    plan = Plan(_listed(new="1", changed="5", fresh="6", same="4"), ["gone", "old"], frozenset({"new"}))

    said = difference(held, plan, before="a" * 40, head=HEAD)

    files = [["~", "changed"], ["+", "fresh"], ["-", "gone"], [">", "new"]]
    assert Difference("main", "a" * 40, "b" * 40, 1, 1, 1, 1, files) == said


def test_a_copy_is_new() -> None:
    """Only a file whose former place is gone has moved."""
    said = difference(_held(one="1"), Plan(_listed(two="1"), []), before="a" * 40, head=HEAD)

    assert said is not None
    assert (1, 0) == (said.added, said.moved)


def test_a_version_that_stays_with_all_its_files_is_no_change() -> None:
    """Making files anew with another splitter is none either; another commit with the same files is one."""
    held, plan = _held(same="1"), Plan(_listed(same="1"), [])

    assert difference(held, plan, before=HEAD.commit, head=HEAD) is None
    assert Difference("main", "a" * 40, HEAD.commit, files=[]) == difference(held, plan, before="a" * 40, head=HEAD)


def test_of_many_files_some_are_named() -> None:
    """The counts hold all of them."""
    plan = Plan(_listed(**{f"f{number}": str(number) for number in range(50)}), [])

    said = difference({}, plan, before="", head=HEAD)

    assert said is not None
    assert (50, FILES_NAMED) == (said.added, len(said.files))
