"""Pushes and their secret, and how the connection is told of."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from adapters.chat import BadPush
from adapters.telegram.health import Pulse
from adapters.telegram.webhook import read_push, secret_of
from config.load import default_values
from config.telegram import Telegram
from tests.unit.adapters.telegram.telling import NOON

HEADER = "X-Telegram-Bot-Api-Secret-Token"


def settings(**given: Any) -> Telegram:
    """The section with a token."""
    return Telegram.model_validate({**default_values()["telegram"], "token": f"123456:{'A' * 30}", **given})


def test_the_secret_is_as_set_or_stays_the_same_by_itself() -> None:
    """It is made from the token, and does not show it; Telegram takes it."""
    made, again = secret_of(settings()), secret_of(settings())

    assert "given" == secret_of(settings(webhook_secret="given"))
    assert made == again
    assert made.isalnum()
    assert len(made) <= 256
    assert made != secret_of(settings(token=f"123456:{'B' * 30}"))


def test_a_push_with_the_secret_is_read() -> None:
    """However the header's name is written."""
    assert {"update_id": 1} == read_push({HEADER.lower(): "s"}, b'{"update_id": 1}', secret="s")


@pytest.mark.parametrize("headers", [{}, {HEADER: ""}, {HEADER: "other"}, {HEADER: "s\u00e9"}, {HEADER: "\ud800"}])
def test_a_push_without_the_secret_is_refused(headers: dict[str, str]) -> None:
    """Before anything of it is read."""
    with pytest.raises(BadPush) as caught:
        read_push(headers, b"not even JSON", secret="s")

    assert 403 == caught.value.status


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    """Also what is nested too deeply to read."""
    with pytest.raises(BadPush) as caught:
        read_push({HEADER: "s"}, body, secret="s")

    assert 400 == caught.value.status


def test_silence_and_failures_turn_the_health_red() -> None:
    """An answer makes it green again."""
    now = [NOON]

    def clock() -> datetime:
        return now[0]

    pulse = Pulse("long poll", clock)
    told = [pulse.probe()]
    pulse.beat()
    told.append(pulse.probe())
    now[0] += timedelta(minutes=3)
    told.append(pulse.probe())
    pulse.beat()
    pulse.fail("no token")
    told.append(pulse.probe())

    assert [False, True, False, False] == [probe.is_up for probe in told]
    assert ["connected by long poll", "no answer from Telegram for two minutes", "no token"] == [
        one.detail for one in told[1:]
    ]
    assert "2026-06-01 12:00:00 UTC" == told[1].facts["last answer"]
