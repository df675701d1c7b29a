"""A homeserver of a few answers, for what asks one."""

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.matrix.faults import NotThere

NOTHING: Mapping[str, str] = {}


class AnsweringServer:
    """Answers by method and path; what is not among its answers is not there.

    An answer that is an exception is raised; of a list inside a `Turns` each call takes the next one, and the last stays.
    """

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = dict(answers)
        self.asked: list[str] = []

    async def call(
        self, method: str, path: str, body: Any = None, *, query: Mapping[str, str] = NOTHING, answer_s: float = 30.0
    ) -> Any:
        """Its JSON. Raises what stands for it."""
        name = f"{method} {path}"
        self.asked.append(name)
        answer = self.answers.get(name, NotThere("it is not there"))
        if isinstance(answer, Turns):
            answer = answer.next()
        if isinstance(answer, Exception):
            raise answer
        return answer


class Turns:
    """Answers that follow each other."""

    def __init__(self, *answers: Any) -> None:
        self._answers: Sequence[Any] = answers
        self._at = 0

    def next(self) -> Any:
        """The next one."""
        answer = self._answers[min(self._at, len(self._answers) - 1)]
        self._at += 1
        return answer
