"""What probes of `roomwise check` have in common."""

from urllib.parse import urlsplit

from adapters.chat import Finding

__all__ = ["Finding", "address_without_secrets"]


def address_without_secrets(address: str) -> str:
    """Give scheme, host, port and path; what stands before the host or after the path may be a secret."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
