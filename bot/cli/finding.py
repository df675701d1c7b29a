"""What a probe of `roomwise check` says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found. `cure` says what to do; it is empty when all is well."""

    name: str
    is_ok: bool
    detail: str
    cure: str = ""
