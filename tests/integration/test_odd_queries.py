"""Questions that nobody asks on a good day, on the command line alone and through the JSON API of a running service."""

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from tests.integration.homes import Home, make_home, started

PAGES = {
    "zh.md": "# 手册\n\n## 重试\n\n仓库的重试次数上限是五次。超过之后包裹会被送到死信仓库。\n",
    "ru.md": "# Руководство\n\n## Хранение\n\nАдреса удаляются через девяносто дней. Снимки посылок не хранятся.\n",
    "operators.md": '# Operators\n\nA filter such as title:(dead AND letter) or path:/etc/* may stand in "quotes".\n',
}


@pytest.fixture(autouse=True, scope="module")
def _log() -> Iterator[None]:
    """Commands set up the log of their process, which is that of the tests here."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture(scope="module", params=["without a service", "beside a service"])
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home whose handbook, in four languages by now, is indexed in the project team."""
    home = make_home(tmp_path_factory.mktemp("odd"))
    for name, text in PAGES.items():
        (home.handbook / name).write_text(text, "utf-8")
    service = started(home) if request.param == "beside a service" else None
    assert 0 == home.run("index", str(home.handbook), "--project", "team").exit_code
    yield home
    if service is not None:
        service.process.terminate()
        assert 0 == service.process.wait(timeout=30)


def asked(home: Home, command: str, text: str, *more: str) -> Any:
    """Run `search` or `ask` with any text; what it prints as JSON."""
    done = home.run(command, "--project", "team", "--json", *more, "--", text)
    assert (0, "") == (done.exit_code, done.stderr), done.output
    return json.loads(done.stdout)


def found(home: Home, text: str) -> list[str]:
    """Search; the paths, best first."""
    return [str(one["path"]) for one in asked(home, "search", text)["passages"]]


@pytest.mark.parametrize("command", ["ask", "search"])
def test_ten_thousand_words_are_refused_with_the_limit(home: Home, command: str) -> None:
    """It is said how many characters are too many."""
    said = home.fails(command, " ".join(f"word{number}" for number in range(10_000)), "--project", "team")

    assert re.search(r"\b8000\b", said)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "words", [["deliver_with_retry"] * 400, [f"w{number}" for number in range(1_300)], ["x" * 7_900], ["(" * 7_900]]
)
def test_a_question_as_long_as_is_allowed_is_answered(home: Home, words: list[str]) -> None:
    """One word over and over, a thousand different ones, one that never ends."""
    text = " ".join(["RoutePlanner", *words])[:8_000]

    assert "parcel/route.py" in found(home, text)
    assert asked(home, "ask", text)["verdict"] in {"extractive", "not_found"}


@pytest.mark.parametrize("text", ["what is the and of to", "wie ist das", "Was ist das?", "is", "the the the"])
def test_stop_words_alone_are_no_question(home: Home, text: str) -> None:
    """Words that stand in every text answer nothing; a search may still list them, for they are words of code too."""
    assert "not_found" == asked(home, "ask", text)["verdict"]
    assert isinstance(found(home, text), list)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("仓库的重试次数上限", "zh.md"),
        ("死信", "zh.md"),
        ("Через сколько дней удаляются адреса?", "ru.md"),
        ("хранение снимков", "ru.md"),
    ],
)
def test_chinese_and_russian_find_their_pages(home: Home, text: str, path: str) -> None:
    """Without spaces between words, and with other letters."""
    assert path == found(home, text)[0]


def test_a_russian_question_is_answered_with_its_lines(home: Home) -> None:
    """The quote is the line that says it."""
    answer = asked(home, "ask", "Через сколько дней удаляются адреса?")

    assert "extractive" == answer["verdict"]
    assert ("ru.md", True) == (answer["citations"][0]["path"], "девяносто" in answer["citations"][0]["quote"])


@pytest.mark.parametrize("text", ["?!… --- ((( ]]] ***", "\u3002\uff1f", "🦓🦓", '"', "\\", "\x00", "\x00\x01\x02"])
def test_signs_alone_find_nothing(home: Home, text: str) -> None:
    """No word, no passage."""
    assert [] == found(home, text)
    answer = asked(home, "ask", text)
    assert ("not_found", []) == (answer["verdict"], answer["citations"])


@pytest.mark.parametrize(
    "text",
    [
        "title:(dead AND letter) OR path:/etc/*",
        "+dead -letter ^2 ~3",
        '"dead letter',
        "[dead TO letter] {x}",
        "text:dead letter\\",
        "path:operators.md AND NOT (dead OR letter",
        "*:* dead letter filter",
        "dead\x00letter filter",
        "\u202edead\u202c letter\ufeff filter",
        "dead \udcff letter filter",
    ],
)
def test_the_language_of_the_search_engine_is_but_words(home: Home, text: str) -> None:
    """Fields, operators, brackets, open quotes, null bytes, broken bytes: the words among them are searched for."""
    paths = found(home, text)

    assert "operators.md" in paths[:3]
    assert asked(home, "ask", text)["verdict"] in {"extractive", "not_found"}


def test_operators_leave_nothing_out(home: Home) -> None:
    """A minus before a word is no order, or it would hide the page that holds it."""
    assert set(found(home, "dead letter filter")) == set(found(home, "+dead -letter filter"))
