"""Which addresses a message of ours may open."""

from urllib.parse import urlsplit


def is_web_address(url: str) -> bool:
    """Whether a link can be opened from a message: http or https with a host."""
    if not url.startswith(("http://", "https://")) or any(ord(sign) <= 32 for sign in url):
        return False
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False
