"""Where a Weaviate server is, and on how many of its replicas work has to agree. Imports nothing of Weaviate's."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE: Final = re.compile(r"[!-~](?:[ -~]*[!-~])?")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is. `url` is http or https with a port or the scheme's own; the gRPC port is beside it.

    `grpc_host` is the same host unless named. Headers go with every request. Seconds are limits for one request.
    `others` are nodes of the same cluster, asked in turn when this one is away.
    """

    url: str
    grpc_port: int = 50051
    grpc_host: str = ""
    api_key: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query_s: float = 20.0
    write_s: float = 90.0
    start_s: float = 5.0
    others: tuple["Address", ...] = ()

    @property
    def shown(self) -> str:
        """The URL for people: what stands before the host or after the port is of no use here, and may be a secret."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    @property
    def wrong(self) -> str:
        """Name what no request can carry, '' when nothing is wrong: the clients would put its value into their errors."""
        if self.api_key and not _VALUE.fullmatch(self.api_key):
            return "weaviate.api_key"
        names = (
            f"weaviate.headers ({name!r})"
            for name, value in self.headers.items()
            if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value or "-"))
        )
        return next(names, "")


@dataclass(frozen=True, slots=True)
class Agreement:
    """On how many replicas a write and a read have to agree: ONE, QUORUM or ALL."""

    write: str = "QUORUM"
    read: str = "ONE"
