"""One walk through a folder: the files that count, the folders that hold them, and what was left out."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from adapters.disk import Disk
from adapters.folder.translate import IGNORE_FILES, Rules, is_ignored, left_out
from adapters.paths import encode_name
from adapters.source import Entry, SourceUnreachable


@dataclass(slots=True)
class Walked:
    """What a walk found. `folders` are real paths; `skipped` counts by reason, a pruned folder as one."""

    entries: list[Entry] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Folder:
    path: Path
    stored: str  # '' for the root, else ending with '/'
    rules: Sequence[Rules]


def walk(disk: Disk, *, excluded: Sequence[Path] = (), stop: Callable[[], bool] = lambda: False) -> Walked:
    """Walk the folder of `disk` without following links and without entering the `excluded` folders.

    Raises SourceUnreachable when `stop` says so in between. A folder that cannot be read counts as "unreadable".
    """
    walked = Walked()
    barred = [found for found in map(_stat, excluded) if found is not None]
    waiting = [_Folder(disk.root, "", ())]
    while waiting:
        if stop():
            raise SourceUnreachable(
                f"expected to walk {disk.root.name!r} to its end, got closed: start the refresh again"
            )
        folder = waiting.pop()
        found = _stat(folder.path)
        if found is None or any(os.path.samestat(found, one) for one in barred):
            walked.skipped["excluded"] += 1
            continue
        waiting.extend(_visit(disk, folder, walked))
    walked.entries.sort(key=lambda entry: entry.path)
    return walked


def _visit(disk: Disk, folder: _Folder, walked: Walked) -> Iterator[_Folder]:
    """Take in the files of one folder and yield the folders below it."""
    try:
        with os.scandir(folder.path) as listed:
            children = sorted(listed, key=lambda child: child.name)
    except OSError:
        walked.skipped["unreadable"] += 1
        return
    walked.folders.append(folder.path)
    rules = [*folder.rules, *_rules(disk, folder, {child.name for child in children})]
    if _is_cache(children):
        walked.skipped["vendored"] += 1
        return
    for child in children:
        stored = folder.stored + encode_name(child.name)
        reason, is_folder = _judge(child, stored, rules)
        if reason:
            walked.skipped[reason] += 1
        elif is_folder:
            yield _Folder(folder.path / child.name, stored + "/", rules)
        elif entry := disk.entry(stored):
            walked.entries.append(entry)
        else:
            walked.skipped["unreadable"] += 1


def _judge(child: os.DirEntry[str], stored: str, rules: Sequence[Rules]) -> tuple[str, bool]:
    """Say why a child is left out ('' when it is not), and whether it is a folder."""
    try:
        is_link = child.is_symlink() or _is_junction(child)
        is_folder = child.is_dir(follow_symlinks=False)
        is_file = child.is_file(follow_symlinks=False)
    except OSError:
        return "unreadable", False
    if reason := left_out(child.name):
        return reason, is_folder
    if is_link:
        return "link", False
    if not is_folder and not is_file:
        return "special", False
    return ("ignored" if is_ignored(stored + "/" * is_folder, rules) else ""), is_folder


def _rules(disk: Disk, folder: _Folder, names: set[str]) -> Iterator[Rules]:
    for name in IGNORE_FILES:
        if name in names and (content := disk.read(folder.stored + name)) is not None:
            yield Rules.parse(folder.stored.rstrip("/"), content)


def _is_junction(child: os.DirEntry[str]) -> bool:
    """Say whether this is a link of Windows' own kind; Python 3.12 and later can tell."""
    ask: Callable[[], bool] | None = getattr(child, "is_junction", None)
    return bool(ask and ask())


def _is_cache(children: Sequence[os.DirEntry[str]]) -> bool:
    """Say whether the folder declares itself a cache or a virtual environment."""
    return any(child.name in {"CACHEDIR.TAG", "pyvenv.cfg"} for child in children)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
