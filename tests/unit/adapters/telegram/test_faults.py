"""What the library raises becomes ours, and nothing secret comes along."""

import traceback
from datetime import timedelta

import httpx
import pytest
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from adapters.chat import ChatError, Refused, RoomGone, RoomMoved, Unreachable
from adapters.telegram.faults import Flooded, NoMessage, NotOurs, Same, TokenRefused, ask, fault_of

TOKEN = "123456:AAbbCCddEEffGGhhIIjjKKll"
URL = f"https://api.telegram.org/bot{TOKEN}/sendMessage"

REFUSALS = [
    ("message is not modified: specified new message content and reply markup are exactly the same", Same),
    ("message to edit not found", NoMessage),
    ("message to delete not found", NoMessage),
    ("message to react not found", NoMessage),
    ("MESSAGE_ID_INVALID", NoMessage),
    ("message can't be edited", NotOurs),
    ("message can't be deleted for everyone", NotOurs),
    ("message thread not found", RoomGone),
    ("TOPIC_DELETED", RoomGone),
    ("chat not found", RoomGone),
    ("PEER_ID_INVALID", RoomGone),
    ("group chat was deactivated", RoomGone),
    ("TOPIC_CLOSED", Refused),
    ("not enough rights to send text messages to the chat", Refused),
    ("have no rights to send a message", Refused),
    ("need administrator rights in the channel chat", Refused),
    ("CHAT_SEND_PLAIN_FORBIDDEN", Refused),
    ("CHAT_RESTRICTED", Refused),
    ("CHAT_ADMIN_REQUIRED", Refused),
    ("message to be replied not found", Refused),
    ("message is too long", Refused),
    ("ENTITIES_TOO_LONG", Refused),
    ("REPLY_MARKUP_TOO_LONG", Refused),
    ("message text is empty", Refused),
    ("text must be non-empty", Refused),
    ("BUTTON_DATA_INVALID", Refused),
    ("can't parse entities: unexpected end", Refused),
    ("file is too big", Refused),
    ("wrong file_id or the file is temporarily unavailable", Refused),
    ("invalid file_id", Refused),
    ("query is too old and response timeout expired or query ID is invalid", Refused),
    ("REACTION_INVALID", Refused),
    ("something that nobody has seen yet", Refused),
]

GONE = [
    "bot was blocked by the user",
    "bot was kicked from the group chat",
    "bot was kicked from the supergroup chat",
    "bot is not a member of the supergroup chat",
    "user is deactivated",
    "bot can't initiate conversation with a user",
    "bots can't send messages to bots",
    "the group chat was deleted",
]

UNSENT = [
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout("slow"),
    httpx.PoolTimeout("full"),
    httpx.ProxyError("no proxy"),
    httpx.UnsupportedProtocol("no scheme"),
]

UNCLEAR = [
    httpx.ReadTimeout("slow"),
    httpx.WriteTimeout("slow"),
    httpx.ReadError("reset"),
    httpx.WriteError("reset"),
    httpx.RemoteProtocolError("Server disconnected without sending a response."),
]


def caused(error: TelegramError, cause: Exception) -> TelegramError:
    """The error as the library raises it: from the transport's."""
    error.__cause__ = cause
    return error


class TestRefusals:
    @pytest.mark.parametrize(("words", "kind"), REFUSALS)
    def test_telegrams_words_have_a_kind_and_a_plain_reason(self, words: str, kind: type[ChatError]) -> None:
        """Each text of the official server has its place."""
        fault = fault_of(BadRequest(f"Bad Request: {words}"))

        assert kind is type(fault)
        assert str(fault)

    @pytest.mark.parametrize("words", GONE)
    def test_a_chat_that_shut_us_out_is_gone(self, words: str) -> None:
        """Blocked, kicked, deactivated and never a member are one thing: nothing of ours gets there."""
        assert RoomGone is type(fault_of(Forbidden(f"Forbidden: {words}")))

    def test_a_right_that_we_lack_is_no_farewell(self) -> None:
        """The room stays; an administrator can give the right."""
        assert Refused is type(fault_of(Forbidden("Forbidden: not enough rights to send photos to the chat")))

    def test_a_file_that_the_server_does_not_take_is_refused(self) -> None:
        """413 comes as an error of the network, and yet it would come again and again."""
        assert Refused is type(fault_of(NetworkError("Request Entity Too Large")))

    def test_a_group_that_became_a_supergroup_has_moved(self) -> None:
        """The new id comes along."""
        fault = fault_of(ChatMigrated(-1001234567890))

        assert isinstance(fault, RoomMoved)
        assert "-1001234567890" == fault.room


class TestWaits:
    @pytest.mark.parametrize("wait", [35, timedelta(seconds=35)])
    def test_a_flood_names_its_pause_and_did_not_happen(self, wait: int | timedelta) -> None:
        """The library says the pause in two ways."""
        fault = fault_of(RetryAfter(wait))

        assert isinstance(fault, Flooded)
        assert (35.0, False) == (fault.retry_after_s, fault.may_have_happened)

    @pytest.mark.parametrize("cause", UNSENT, ids=lambda cause: type(cause).__name__)
    def test_what_never_left_us_surely_did_not_happen(self, cause: Exception) -> None:
        """No connection, no message."""
        for error in (TimedOut(), NetworkError(f"httpx: {cause}")):
            fault = fault_of(caused(error, cause))

            assert isinstance(fault, Unreachable)
            assert not fault.may_have_happened

    @pytest.mark.parametrize("cause", UNCLEAR, ids=lambda cause: type(cause).__name__)
    def test_what_was_on_its_way_may_have_happened(self, cause: Exception) -> None:
        """A lost answer is not a lost message."""
        fault = fault_of(caused(NetworkError(f"httpx: {cause}"), cause))

        assert isinstance(fault, Unreachable)
        assert fault.may_have_happened

    @pytest.mark.parametrize(
        "error",
        [
            NetworkError("Bad Gateway"),
            NetworkError("Internal Server Error: restart"),
            TimedOut(),
            TelegramError("Invalid server response"),
        ],
    )
    def test_a_server_that_fails_may_have_done_it(self, error: TelegramError) -> None:
        """5xx, a bare timeout and an answer that is no JSON leave it open."""
        fault = fault_of(error)

        assert isinstance(fault, Unreachable)
        assert fault.may_have_happened

    @pytest.mark.parametrize("words", ["Unauthorized", "Not Found", f"The token `{TOKEN}` was rejected by the server."])
    def test_a_token_that_is_refused_waits_long(self, words: str) -> None:
        """Asking every second would not make it valid."""
        fault = fault_of(InvalidToken(words))

        assert isinstance(fault, TokenRefused)
        assert fault.retry_after_s is not None
        assert fault.retry_after_s >= 60
        assert not fault.may_have_happened

    def test_a_second_program_on_the_token_did_not_do_it(self) -> None:
        """409 says that nothing was done."""
        fault = fault_of(Conflict("Conflict: terminated by other getUpdates request"))

        assert isinstance(fault, Unreachable)
        assert not fault.may_have_happened


class TestSecrets:
    @pytest.mark.parametrize(
        "error",
        [
            BadRequest(f"Bad Request: odd {TOKEN} at {URL}"),
            NetworkError(f"Unknown error in HTTP implementation: ({URL})"),
            caused(NetworkError(f"httpx.ReadError: {URL}"), httpx.ReadError(URL)),
            InvalidToken(f"The token `{TOKEN}` was rejected by the server."),
            Forbidden(f"Forbidden: {URL}"),
            TelegramError(URL),
        ],
    )
    async def test_no_token_gets_out(self, error: TelegramError) -> None:
        """Neither the text nor the traceback of what comes out holds the token or an address."""

        async def fails() -> None:
            raise error

        with pytest.raises(ChatError) as caught:
            await ask(fails())

        shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
        assert TOKEN not in shown
        assert "api.telegram.org" not in shown
        assert caught.value.__context__ is None

    async def test_what_goes_well_comes_through(self) -> None:
        """The result is the library's."""

        async def succeeds() -> int:
            return 7

        assert 7 == await ask(succeeds())
