"""Where a Weaviate server is, and on how many of its replicas work has to agree. Imports nothing of Weaviate's."""

from collections.abc import Mapping
from dataclasses import dataclass, field


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


@dataclass(frozen=True, slots=True)
class Agreement:
    """On how many replicas a write and a read have to agree: ONE, QUORUM or ALL."""

    write: str = "QUORUM"
    read: str = "ONE"
