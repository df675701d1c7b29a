"""Ignore rules of a folder: .gitignore and .roomwiseignore files, nested, the deeper one and the later line winning."""

from collections.abc import Sequence
from dataclasses import dataclass

from pathspec import GitIgnoreSpec

IGNORE_FILES = (".gitignore", ".roomwiseignore")

VERSION_CONTROL = frozenset({".git", ".hg", ".svn", ".bzr", ".jj", "CVS"})
VENDORED = frozenset({"node_modules", "bower_components", "__pycache__", "site-packages"})

# Hidden names hold settings and secrets of a person more often than documents of a team; these are the exception.
SHOWN_ALTHOUGH_HIDDEN = frozenset(
    {
        ".ci",
        ".circleci",
        ".devcontainer",
        ".editorconfig",
        ".github",
        ".gitlab",
        ".gitlab-ci.yml",
        ".pre-commit-config.yaml",
        ".readthedocs.yaml",
        ".readthedocs.yml",
    }
)


@dataclass(frozen=True, slots=True)
class Rules:
    """The patterns of one ignore file, which hold below `folder` (a stored path, '' for the root)."""

    folder: str
    patterns: GitIgnoreSpec

    @classmethod
    def parse(cls, folder: str, content: bytes) -> "Rules":
        """Read the lines of an ignore file; a line that is no pattern is left out, as git does."""
        lines = content.decode("utf-8", "replace").splitlines()
        return cls(folder, GitIgnoreSpec.from_lines(line for line in lines if _is_pattern(line)))

    def decide(self, path: str) -> bool | None:
        """Say whether the path is ignored (True), kept by a '!' line (False), or not spoken of (None)."""
        below = path[len(self.folder) + 1 :] if self.folder else path
        return self.patterns.check_file(below).include


def _is_pattern(line: str) -> bool:
    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True


def is_ignored(path: str, rules: Sequence[Rules]) -> bool:
    """Decide by the rules from the root down; the last file that speaks of the path wins. Folders end with '/'."""
    for rule in reversed(rules):
        decided = rule.decide(path)
        if decided is not None:
            return decided
    return False


def left_out(name: str) -> str:
    """Say why a file or folder is left out by its name alone; '' when it is not."""
    if name in VERSION_CONTROL:
        return "version_control"
    if name in VENDORED:
        return "vendored"
    if name.startswith(".") and name not in SHOWN_ALTHOUGH_HIDDEN:
        return "hidden"
    return ""


def is_passing(name: str) -> bool:
    """Say whether a file is an editor's or a program's passing one, whose changes mean nothing."""
    return name.startswith((".#", "#", "4913")) or name.endswith(("~", ".swp", ".swx", ".tmp", ".part"))
