"""Issues, pull requests, discussions and releases as Markdown."""

from typing import Any

import pytest

from adapters.github.threads.document import MOST_BYTES, document_of, path_of
from adapters.github.threads.kinds import DISCUSSIONS, ISSUES, KINDS, PULLS, RELEASES
from tests.fakes.threads import FakeThreads, joined


def written(host: FakeThreads, word: str, key: str) -> str | None:
    """The document of an item as the host gives it."""
    content = document_of(KINDS[word], joined(KINDS[word].type, host.items[word][key]))
    return None if content is None else content.decode()


def test_an_issue_is_a_page_with_its_comments() -> None:
    """Number and state stand in the title, who and when above the text, comments below with their place on the web."""
    host = FakeThreads()
    labels = {"nodes": [{"name": "bug"}, {"name": "good first issue"}]}
    key = host.add(title="Crash on empty  input", body="# Steps\n\nRun it.", labels=labels)
    host.comment("issues", key, "It is the parser.", author="grace")
    host.edit("issues", key, state="CLOSED", stateReason="NOT_PLANNED", closedAt="2026-06-02T00:00:00Z")

    assert (
        "# Crash on empty input (#1, closed as not planned)\n\n"
        "Issue by ada, 2026-05-01. Labels: bug, good first issue. Closed 2026-06-02.\n\n"
        "### Steps\n\nRun it.\n\n"
        "## Comment by grace, 2026-05-01 #issuecomment-2\n\nIt is the parser.\n"
    ) == written(host, "issues", key)


def test_a_pull_request_tells_that_it_was_merged_and_why() -> None:
    """Reviews stand among the comments in the order of time; one that was never sent is not read."""
    host = FakeThreads()
    key = host.add("pulls", title="Close files", body="Closes #1.")
    host.comment("pulls", key, "Why here?", to="reviews", state="CHANGES_REQUESTED")
    host.comment("pulls", key, "Because they leak.", author="ada")
    host.comment("pulls", key, "", to="reviews", state="APPROVED")
    host.comment("pulls", key, "half a thought", to="reviews", state="PENDING")
    host.edit("pulls", key, state="MERGED", mergedAt="2026-06-01T10:00:00Z", closedAt="2026-06-01T10:00:00Z")

    text = written(host, "pulls", key) or ""

    assert text.startswith("# Close files (#1, merged)\n\nPull request by ada, 2026-05-01. Merged 2026-06-01.\n")
    assert ["## Request for changes by bob", "## Comment by ada"] == [
        line.partition(",")[0] for line in text.splitlines() if line.startswith("## ")
    ]
    assert "half a thought" not in text


def test_the_accepted_answer_of_a_discussion_comes_first() -> None:
    """Replies follow what they reply to."""
    host = FakeThreads()
    key = host.add("discussions", title="How to lock?", isAnswered=True, closed=False, category={"name": "Q&A"})
    host.comment("discussions", key, "Try flock.")
    host.comment("discussions", key, "On NFS?", to="replies", author="ada")
    host.comment("discussions", key, "Use a lease.", isAnswer=True, author="grace")

    text = written(host, "discussions", key) or ""

    assert "# How to lock? (#1, answered)\n\nDiscussion by ada, 2026-05-01. Category: Q&A.\n" in text
    assert ["Answer by grace", "Comment by bob", "Reply by ada"] == [
        line.removeprefix("## ").partition(",")[0] for line in text.splitlines() if line.startswith("## ")
    ]
    assert "#discussioncomment-4\n\nUse a lease." in text


def test_a_release_is_its_notes() -> None:
    """A bot may have published it; a draft is not read."""
    host = FakeThreads()
    key = host.add("releases", tag="v1.2", title="Spring", body="## Fixed\n\nLocks.", author="ci[bot]")

    assert "# Spring (release)\n\nRelease v1.2 of 2026-05-01.\n\n#### Fixed\n\nLocks.\n" == written(
        host, "releases", key
    )
    host.edit("releases", key, isDraft=True)
    assert written(host, "releases", key) is None


@pytest.mark.parametrize(
    ("body", "more"),
    [
        ("Coverage is 93 %.", {"author": "codecov[bot]"}),
        ("spam", {"isMinimized": True}),
        ("+1", {}),
        ("![only a picture](https://x.example/a.png)", {}),
        ("<!-- template -->", {}),
    ],
)
def test_noise_is_dropped(body: str, more: dict[str, Any]) -> None:
    """Bots, hidden comments, votes, and what holds no words."""
    host = FakeThreads()
    key = host.add()
    host.comment("issues", key, body, **more)

    assert "## " not in (written(host, "issues", key) or "## ")


def test_what_only_bots_wrote_is_no_document() -> None:
    """Until a person says something below it."""
    host = FakeThreads()
    key = host.add("pulls", title="Bump parcels", author="dependabot[bot]")
    host.comment("pulls", key, "Rebased.", author="dependabot[bot]")
    assert written(host, "pulls", key) is None

    host.comment("pulls", key, "This breaks Python 3.11.")

    assert "breaks Python 3.11" in (written(host, "pulls", key) or "")


def test_somebody_who_is_gone_is_somebody() -> None:
    """A deleted account has no author any more."""
    host = FakeThreads()
    key = host.add()
    host.edit("issues", key, author=None)

    assert "Issue by somebody," in (written(host, "issues", key) or "")


def test_a_document_has_an_end() -> None:
    """Comments beyond 256 kB are counted, not kept; those that were never asked for are among them."""
    host = FakeThreads()
    key = host.add()
    for _ in range(60):
        host.comment("issues", key, "word " * 2_000)

    text = written(host, "issues", key) or ""

    kept = text.count("## Comment by")
    assert len(text.encode()) < MOST_BYTES + 200
    assert text.endswith(f"\n{60 - kept} further comments are left out, since this document is long.\n")


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("v1.2", "releases/tag/v1.2.md"),
        ("pkg/v1", "releases/tag/pkg/v1.md"),
        ("100%", "releases/tag/100%25.md"),
        ("größe", "releases/tag/größe.md"),
        ("../../etc", None),
        ("a//b", None),
        ("x.md/y", None),
        ("x" * 300, None),
    ],
)
def test_a_tag_is_a_path_or_nothing(key: str, path: str | None) -> None:
    """Percent signs are escaped as in every path; nothing leads out of the folder."""
    assert path == path_of(RELEASES, key)


def test_a_number_is_a_path_as_on_the_web() -> None:
    """Below the folder that GitHub's own address has."""
    assert ["issues/7.md", "pull/7.md", "discussions/7.md"] == [
        path_of(kind, "7") for kind in (ISSUES, PULLS, DISCUSSIONS)
    ]
