"""Comments made fit to stand inside a document."""

import pytest

from adapters.github.threads.prose import is_noise, tidied


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Plain words.\r\nTwo lines.", "Plain words.\nTwo lines."),
        ("See ![a screenshot](https://x.example/a.png) here", "See  here"),
        ("[![build](https://x.example/b.svg)](https://x.example) passes", " passes"),
        ('<img width="20" src="https://x.example/a.png"> gone', " gone"),
        ("<!-- Describe the bug.\n```\ncode\n``` -->\nIt crashes.", "It crashes."),
        ("about `<!--` signs\n\n# then", "about `<!--` signs\n\n### then"),
        ("# One\n###### Six", "### One\n###### Six"),
        ("Title\n=====\ntext\n---", "Title\n\ntext"),
        ("a\n\n\n\n\nb", "a\n\nb"),
        (
            "```\n# no heading\n<!-- kept -->\n![kept](x)\n\n\n\n```",
            "```\n# no heading\n<!-- kept -->\n![kept](x)\n\n\n\n```",
        ),
        ("```py\nopen", "```py\nopen\n```"),
        ("~~~\n```\n~~~\n# x", "~~~\n```\n~~~\n### x"),
        ("#12 is no heading", "#12 is no heading"),
        ("nul\0", "nul"),
    ],
)
def test_what_is_said_stays_and_the_rest_goes(text: str, expected: str) -> None:
    """Pictures and hidden text are taken out, headings put down, code left as it is and closed."""
    assert expected == tidied(text)


@pytest.mark.parametrize(
    "text",
    [
        "+1",
        ":+1:",
        "👍",
        "👍🏽 ",
        "Same here!",
        "me too",
        "/retest",
        "/assign @ada",
        "/lgtm\n/approve",
        "Thanks!",
        "LGTM",
        "",
        "\n",
    ],
)
def test_votes_thanks_and_orders_to_bots_say_nothing(text: str) -> None:
    """A comment of nothing else is dropped."""
    assert is_noise(text)


@pytest.mark.parametrize("text", ["+1 since 2.0 it crashes", "/etc/hosts was the cause", "Thanks, fixed by restarting"])
def test_whatever_else_is_said_is_kept(text: str) -> None:
    """A word of one's own makes it a comment."""
    assert not is_noise(text)


@pytest.mark.parametrize("sign", ["<!--", "![", "<img ", "```\n", "# \n", "[](", "-->"])
def test_hostile_text_takes_no_time(sign: str) -> None:
    """A comment full of one sign is read in time that grows with its length only."""
    small, large = tidied(sign * 2_000), tidied(sign * 40_000)

    assert len(small) <= len(large) <= 200_004
