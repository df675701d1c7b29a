"""What is said when somebody presses a button under an answer."""

from bot.reactions import verified_markdown
from pipelines.types import Passage, Supported

PASSAGE = Passage("p", "src", "docs/a.md", "b", 3, 4, "a")


def test_a_checked_sentence_is_named_by_its_first_words() -> None:
    """A quoted block of code is not printed once more as running text, and none of its marks format ours."""
    code = "`for` attempt in range(1, MAX_ATTEMPTS + 1):\n    if deliver(): return attempt **and** so on and on and on"

    shown = verified_markdown([Supported(code, is_supported=True, passages=(PASSAGE,))], "en").splitlines()[-1]

    expected = "for attempt in range(1, MAX_ATTEMPTS + 1): if deliver(): return attempt and …"
    assert f"- Supported: “{expected}” – `docs/a.md:3-4`" == shown


def test_a_short_sentence_is_named_whole() -> None:
    """Nothing says that something was left out."""
    shown = verified_markdown([Supported("The limit is 5.", is_supported=False, passages=())], "en")

    assert shown.endswith("“The limit is 5.”")


def test_a_checked_sentence_of_a_pdf_names_its_page() -> None:
    """In the language of the room; the lines count in a text that nobody else has."""
    passage = Passage("p", "src", "a.pdf", "b", 40, 44, "a", converted="pdf", pages=((31, 2), (42, 3)))

    shown = verified_markdown([Supported("It is so.", is_supported=True, passages=(passage,))], "de")

    assert shown.endswith("`a.pdf, Seiten 2–3`")
