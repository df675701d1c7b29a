"""Settings that come from environment variables: ROOMWISE_SECTION__KEY, its _FILE form, and PORT."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic_settings import EnvSettingsSource, SettingsError

from config.errors import UnreadableFile, WrongValue
from config.settings import Settings

PREFIX = "ROOMWISE_"
SEPARATOR = "__"
NOT_SETTINGS = frozenset({"ROOMWISE_CONFIG"})


class _GivenEnvironment(EnvSettingsSource):
    """pydantic-settings' own reading of variables, from a mapping instead of the process's environment."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = {name.lower(): value for name, value in variables.items() if value}
        super().__init__(Settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._variables


def variable_of(key: str) -> str:
    """The variable that sets `key`: "web.port" gives "ROOMWISE_WEB__PORT"."""
    return PREFIX + key.upper().replace(".", SEPARATOR)


def read_environment(environ: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The values as nested tables, and for each full key the words that say which variable gave it.

    Raises WrongValue for text that should be JSON, UnreadableFile for a secret's file that cannot be read.
    """
    variables: dict[str, str] = {}
    names: dict[str, str] = {}
    for name, value in _named(environ):
        base = _without_file(name)
        variables[base] = value if base == name else _read_secret(name, value)
        names[_key_of(base)] = f"environment {name}"
    if environ.get("PORT") and variable_of("web.port") not in variables:
        variables[variable_of("web.port")] = environ["PORT"]
        names["web.port"] = "environment PORT"
    try:
        values = _GivenEnvironment(variables)()
    except SettingsError as error:
        raise WrongValue(
            f'{_not_json(variables)}: expected JSON for a list or a table, such as \'["a", "b"]\''
        ) from error
    return values, names


def _not_json(variables: Mapping[str, str]) -> str:
    """The first variable that cannot be read even alone; its value may be secret and is not shown."""
    for name, value in variables.items():
        try:
            _GivenEnvironment({name: value})()
        except SettingsError:
            return name
    return "environment"


def unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    """Variables with our prefix whose first part is neither a section nor a setting."""
    for name, _ in _named(environ):
        first = _key_of(_without_file(name)).partition(".")[0]
        if first not in Settings.model_fields:
            yield name


def _named(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in environ.items():
        if name.upper().startswith(PREFIX) and name not in NOT_SETTINGS and value:
            yield name.upper(), value


def _without_file(name: str) -> str:
    """The variable whose value lies in the file that `name` names; key_file is a setting of its own."""
    return name if _key_of(name) in Settings.model_fields else name.removesuffix("_FILE")


def _key_of(name: str) -> str:
    return name.removeprefix(PREFIX).lower().replace(SEPARATOR, ".")


def _read_secret(name: str, path: str) -> str:
    try:
        return Path(path).read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"{name}: expected a readable text file at {path!r}, got {error}") from error
