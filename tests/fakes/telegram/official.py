"""aiogram's models, made from Telegram's own page, each of them built when it first judges.

Built as aiogram is imported, all thousand of them take ten seconds of each process; those that judge take a third of
one. Take aiogram's names from here only: what was imported before this module is built already.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict

Model = TypeVar("Model", bound=BaseModel)
_NAMES: Final[dict[str, Any]] = {}  # what the models call each other by


@contextlib.contextmanager
def _building_none() -> Iterator[None]:
    """Let models be defined and not built; keeps the names that they were to be built with."""
    models: Any = BaseModel
    config, rebuild = models.model_config, vars(models)["model_rebuild"]

    def keep_names(_: type[BaseModel], /, *, _types_namespace: dict[str, Any], **_more: Any) -> None:
        _NAMES.update(_types_namespace)

    # What is public of pydantic: the settings that all models inherit, and the method that aiogram calls on each.
    models.model_config = ConfigDict(defer_build=True)
    models.model_rebuild = classmethod(keep_names)
    try:
        yield
    finally:
        models.model_config = config
        models.model_rebuild = rebuild


with _building_none():
    import aiogram.methods as methods  # noqa: PLR0402  (given on from here)
    from aiogram.methods.base import TelegramMethod
    from aiogram.types import InputFile, MessageEntity, Update

__all__ = ("InputFile", "MessageEntity", "TelegramMethod", "Update", "built", "methods")


def built(model: type[Model]) -> type[Model]:
    """The same model, able to judge."""
    model.model_rebuild(_types_namespace=_NAMES)
    return model
