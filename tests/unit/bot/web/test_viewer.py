"""The viewer of cited lines."""

import re

import pytest

from bot.rights import Role
from bot.state.queries import sources
from bot.web.viewer import highlighted, merged
from pipelines.types import Citation
from tests.unit.bot.web.conftest import Site, Visit
from tests.unit.bot.web.test_rooms import message, stream_of, until_final

CITATION = Citation(1, "s", "a.py", 2, 3, "v1", "two = 2\nthree = 3")


def file(*lines: str) -> dict[int, str]:
    """Lines by number."""
    return dict(enumerate(lines, start=1))


async def asked(site: Site, visit: Visit) -> str:
    """The path of the viewer for the first citation of an answer."""
    room = await site.open(visit)
    stream = await stream_of(site, visit)
    await visit.post(f"/api/rooms/{room}/messages", message("hello"))
    rows = await until_final(stream.events())
    found = re.search(r"/p/\w+/\w+/1", str(rows[-1]["html"]))
    assert found is not None
    return found[0]


def test_the_same_file_is_shown_around_the_cited_lines() -> None:
    """All lines, the cited ones marked, coloured by language."""
    lines, is_stale = merged(CITATION, file("one = 1", "two = 2", "three = 3", "four = 4"))
    shown = highlighted(lines, CITATION)

    assert not is_stale
    assert [1, 2, 3, 4] == [line.number for line in shown]
    assert [False, True, True, False] == [line.is_cited for line in shown]
    assert "hl-" in shown[0].html


@pytest.mark.parametrize("now", [{}, file("one", "TWO"), file("zero", "one = 1", "two = 2", "three = 3")])
def test_another_file_is_not_passed_off_as_the_cited_one(now: dict[int, str]) -> None:
    """Then the lines stand alone, as they were cited, and it is said."""
    lines, is_stale = merged(CITATION, now)

    assert is_stale
    assert {2: "two = 2", 3: "three = 3"} == lines


def test_text_of_sources_never_becomes_html() -> None:
    """Whatever a file holds is escaped."""
    citation = Citation(1, "s", "x.unknown", 1, 1, "v", "<script>alert(1)</script>")

    assert "<script>" not in highlighted(merged(citation, {})[0], citation)[0].html


def test_a_converted_file_is_coloured_as_the_text_that_was_made_of_it() -> None:
    """Which is Markdown, whatever the file's name says."""
    citation = Citation(1, "s", "x.html", 1, 1, "v", "## Cooling", converted="html")

    assert "hl-gu" in highlighted(merged(citation, {})[0], citation)[0].html


async def test_the_viewer_shows_what_was_cited(site: Site) -> None:
    """With path, lines, source and version."""
    visit = await site.somebody(Role.MEMBER)
    page = (await visit.http.get(await asked(site, visit))).text

    assert 5 == page.count('class="cited"')
    for text in ("bot/platform.py", "lines 10–14", "checkout", "5d6e7f8a9b0c"):
        assert text in page


async def test_the_viewer_is_for_those_who_may_read_the_answer(site: Site) -> None:
    """Another member, a member of another project, another number: nothing here."""
    visit = await site.somebody(Role.MEMBER)
    path = await asked(site, visit)
    others = [
        await site.somebody(Role.MEMBER, name="Bob"),
        await site.somebody(Role.MEMBER, project=site.other, name="Carl"),
        await site.somebody(Role.OWNER, name="Olga"),
    ]

    statuses = [(await other.http.get(path)).status_code for other in others]
    missing = [(await visit.http.get(path[:-1] + number)).status_code for number in ("9", "x")]

    assert [404, 404, 404] == statuses
    assert [404, 400] == missing


async def test_lines_of_a_hidden_source_are_not_shown(site: Site) -> None:
    """A source that became private or gone is hidden here too."""
    visit = await site.somebody(Role.MEMBER)
    path = await asked(site, visit)
    known = await site.parts.db.read(lambda session: sources.by_name(session, site.project.id, "checkout"))
    assert known is not None
    now = site.clock()
    await site.parts.db.write(lambda session: sources.set_state(session, known.id, "hidden", reason="gone", now=now))

    page = (await visit.http.get(path)).text

    assert "line 10" not in page
    assert "hidden" in page
