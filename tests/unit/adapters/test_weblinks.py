"""Which addresses a message of ours may open."""

import pytest

from adapters.weblinks import is_web_address


@pytest.mark.parametrize("url", ["https://a.example", "http://a.example:8080/x?y#z", "https://[::1]/"])
def test_a_web_address_opens(url: str) -> None:
    """With a host, whatever its port and path."""
    assert is_web_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "docs/a.md",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "https://",
        "https:///x",
        "https://[::1",
        "https://a.example/a b",
        "https://a.example/\n",
        "ftp://a.example",
    ],
)
def test_nothing_else_opens(url: str) -> None:
    """No other scheme, no half address, nothing with a blank."""
    assert not is_web_address(url)
