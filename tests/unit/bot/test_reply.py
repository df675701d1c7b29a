"""How an answer is put: parts, previews, buttons, links, notes."""

import itertools
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.chat import Abilities
from adapters.cutting import split_markdown
from bot.reply import Frame, Looked, Pace, answer_buttons, answer_reply, cited
from pipelines.types import Answer, Citation, Shown, Verdict

CITED = Citation(1, "src", "docs/a.md", 3, 4, "c0ffee", "quote", url="https://forge.example/a")
FRAME = Frame("proj", "turn", "en")


def test_an_answer_without_sources_offers_no_check() -> None:
    """Nothing is shown that does nothing."""
    actions = [
        button.action for line in answer_buttons(Answer("no", verdict=Verdict.NOT_FOUND), FRAME) for button in line
    ]

    assert ["up", "down", "again"] == actions


@pytest.mark.parametrize(
    ("frame", "url"),
    [
        (Frame("proj", "turn", "en"), "https://forge.example/a"),
        (Frame("proj", "turn", "en", viewer="https://rw.example"), "https://forge.example/a"),
        (Frame("proj", "turn", "en", viewer="", opens_here=True), "/p/proj/turn/1"),
    ],
)
def test_where_a_citation_opens(frame: Frame, url: str) -> None:
    """On the forge where it has one, in our viewer on the web."""
    assert url == cited(CITED, frame).url


def test_notes_stand_below_and_lateness_above() -> None:
    """An old question is called old, an update under way is named."""
    shown = Shown("src", "main", "1a2b3c4d", datetime(2026, 1, 1, tzinfo=UTC), updating_to="5d6e7f8a")
    frame = Frame("proj", "turn", "en", asked_ago=timedelta(hours=3), notes=("Indexing.",))
    text = answer_reply(Answer("body", freshness=(shown,)), frame, reply_to="1").markdown

    assert text.index("3 h") < text.index("body") < text.index("5d6e7f8a") < text.index("Indexing.")


NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def heads(*names: str) -> tuple[Shown, ...]:
    """The state of as many repositories, last changed long ago."""
    return tuple(Shown(name, "main", "1a2b3c4d5e6f", NOW - timedelta(days=30)) for name in names)


def below(frame: Frame, *sources: str) -> str:
    """What stands below an answer that cites these sources."""
    answer = Answer("body", citations=tuple(replace(CITED, source=one) for one in sources), freshness=heads("a", "b"))
    return answer_reply(answer, frame, reply_to="1").markdown.removeprefix("body").strip()


def test_an_answer_names_the_state_of_the_repository_that_it_cites() -> None:
    """Its branch and commit, and when it was last looked at: in the language of the room, and by name if there are two."""
    looked = {"a": Looked("acme/app", NOW - timedelta(minutes=3)), "b": Looked("acme/b_c", None)}
    frame = replace(FRAME, looked=looked, now=NOW)

    assert "*main at 1a2b3c4, 3 min ago*" == below(frame, "a")
    assert "*main, Stand 1a2b3c4, vor 3 min*" == below(replace(frame, language="de"), "a")
    assert "acme/app: main at 1a2b3c4, 3 min ago; acme/b_c: main at 1a2b3c4, 30 days ago" in below(frame, "a", "b")


def test_a_folder_and_what_is_not_cited_have_no_state() -> None:
    """A folder has no commit that anybody could look up."""
    folder = Answer("body", citations=(CITED,), freshness=(replace(heads("src")[0], ref=""),))

    assert "" == below(replace(FRAME, now=NOW))
    assert "body" == answer_reply(folder, replace(FRAME, now=NOW), reply_to="1").markdown


@given(st.text(st.sampled_from("ab `\n"), max_size=400), st.integers(20, 80))
def test_parts_hold_the_limit(text: str, limit: int) -> None:
    """However the text lies, no part is longer than the network takes."""
    assert all(len(part) <= limit for part in split_markdown(text, limit))


def test_a_cut_code_block_is_closed_and_opened_again() -> None:
    """Each part is whole Markdown by itself."""
    code = "\n".join(f"line {number}" for number in range(30))
    parts = split_markdown(f"```python\n{code}\n```", 120)

    assert all(part.startswith("```python\n") and part.endswith("```") for part in parts)
    assert all(f"line {number}" in "\n".join(parts) for number in range(30))


def test_previews_slow_down_and_keep_the_budget_of_the_room() -> None:
    """The first is at once, the gaps grow, and the rest of a minute's edits is left for final texts."""
    pace, recent = Pace(Abilities(edit_interval_s=1.0, edits_per_minute=20)), deque[float]()
    shown: list[float] = []
    for tenth in range(600):
        if pace.may_show(tenth / 10, recent):
            pace.shown(tenth / 10, recent)
            shown.append(tenth / 10)

    gaps = [later - earlier for earlier, later in itertools.pairwise(shown)]
    assert 0.0 == shown[0]
    assert gaps == sorted(gaps)
    assert len(shown) <= 12


def _previews(pace: Pace, *, until_s: int) -> list[float]:
    """When previews go out, looked for ten times a second."""
    recent, shown = deque[float](), []
    for tenth in range(until_s * 10):
        if pace.may_show(tenth / 10, recent):
            pace.shown(tenth / 10, recent)
            shown.append(tenth / 10)
    return shown


@pytest.mark.parametrize(("most", "every_s"), [(20, 1.0), (20, 5.0), (5, 1.0), (2, 1.0), (1, 1.0)])
def test_previews_that_are_few_are_spread_over_the_whole_answer(most: int, every_s: float) -> None:
    """No more than the network lets one message be edited, later ones further apart, the last near the deadline."""
    abilities = Abilities(edit_interval_s=every_s, edits_per_minute=60, edits_per_message=most)
    shown = _previews(Pace(abilities, longest_s=90.0), until_s=200)

    gaps = [later - earlier for earlier, later in itertools.pairwise(shown)]
    assert 0.0 == shown[0]
    assert len(shown) <= most
    assert all(later >= earlier - 0.11 for earlier, later in itertools.pairwise(gaps))
    assert most < 3 or 60.0 <= shown[-1] <= 200.0
    assert most < 20 or len([at for at in shown if at <= 45.0]) >= 6


def test_a_network_without_such_a_bound_is_edited_as_before() -> None:
    """Every eight seconds in the end, for as long as the answer takes."""
    shown = _previews(Pace(Abilities(edit_interval_s=1.0)), until_s=200)

    assert 8.0 == pytest.approx(shown[-1] - shown[-2])


def test_a_flood_wait_stops_previews() -> None:
    """The network said for how long."""
    pace, recent = Pace(Abilities(edit_interval_s=0.1)), deque[float]()
    pace.hold(0.0, 30.0)

    assert [False, True] == [pace.may_show(29.0, recent), pace.may_show(30.0, recent)]


def test_a_citation_of_a_converted_file_is_labelled_by_page_or_heading() -> None:
    """Its lines are no place that people could look up."""
    frame = Frame("p", "t", "en")
    report = replace(CITED, path="a.pdf", converted="pdf", pages=(3, 3), section="Cooling")
    letter = replace(CITED, path="a.docx", converted="docx", section="Leave")

    labels = [cited(one, frame).label for one in (report, letter, replace(letter, section=""))]

    assert ["a.pdf, page 3", "a.docx, Leave", "a.docx"] == labels


@pytest.mark.parametrize(("is_group", "expected"), [(True, [3.0, 3.75, 8.0]), (False, [1.0, 1.25, 8.0])])
def test_previews_are_slower_where_many_read_along(*, is_group: bool, expected: list[float]) -> None:
    """They begin at the network's interval for such rooms and grow to eight seconds."""
    pace, gaps = Pace(Abilities(edit_interval_s=1.0, group_edit_interval_s=3.0), is_group=is_group), []
    now_s = 0.0
    for _ in range(20):
        pace.shown(now_s, deque())
        begun_s = now_s
        while not pace.may_show(now_s, deque()):
            now_s += 0.25
        gaps.append(now_s - begun_s)

    assert expected == [*gaps[:2], gaps[-1]]
