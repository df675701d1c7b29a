"""The settings of a Weaviate server."""

from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, StringConstraints, model_validator

from config.fields import Count, HttpAddress, MaybePath, Name, Positive, Seconds, Section

_Installation = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[a-z0-9]{0,32}$")]
_Agreement = Literal["ONE", "QUORUM", "ALL"]


class Node(Section):
    """Another node of the cluster; what is not said of it is as of the first."""

    url: Annotated[HttpAddress, Field(min_length=1)]
    grpc_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    grpc_host: Name = ""


class Weaviate(Section):
    """The server that new projects are indexed on; neither a URL nor a program means that there is none."""

    url: HttpAddress
    grpc_port: Annotated[int, Field(ge=1, le=65535)]
    grpc_host: Name
    fallback: tuple[Node, ...]
    api_key: SecretStr
    headers: dict[str, SecretStr]
    program: MaybePath
    installation: _Installation
    index: Literal["auto", "flat", "hnsw"]
    quantized: bool
    replicas: Positive
    write_agreement: _Agreement
    read_agreement: _Agreement
    idle_minutes: Count
    awake_projects: Count
    offload_days: Count
    query_timeout_s: Seconds
    write_timeout_s: Seconds

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if self.url and self.program:
            raise ValueError("expected weaviate.url or weaviate.program, got both")
        if self.fallback and not self.url:
            raise ValueError(
                "expected weaviate.url beside weaviate.fallback, whose nodes take its place while it is away"
            )
        if self.fallback and self.replicas == 1:
            raise ValueError(
                "expected weaviate.replicas to be 2 or more with weaviate.fallback: with 1 no other node holds a project"
            )
        return self

    @property
    def is_set(self) -> bool:
        """Whether there is a server."""
        return bool(self.url or self.program)
