"""A folder of PDF, Word and HTML files, indexed, searched and asked about on the command line."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.components import converting
from tests.fakes.documents import pdf, word
from tests.integration.homes import Home

REPORT = pdf(
    [
        "Annual report of the zoo\nWritten by the keepers",
        "Feeding\nThe zebra eats ninety kilograms of hay each month.",
        "Sleeping\nThe okapi sleeps for five minutes a day.",
    ],
    outline=[("Feeding", 1), ("Sleeping", 2)],
)
LEAVE = word([("Heading 1", "Parental leave"), ("Normal", "Keepers take parental leave of fourteen weeks.")])
PAGE = b"""<html><head><title>Visitors</title><script>let tracker = 1</script></head><body><nav>Home</nav>
<h2>Opening hours</h2><p>The aquarium opens at seven in the morning and closes when the last visitor has left it.</p>
</body></html>"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose handbook holds one document of each format, and two that cannot be read."""
    (tmp_path / "handbook").mkdir()
    files = {
        "report.pdf": REPORT,
        "leave.docx": LEAVE,
        "visitors.html": PAGE,
        "scan.pdf": pdf([""]),
        "bad.docx": b"PK\x03\x04",
    }
    for name, content in files.items():
        (tmp_path / "handbook" / name).write_bytes(content)
    return Home(tmp_path)


def indexed(home: Home) -> dict[str, Any]:
    """Index the handbook; what became of it."""
    source: dict[str, Any] = home.json("index", str(home.handbook), "--project", "team")["sources"][0]
    return source


def cited(home: Home, question: str) -> dict[str, Any]:
    """Ask; the first citation of the answer."""
    first: dict[str, Any] = home.json("ask", question, "--project", "team")["citations"][0]
    return first


def test_documents_are_answered_from_with_their_pages(home: Home) -> None:
    """Page, section and quote of each citation are what the file shows; lines count in the text that was made of it."""
    source = indexed(home)
    assert (3, {"no_text": 1, "damaged": 1}) == (source["files"], source["skipped"])

    hay = cited(home, "How much hay does the zebra eat each month?")
    leave = cited(home, "How many weeks of parental leave do keepers take?")
    hours = cited(home, "When does the aquarium open in the morning?")

    assert ("report.pdf", "pdf", [2, 2]) == (hay["path"], hay["converted"], hay["pages"])
    assert "ninety kilograms" in hay["quote"]
    assert ("leave.docx", "docx", None, "Parental leave") == tuple(
        leave[key] for key in ("path", "converted", "pages", "section")
    )
    assert ("visitors.html", "html", "Opening hours") == tuple(hours[key] for key in ("path", "converted", "section"))
    told = home.run("ask", "How much hay does the zebra eat each month?", "--project", "team")
    assert "[1] report.pdf, page 2" in told.stdout


def test_a_search_names_the_pages(home: Home) -> None:
    """As JSON and for people; nothing of a script is found."""
    indexed(home)

    okapi = home.json("search", "okapi sleeps minutes", "--project", "team")["passages"][0]
    nothing = home.json("search", "tracker", "--project", "team")["passages"]

    assert ("report.pdf", "pdf", 3) == (okapi["path"], okapi["converted"], okapi["pages"][1])
    assert "okapi sleeps" in okapi["text"]
    assert [] == [one for one in nothing if "tracker" in one["text"]]


def test_without_the_extra_documents_are_left_out_with_the_cure(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """And come in at the next run after it was installed, without a word from the operator."""
    monkeypatch.setattr(converting, "_mark", lambda _ending: "")
    told = home.run("index", str(home.handbook), "--project", "team").stdout
    page = home.json("search", "aquarium opens", "--project", "team")["passages"][0]
    status = home.json("status")["projects"][0]["sources"][0]

    assert "4 no_converter" in told
    assert "pip install 'roomwise[documents]'" in told
    assert ("visitors.html", "", {"no_converter": 4}) == (page["path"], page["converted"], status["skipped"])

    monkeypatch.undo()
    assert 3 == indexed(home)["files"]
    assert json.dumps([2, 2]) == json.dumps(cited(home, "How much hay does the zebra eat each month?")["pages"])
