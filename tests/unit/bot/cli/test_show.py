"""What results look like in a terminal."""

import pytest
from rich.console import Console

from bot.cli.show import print_answer, print_indexed, print_json, print_passages, print_status
from bot.desk import Json

EVIL = "ls \x1b]0;owned\x07 \x9b31m \r"
PLACE: Json = {"source": EVIL, "path": EVIL, "first_line": 1, "last_line": 2, "version": "1a2b", "score": 0.5}
PLACE |= {"converted": "", "pages": None, "section": ""}
COUNTS: Json = {"files": 1, "passages": 2, "skipped": {"binary": 1}, "location": "/srv/docs", "absent": []}


def test_nothing_that_was_found_speaks_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A file may hold signs that name a window or move the cursor; none reaches it from text, path or error."""
    print_passages({"passages": [{**PLACE, "text": EVIL}]})
    print_answer({"answer": EVIL, "citations": [{**PLACE, "number": 1, "url": EVIL}]})
    remote = {"location": f"https://{EVIL}", "absent": [{"path": EVIL, "near": [EVIL]}]}
    print_indexed({"project": EVIL, "sources": [{**COUNTS, **remote, "source": EVIL, "error": ""}]})
    print_indexed({"project": EVIL, "sources": [{"source": EVIL, "error": EVIL}]})
    source = {**COUNTS, "source": EVIL, "kind": "folder", "version": EVIL, "progress": None}
    source |= {"last_error": EVIL, "last_ok_at": None}
    print_status({"version": "1", "projects": [{"name": EVIL, "passages": 2, "renewed": None, "sources": [source]}]})
    shown = capsys.readouterr()

    for sign in "\x1b\x07\x9b\r":
        assert sign not in shown.out + shown.err
    assert "owned" in shown.out


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({"converted": "pdf", "pages": [3, 3]}, "a.pdf, page 3"),
        ({"converted": "pdf", "pages": [3, 4], "section": "Cooling"}, "a.pdf, pages 3-4"),
        ({"converted": "docx", "section": "Holidays"}, "a.pdf, Holidays"),
        ({"converted": "html"}, "a.pdf  1a2b"),
        ({}, "a.pdf:1-2"),
    ],
)
def test_a_place_is_what_people_find_in_the_file(
    capsys: pytest.CaptureFixture[str], place: Json, expected: str
) -> None:
    """Nobody can count lines in a PDF or in Word."""
    cited = {**PLACE, "path": "a.pdf", **place}

    print_answer({"answer": "x [1]", "citations": [{**cited, "number": 1, "url": "1a2b"}]})
    print_passages({"passages": [{**cited, "text": "x"}]})

    shown = capsys.readouterr().out
    assert expected in shown
    assert shown.count(expected.partition("  ")[0]) == 2


def test_what_a_missing_extra_costs_is_said_with_its_cure(capsys: pytest.CaptureFixture[str]) -> None:
    """Where an index run tells what it left out."""
    source = {**COUNTS, "source": "docs", "error": "", "skipped": {"no_converter": 2}}

    print_indexed({"project": "team", "sources": [source]})

    shown = " ".join(capsys.readouterr().out.split())
    assert "(left out: 2 no_converter)" in shown
    assert "pip install 'roomwise[documents]'" in shown


def test_json_holds_texts_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """A quote must equal its file; JSON writes such signs as escapes."""
    print_json({"quote": "\x1b[0m"})

    assert "\\u001b[0m" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["> {}", "- {}", "```python\n# {}\n```", "{}"])
def test_an_answer_is_shown_to_its_last_word(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """Quotes and code that are wider than the terminal are wrapped, not cut."""
    monkeypatch.setattr("bot.cli.show.out", Console(width=80, soft_wrap=True))

    print_answer(
        {"answer": form.format("held by one process, and freed when that dies; " * 4 + "the end"), "citations": []}
    )

    assert "the end" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("is_rebuild", "left_s", "expected"),
    [
        (False, None, "indexing: 3 of 10 files;"),
        (False, 130, "indexing: 3 of 10 files, 12 files/s, about 2 min left;"),
        (True, None, "made anew: 3 of 10 files;"),
    ],
)
def test_status_says_how_far_an_index_is(
    capsys: pytest.CaptureFixture[str], *, is_rebuild: bool, left_s: int | None, expected: str
) -> None:
    """The speed and the time left stand there as soon as they are known."""
    progress = {"stage": "reading", "done": 3, "total": 10, "is_rebuild": is_rebuild, "files_per_s": 12.3}
    source = {**COUNTS, "source": "docs", "kind": "folder", "version": "1a", "progress": {**progress, "left_s": left_s}}
    source |= {"last_error": "", "last_ok_at": None}

    print_status({"version": "1", "projects": [{"name": "p", "passages": 2, "renewed": 1, "sources": [source]}]})

    printed = capsys.readouterr().out
    assert expected in printed
    assert "keyword index made anew: 1 of 2 passages; meanwhile the one before answers" in printed


def test_status_says_which_job_failed(capsys: pytest.CaptureFixture[str]) -> None:
    """One line each, with the reference that the log has it under; those that went well are not named."""
    quiet = {"job": "purge", "outcome": "ok", "detail": "", "last_run_at": "2026-11-29T01:00:00+00:00"}
    failed = {"job": "backup", "outcome": "failed", "detail": "ref23456", "last_run_at": "2026-11-29T02:00:00+00:00"}
    paused = {"job": "mirrors", "outcome": "paused", "detail": "disk_low", "last_run_at": "2026-11-29T03:00:00+00:00"}

    print_status({"version": "1", "projects": [], "jobs": [quiet, failed, paused]})

    assert [
        "job backup failed at 2026-11-29T02:00:00+00:00: the log has it under ref23456",
        "job mirrors waits: the disk is nearly full",
    ] == capsys.readouterr().err.splitlines()
