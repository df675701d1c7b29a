"""Files sent into rooms: what is taken, who finds them, how they are shared, and when they go."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from adapters.chat import Addressed, Attachment, Message, Reply, Unreachable
from bot.context import MessageContext
from bot.errors import StateUnavailable, UserError
from bot.rights import Actor, Role
from bot.state.database import Database
from bot.state.queries import people, polls, projects, rooms, sources
from bot.state.queries import uploads as upload_rows
from bot.state.tables import Person, Room
from bot.state.vault import Vault
from bot.uploads import UploadParts, Uploads
from config.texts import say
from pipelines.components.embed import NoEmbedder
from pipelines.indexing import Indexing
from pipelines.searching import Searching
from pipelines.stores.local import LocalPassages
from pipelines.stores.passages import PassageStore, Scope
from tests.fakes.chat import FakeChat
from tests.fakes.passages import FakePassages
from tests.fakes.project import settings, views
from tests.fakes.state import NOW, open_database, some_project, some_room, somebody

NOTES = b"# Canary\n\nThe canary word is xylophonist. It sings at noon.\n"


@dataclass
class Rooms:
    """Uploads over a fake network and store: rooms A and B of one project, where Ada is a member."""

    db: Database
    vault: Vault
    chat: FakeChat
    store: PassageStore
    uploads: Uploads
    folder: Path
    project: str
    a: Room
    b: Room
    ada: Person
    free_bytes: list[int] = field(default_factory=lambda: [10**12])

    async def send(self, name: str, content: bytes, *, room: Room | None = None, person: Person | None = None) -> str:
        """Let somebody send one file; what is said about it."""
        self.chat.files[name] = content
        said = await self.take(Attachment(name, name, "text/plain", len(content)), room=room, person=person)
        assert said is not None
        return said.markdown

    async def take(self, *files: Attachment, room: Room | None = None, person: Person | None = None) -> Reply | None:
        """Let somebody send files with a message."""
        where, who = room or self.a, person or self.ada
        message = self.chat.message(1, "", room=where.native_id, addressed=Addressed.MENTION, attachments=files)
        return await self.uploads.take(context(where, who, message))

    async def finds(self, words: str, *, room: Room | None) -> list[str]:
        """The paths that a room finds (room None: the whole project, as the API)."""
        searching = Searching(self.store, NoEmbedder(), views)
        found = await searching.search(self.project, words, scope=Scope(room=room.id if room else None), limit=5)
        return [one.passage.path for one in found]

    def files(self) -> set[bytes]:
        """The contents that are kept in the data folder."""
        return {path.read_bytes() for path in (self.folder / "attachments").glob("*")}


def context(room: Room, person: Person, message: Message) -> MessageContext:
    """A message with its surroundings."""
    return MessageContext(1, room, person, Actor(person.id), message, "en", NOW)


async def opened(folder: Path, store: PassageStore) -> Rooms:
    """Two rooms of one project."""
    db, vault, chat = await open_database(folder), Vault([Fernet.generate_key().decode()]), FakeChat()
    project = await some_project(db)
    ada = await somebody(db, role=Role.MEMBER, project=project.id)
    a, b = await some_room(db, "a"), await some_room(db, "b")
    for room in (a, b):
        bind = partial(rooms.bind, room=room.id, project=project.id, bound_by=None, now=NOW)
        await db.write(bind)
    free = [10**12]
    limits = settings().limits.model_copy(update={"attachments_per_room": 3})
    parts = UploadParts(
        db=db,
        vault=vault,
        store=store,
        indexing=Indexing(store, NoEmbedder(), files=settings().files.for_uploads(limits), limits=limits),
        adapter_of=lambda _room: chat,
        limits=limits,
        files=settings().files,
        folder=folder / "attachments",
        incoming=folder / "uploads",
        free_bytes=lambda: free[0],
    )
    return Rooms(db, vault, chat, store, Uploads(parts), folder, project.id, a, b, ada, free)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Rooms]:
    """Rooms over a store in memory."""
    made = await opened(tmp_path, FakePassages())
    yield made
    await made.db.close()


@pytest.fixture(params=["fake", "local"])
async def any_store(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Rooms]:
    """Rooms over each store."""
    store: PassageStore = FakePassages() if request.param == "fake" else LocalPassages(tmp_path / "index")
    made = await opened(tmp_path, store)
    yield made
    await made.db.close()
    await store.close()


async def test_a_file_is_found_in_its_room_only_until_it_is_shared(any_store: Rooms) -> None:
    """The canary of room A is found by nobody else: not in room B, not by the API; once shared, everywhere."""
    house = any_store
    said = await house.send("notes.md", NOTES)
    before = [await house.finds("xylophonist", room=room) for room in (house.a, house.b, None)]
    kept = await house.uploads.named(house.a.id, "NOTES.md", project=house.project)
    await house.uploads.share(kept, now=NOW)
    after = [await house.finds("xylophonist", room=room) for room in (house.a, house.b, None)]

    assert said == say("upload.indexed", "en", name="notes.md", passages=1)
    assert [["notes.md"], [], []] == before
    assert [["notes.md"]] * 3 == after


async def test_a_file_of_another_project_is_not_found(any_store: Rooms) -> None:
    """A room that is bound anew leaves its files behind, and finds them when it comes back."""
    house = any_store
    await house.send("notes.md", NOTES)
    other = await some_project(house.db, "other")
    await house.db.write(lambda session: rooms.unbind(session, house.a.id, now=NOW))
    await house.db.write(lambda session: rooms.bind(session, house.a.id, project=other.id, bound_by=None, now=NOW))

    with pytest.raises(UserError, match=r"source\.share_empty"):
        await house.uploads.named(house.a.id, "notes.md", project=other.id)
    searching = Searching(house.store, NoEmbedder(), views)
    assert [] == await searching.search(other.id, "xylophonist", scope=Scope(room=house.a.id), limit=5)


async def test_the_same_name_replaces_the_older_file(house: Rooms) -> None:
    """The old content is neither found nor kept."""
    await house.send("notes.md", NOTES)
    await house.send("Notes.md", b"# New\n\nThe canary is a trombonist now.\n")

    assert [] == await house.finds("xylophonist", room=house.a)
    assert ["Notes.md"] == await house.finds("trombonist", room=house.a)
    assert {b"# New\n\nThe canary is a trombonist now.\n"} == house.files()


async def test_a_refused_file_leaves_the_older_one(house: Rooms) -> None:
    """A broken second try does not take away what was there."""
    await house.send("notes.md", NOTES)
    said = await house.send("notes.md", b"\0\0\0\0 no text")

    assert said == say("upload.binary", "en", name="notes.md")
    assert ["notes.md"] == await house.finds("xylophonist", room=house.a)


async def test_sharing_replaces_the_shared_file_of_that_name(house: Rooms) -> None:
    """The project has one shared file of a name, and a room may send it again for itself."""
    for content in (NOTES, b"# New\n\nThe canary is a trombonist now.\n"):
        await house.send("notes.md", content)
        await house.uploads.share(await house.uploads.named(house.a.id, "notes.md", project=house.project), now=NOW)

    assert ["notes.md"] == await house.finds("trombonist", room=house.b)
    assert [] == await house.finds("xylophonist", room=house.b)
    assert 1 == len(house.files())


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("photo.png", b"\x89PNG\r\n\x1a\n\0\0", "upload.picture"),
        ("archive.zip", b"PK\x03\x04", "upload.archive"),
        ("archive.tar.gz", b"\x1f\x8b\x08\0", "upload.archive"),
        ("Table.XLSX", b"PK\x03\x04", "upload.office"),
        ("renamed.txt", b"PK\x03\x04\x14\0\0\0", "upload.binary"),
        ("tool.exe", b"MZ\0\0", "upload.binary"),
        ("paper", b"%PDF-1.7\nno extension", "upload.binary"),
        ("paper.pdf", b"%PDF-1.7\n", "upload.damaged"),
        ("data.txt", b"a\0b\0c", "upload.binary"),
        (".env", b"KEY=value", "upload.secret"),
        ("id_rsa", b"-----BEGIN", "upload.secret"),
        ("package-lock.json", b"{}", "upload.generated"),
        ("empty.md", b" \n\n", "upload.empty"),
    ],
)
async def test_what_cannot_be_read_is_refused_with_the_reason(
    house: Rooms, name: str, content: bytes, key: str
) -> None:
    """Nothing of it is kept, neither on the disk nor in the index."""
    assert say(key, "en", name=name) == await house.send(name, content)
    assert set() == house.files()
    assert 0 == (await house.store.counts(house.project)).files


async def test_a_large_file_is_not_fetched(house: Rooms) -> None:
    """Its size is known before."""
    said = await house.take(Attachment("big", "big.md", "text/markdown", 10**9))

    most = settings().limits.attachment_max_mb
    assert said is not None
    assert say("upload.too_large", "en", name="big.md", most=most) == said.markdown
    assert "download" not in house.chat.verbs


async def test_what_is_sent_may_be_larger_than_a_file_of_a_source(house: Rooms) -> None:
    """Who sends a file means it: only the limit for attachments counts, not the one for whole repositories."""
    line = b"The canary word is xylophonist. " * 30 + b"\n"
    content = line * (settings().files.max_bytes // len(line) + 1)

    said = await house.send("long.md", content)

    counts = await house.store.counts(house.project)
    assert say("upload.indexed", "en", name="long.md", passages=counts.passages) == said
    assert counts.passages > 500


async def test_a_file_larger_than_it_said_is_refused(house: Rooms) -> None:
    """The network's word for the size is not trusted."""
    house.chat.files["big"] = b"x" * (settings().limits.attachment_max_bytes + 1)
    said = await house.take(Attachment("big", "big.md", "text/markdown", 10))

    assert said is not None
    assert "'big.md'" in said.markdown
    assert set() == house.files()


async def test_a_room_keeps_a_bounded_number_of_files(house: Rooms) -> None:
    """One more is refused; the same name again is no more."""
    said = [await house.send(name, NOTES) for name in ("1.md", "2.md", "3.md", "4.md", "3.md")]

    assert say("upload.too_many", "en", name="4.md", most=3) == said[3]
    assert say("upload.indexed", "en", name="3.md", passages=1) == said[4]


async def test_nothing_is_taken_while_the_disk_is_nearly_full(house: Rooms) -> None:
    """Indexing pauses first."""
    house.free_bytes[0] = 0

    assert say("upload.disk", "en", name="notes.md") == await house.send("notes.md", NOTES)


async def test_a_network_that_does_not_answer_is_named(house: Rooms) -> None:
    """The asker is told to send it again."""
    house.chat.fail("download", Unreachable("down"))

    assert say("upload.unreachable", "en", name="notes.md") == await house.send("notes.md", NOTES)


async def test_a_store_that_fails_leaves_no_file_behind(house: Rooms) -> None:
    """A capacity of one passage: the second file does not fit."""
    assert isinstance(house.store, FakePassages)
    house.store.capacity = 1
    await house.send("one.md", NOTES)

    assert say("upload.failed", "en", name="two.md") == await house.send("two.md", NOTES + b"\nmore\n")
    assert {NOTES} == house.files()


async def test_keys_in_a_file_are_made_unreadable(house: Rooms) -> None:
    """The sender hears of it."""
    said = await house.send("conf.md", b"# Settings\n\ntoken = ghp_" + b"a1B2" * 9 + b"\n")

    assert say("upload.redacted", "en", count=1) in said
    assert [] == await house.finds("ghp_" + "a1B2" * 9, room=house.a)


async def test_names_are_never_paths(house: Rooms) -> None:
    """Folders and control characters of a name are dropped; the data folder knows ids only."""
    said = await house.send("../../etc/pass\nwd.md", NOTES)

    assert "'pass wd.md'" in said
    assert ["pass wd.md"] == await house.finds("xylophonist", room=house.a)
    assert not {path.name for path in house.folder.rglob("*")} & {"pass wd.md", "passwd.md", "etc"}


async def test_names_are_sealed_in_the_database(house: Rooms) -> None:
    """The state database does not hold the name in the clear."""
    await house.send("severance-plan.md", NOTES)
    await house.db.checkpoint()

    assert b"severance" not in (house.folder / "state.db").read_bytes()


async def test_a_stranger_may_not_send_files(house: Rooms) -> None:
    """The gate is asked as for everything else."""
    stranger = await somebody(house.db, "Eve")

    assert say("rights.not_allowed", "en") == await house.send("notes.md", NOTES, person=stranger)
    assert set() == house.files()


async def test_a_room_without_a_project_takes_no_files(house: Rooms) -> None:
    """It says how it gets one."""
    unbound = await some_room(house.db, "c")

    assert say("upload.unbound", "en") == await house.send("notes.md", NOTES, room=unbound)


async def test_no_attachments_are_nothing_to_say(house: Rooms) -> None:
    """A plain question is not an upload."""
    assert None is await house.take()


async def test_a_file_is_looked_for_by_its_name(house: Rooms) -> None:
    """Who mistypes it reads which there are."""
    await house.send("notes.md", NOTES)

    with pytest.raises(UserError) as caught:
        await house.uploads.named(house.a.id, "note.md", project=house.project)
    assert ("source.share_none", "notes.md") == (caught.value.key, caught.value.values["names"])
    with pytest.raises(UserError, match=r"source\.share_empty"):
        await house.uploads.named(house.b.id, "notes.md", project=house.project)


async def test_old_files_go_with_their_passages(house: Rooms) -> None:
    """After the retention time neither content nor passages are left; younger ones stay."""
    await house.send("old.md", NOTES)
    removed = await house.uploads.remove_old(before=NOW, now=NOW)
    assert (0, ["old.md"]) == (removed, await house.finds("xylophonist", room=house.a))

    removed = await house.uploads.remove_old(before=NOW + timedelta(seconds=1), now=NOW)

    assert (1, []) == (removed, await house.finds("xylophonist", room=house.a))
    assert set() == house.files()


async def test_shared_files_go_as_well(house: Rooms) -> None:
    """Sharing does not prolong the time."""
    await house.send("old.md", NOTES)
    await house.uploads.share(await house.uploads.named(house.a.id, "old.md", project=house.project), now=NOW)
    await house.uploads.remove_old(before=NOW + timedelta(seconds=1), now=NOW)

    assert [] == await house.finds("xylophonist", room=house.b)


async def test_files_that_belong_to_nothing_go(house: Rooms) -> None:
    """What a browser uploaded and never sent, and what a removed project left."""
    long_ago = (NOW - timedelta(days=2)).timestamp()
    for folder, name in (("uploads", "0" * 32), ("attachments", "a" * 16)):
        (house.folder / folder).mkdir(exist_ok=True)
        (house.folder / folder / name).write_bytes(b"stray")
        os.utime(house.folder / folder / name, (long_ago, long_ago))
    (house.folder / "uploads" / ("1" * 32)).write_bytes(b"just now")
    os.utime(house.folder / "uploads" / ("1" * 32), (NOW.timestamp(), NOW.timestamp()))

    assert 2 == await house.uploads.remove_old(before=NOW, now=NOW)
    assert ["1" * 32] == [path.name for path in (house.folder / "uploads").iterdir()]


async def test_uploads_are_never_due(house: Rooms) -> None:
    """The clock asks sources that change by themselves; many rooms with files must not crowd those out."""
    await house.send("notes.md", NOTES)

    assert [] == await house.db.read(lambda session: polls.due(session, now=NOW + timedelta(days=1)))


async def test_a_removed_project_takes_its_uploads_along(house: Rooms) -> None:
    """Source rows and upload rows go with it."""
    await house.send("notes.md", NOTES)
    held = await house.db.read(lambda session: sources.list_of(session, house.project))
    for row in held:
        await house.db.write(partial(sources.remove, source=row.id))
    await house.db.write(lambda session: projects.remove(session, house.project, now=NOW))
    await house.db.write(lambda session: people.take_role(session, house.ada.id, project=house.project, now=NOW))

    assert 0 == await house.uploads.remove_old(before=NOW - timedelta(days=1), now=NOW)
    assert 1 == await house.uploads.remove_old(before=NOW - timedelta(days=1), now=NOW + timedelta(days=10_000))


async def test_a_file_whose_taking_is_cut_off_is_found_nowhere(house: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its passages were written already; they go again, and what was there before stays."""
    await house.send("plan.md", b"# Plan\n\nThe plan is a zeppelin.\n")

    async def fails(*_arguments: object, **_more: object) -> None:
        raise StateUnavailable("busy")

    monkeypatch.setattr(upload_rows, "settle", fails)
    with pytest.raises(StateUnavailable):
        await house.send("notes.md", NOTES)

    assert [] == await house.finds("xylophonist", room=house.a)
    assert ["plan.md"] == await house.finds("zeppelin", room=house.a)
