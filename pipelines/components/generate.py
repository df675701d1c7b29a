"""Ask OpenAI-compatible models through Haystack: number the passages, build the prompt, stream the answer.

One pipeline an endpoint, made once and shared: a run's state is its own. Endpoints are tried in order.
Retrieval has run before: the extractive answer needs the same passages, and nothing is sent when none is close.
"""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from importlib import resources
from typing import Any, Final, cast

import openai
from haystack import Pipeline, component
from haystack.components.builders import ChatPromptBuilder
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.core.errors import PipelineRuntimeError
from haystack.dataclasses import ChatMessage, StreamingChunk
from haystack.utils import Secret

from config.settings import Endpoint, Llm
from pipelines.components.writer import Restarted, Rewritten, Written
from pipelines.types import Found, ModelUnavailable, Question, Usage

REWRITE_TIMEOUT_S: Final = 5.0
_CHARS_PER_TOKEN: Final = 3.5  # measured on code and docs; used when an endpoint reports no usage
_LANGUAGES: Final = {"en": "English", "de": "German"}
_FIXED_TEMPERATURE: Final = ("gpt-5", "o1", "o3", "o4")  # OpenAI's reasoning models refuse any other than 1
_MAX_REWRITTEN_CHARS: Final = 400
_MOST_CHARS_PER_TOKEN: Final = 20  # an answer longer than this for each token that was asked for is no answer


@component
class NumberedPassages:
    """Writes found passages as the prompt shows them, numbered from 1."""

    @component.output_types(passages=list[dict[str, Any]])
    def run(self, found: "Carried") -> dict[str, Any]:
        """Give one dict a passage: number, path, first_line, last_line, text."""
        return {"passages": [_numbered(number, one) for number, one in enumerate(found.items, 1)]}

    @component.output_types(passages=list[dict[str, Any]])
    async def run_async(self, found: "Carried") -> dict[str, Any]:
        """Do the same on the event loop; it is quick, and a thread would cost more."""
        return self.run(found)


class Carried:
    """Carries passages into a pipeline, which copies all that goes in deeply, but not this."""

    def __init__(self, items: Sequence[Found]) -> None:
        self.items = items

    def __deepcopy__(self, memo: dict[int, Any]) -> "Carried":
        return self


def _numbered(number: int, one: Found) -> dict[str, Any]:
    passage = one.passage
    # A passage that closes its own frame could pretend that what follows is not data.
    text = re.sub(r"<(?=/?passages?\b)", "<\u200b", passage.text, flags=re.IGNORECASE)
    path = passage.path.replace('"', "'")
    lines = {"first_line": passage.first_line, "last_line": passage.last_line}
    return {"number": number, "path": path, "text": text, **lines}


class ModelWriter:
    """Writes with the first endpoint that answers. Close it before its event loop ends.

    `max_calls` bounds the calls for one question, the one that makes it stand alone included.
    """

    def __init__(self, settings: Llm, *, max_calls: int) -> None:
        self._settings = settings
        self._max_calls = max_calls
        self._endpoints = settings.endpoints[:max_calls]
        self._answering = [_answer_pipeline(endpoint, settings) for endpoint in self._endpoints]
        self._rewriting = _rewrite_pipeline(self._endpoints[0], settings)

    async def warm_up(self) -> None:
        """Make the HTTP clients now, which takes a third of a second, and not while somebody waits for an answer."""
        for pipeline in (*self._answering, self._rewriting):
            await pipeline.warm_up_async()

    async def write(
        self, question: Question, text: str, found: Sequence[Found]
    ) -> AsyncGenerator[str | Restarted | Written, None]:
        """Yield the raw text as it comes, then Written. Raises ModelUnavailable when no endpoint gave an answer."""
        data = _answer_data(question, text, found)
        failure: ModelUnavailable | None = None
        spent = Usage()
        calls_left = max(1, self._max_calls - (text != question.text))  # a text made to stand alone was a call
        for endpoint, pipeline in list(zip(self._endpoints, self._answering, strict=True))[:calls_left]:
            if failure:
                yield Restarted()
            pieces = self._stream(pipeline, endpoint, data)
            length_chars = 0
            try:
                async for piece in pieces:
                    length_chars += len(piece) if isinstance(piece, str) else 0
                    yield Written(spent + piece.usage) if isinstance(piece, Written) else piece
                return
            except ModelUnavailable as why:
                if length_chars or why.kind == "timeout":  # the others refused before they did any work
                    spent += guessed(endpoint, prompt_chars=_length_of(data), length_chars=length_chars)
                failure = why
                failure.usage = spent
            finally:
                await pieces.aclose()
        if failure:
            raise failure

    async def rewrite(self, question: Question) -> Rewritten:
        """Write a follow-up question so that it stands alone; no text when the model fails or takes too long.

        Nor when only one call is allowed: that one is for the answer.
        """
        if self._max_calls < 2:
            return Rewritten()
        endpoint = self._endpoints[0]
        data = {"prompt": {"history": _earlier(question), "question": question.text}}
        try:
            async with asyncio.timeout(REWRITE_TIMEOUT_S):
                ended = await self._rewriting.run_async(data)
        except TimeoutError:
            return Rewritten(usage=guessed(endpoint, prompt_chars=len(str(data))))
        except PipelineRuntimeError:
            return Rewritten()
        reply = _reply(ended)
        text = " ".join((reply.text or "").split())
        usage = usage_of(reply, endpoint, prompt_chars=len(str(data)), length_chars=len(text))
        return Rewritten(text if 0 < len(text) <= _MAX_REWRITTEN_CHARS else None, usage)

    async def close(self) -> None:
        """Release connections."""
        for pipeline in (*self._answering, self._rewriting):
            await pipeline.close_async()

    async def _stream(
        self, pipeline: Pipeline, endpoint: Endpoint, data: dict[str, Any]
    ) -> AsyncGenerator[str | Written, None]:
        deadline_s = time.monotonic() + self._settings.timeout_s
        wait_s = self._settings.first_token_timeout_s
        length_chars = 0
        most_chars = self._settings.max_answer_tokens * _MOST_CHARS_PER_TOKEN
        handle = pipeline.stream(data, streaming_components=["llm"])
        async with aclosing(cast("AsyncGenerator[StreamingChunk, None]", aiter(handle))) as chunks:
            while (
                chunk := await _next(chunks, endpoint, within_s=min(wait_s, deadline_s - time.monotonic()))
            ) is not None:
                length_chars += len(chunk.content)
                if length_chars > most_chars:
                    raise _unusable(endpoint, f"more than {most_chars} characters")
                if chunk.content:
                    wait_s = self._settings.timeout_s
                    yield chunk.content
        if not length_chars:
            raise _unusable(endpoint, "an empty answer")
        prompt_chars = _length_of(data)
        yield Written(usage_of(_reply(handle.result), endpoint, prompt_chars=prompt_chars, length_chars=length_chars))


async def _next(
    chunks: AsyncGenerator[StreamingChunk, None], endpoint: Endpoint, *, within_s: float
) -> StreamingChunk | None:
    """Wait for the next chunk; None at the end. Raises ModelUnavailable, with nothing of what the server said."""
    try:
        return await asyncio.wait_for(anext(chunks, None), max(within_s, 0.0))
    except TimeoutError:
        raise _unavailable(endpoint, "no token in time", kind="timeout") from None
    except PipelineRuntimeError as error:
        raise translated(error.__cause__, endpoint) from None


_KINDS: Final[Sequence[tuple[type[Exception], str, str]]] = (
    (openai.AuthenticationError, "unauthorised", "HTTP 401: check llm.api_key"),
    (openai.PermissionDeniedError, "unauthorised", "HTTP 403: check llm.api_key"),
    (openai.RateLimitError, "rate_limited", "HTTP 429"),
    (openai.APITimeoutError, "timeout", "no answer in time"),
    (openai.APIResponseValidationError, "garbage", "what no chat endpoint sends"),
    (openai.APIConnectionError, "unreachable", "no connection, or a broken one: check llm.base_url"),
    (openai.APIStatusError, "failed", "an error status"),
)


def translated(cause: BaseException | None, endpoint: Endpoint) -> ModelUnavailable:
    """Say in our words what an endpoint's client raised, with nothing of what the server said."""
    if cause is None or not isinstance(cause, openai.OpenAIError):
        return _unusable(endpoint, "what no chat endpoint sends")
    for error, kind, came in _KINDS:
        if isinstance(cause, error):
            status = f" ({cause.status_code})" if isinstance(cause, openai.APIStatusError) else ""
            return _unavailable(endpoint, came + status, kind=kind)
    return _unavailable(endpoint, type(cause).__name__, kind="failed")


def _unusable(endpoint: Endpoint, came: str) -> ModelUnavailable:
    return _unavailable(endpoint, came, kind="garbage")


def _unavailable(endpoint: Endpoint, came: str, *, kind: str) -> ModelUnavailable:
    return ModelUnavailable(f"expected an answer of the model {endpoint.model!r}, got {came}", kind=kind)


def _answer_data(question: Question, text: str, found: Sequence[Found]) -> dict[str, Any]:
    asked = question.text if text == question.text else f"{question.text}\n(meaning: {text})"
    prompt = {
        "history": _earlier(question),
        "question": asked,
        "language": _LANGUAGES.get(question.language, question.language),
        "style": question.style,
    }
    return {"passages": {"found": Carried(found)}, "prompt": prompt}


def _earlier(question: Question) -> list[dict[str, str]]:
    return [{"question": one.question, "answer": one.answer} for one in question.history]


def _answer_pipeline(endpoint: Endpoint, settings: Llm) -> Pipeline:
    pipeline = Pipeline(metadata={"name": "answer"})
    pipeline.add_component("passages", NumberedPassages())
    pipeline.add_component("prompt", ChatPromptBuilder(template=_template("answer")))
    pipeline.add_component("llm", chat_generator(endpoint, settings, streams=True))
    pipeline.connect("passages.passages", "prompt.passages")
    pipeline.connect("prompt.prompt", "llm.messages")
    return pipeline


def _rewrite_pipeline(endpoint: Endpoint, settings: Llm) -> Pipeline:
    pipeline = Pipeline(metadata={"name": "rewrite"})
    pipeline.add_component("prompt", ChatPromptBuilder(template=_template("rewrite")))
    pipeline.add_component("llm", chat_generator(endpoint, settings, streams=False))
    pipeline.connect("prompt.prompt", "llm.messages")
    return pipeline


def _template(name: str) -> str:
    return resources.files("config").joinpath("prompts", f"{name}.jinja").read_text("utf-8")


def chat_generator(endpoint: Endpoint, settings: Llm, *, streams: bool) -> OpenAIChatGenerator:
    """Make the client of an endpoint; it needs `warm_up_async` and is not tried again by itself."""
    # OpenAI itself has renamed the limit; most other servers know the old name only.
    limit = "max_tokens" if endpoint.base_url else "max_completion_tokens"
    options: dict[str, Any] = {limit: settings.max_answer_tokens}
    if not endpoint.model.startswith(_FIXED_TEMPERATURE):
        options["temperature"] = settings.temperature
    if streams:
        options["stream_options"] = {"include_usage": True}
    return OpenAIChatGenerator(
        # A server without authentication still wants some key.
        api_key=Secret.from_token(endpoint.api_key.get_secret_value() or "none"),
        model=endpoint.model,
        api_base_url=endpoint.base_url or None,
        generation_kwargs=options,
        timeout=settings.timeout_s,
        max_retries=0,
    )


def _reply(ended: dict[str, Any]) -> ChatMessage:
    """Give what the model said; an empty message when a server sent no choice at all."""
    replies: list[ChatMessage] = ended["llm"]["replies"]
    return replies[0] if replies else ChatMessage.from_assistant("")


def _length_of(data: dict[str, Any]) -> int:
    """Count the characters that go into a prompt: what is asked and the passages."""
    carried: Carried = data["passages"]["found"]
    return len(str(data["prompt"])) + sum(len(one.passage.text) for one in carried.items)


def guessed(endpoint: Endpoint, *, prompt_chars: int, length_chars: int = 0) -> Usage:
    """Estimate what a call cost that told no usage."""
    prompt, completion = (round(chars / _CHARS_PER_TOKEN) for chars in (prompt_chars, length_chars))
    return Usage(model=endpoint.model, prompt_tokens=prompt, completion_tokens=completion)


def usage_of(reply: ChatMessage, endpoint: Endpoint, *, prompt_chars: int, length_chars: int) -> Usage:
    """Read what a reply cost; what the endpoint does not tell is estimated."""
    counted = reply.meta.get("usage") or {}
    estimate = guessed(endpoint, prompt_chars=prompt_chars, length_chars=length_chars)
    return Usage(
        model=endpoint.model,
        prompt_tokens=int(counted.get("prompt_tokens") or estimate.prompt_tokens),
        completion_tokens=int(counted.get("completion_tokens") or estimate.completion_tokens),
    )
