"""What changed in a project's sources, in a few lines of Markdown. Pure: rows in, text out."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from bot.state.tables import Change, Source
from config.texts import plain, say

MOST_SOURCES: Final = 20
MOST_FILES: Final = 8  # of one source
_MOST_FILES_IN_ALL: Final = 40
_PATH_CHARS: Final = 100
_SHORT: Final = 7  # of a commit
_COUNTS: Final = (("changed", "~"), ("new", "+"), ("removed", "-"), ("moved", ">"))
_WITH_COMMITS: Final = ("git", "checkout")

Signs = Mapping[str, int]
CompareLink = Callable[[Source, str, str], str | None]


@dataclass(frozen=True, slots=True)
class Story:
    """What several changes of a source, one after the other, come to. `files` are (sign, path), perhaps not all."""

    ref: str
    before: str
    after: str
    counts: Signs
    files: Sequence[tuple[str, str]]

    @property
    def is_news(self) -> bool:
        """Whether anything is otherwise than before; what was changed and changed back is not."""
        return self.before != self.after and any(self.counts.values())


@dataclass(frozen=True, slots=True)
class Told:
    """What stands around the lines: the language, how sources' states are compared, and where changes can be read."""

    language: str
    since: datetime
    link: CompareLink


def story_of(changes: Sequence[Change]) -> Story:
    """Put the changes of one source together, oldest first. Where files were not all kept, counts are sums."""
    signs: dict[str, str] = {}
    for sign, path in (file for change in changes for file in change.files):
        _merge(signs, sign, path)
    sums = Counter[str]()
    for change in changes:
        sums.update({"+": change.added, "~": change.changed, "-": change.removed, ">": change.moved})
    is_whole = sum(len(change.files) for change in changes) == sums.total()
    counts = Counter(signs.values()) if is_whole else sums
    files = sorted(((sign, path) for path, sign in signs.items()), key=lambda file: ("~+->".find(file[0]), file[1]))
    return Story(changes[-1].ref, changes[0].before, changes[-1].after, counts, files)


def summary_of(sources: Sequence[Source], changes: Sequence[Change], told: Told) -> str | None:
    """The lines that tell what changed since a time, a source each; None when nothing did.

    Of a hidden source only its name is said. One that fails is news when it began to.
    """
    by_source = {
        source: story_of(list(found))
        for source, found in groupby(sorted(changes, key=lambda one: (one.source, one.id or 0)), lambda one: one.source)
    }
    news: list[list[str]] = []
    has_news = False
    left = _MOST_FILES_IN_ALL
    for source in sources:
        lines, is_news, files = _of_source(source, by_source.get(source.id), told, most=min(MOST_FILES, left))
        has_news |= is_news
        left -= files
        news += [lines] if lines else []
    if not has_news:
        return None
    shown = [line for lines in news[:MOST_SOURCES] for line in lines]
    more = len(news) - MOST_SOURCES
    return "\n".join([*shown, *([say("digest.more_sources", told.language, count=more)] if more > 0 else [])])


def _merge(signs: dict[str, str], sign: str, path: str) -> None:
    """What two changes of a file are together: new and changed is new, new and gone is nothing."""
    before = signs.pop(path, "")
    if before == "+" and sign == "-":
        return
    if before in {"+", ">"} and sign == "~":
        sign = before
    elif before == "-" and sign in {"+", ">"}:
        sign = "~"
    signs[path] = sign


def _of_source(source: Source, story: Story | None, told: Told, *, most: int) -> tuple[list[str], bool, int]:
    """The lines for a source, whether they are news, and how many files they name."""
    if source.state == "hidden":
        was_told = source.state_reason == "purged"  # a week after it was hidden
        is_news = not was_told and source.state_at is not None and source.state_at > told.since
        return ([_say("hidden", source, told)] if is_news else []), is_news, 0
    lines, files = _changed(source, story, told, most=most) if story is not None and story.is_news else ([], [])
    is_news = bool(lines)
    if not lines and source.added_at > told.since and source.last_ok_at is None:
        lines, is_news = [_say("added", source, told)], True
    if source.failures:
        lines.append(_say("failing", source, told))
        is_news |= (source.last_ok_at or source.added_at) > told.since
    return [*lines, *files], is_news, min(most, len(files))


def _changed(source: Source, story: Story, told: Told, *, most: int) -> tuple[list[str], list[str]]:
    """The line about a source that changed, and the lines of its files; a first index names none."""
    if not story.before:
        count = sum(story.counts.values())
        return [_say("first", source, told, versions=_versions(source, story), count=count)], []
    parts = [
        say(f"digest.count_{word}", told.language, count=story.counts[sign])
        for word, sign in _COUNTS
        if story.counts.get(sign)
    ]
    link = told.link(source, story.before, story.after)
    shown = f" ({say('digest.compare', told.language, url=link)})" if link else ""
    line = _say("changed", source, told, versions=_versions(source, story), counts=", ".join(parts), link=shown)
    files = [f"  - `{sign} {_short_path(path)}`" for sign, path in story.files[:most]]
    more = sum(story.counts.values()) - len(files)
    return [line], [*files, *([say("digest.more_files", told.language, count=more)] if files and more > 0 else [])]


def _versions(source: Source, story: Story) -> str:
    """Give " main 1a2b3c4 → 5d6e7f8"; nothing where versions are not commits."""
    if source.kind not in _WITH_COMMITS:
        return ""
    ref = f" {plain(story.ref)}" if story.ref else ""
    if not story.before:
        return f"{ref} `{story.after[:_SHORT]}`"
    return f"{ref} `{story.before[:_SHORT]}` → `{story.after[:_SHORT]}`"


def _say(word: str, source: Source, told: Told, **values: object) -> str:
    return say(f"digest.{word}", told.language, name=plain(source.name), **values)


def _short_path(path: str) -> str:
    shown = plain(path)
    return shown if len(shown) <= _PATH_CHARS else f"…{shown[-_PATH_CHARS:]}"
