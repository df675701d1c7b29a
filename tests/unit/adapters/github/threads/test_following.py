"""Following the threads of a repository on a host in memory: what is new, and what is left for the next look."""

from pathlib import Path

import pytest

from adapters.github.threads.following import Followed
from adapters.github.threads.kinds import KINDS
from tests.fakes.threads import FakeThreads
from tests.fakes.threads_reader import Reader, expected


async def test_all_kinds_become_documents(host: FakeThreads, reader: Reader) -> None:
    """At the paths that they have on the web; nothing is left to read."""
    for word in ("issues", "pulls", "discussions"):
        host.add(word)
    host.add("releases", tag="v1.0")

    followed = await reader.look()

    assert ["discussions/3.md", "issues/1.md", "pull/2.md", "releases/tag/v1.0.md"] == reader.paths()
    assert Followed() == followed


async def test_a_look_without_news_asks_once_a_kind_and_writes_nothing(host: FakeThreads, reader: Reader) -> None:
    """However many items there are."""
    for _ in range(120):
        host.add()
        host.tick(hours=1)
    await reader.look_until_whole()
    writes = reader.shelf.writes
    host.asked.clear()

    await reader.look()

    assert ({"page": 4}, writes) == (dict(host.asked), reader.shelf.writes)


async def test_an_edit_and_a_comment_are_followed(host: FakeThreads, reader: Reader) -> None:
    """Only what has changed is written."""
    old, changed = host.add(body="Old."), host.add(body="Before.")
    await reader.look()
    writes = reader.shelf.writes
    host.edit("issues", changed, body="After.", state="CLOSED")
    host.comment("issues", changed, "Done.")

    await reader.look()

    assert writes + 1 == reader.shelf.writes
    assert "After." in reader.text(f"issues/{changed}.md")
    assert "Done." in reader.text(f"issues/{changed}.md")
    assert "Old." in reader.text(f"issues/{old}.md")


async def test_items_that_a_host_lists_late_are_found(host: FakeThreads, reader: Reader) -> None:
    """Each look goes three hours back behind the last one."""
    host.add()
    host.tick(hours=2)
    newest = host.add()
    await reader.look()
    late = host.add()
    at = host.items["issues"][newest]["updatedAt"].replace("T14", "T13")
    host.items["issues"][late] |= {"createdAt": at, "updatedAt": at}

    await reader.look()

    assert f"issues/{late}.md" in reader.paths()


@pytest.mark.parametrize("word", ["issues", "pulls", "discussions"])
async def test_every_comment_of_a_long_thread_is_read(host: FakeThreads, reader: Reader, word: str) -> None:
    """Page by page."""
    key = host.add(word)
    for number in range(130):
        host.comment(word, key, f"Comment number {number}.")

    await reader.look()

    text = reader.text(f"{KINDS[word].folder}/{key}.md")
    assert list(range(130)) == [n for n in range(130) if f"Comment number {n}.\n" in text]
    assert "left out" not in text


async def test_every_reply_of_a_discussion_is_read(host: FakeThreads, reader: Reader) -> None:
    """Also those beyond the first page below a comment."""
    key = host.add("discussions")
    host.comment("discussions", key, "A question.")
    for number in range(70):
        host.comment("discussions", key, f"Reply number {number}.", to="replies")

    await reader.look()

    assert 70 == reader.text(f"discussions/{key}.md").count("Reply number")


async def test_a_large_repository_is_read_over_several_looks(host: FakeThreads, tmp_path: Path) -> None:
    """The newest come first; each look says how far it is, and never asks more than it may."""
    for _ in range(230):
        host.add()
    reader = Reader(tmp_path / "shelf", host, "issues", requests=2)

    first = await reader.look()

    assert ({"issues": (100, 230)}, 2) == (first.reading, host.asked["page"])
    assert f"issues/{230}.md" in reader.paths()
    assert {"issues": (200, 230)} == (await reader.look()).reading
    assert Followed() == await reader.look()
    assert expected(host) == reader.paths()


async def test_one_kind_does_not_starve_the_others(host: FakeThreads, tmp_path: Path) -> None:
    """Each has its share of the requests, and what others leave."""
    for _ in range(500):
        host.add()
    host.add("discussions")
    reader = Reader(tmp_path / "shelf", host, "issues", "discussions", requests=4)

    followed = await reader.look()

    assert {"issues": (100, 500)} == followed.reading
    assert "discussions/501.md" in reader.paths()


async def test_what_is_new_while_a_repository_is_read_is_not_missed(host: FakeThreads, tmp_path: Path) -> None:
    """Items that move to the front between two looks are read after the last page."""
    keys = [host.add() for _ in range(200)]
    reader = Reader(tmp_path / "shelf", host, "issues", requests=1)
    await reader.look()
    host.edit("issues", keys[0], body="Moved to the front.")
    host.add(body="New.")

    await reader.look_until_whole()
    await reader.look()

    assert expected(host) == reader.paths()
    assert "Moved to the front." in reader.text(f"issues/{keys[0]}.md")


async def test_no_more_than_the_most_are_kept_the_newest_ones(host: FakeThreads, tmp_path: Path) -> None:
    """Those left out are counted; a newer one takes the place of the oldest."""
    keys = [host.add() for _ in range(130)]
    reader = Reader(tmp_path / "shelf", host, "issues", most=100)
    followed = await reader.look()
    assert ({"older_threads": 30}, 100) == (followed.skipped, len(reader.paths()))

    host.edit("issues", keys[0], body="Alive again.")
    followed = await reader.look()

    assert ({"older_threads": 30}, 100) == (followed.skipped, len(reader.paths()))
    assert f"issues/{keys[0]}.md" in reader.paths()
