"""A host of repositories in memory, that tells heads as adapters.forge has it, with faults on request."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.forge import Allowance, Asked, Seen
from adapters.source import Head, SourceError, SourceGone
from tests.fakes.source import FakeSource

NOTHING = "0" * 40


@dataclass(slots=True)
class FakeRepository:
    """A repository with its branches, each a source of files; `source` is that of the default one."""

    name: str
    node_id: str
    branches: dict[str, FakeSource]
    default_branch: str = "main"
    is_private: bool = False
    is_archived: bool = False

    @property
    def source(self) -> FakeSource:
        """The files of the default branch."""
        return self.branches[self.default_branch]

    def seen(self, ref: str) -> Seen | SourceError:
        """What the host says of it."""
        branch = self.branches.get(ref or self.default_branch)
        if branch is None:
            return SourceGone(f"expected a branch {ref!r} in {self.name}, got none", reason="branch")
        head = Head(ref or self.default_branch, branch.commit) if branch.commit else Head("", NOTHING)
        return Seen(self.name, self.node_id, self.default_branch, head, self.is_private, self.is_archived)


@dataclass(slots=True)
class FakeForge:
    """A host. `fault` is raised for every request; `faults` are the results for repositories by name.

    `asked` keeps every request; `may_answer` holds them until it is set.
    """

    repositories: list[FakeRepository] = field(default_factory=list)
    fault: SourceError | None = None
    faults: dict[str, SourceError] = field(default_factory=dict)
    allowances: dict[str, Allowance] = field(default_factory=dict)
    restored: list[Allowance] = field(default_factory=list)
    asked: list[Sequence[Asked]] = field(default_factory=list)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    made: int = 0
    is_closed: bool = False

    def __post_init__(self) -> None:
        self.may_answer.set()

    def make(self, name: str, *, commit: str = "1" * 40, branch: str = "main") -> FakeRepository:
        """A repository with one file."""
        source = FakeSource({"README.md": f"# {name}\n\nIt holds {name}.\n".encode()}, ref=branch, commit=commit)
        made = FakeRepository(name, f"R_{self.made}", {branch: source}, branch)
        self.repositories.append(made)
        self.made += 1
        return made

    async def heads(self, asked: Sequence[Asked], *, credential: str) -> Sequence[Seen | SourceError]:
        self.asked.append(asked)
        await self.may_answer.wait()
        if self.fault is not None:
            raise self.fault
        return [self._result(one) for one in asked]

    def allowance(self, credential: str) -> Allowance:
        return self.allowances.get(credential, Allowance(f"fake {credential}"))

    def restore(self, allowance: Allowance) -> None:
        self.restored.append(allowance)

    async def close(self) -> None:
        self.is_closed = True

    def _result(self, asked: Asked) -> Seen | SourceError:
        if fault := self.faults.get(asked.repository):
            return fault
        by_id = [one for one in self.repositories if one.node_id == asked.node_id]
        by_name = [one for one in self.repositories if one.name.casefold() == asked.repository.casefold()]
        for found in (*by_id, *by_name):
            return found.seen(asked.ref)
        return SourceGone(f"expected a repository {asked.repository}, got none: was it removed or made private?")
