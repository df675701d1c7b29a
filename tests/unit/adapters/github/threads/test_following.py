"""Following the threads of a repository on a host in memory: what is new, what is gone, what is left for the next look."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.github.threads.following import Followed, Following, Purse, Terms
from adapters.github.threads.kinds import KINDS
from adapters.github.threads.shelf import Shelf
from adapters.source import SourceError, SourceGone, SourceRefused, SourceUnreachable
from tests.fakes.threads import FakeThreads


class Reader:
    """A follower of a host, made anew by `restart` as after a kill."""

    def __init__(self, root: Path, host: FakeThreads, *words: str, requests: int = 50, most: int = 5_000) -> None:
        self.host = host
        self.root = root
        self.words = words or tuple(KINDS)
        self.terms = Terms(requests=requests, most=most, clock=self.clock)
        self.restart()

    def clock(self) -> datetime:
        """The clock of this machine goes with the host's."""
        return self.host.now

    def restart(self) -> None:
        """Begin with what lies on the disk."""
        self.shelf = Shelf(self.root)
        purse = Purse(self.host.ask, owner="acme", name="app")
        self.following = Following(purse, self.shelf, [KINDS[word] for word in self.words], self.terms)

    async def look(self) -> Followed:
        """One look."""
        return await self.following.look()

    async def look_until_whole(self) -> int:
        """Look until everything was read; how many looks it took."""
        looks = 1
        while (await self.look()).reading:
            looks += 1
        return looks

    def paths(self) -> list[str]:
        """The documents."""
        return [entry.path for entry in self.shelf.entries()[0]]

    def text(self, path: str) -> str:
        """One document."""
        return (self.shelf.disk.read(path) or b"").decode()


@pytest.fixture
def host() -> FakeThreads:
    """A host with nothing on it yet."""
    return FakeThreads()


@pytest.fixture
def reader(host: FakeThreads, tmp_path: Path) -> Reader:
    """Who follows all kinds with room enough."""
    return Reader(tmp_path / "shelf", host)


def expected(host: FakeThreads) -> list[str]:
    """The paths of all that is there."""
    return sorted(f"{KINDS[word].folder}/{key}.md" for word, items in host.items.items() for key in items)


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


async def test_a_deleted_item_is_forgotten(host: FakeThreads, reader: Reader) -> None:
    """Within an hour, since then there are fewer than we know of; a transferred one as well."""
    kept, gone = host.add(), host.add()
    await reader.look()
    host.delete("issues", gone)
    host.tick(hours=1.5)

    await reader.look()

    assert [f"issues/{kept}.md"] == reader.paths()


async def test_a_deletion_beside_a_new_item_is_found_in_a_day(host: FakeThreads, reader: Reader) -> None:
    """The numbers agree, so it takes the daily comparison."""
    gone = host.add()
    await reader.look()
    host.delete("issues", gone)
    new = host.add()
    await reader.look()
    assert [f"issues/{gone}.md", f"issues/{new}.md"] == reader.paths()
    host.tick(hours=25)

    await reader.look()

    assert [f"issues/{new}.md"] == reader.paths()


async def test_a_deleted_comment_is_found_by_the_daily_comparison(host: FakeThreads, reader: Reader) -> None:
    """Deleting one does not count as an update of its item, but there are fewer."""
    key = host.add()
    host.comment("issues", key, "Said in anger.")
    await reader.look()
    host.items["issues"][key]["comments"].clear()
    host.tick(hours=25)

    await reader.look()

    assert "anger" not in reader.text(f"issues/{key}.md")


async def test_an_item_that_was_missed_is_fetched_by_the_daily_comparison(host: FakeThreads, reader: Reader) -> None:
    """An old release that was edited, and one that was published for an old commit."""
    old, at = host.add("releases", tag="v1"), host.tick()
    for number in range(60):
        host.add("releases", tag=f"v2.{number}")
        host.tick(hours=1)
    await reader.look()
    host.edit("releases", old, description="Edited.")
    host.items["releases"][host.add("releases", tag="v1.1")]["createdAt"] = at
    await reader.look()
    assert ("Edited." in reader.text("releases/tag/v1.md"), "releases/tag/v1.1.md" in reader.paths()) == (False, False)
    host.tick(hours=25)

    await reader.look()

    assert ("Edited." in reader.text("releases/tag/v1.md"), "releases/tag/v1.1.md" in reader.paths()) == (True, True)


async def test_a_comparison_goes_on_in_the_next_look(host: FakeThreads, tmp_path: Path) -> None:
    """Nothing is forgotten before all of it was compared."""
    keys = [host.add() for _ in range(250) if host.tick(hours=1)]
    reader = Reader(tmp_path / "shelf", host, "issues", requests=20)
    await reader.look_until_whole()
    host.delete("issues", keys[249])
    host.tick(hours=25)
    reader.terms = Terms(requests=2, most=5_000, clock=reader.clock)
    reader.restart()

    counts = [(await reader.look(), len(reader.paths()))[1] for _ in range(3)]

    assert [250, 250, 249] == counts
    assert expected(host) == reader.paths()


async def waited(reader: Reader) -> float | None:
    """Look, begin anew after a failure, and say for how long the host wants to be left alone."""
    try:
        await reader.look()
    except SourceUnreachable as error:
        reader.restart()
        return error.retry_after_s
    return None


@pytest.mark.parametrize("at", range(12))
async def test_a_failure_anywhere_costs_nothing(host: FakeThreads, tmp_path: Path, at: int) -> None:
    """A limit of the host in the middle ends the look with its wait; the next one goes on and ends at the same."""
    for number in range(130):
        host.add(("issues", "pulls")[number % 2])
    key = host.add("discussions")
    for number in range(60):
        host.comment("discussions", key, f"Comment {number}.")
    host.failures = [*([None] * at), SourceUnreachable("expected an answer, got a limit", retry_after_s=60.0)]
    reader = Reader(tmp_path / "shelf", host)

    waits = [await waited(reader), await waited(reader)]

    assert waits in ([60.0, None], [None, 60.0])  # the first look takes fewer requests than the last place
    await reader.look()
    assert expected(host) == reader.paths()
    assert 60 == reader.text(f"discussions/{key}.md").count("## Comment by")


async def test_a_kill_between_a_document_and_its_notes_costs_nothing(
    host: FakeThreads, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The item is read once more."""

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    keys = [host.add() for _ in range(3)]
    await reader.look()
    host.edit("issues", keys[0], body="Edited.")
    host.delete("issues", keys[1])
    host.tick(hours=25)
    with monkeypatch.context() as patch:
        patch.setattr(Shelf, "note", killed)
        with pytest.raises(KeyboardInterrupt):
            await reader.look()
    reader.restart()

    await reader.look()

    assert expected(host) == reader.paths()
    assert "Edited." in reader.text(f"issues/{keys[0]}.md")


async def test_documents_that_were_lost_or_torn_are_read_again(host: FakeThreads, reader: Reader) -> None:
    """At the next start; other documents are not."""
    lost, torn = host.add(body="Lost."), host.add(body="Torn.")
    await reader.look()
    reader.shelf.remove(f"issues/{lost}.md")
    reader.shelf.put(f"issues/{torn}.md", b"")
    reader.restart()

    await reader.look()

    assert ("Lost." in reader.text(f"issues/{lost}.md"), "Torn." in reader.text(f"issues/{torn}.md")) == (True, True)
    assert 2 == host.asked["single"]


@pytest.mark.parametrize("content", [b"", b"[]", b'{"items": 1}', b"\0\0\0"])
async def test_notes_that_cannot_be_read_begin_anew(host: FakeThreads, reader: Reader, content: bytes) -> None:
    """Everything is read once more, and what is not there any more goes with the comparison."""
    host.add()
    await reader.look()
    (reader.root / "issues.json").write_bytes(content)
    reader.restart()

    assert Followed() == await reader.look()
    assert expected(host) == reader.paths()


async def test_a_page_that_the_host_cannot_give_is_asked_for_in_parts(host: FakeThreads, tmp_path: Path) -> None:
    """GitHub ends requests that take it more than 10 s."""
    for _ in range(60):
        host.add()
    host.failures = [SourceUnreachable("expected an answer, got 502")]
    reader = Reader(tmp_path / "shelf", host, "issues")

    await reader.look()

    assert expected(host) == reader.paths()


@pytest.mark.parametrize(
    ("failures", "kind"),
    [
        ([SourceUnreachable("down"), SourceUnreachable("down")], SourceUnreachable),
        ([SourceRefused("no such cursor")], SourceRefused),
    ],
)
async def test_what_the_host_says_comes_out(
    host: FakeThreads, reader: Reader, failures: Sequence[SourceError], kind: type[SourceError]
) -> None:
    """An outage and a refusal are no empty repository; the next look begins where it can."""
    host.add()
    host.failures = [*failures]

    with pytest.raises(kind):
        await reader.look()
    await reader.look()

    assert expected(host) == reader.paths()


async def test_a_repository_that_is_gone_says_so_and_keeps_its_documents(host: FakeThreads, reader: Reader) -> None:
    """Hiding and purging them is decided elsewhere."""
    host.add()
    await reader.look()
    host.is_gone = True

    with pytest.raises(SourceGone):
        await reader.look()

    assert ["issues/1.md"] == reader.paths()


async def test_a_kind_that_is_not_followed_any_more_is_deleted(host: FakeThreads, reader: Reader) -> None:
    """With its notes; followed again, it is read anew."""
    host.add()
    host.add("pulls")
    await reader.look()
    reader.words = ("pulls",)
    reader.restart()
    await reader.look()
    assert ["pull/2.md"] == reader.paths()

    reader.words = ("issues", "pulls")
    reader.restart()
    await reader.look()

    assert ["issues/1.md", "pull/2.md"] == reader.paths()
