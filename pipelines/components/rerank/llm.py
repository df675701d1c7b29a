"""Haystack's LLMRanker over the endpoints that write answers."""

import asyncio
import re
from collections.abc import Sequence
from importlib import resources
from typing import Any, Final

import openai
from haystack import Document, component
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.components.rankers import LLMRanker
from haystack.dataclasses import ChatMessage

from config.settings import Endpoint, Llm, Ranker
from pipelines.components.generate import chat_generator, guessed, translated, usage_of
from pipelines.components.rerank.base import Order, shown_text
from pipelines.types import ModelUnavailable, Usage

_OWN_SHARE: Final = 0.95  # of the budget: what is given up here is still counted, later it is not
# What LLMRanker, and the client below it, raise for replies that are none.
_UNREADABLE: Final = (ValueError, TypeError, AttributeError, LookupError, AssertionError)
_JSON: Final = re.compile(r"\{.*\}", re.DOTALL)
_FRAME: Final = re.compile(r"<(?=/?passage\b)", re.IGNORECASE)


class LlmReranker:
    """Lets the model name the passages that help, best first; the others follow as they stood.

    The next endpoint is asked when one fails, within the one budget.
    """

    def __init__(self, settings: Ranker, llm: Llm) -> None:
        """Make the clients of all endpoints. Raises ModelUnavailable when none is set."""
        if not llm.endpoints:
            raise ModelUnavailable('expected llm.model beside ranker.kind = "llm", got none: set it, or another kind')
        self._settings = settings
        self._models = [(endpoint, chat_generator(endpoint, llm, streams=False)) for endpoint in llm.endpoints]
        self._prompt = resources.files("config").joinpath("prompts", "rank.jinja").read_text("utf-8")

    async def rerank(self, query: str, passages: Sequence[Document], *, limit: int) -> Order:  # noqa: ARG002
        """Order passages by the first endpoint that answers. Raises ModelUnavailable, with what was spent."""
        shown = [Document(id=str(place), content=self._text(one)) for place, one in enumerate(passages)]
        spent = Usage()
        ends_s = asyncio.get_running_loop().time() + self._settings.budget_ms / 1000 * _OWN_SHARE
        for tried, (endpoint, model) in enumerate(self._models, start=1):
            try:
                order = await self._ordered(endpoint, model, query, shown, ends_s=ends_s)
            except ModelUnavailable as fault:
                fault.usage = spent = spent + fault.usage
                if tried == len(self._models) or fault.kind == "timeout":
                    raise
            else:
                return Order(order.places, spent + order.usage)
        raise AssertionError("expected at least one endpoint")

    async def close(self) -> None:
        """Release connections."""
        for _, model in self._models:
            await model.close_async()

    async def _ordered(
        self, endpoint: Endpoint, model: OpenAIChatGenerator, query: str, shown: Sequence[Document], *, ends_s: float
    ) -> Order:
        metered = _Metered(model)
        ranker = LLMRanker(chat_generator=metered, prompt=self._prompt, top_k=len(shown), raise_on_failure=True)
        sent_chars = len(query) + sum(len(one.content or "") for one in shown)
        try:
            async with asyncio.timeout_at(ends_s):
                ended = await ranker.run_async(query=query, documents=list(shown))
        except TimeoutError:
            spent = guessed(endpoint, prompt_chars=sent_chars)
            raise ModelUnavailable("expected an order in time, got none", kind="timeout", usage=spent) from None
        except openai.OpenAIError as error:
            raise translated(error, endpoint) from None
        except _UNREADABLE:
            spent = metered.usage(endpoint, prompt_chars=sent_chars)
            raise ModelUnavailable("expected an order as JSON, got another text", kind="garbage", usage=spent) from None
        named = dict.fromkeys(int(one.id) for one in ended["documents"])
        places = (*named, *(place for place in range(len(shown)) if place not in named))
        return Order(places, metered.usage(endpoint, prompt_chars=sent_chars))

    def _text(self, document: Document) -> str:
        # A passage that closes its own frame could pretend that what follows is not data.
        return _FRAME.sub("<\u200b", shown_text(document, max_chars=self._settings.max_chars))


@component
class _Metered:
    """Asks a model and keeps its reply, which LLMRanker does not hand on, for what it cost."""

    def __init__(self, model: OpenAIChatGenerator) -> None:
        self._model = model
        self._reply: ChatMessage | None = None

    def usage(self, endpoint: Endpoint, *, prompt_chars: int) -> Usage:
        """Read what the call cost, or estimate it."""
        if self._reply is None:
            return guessed(endpoint, prompt_chars=prompt_chars)
        length_chars = len(self._reply.text or "")
        return usage_of(self._reply, endpoint, prompt_chars=prompt_chars, length_chars=length_chars)

    async def warm_up_async(self) -> None:
        """Make the client."""
        await self._model.warm_up_async()

    @component.output_types(replies=list[ChatMessage])
    def run(self, messages: list[ChatMessage]) -> dict[str, Any]:
        """Refuse: everything here is asynchronous. Raises NotImplementedError."""
        raise NotImplementedError

    @component.output_types(replies=list[ChatMessage])
    async def run_async(self, messages: list[ChatMessage]) -> dict[str, Any]:
        """Ask the model."""
        ended: dict[str, Any] = await self._model.run_async(messages=messages)
        self._reply = next(iter(ended.get("replies") or ()), None)
        bare = _JSON.search((self._reply.text if self._reply else None) or "")  # many models put a fence around it
        return {"replies": [ChatMessage.from_assistant(bare[0])]} if bare else ended
