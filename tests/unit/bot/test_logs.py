import json
import logging
from pathlib import Path

import pytest
import structlog

from bot.logs import Redaction, configure, secrets_of
from config.load import default_values
from config.settings import Log, Settings


def test_known_secrets_and_credentials_are_made_unreadable() -> None:
    """Values of settings, bearer tokens, bot tokens, user parts of addresses and login links never reach the log."""
    redaction = Redaction(["hunter2-is-secret"])
    bot_token = "123456789:" + "A" * 35

    cleaned = redaction.text(
        f"key hunter2-is-secret Bearer abcdefghijkl {bot_token} https://me:pass@example.org /login/{'x' * 22}"
    )

    assert cleaned == "key [secret] Bearer [secret] [secret] https://[secret]@example.org /login/[secret]"


@pytest.mark.parametrize("user", ["ghp_onlytoken", "me:pass", "oauth2:to:ken"])
def test_the_user_of_an_address_is_never_logged(user: str) -> None:
    """A token may stand there alone."""
    cleaned = Redaction([]).text(f"git fetch https://{user}@example.org/a/b failed; ask me@example.org")

    assert "git fetch https://[secret]@example.org/a/b failed; ask me@example.org" == cleaned


def test_the_token_of_a_bot_is_not_logged_with_the_address_that_it_is_part_of() -> None:
    """Telegram's addresses have it right behind the word "bot", and settings name it and the webhook's secret."""
    settings = Settings.model_validate(
        {
            **default_values(),
            "data_dir": Path(),
            "telegram": {
                **default_values()["telegram"],
                "token": f"123456:{'A' * 35}",
                "webhook_secret": "s3cr3t-of-hook",
            },
        }
    )
    asked = Redaction([]).text(f"https://api.telegram.org/bot123456:{'A' * 35}/getMe")

    assert "https://api.telegram.org/bot[secret]/getMe" == asked
    assert {f"123456:{'A' * 35}", "s3cr3t-of-hook"} <= set(secrets_of(settings))


def test_values_that_are_no_texts_are_cleaned_too(capsys: pytest.CaptureFixture[str]) -> None:
    """Errors, lists and whatever else is given to a log line; numbers stay numbers."""
    configure(Log(level="info", format="json"), secrets=["hunter2-is-secret"])
    held = ("hunter2-is-secret", 1)
    structlog.get_logger("test").info("seen", error=ValueError(*held), held=held, every=[held], by={1: held}, count=3)

    (line,) = capsys.readouterr().err.splitlines()

    assert "hunter2" not in line
    assert 3 == json.loads(line)["count"]


def test_short_values_are_left_alone() -> None:
    """A secret of a few letters would make half of the log unreadable, so it is not searched for."""
    assert Redaction(["abc"]).text("abcdef") == "abcdef"


def test_exceptions_lose_their_secrets_too(capsys: pytest.CaptureFixture[str]) -> None:
    """A traceback is cleaned like any other text, whoever logged it."""
    configure(Log(level="info", format="json"), secrets=["hunter2-is-secret"])
    try:
        int("hunter2-is-secret")
    except ValueError:
        structlog.get_logger("test").exception("failed", reference="abc")
        logging.getLogger("library").warning("Bearer abcdefghijklmnop")

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    assert ["failed", "Bearer [secret]"] == [line["event"] for line in lines]
    assert "hunter2" not in json.dumps(lines)
    assert "ValueError" in lines[0]["exception"]
