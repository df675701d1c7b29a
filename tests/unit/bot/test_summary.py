"""What changed, in words."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from bot.state.tables import Change, Source
from bot.summary import MOST_FILES, MOST_SOURCES, Told, story_of, summary_of
from config.texts import LANGUAGES, say
from tests.fakes.state import NOW, later

_SIGNS = {"+": "added", "~": "changed", "-": "removed", ">": "moved"}


def source(name: str = "acme/app", **more: Any) -> Source:
    """A repository that is followed for long, and was looked at a minute ago."""
    values = {"kind": "git", "location": f"https://github.com/{name}", "added_at": later(days=-90), **more}
    return Source(id=name, project="p", name=name, last_ok_at=values.pop("last_ok_at", later(minutes=-1)), **values)


def change(
    *files: tuple[str, str], name: str = "acme/app", before: str = "1a2b3c4d", after: str = "5d6e7f8a", **more: Any
) -> Change:
    """A change of these files, whose counts may say that there were more."""
    counts = {word: sum(sign == one for one, _ in files) for sign, word in _SIGNS.items()}
    kept = [list(file) for file in files]
    return Change(source=name, at=NOW, ref="main", before=before, after=after, files=kept, **{**counts, **more})


def told(language: str = "en", *, link: str | None = None) -> Told:
    """What changed within the last day."""
    return Told(language, later(days=-1), lambda *_: link)


def lines(sources: Sequence[Source], *changes: Change, **more: Any) -> list[str]:
    """The summary's lines."""
    return (summary_of(sources, changes, told(**more)) or "").splitlines()


def test_a_source_is_told_with_its_commits_counts_and_files() -> None:
    """And with a link to the comparison where its host has one."""
    files = (("~", "a.md"), ("~", "b.md"), ("+", "new.md"), ("-", "old.md"), (">", "moved.md"))

    said = lines([source()], change(*files), link="https://example.org/compare")

    counts = "2 changed, 1 new, 1 removed, 1 moved"
    assert [
        f"- **acme/app** main `1a2b3c4` → `5d6e7f8`: {counts} ([compare](https://example.org/compare))",
        *("  - `~ a.md`", "  - `~ b.md`", "  - `+ new.md`", "  - `- old.md`", "  - `> moved.md`"),
    ] == said


@pytest.mark.parametrize(
    ("signs", "together"),
    [("~~", "~"), ("+~", "+"), ("+-", ""), ("~-", "-"), ("-+", "~"), (">~", ">"), ("->", "~"), ("+-+", "+")],
)
def test_changes_of_a_day_are_put_together(signs: str, together: str) -> None:
    """A file that was changed twice counts once; one that came and went is nothing."""
    story = story_of([change((sign, "a.md"), after=f"c{number}") for number, sign in enumerate(signs)])

    assert ({together: 1} if together else {}) == dict(story.counts)


def test_where_not_all_files_are_known_the_counts_are_sums() -> None:
    """Of a change of thousands only some files are kept; what is left is counted."""
    said = lines([source()], change(("~", "a.md"), changed=900), change(("~", "a.md"), changed=100, before="x"))

    assert "1000 changed" in said[0]
    assert ["  - `~ a.md`", say("digest.more_files", "en", count=999)] == said[1:]


def test_what_was_changed_back_is_no_news() -> None:
    """A push and its revert; nothing is posted for that."""
    back_and_forth = [change(("~", "a.md"), after="c2"), change(("~", "a.md"), before="c2", after="1a2b3c4d")]

    assert [] == lines([source()], *back_and_forth)
    assert [] == lines([source()])


def test_a_long_list_is_cut() -> None:
    """Eight files of a source, forty in all, twenty sources; a long path keeps its end."""
    every = [source(f"acme/app{number:02}") for number in range(MOST_SOURCES + 5)]
    files = [("~", f"{'folder/' * 40}{number:02}.md") for number in range(MOST_FILES + 2)]

    said = lines(every, *(change(*files, name=one.name) for one in every))

    shown = [line for line in said if line.startswith("  - `")]
    assert say("digest.more_files", "en", count=2) == said[1 + MOST_FILES]
    assert (40, say("digest.more_sources", "en", count=5)) == (len(shown), said[-1])
    assert all(len(line) < 120 and line.endswith(".md`") for line in shown)


def test_a_first_index_names_no_files() -> None:
    """All of them would be new."""
    said = lines([source()], change(("+", "a.md"), ("+", "b.md"), before=""))

    assert ["- **acme/app** main `5d6e7f8`: read for the first time, 2 files"] == said


def test_a_hidden_source_is_named_and_its_paths_are_not() -> None:
    """Once; on the days after it is no news any more, nor when it is purged."""
    hidden = source(state="hidden", state_at=later(hours=-2))

    said = lines([hidden], change(("~", "salaries.md")))

    assert [say("digest.hidden", "en", name="acme/app")] == said
    assert [] == lines([source(state="hidden", state_at=later(days=-2))], change(("~", "salaries.md")))
    assert [] == lines([source(state="hidden", state_at=later(hours=-2), state_reason="purged")])


@pytest.mark.parametrize("language", LANGUAGES)
def test_new_and_failing_sources_are_named(language: str) -> None:
    """A failure is news on its first day; later it is told beside other news only."""
    new = source("new", added_at=later(hours=-1), last_ok_at=None)
    broke = source("broke", failures=3, last_ok_at=later(hours=-5))
    broken = source("broken", failures=900, last_ok_at=later(days=-5))

    said = lines([new, broke, broken], language=language)

    assert [
        say("digest.added", language, name="new"),
        say("digest.failing", language, name="broke"),
        say("digest.failing", language, name="broken"),
    ] == said
    assert [] == lines([broken])


def test_folders_have_no_commits() -> None:
    """The version of a folder is a digest that tells nobody anything."""
    said = lines([source("docs", kind="folder", location="/srv/docs")], change(("~", "a.md"), name="docs"))

    assert "- **docs**: 1 changed" == said[0]


def test_names_and_paths_are_text_and_no_markup() -> None:
    """Somebody else chose them."""
    evil = source("[x](http://evil)")

    said = "\n".join(lines([evil], change(("~", "a`<b>`\n# big.md"), name=evil.name)))

    assert "](http" not in said
    assert "<b>" not in said
    assert "\n#" not in said


def test_one_window_is_what_is_looked_at() -> None:
    """A source that began to fail before it is not new, by the time it last went well."""
    assert [] == lines([source(failures=1, last_ok_at=NOW - timedelta(days=1, seconds=1))])
