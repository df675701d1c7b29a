"""The list of sources below an answer, on every network that writes it into the message."""

from adapters.chat import Cited
from adapters.listing import Line, list_sources


def source(number: int, label: str, url: str | None = "https://a.example/x") -> Cited:
    """A citation of some lines."""
    return Cited(number, label, label.partition(":")[0], 1, 2, "v", "quote", url)


def listed(*cited: Cited, beside: str = "", language: str = "en", limit: int = 4096, most: int = 100) -> list[Line]:
    """The list below a text, measured in characters."""
    return list_sources(
        cited, beside=beside, language=language, limit=limit, most=most, size=lambda line: len(line.text)
    )


def texts(lines: list[Line]) -> list[str]:
    """What people read."""
    return [line.text for line in lines]


def test_the_same_place_is_one_line_with_all_its_numbers() -> None:
    """What a reader sees counts; the first address that opens is taken."""
    made = listed(source(1, "a:1", None), source(2, "b:1"), source(3, "a:1", "javascript:x"), source(5, "a:1"))

    assert ["[1][3][5] a:1", "[2] b:1"] == texts(made)
    assert ["https://a.example/x"] * 2 == [line.url for line in made]


def test_an_address_that_opens_nothing_is_left_out() -> None:
    """The place is named all the same."""
    (line,) = listed(source(1, "a:1", "javascript:alert(1)"))

    assert ("[1] a:1", "") == (line.text, line.url)


def test_what_the_text_says_already_is_not_said_again() -> None:
    """Under the quotes of an answer's lines stands no second list of them."""
    assert ["[2] b:1"] == texts(listed(source(1, "a:1"), source(2, "b:1"), beside="The cited lines:\n\n[1] a:1\nx"))


def test_what_does_not_fit_is_counted() -> None:
    """In the reader's language, inside the limit with the line breaks."""
    every = [source(number, f"path/{number}.py:1") for number in range(1, 100)]
    short = listed(*every, limit=100)

    assert ["[5] path/5.py:1", "… and 94 more"] == texts(short)[-2:]
    assert len("\n".join(texts(short))) <= 100
    assert "… und 97 weitere" == texts(listed(*every, language="de-AT", most=2))[-1]
    assert "[5] path/5.py:1" == texts(listed(*every[:5], limit=len("\n".join(texts(short)))))[-1]


def test_a_place_without_a_name_is_its_path() -> None:
    """A long one keeps its end: the file's name says more than the folders above it."""
    (nameless, long) = listed(Cited(1, " ", "a.py", 1, 2, "v", "q"), source(2, "x/" * 300 + "end.py:1"))

    assert "[1] a.py" == nameless.text
    assert long.text.startswith("[2] …")
    assert long.text.endswith("/end.py:1")
    assert 204 == len(long.text)
