"""What a browser posts, as words of chat."""

import pytest

from adapters.chat import Addressed
from adapters.web.translate import Draft, as_message, check_key
from tests.fakes.chat import NOON


def test_a_draft_becomes_a_private_message_with_its_number() -> None:
    """The log's number is the message id, the browser's key names the event."""
    message = as_message(Draft("p.ann", "k1", "ann", "Ann", "hi\x00", reply_to=4), seq=7, now=NOON)

    assert ("7", "4", "hi", Addressed.PRIVATE) == (
        message.message_id,
        message.reply_to,
        message.text,
        message.addressed,
    )
    assert "p.ann/k1" == message.id.event


@pytest.mark.parametrize("key", ["", "x" * 65, "a b", "ä", "a\n"])
def test_keys_that_cannot_name_a_message_are_refused(key: str) -> None:
    """1 to 64 printable ASCII characters."""
    with pytest.raises(ValueError, match="64 printable"):
        check_key(key)
