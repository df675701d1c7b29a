"""A repository that is pushed to while a service follows it, and what git says should be found of it."""

import random
import re
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from tests.fakes.repository import Repository

PARTS = 3
_SAYS = re.compile(r"says commit (\d+)")


def page(number: int, commit: int) -> str:
    """A page, each line of which carries the number of the commit; every fourth page has several passages."""
    count = 12 if number % 4 == 0 else 1
    parts = []
    for part in range(PARTS):
        lines = (f"Animal{number:03} eats leaf {line} in part {part}, says commit {commit}." for line in range(count))
        parts.append(f"## Part {part} of animal{number:03}\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


class Pushed:
    """A bare repository with what is pushed into it. Commits count from 1; each changes several files at once."""

    def __init__(self, folder: Path, *, files: int, chance: random.Random) -> None:
        self.bare = folder / "herd.git"
        self.files = files
        self.commits = 0
        self._chance = chance
        self._work = Repository(folder / "work")
        self._work.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        self._asked = subprocess.Popen(
            ["git", "--git-dir", str(self.bare), "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.lines_at = lru_cache(20_000)(self._lines_at)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._asked.communicate()

    def push(self, *, is_large: bool = False) -> None:
        """Change some pages or all of them, put one aside under another name, and push it all as one commit."""
        self.commits += 1
        numbers = range(self.files) if is_large else self._chance.sample(range(self.files), min(7, self.files))
        for number in numbers:
            self._work.put(f"herd/animal{number:03}.md", page(number, self.commits))
        (self._work.root / "herd" / f"stray{self.commits - 1}.md").unlink(missing_ok=True)
        self._work.put(f"herd/stray{self.commits}.md", page(900, self.commits))
        self._work.commit(f"Commit {self.commits}")
        self._work.git("push", "--quiet", str(self.bare), "main")

    def head(self) -> str:
        """The commit that the branch points at."""
        return self._work.git("rev-parse", "HEAD")

    def tree(self) -> dict[str, str]:
        """Every file of the head with its blob, by path, as git lists them."""
        rows = self._work.git("--git-dir", str(self.bare), "ls-tree", "-r", "main").splitlines()
        return {row.split("\t")[1]: row.split()[2] for row in rows}

    def _lines_at(self, commit: str, path: str) -> Sequence[str]:
        """The lines of a file at a commit; none when it is not there, or the commit is none."""
        assert self._asked.stdin is not None
        assert self._asked.stdout is not None
        self._asked.stdin.write(f"{commit}:{path}\n".encode())
        self._asked.stdin.flush()
        header = self._asked.stdout.readline().split()
        if header[-1] == b"missing":
            return ()
        return self._asked.stdout.read(int(header[2]) + 1).decode().split("\n")

    def faults(self, passages: Sequence[Mapping[str, Any]]) -> list[str]:
        """What is wrong with one answer: lines that are not those of the commit it names, two states of a file."""
        found = []
        said = defaultdict[str, set[str]](set)
        for one in passages:
            lines = self.lines_at(one["version"], one["path"])[one["first_line"] - 1 : one["last_line"]]
            if one["text"] != "\n".join(lines):
                found.append(f"{one['path']} is not at {one['version'][:10]} what was found: {one['text'][:80]!r}")
            said[one["path"]].update(_SAYS.findall(one["text"]))
        return found + [f"{path} is of commits {numbers}" for path, numbers in said.items() if len(numbers) > 1]
