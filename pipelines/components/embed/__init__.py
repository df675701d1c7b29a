"""Vectors of texts, by the embedder that the settings name. `pipelines.parts.open_embedder` opens any of them."""

import structlog

from config.settings import Embedder as EmbedderSettings
from pipelines.components.embed.base import Embedder, NoEmbedder, Vectors
from pipelines.components.embed.bundled import CUT_CHARS, LEXICAL_WEIGHT, BundledEmbedder, open_bundled
from pipelines.types import ModelUnavailable

__all__ = ["CUT_CHARS", "BundledEmbedder", "Embedder", "NoEmbedder", "Vectors", "open_embedder"]

_log = structlog.get_logger(__name__)


def open_embedder(settings: EmbedderSettings) -> Embedder:
    """Open an embedder that is here without further ado: the bundled one, or none.

    "auto" takes the bundled one where its package is installed, else none, and logs why.
    Raises ModelUnavailable when "bundled" is asked for and cannot be had.
    """
    if settings.kind == "none":
        return NoEmbedder()
    try:
        return open_bundled(lexical_weight=settings.lexical_weight or LEXICAL_WEIGHT)
    except ModelUnavailable as reason:
        if settings.kind == "bundled":
            raise
        _log.warning("no_embedder", reason=str(reason), effect="searches use keywords alone")
        return NoEmbedder()
