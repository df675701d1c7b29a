"""The models that searches use: probed by `roomwise check`, fetched by `roomwise models`."""

import time
from contextlib import AsyncExitStack
from typing import Final
from urllib.parse import urlsplit

from bot import platform
from bot.cli.doors import Where, read_settings
from bot.cli.finding import Finding, address_without_secrets
from bot.cli.show import err, out
from bot.cli.terminal import QUIET, guarded
from bot.logs import configure, secrets_of
from config.settings import Settings
from pipelines.parts import MODELS_FOLDER, Sections, fetch_models, open_embedder, open_reranking
from pipelines.types import ModelUnavailable

_CURES: Final = "see docs/models.md"


def run_models(*, where: Where) -> int:
    """Fetch the files of the models that the settings name, into the data folder."""

    def act() -> int:
        settings = read_settings(where).settings
        folder = platform.open_data_folder(settings.data_dir)
        configure(QUIET, secrets=secrets_of(settings))
        err.print(f"Looking for models in {folder / MODELS_FOLDER}; what is missing is fetched.", highlight=False)
        fetched = fetch_models(settings.embedder, settings.ranker, folder)
        for model in fetched:
            out.print(f"{model}: there, in {folder / MODELS_FOLDER}")
        if not fetched:
            out.print("Nothing to fetch: no setting asks for a model by fastembed (embedder.kind, ranker.kind).")
        return 0

    return guarded(act)


async def probe_embedder(settings: Settings) -> Finding:
    """Embed one short question."""
    name = "embedder"
    asked = settings.embedder
    host = urlsplit(asked.base_url).hostname or "api.openai.com"
    try:
        async with AsyncExitStack() as stack:
            embedder = await open_embedder(asked, settings.data_dir, stack)
            began = time.perf_counter()
            await embedder.embed_query("roomwise check")
            took_ms = round((time.perf_counter() - began) * 1000)
    except ModelUnavailable as fault:
        return Finding(name, is_ok=False, detail=str(fault), cure=_CURES)
    if not embedder.width:
        return Finding(name, is_ok=True, detail="none: searches use keywords alone (embedder.kind)")
    where = f" at {host}, which gets every passage" if asked.kind == "endpoint" else ""
    return Finding(name, is_ok=True, detail=f"{embedder.name}{where}: {embedder.width} numbers in {took_ms} ms")


async def probe_ranker(settings: Settings) -> Finding:
    """Order two short passages; a model that is paid by tokens is not asked."""
    name = "ranker"
    asked = settings.ranker
    if asked.kind == "none":
        return Finding(name, is_ok=True, detail="none: passages are ordered without a model (ranker.kind)")
    parts = Sections(settings.llm, settings.embedder, settings.answers, settings.files, settings.limits, ranker=asked)
    try:
        async with AsyncExitStack() as stack:
            reranking = await open_reranking(parts, settings.data_dir, stack)
            if reranking is None or reranking.pays:
                return Finding(name, is_ok=True, detail="by the model that writes answers, which is probed above")
            began = time.perf_counter()
            order = await reranking.probe()
            took_ms = round((time.perf_counter() - began) * 1000)
    except ModelUnavailable as fault:
        return Finding(name, is_ok=False, detail=str(fault), cure=_CURES)
    which = address_without_secrets(asked.base_url) if asked.base_url else asked.model
    if order.outcome != "ok":
        detail = f"{asked.kind} {which}: {order.outcome} after {took_ms} ms"
        return Finding(name, is_ok=False, detail=detail, cure="check ranker.base_url, api_key, model and budget_ms")
    return Finding(name, is_ok=True, detail=f"{asked.kind} {which}: two passages in {took_ms} ms")
