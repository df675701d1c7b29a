"""What the client, gRPC and HTTP raise while a Weaviate server is asked, told in our words."""

import contextlib
import re
from collections.abc import Iterator
from typing import Final

import grpc
import httpx
from weaviate.exceptions import WeaviateBaseError, WeaviateConnectionError, WeaviateStartUpError

from pipelines.stores.weaviate_roots import is_distrust
from pipelines.types import StoreFull, StoreUnavailable

_NO_HANDLES: Final = "too many open files"
_FULL: Final = ("read-only", "read only", "no space left", "disk usage", _NO_HANDLES)
_ALL_FAILED: Final = "Here is the set of all errors:"  # the client's words before what the server said of a batch
_GONE: Final = ("tenant not found", "no tenant found", "could not find class", "not present in schema")
_ASLEEP: Final = ("tenant not active",)
_LATE: Final = "deadline exceeded"
_KEY: Final = re.compile(r"\b(?:401|403|unauthenticated|unauthorized|permission_denied|forbidden)\b")


class TenantGone(StoreUnavailable):
    """Somebody has removed the tenant that a project lies in, or its whole collection."""


class TenantAsleep(StoreUnavailable):
    """The tenant of a project is offloaded, and is not brought back by itself."""


@contextlib.contextmanager
def server_errors(url: str = "") -> Iterator[None]:
    """Turn what the client, gRPC and HTTP raise into StoreUnavailable, StoreFull, TenantGone and TenantAsleep."""
    try:
        yield
    except (WeaviateBaseError, grpc.RpcError, httpx.HTTPError, OSError, TimeoutError) as error:
        raise told(error, url) from error


def told(error: Exception, url: str = "") -> StoreUnavailable:
    """Say in our words what went wrong at the server."""
    text = _words_of(error)
    low = text.casefold()
    if any(sign in low for sign in _GONE):
        return TenantGone(
            f"the Weaviate server does not know the index of the project: {text[:160]}; if that stays so, "
            "`roomwise check --index --repair` begins it anew"
        )
    if any(sign in low for sign in _ASLEEP):
        return TenantAsleep(f"the tenant of the project is not active on the Weaviate server: {text[:200]}")
    if any(sign in low for sign in _FULL):
        return _full(text)
    where = f" at {url}" if url else ""
    if _KEY.search(low):
        return StoreUnavailable(f"the Weaviate server{where} refuses the key: check weaviate.api_key ({text[:120]})")
    if is_distrust(error):
        return StoreUnavailable(
            f"the certificate of the Weaviate server{where} is one that nobody vouches for: SSL_CERT_FILE can name the "
            "authority that made it"
        )
    if _LATE in low:
        return StoreUnavailable(f"the Weaviate server{where} did not answer in time")
    if isinstance(error, WeaviateStartUpError | WeaviateConnectionError | httpx.TransportError | OSError):
        return StoreUnavailable(f"expected a Weaviate server{where}, none answers: {text[:200]}")
    return StoreUnavailable(f"the Weaviate server{where} failed: {text[:300]}")


def _full(text: str) -> StoreFull:
    if _NO_HANDLES in text.casefold():
        return StoreFull(
            "the Weaviate server takes no writes, since it has too many files open: raise its limit of open files "
            "(ulimit -n, LimitNOFILE), or lower weaviate.awake_projects"
        )
    said = text.rpartition(_ALL_FAILED)[2].strip()
    return StoreFull(f"the Weaviate server takes no writes, is its disk or its memory nearly full? {said[:200]}")


def _words_of(error: Exception) -> str:
    """What an error says for itself, in one line."""
    said = error.details() if isinstance(error, grpc.aio.AioRpcError) else getattr(error, "message", "")
    return " ".join(str(said or error).split())
