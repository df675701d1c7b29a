"""Names for the spaces of vectors that real encoders make."""

import hashlib

from config.settings import Embedder as EmbedderSettings


def space_name(kind: str, model: str, settings: EmbedderSettings) -> str:
    """Name a space by all that changes the vectors of passages: model, width, and what of a text is given to it.

    The address is not part of it: the same model may move to another machine.
    """
    shaped = (settings.dimensions, settings.shorten, settings.max_chars, settings.passage_prefix)
    return f"{kind}:{model}:{hashlib.sha256(repr(shaped).encode()).hexdigest()[:8]}"
