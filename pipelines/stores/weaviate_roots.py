"""Whose certificates are trusted on the way to a Weaviate server: those of public authorities, or those of a file.

The file is that of SSL_CERT_FILE, as for all else that is spoken to over HTTPS. The client looks there for its HTTP port
when it is let, and not for gRPC.
"""

import os
import ssl
from pathlib import Path

from pipelines.types import StoreUnavailable


def named_roots() -> bytes | None:
    """The certificates of SSL_CERT_FILE, None when it is not set. Raises StoreUnavailable for no such file."""
    name = os.environ.get("SSL_CERT_FILE")
    if not name:
        return None
    try:
        ssl.create_default_context(cafile=name)
        return Path(name).read_bytes()
    except OSError as error:
        raise StoreUnavailable(
            f"expected certificates in PEM form in {name}, which SSL_CERT_FILE names: {error}"
        ) from error


def is_distrust(error: BaseException) -> bool:
    """Say whether an error comes of a certificate that was refused; the client tells nothing of it itself."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
