"""What a probe of `roomwise check` says."""

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found. `cure` says what to do; it is empty when all is well."""

    name: str
    is_ok: bool
    detail: str
    cure: str = ""


def address_without_secrets(address: str) -> str:
    """Give scheme, host, port and path; what stands before the host or after the path may be a secret."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
