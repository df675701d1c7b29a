"""Following the threads of a repository: what is gone, and whatever goes wrong on the way."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from adapters.github.threads.following import Followed, Terms
from adapters.github.threads.kinds import KINDS
from adapters.github.threads.shelf import Shelf
from adapters.source import SourceError, SourceGone, SourceRefused, SourceUnreachable
from tests.fakes.threads import FakeThreads
from tests.fakes.threads_reader import Reader, expected


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


async def test_a_public_repository_that_becomes_private_is_gone(host: FakeThreads, tmp_path: Path) -> None:
    """The credential would read on, but who may ask here has no right to it; one followed as private is read on."""
    host.add()
    public = Reader(tmp_path / "public", host, "issues", is_public=True)
    private = Reader(tmp_path / "private", host, "issues")
    await public.look()
    host.is_private = True
    host.add(body="A secret.")

    with pytest.raises(SourceGone) as caught:
        await public.look()
    await private.look()

    assert "private" == caught.value.reason
    assert ["issues/1.md"] == public.paths()
    assert ["issues/1.md", "issues/2.md"] == private.paths()


async def test_another_repository_of_the_same_name_is_not_read(host: FakeThreads, reader: Reader) -> None:
    """Somebody may take the name of one that was renamed or deleted."""
    host.add()
    await reader.look()
    host.node_id = "R_2"
    host.add(body="Of a stranger.")

    with pytest.raises(SourceGone) as caught:
        await reader.look()

    assert "replaced" == caught.value.reason
    assert ["issues/1.md"] == reader.paths()


@pytest.mark.parametrize("word", ["issues", "pulls"])
async def test_an_edited_comment_is_found_by_the_daily_comparison(host: FakeThreads, reader: Reader, word: str) -> None:
    """Also when its item does not count as updated, as deleting one does not; it is read anew once."""
    old = host.add(word)
    comment = host.comment(word, old, "The password is hunter2.")
    for _ in range(60):
        host.add(word)
        host.tick(hours=1)
    await reader.look_until_whole()
    comment |= {"body": "Removed.", "updatedAt": host.tick(hours=25)}

    await reader.look()
    await reader.look()

    assert "hunter2" not in reader.text(f"{KINDS[word].folder}/{old}.md")
    assert 1 == host.asked["single"]
