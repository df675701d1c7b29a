"""A repository of the emulator: what is known of it, and the bare git repository behind it."""

import asyncio
import base64
import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.fakes.github import bare
from tests.fakes.github.bare import NOTHING, Files, Ref
from tests.fakes.github.threads import Board

_numbers = itertools.count(1)


def node_id(prefix: str, number: int) -> str:
    """Make a global id in GitHub's form: the type's prefix, then opaque letters."""
    return f"{prefix}_kgDO{base64.urlsafe_b64encode(number.to_bytes(6, 'big')).decode()}"


def number_of(global_id: str) -> int:
    """Read the number out of such an id, 0 where it is none."""
    try:
        return int.from_bytes(base64.urlsafe_b64decode(global_id.partition("_kgDO")[2]), "big")
    except ValueError:
        return 0


@dataclass(frozen=True, slots=True)
class Push:
    """A branch that moved."""

    ref: str
    before: str
    after: str
    is_forced: bool = False


@dataclass(slots=True)
class Repository:
    """A repository. `folder` is None for one with made-up heads, which git cannot fetch."""

    number: int
    owner: str
    name: str
    folder: Path | None
    default_branch: str = "main"
    is_private: bool = False
    is_archived: bool = False
    is_disabled: bool = False
    is_locked: bool = False
    refs: Mapping[str, Ref] = field(default_factory=dict)
    board: Board = field(default_factory=Board)
    pushes: list[Push] = field(default_factory=list)
    former_names: list[str] = field(default_factory=list)
    former_branches: list[str] = field(default_factory=list)
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    pushed_at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def full_name(self) -> str:
        """Its owner/name of today."""
        return f"{self.owner}/{self.name}"

    @property
    def node_id(self) -> str:
        """Its id that no rename changes."""
        return node_id("R", self.number)

    @property
    def head(self) -> str:
        """The commit of the default branch, forty zeros without one."""
        found = self.refs.get(f"refs/heads/{self.default_branch}")
        return found.commit if found else NOTHING

    @property
    def is_empty(self) -> bool:
        """Whether it has no commit at all."""
        return not self.refs

    @property
    def git(self) -> Path:
        """The bare repository. Raises RuntimeError for one with made-up heads."""
        if self.folder is None:
            raise RuntimeError(f"expected a real repository, got {self.full_name} with made-up heads")
        return self.folder

    def find_ref(self, name: str) -> tuple[str, Ref] | None:
        """Find a ref by its full or its short name, full names first, with its full name."""
        for full in (name, f"refs/heads/{name}", f"refs/tags/{name}"):
            if full in self.refs:
                return full, self.refs[full]
        return None

    async def push(self, files: Files, *, branch: str = "", force: bool = False) -> str:
        """Commit changes on top of a branch (the default one) and give the commit.

        With `force` the files are all there is: a commit without parents takes the branch's place.
        """
        ref = f"refs/heads/{branch or self.default_branch}"
        async with self.lock:
            known = self.refs.get(ref)
            base = known or self.refs.get(f"refs/heads/{self.default_branch}")
            parent = NOTHING if force or base is None else base.oid
            await bare.commit(self.git, files, ref=ref, parent=parent, number=next(_numbers))
            await self.read_refs()
        return self._moved(ref, known, is_forced=force)

    async def point(self, ref: str, commit: str) -> None:
        """Set a ref to any commit, an earlier one too; forty zeros delete it."""
        async with self.lock:
            known = self.refs.get(ref)
            await bare.git(self.git, "update-ref", *(["-d", ref] if commit == NOTHING else [ref, commit]))
            await self.read_refs()
        self._moved(ref, known, is_forced=True)

    async def tag(self, name: str, *, message: str = "") -> None:
        """Tag the head; with a message by an annotated tag."""
        who = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
        options = ["--annotate", f"--message={message}"] if message else []
        await bare.git(self.git, *who, "tag", *options, name, self.head)
        await self.read_refs()

    async def read_refs(self) -> None:
        """Take up what the bare repository holds, after a test has changed it by other ways."""
        self.refs = await bare.read_refs(self.git)
        self.pushed_at = datetime.now(UTC).replace(microsecond=0)

    def move_made_up_head(self) -> str:
        """Give a repository with made-up heads a new commit."""
        ref = f"refs/heads/{self.default_branch}"
        before = self.refs.get(ref)
        oid = hashlib.sha1(f"{self.number} {next(_numbers)}".encode(), usedforsecurity=False).hexdigest()
        self.refs = {**self.refs, ref: Ref(oid)}
        return self._moved(ref, before, is_forced=False)

    def _moved(self, ref: str, before: Ref | None, *, is_forced: bool) -> str:
        after = self.refs[ref].oid if ref in self.refs else NOTHING
        self.pushes.append(Push(ref, before.oid if before else NOTHING, after, is_forced))
        return after
