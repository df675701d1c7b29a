"""Judges what is asked and what is answered by models that we did not write: aiogram's, made from Telegram's own page."""

import functools
import json
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from tests.fakes.telegram.errors import bad
from tests.fakes.telegram.official import InputFile, TelegramMethod, Update, built, methods

Method = type[TelegramMethod[Any]]

METHODS: Mapping[str, Method] = {
    str(name).lower(): found
    for found in vars(methods).values()
    if isinstance(name := getattr(found, "__api_method__", None), str)
}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a request."""

    name: str
    content: bytes


@dataclass(slots=True)
class Judge:
    """Keeps what it found wrong: a test whose judge found anything has failed."""

    errors: list[str] = field(default_factory=list)

    def asked(self, name: str, given: Mapping[str, Any], files: Mapping[str, Upload]) -> dict[str, Any]:
        """Read a request's parameters. Raises ApiError 400 for one unknown, of a wrong type, or missing."""
        method = METHODS[name]
        arguments = {key: self._value(method, key, value) for key, value in given.items()}
        try:
            built(method).model_validate({**arguments, **dict.fromkeys(files, "attach://file")})
        except ValidationError as error:
            raise self._wrong(method, _in_short(error)) from None
        return arguments

    def answered(self, name: str, result: Any) -> None:
        """Note an answer of ours that is not of the official type."""
        self._judge(_answer_of(name), f"our answer to {name}", result)

    def told(self, update: Mapping[str, Any]) -> None:
        """Note an update of ours that is not of the official type."""
        self._judge(_updates(), "our update", update)

    def _judge(self, model: TypeAdapter[Any], what: str, value: Any) -> None:
        try:
            judged = model.validate_python(value)
        except ValidationError as error:
            self.errors.append(f"{what}: {_in_short(error)}")
            return
        self.errors.extend(f"{what}: unknown field {name}" for name in sorted(set(_unknown(judged))))

    def _value(self, method: Method, key: str, value: Any) -> Any:
        described = method.model_fields.get(key)
        if described is None:
            raise self._wrong(method, f"there is no parameter {key}")
        if not isinstance(value, str) or not _is_json(described.annotation):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise self._wrong(method, f"{key} is not JSON") from None

    def _wrong(self, method: Method, what: str) -> Exception:
        self.errors.append(f"{method.__api_method__}: {what}")
        return bad(f"can't parse {method.__api_method__}: {what}")


@functools.cache
def _answer_of(name: str) -> TypeAdapter[Any]:
    kind = METHODS[name].__returning__
    for model in _models(kind):
        built(model)
    return TypeAdapter(kind)


@functools.cache
def _updates() -> TypeAdapter[Any]:
    return TypeAdapter(built(Update))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a type is or names, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for one in typing.get_args(annotation):
        yield from _models(one)


def _is_json(annotation: Any) -> bool:
    """Whether a form's value of this type is written as JSON: whatever may not be plain text or a file."""
    return not {str, InputFile} & set(_members(annotation))


def _members(annotation: Any) -> Iterator[Any]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        for one in typing.get_args(annotation):
            yield from _members(one)
    else:
        yield annotation


def _unknown(value: Any) -> Iterator[str]:
    """Fields that the official type does not have, at any depth; aiogram's models take them without a word."""
    if isinstance(value, list):
        for one in value:
            yield from _unknown(one)
    elif hasattr(value, "model_fields_set"):
        yield from (f"{type(value).__name__}.{name}" for name in value.model_extra or {})
        for name in value.model_fields_set & set(type(value).model_fields):
            yield from _unknown(getattr(value, name))


def _in_short(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())[:400]
