"""What servers answer and what aiohttp raises, in our words."""

import json

import aiohttp
import pytest

from adapters.chat import ChatError, Refused, RoomGone, Unreachable
from adapters.matrix.faults import (
    AtLimit,
    AuthWanted,
    Flooded,
    LoginEnded,
    NotThere,
    TooLarge,
    fault_of,
    pause_s,
    transport_fault,
)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"errcode": "M_UNKNOWN_TOKEN", "error": "Access token has expired"}, LoginEnded),
        (401, {"errcode": "M_MISSING_TOKEN"}, LoginEnded),
        (403, {"errcode": "M_USER_DEACTIVATED"}, LoginEnded),
        (429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 1500}, Flooded),
        (429, None, Flooded),
        (403, {"errcode": "M_FORBIDDEN", "error": "User @b:x not in room !r:x"}, RoomGone),
        (403, {"errcode": "M_FORBIDDEN", "error": "You don't have permission to post that"}, Refused),
        (404, {"errcode": "M_NOT_FOUND"}, NotThere),
        (413, {"errcode": "M_TOO_LARGE"}, TooLarge),
        (413, None, TooLarge),
        (403, {"errcode": "M_RESOURCE_LIMIT_EXCEEDED", "error": "This server has hit its limit"}, AtLimit),
        (400, {"errcode": "ORG.EXAMPLE_ODD", "error": "no"}, Refused),
        (500, {"errcode": "M_UNKNOWN"}, Unreachable),
        (502, None, Unreachable),
        (200, None, Unreachable),
        (302, None, Unreachable),
        (404, None, Unreachable),
        (403, None, Unreachable),
        (400, [1], Unreachable),
    ],
)
def test_an_answer_that_is_no_success_has_its_kind(status: int, body: object, kind: type[ChatError]) -> None:
    """A page of HTML (body None) is never a refusal: a proxy that is badly set today must lose no answer."""
    assert kind is type(fault_of(status, body))


def test_a_server_that_failed_may_have_done_it_and_one_that_limits_us_has_not() -> None:
    """So that a send is repeated with its key, or as new."""
    broken, flooded = fault_of(502, None), fault_of(429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 2500})

    assert isinstance(broken, Unreachable)
    assert isinstance(flooded, Unreachable)
    assert (True, False, 2.5) == (broken.may_have_happened, flooded.may_have_happened, flooded.retry_after_s)


@pytest.mark.parametrize("said", [None, "soon", -1, float("nan"), float("inf"), True, [], {}])
def test_a_wait_that_is_no_number_is_a_few_seconds(said: object) -> None:
    """Nothing that a server writes there ends a loop or makes it spin."""
    assert 5.0 == pause_s(said)


def test_a_wait_of_days_is_an_hour() -> None:
    """Then it is asked again."""
    assert 3_600.0 == pause_s(10**12)


@pytest.mark.parametrize(
    ("error", "may_have_happened"),
    [
        (aiohttp.ServerDisconnectedError(), True),
        (TimeoutError(), True),
        (ConnectionResetError(), True),
        (aiohttp.ConnectionTimeoutError(), False),
        (aiohttp.InvalidURL("syt_secret"), False),
    ],
)
def test_without_an_answer_it_is_told_whether_it_may_have_happened(error: Exception, may_have_happened: bool) -> None:  # noqa: FBT001
    """And nothing of the error's text is kept."""
    fault = transport_fault(error)

    assert may_have_happened is fault.may_have_happened
    assert "syt_secret" not in str(fault)


def test_no_token_that_a_server_repeats_gets_into_an_error() -> None:
    """Servers quote what they were sent."""
    token = "syt_" + "Ym90" * 8
    fault = fault_of(400, json.loads(json.dumps({"errcode": "M_ODD", "error": f"bad {token} at https://x/?t={token}"})))

    assert token not in str(fault)
    assert "M_ODD" in str(fault)


@pytest.mark.parametrize("code", [{}, {"errcode": "M_FORBIDDEN", "error": "Invalid password"}])
def test_a_server_that_asks_once_more_who_we_are_says_how_to_prove_it(code: dict[str, str]) -> None:
    """With a wrong password it says so beside it; its login is valid all the same."""
    flows = [{"stages": ["m.login.password"]}, {"stages": 3}, "odd", {"stages": ["m.login.sso", 5]}]

    fault = fault_of(401, {**code, "flows": flows, "session": "abc"})

    assert isinstance(fault, AuthWanted)
    assert ([["m.login.password"], ["m.login.sso", "5"]], "abc") == (fault.flows, fault.session)


def test_a_server_that_does_not_know_a_question_does_not_say_that_something_is_missing() -> None:
    """Else a server without a call would seem to say that a room is not encrypted."""
    missing, unknown = fault_of(404, {"errcode": "M_NOT_FOUND"}), fault_of(404, {"errcode": "M_UNRECOGNIZED"})

    assert isinstance(missing, NotThere)
    assert isinstance(unknown, NotThere)
    assert (True, False) == (missing.is_known, unknown.is_known)
