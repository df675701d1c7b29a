"""The list of sources below an answer."""

from adapters.chat import Cited
from adapters.telegram.page import Page, rendered, units
from adapters.telegram.sources import source_list


def source(number: int, label: str, url: str | None = "https://a.example/x") -> Cited:
    """A citation of some lines."""
    return Cited(number, label, label.partition(":")[0], 1, 2, "v", "quote", url)


def listed(*cited: Cited, beside: str = "", language: str = "en", limit: int = 4096, most: int = 100) -> Page:
    """The list below a text."""
    return source_list(cited, beside=beside, language=language, limit=limit, most=most)


def test_each_source_is_a_line_with_its_link() -> None:
    """A place that nothing opens is code, or Telegram makes a link to the host README.md of it."""
    made = rendered(listed(source(1, "a.py:1-2"), source(3, "README.md:4", None), source(4, "x.pdf, page 3")))

    assert "[1] a.py:1-2\n[3] README.md:4\n[4] x.pdf, page 3" == made.text
    assert [("text_link", 4, 8), ("code", 17, 11), ("text_link", 33, 13)] == [
        (one["type"], one["offset"], one["length"]) for one in made.entities
    ]


def test_the_same_place_is_one_line_with_all_its_numbers() -> None:
    """What a reader sees counts; the first address that opens is taken."""
    made = listed(source(1, "a:1", None), source(2, "b:1"), source(3, "a:1", "javascript:x"), source(5, "a:1"))

    assert "[1][3][5] a:1\n[2] b:1" == made.text
    assert "https://a.example/x" == made.spans[0].url


def test_what_the_text_says_already_is_not_said_again() -> None:
    """Under the quotes of an answer's lines stands no second list of them."""
    assert "[2] b:1" == listed(source(1, "a:1"), source(2, "b:1"), beside="The cited lines:\n\n[1] a:1\nx").text


def test_what_does_not_fit_is_counted() -> None:
    """In the reader's language, inside the limit."""
    every = [source(number, f"path/{number}.py:1") for number in range(1, 100)]
    short = listed(*every, limit=100)

    assert (
        "[1] path/1.py:1\n[2] path/2.py:1\n[3] path/3.py:1\n[4] path/4.py:1\n[5] path/5.py:1\n… and 94 more"
        == short.text
    )
    assert units(short.text) <= 100
    assert "… und 97 weitere" == listed(*every, language="de-AT", most=2).text.splitlines()[-1]
    assert listed(*every[:5], limit=len(short.text)).text.endswith("[5] path/5.py:1")


def test_a_long_path_keeps_its_end() -> None:
    """The file's name says more than the folders above it."""
    made = listed(source(1, "x/" * 300 + "end.py:1"))

    assert made.text.startswith("[1] …")
    assert made.text.endswith("/end.py:1")
    assert len(made.text) == 204
