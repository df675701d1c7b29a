"""What a quote looks like to its reader, and where its citation leads."""

from dataclasses import replace

import pytest

from pipelines.components.compose import citation, link, not_found_markdown, quotes_markdown
from pipelines.components.extract import quote
from pipelines.components.query import read_query
from pipelines.types import Passage, SourceView

VIEW = SourceView("s", "Source", "https://git.example/{commit}/{path}#L{first}-L{last}")


def passage(text: str, *, path: str = "a.md", kind: str = "docs", symbols: tuple[str, ...] = ()) -> Passage:
    """Lines 5 and on of a file."""
    return Passage(
        "id", "s", path, "b", 5, 5 + text.count("\n"), text, headings=("Zebra @room",), symbols=symbols, kind=kind
    )


def shown(one: Passage, question: str = "zebra") -> str:
    """The quote of a passage as it is shown."""
    query = read_query(question)
    return quotes_markdown([quote(one, query, [(concept, concept.weight) for concept in query.concepts])], [])


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("docs/a b.md", "docs/a%20b.md"),
        ("docs/für.md", "docs/f%C3%BCr.md"),
        ("100%25.md", "100%25.md"),
        ("broken%FF.md", "broken%FF.md"),
        ("a#b?c.md", "a%23b%3Fc.md"),
    ],
)
def test_the_path_of_a_link_is_escaped_once(path: str, written: str) -> None:
    """A stored path escapes signs of per cent and bytes that are no text already."""
    assert f"https://git.example/abc/{written}#L5-L6" == link(path, 5, 6, version="abc", view=VIEW)


THREADS = SourceView("s", "Source", "https://git.example/acme/app/{page}{anchor}")


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("issues/12.md", "issues/12"),
        ("pull/7.md", "pull/7"),
        ("releases/tag/v1.0.md", "releases/tag/v1.0"),
        ("releases/tag/a.md.md", "releases/tag/a.md"),
        ("releases/tag/100%25 #1.md", "releases/tag/100%25%20%231"),
    ],
)
def test_a_thread_is_linked_by_its_page(path: str, page: str) -> None:
    """Without lines, which the page does not have."""
    assert f"https://git.example/acme/app/{page}" == link(path, 5, 6, version="abc", view=THREADS)


@pytest.mark.parametrize(
    ("headings", "text", "url"),
    [
        (("Crash (#1, open)",), "A zebra has stripes.", "issues/1"),
        (("Crash (#1, open)", "Comment by ada, 2026-05-01 #issuecomment-2"), "A zebra.", "issues/1#issuecomment-2"),
        (
            ("Crash (#1, open)",),
            (
                "About horses.\n\n## Comment by ada, 2026-05-01 #issuecomment-2\n\nOf donkeys.\n\n"
                "## Comment by bob, 2026-05-02 #issuecomment-3\n\nA zebra has stripes.\n\n"
                "## Comment by eve, 2026-05-03 #issuecomment-4\n\nNo."
            ),
            "issues/1#issuecomment-3",
        ),
    ],
)
def test_a_comment_is_linked_by_its_own_place(headings: tuple[str, ...], text: str, url: str) -> None:
    """The nearest heading above the quoted lines names it."""
    query = read_query("zebra")
    one = replace(passage(text, path="issues/1.md"), headings=headings)
    made = citation(1, quote(one, query, [(c, c.weight) for c in query.concepts]), version="abc", view=THREADS)

    assert f"https://git.example/acme/app/{url}" == made.url


def test_the_place_of_a_comment_is_not_shown() -> None:
    """Who said it when is."""
    one = replace(passage("A zebra has stripes."), headings=("Comment by ada, 2026-05-01 #issuecomment-2",))

    assert "**`a.md`**, Comment by ada, 2026-05-01 [1]" == shown(one).splitlines()[0]


def test_a_source_without_pages_of_its_own_has_no_link() -> None:
    """Our viewer shows the lines then."""
    assert link("a.md", 1, 2, version="abc", view=SourceView("s", "Source")) is None
    assert link("a.md", 1, 2, version="abc", view=None) is None


def test_a_citation_holds_the_lines_as_they_were_read() -> None:
    """Number, lines, version and link are those of the quoted lines, not of the passage."""
    query = read_query("zebra stripes")
    one = quote(passage("About horses.\n\nA zebra has stripes."), query, [(c, c.weight) for c in query.concepts])
    made = citation(3, one, version="abc", view=VIEW)

    assert (3, 7, 7, "A zebra has stripes.") == (made.number, made.first_line, made.last_line, made.quote)
    assert "https://git.example/abc/a.md#L7-L7" == made.url


@pytest.mark.parametrize(
    ("heading", "name"),
    [("The setting task_acks_late", "The setting task_acks_late"), ("__Bold__ *and* `more`", "Bold and more")],
)
def test_a_name_in_a_heading_keeps_its_underscores(heading: str, name: str) -> None:
    """Signs that Markdown would read are taken away, and no others."""
    one = replace(passage("A zebra has stripes."), headings=(heading,))

    assert f"**`a.md`**, {name} [1]" == shown(one).splitlines()[0]


def test_code_is_fenced_under_its_name() -> None:
    """The name is that of the definition in the quoted lines; the margin they share is left out."""
    text = "    def other():\n        pass\n\n    def zebra():\n        return 1\n"
    markdown = shown(passage(text, path="a.py", kind="code", symbols=("other", "Animals.zebra")), "zebra()")

    assert "**`a.py`**, `Animals.zebra` [1]" in markdown
    assert "```python\ndef zebra():\n    return 1\n```" in markdown


def test_a_heading_beside_the_path_calls_nobody() -> None:
    """Headings come from sources as well."""
    assert "**`a.md`**, Zebra @\u200broom [1]" in shown(passage("A zebra."))


@pytest.mark.parametrize("language", ["en", "de"])
def test_nearest_places_are_numbered(language: str) -> None:
    """Each place has the number of its citation; without any the sentence stands alone."""
    query = read_query("zebra")
    one = quote(passage("A zebra."), query, [(concept, concept.weight) for concept in query.concepts])

    assert not_found_markdown([one, one], language).endswith("Zebra @\u200broom [2]")
    assert "[" not in not_found_markdown([], language)
