"""Merges the layers of settings and remembers where each value came from."""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from config.environment import read_environment, unknown_variables, variable_of
from config.errors import ConfigError, UnknownSetting, UnreadableFile, WrongValue
from config.settings import Settings

FILE_NAME = "roomwise.toml"
DEFAULTS = "defaults"
COMMAND_LINE = "command line"


@dataclass(frozen=True)
class Layer:
    """Values as nested tables; `names` tells for single keys where they came from, `name` for all others."""

    name: str
    values: Mapping[str, Any]
    names: Mapping[str, str]

    def origin(self, key: str) -> str:
        """Where `key` of this layer came from, in words for the operator."""
        return self.names.get(key, self.name)


@dataclass(frozen=True)
class Loaded:
    """Settings that are ready to use, with the layer of each value."""

    settings: Settings
    origins: Mapping[str, str]
    config_file: Path | None

    def origin(self, key: str) -> str:
        """The layer that set `key`, such as "web.port"; for a table, the layer of its nearest known parent.

        Raises KeyError when there is no such setting.
        """
        while key not in self.origins:
            if "." not in key:
                raise KeyError(key)
            key = key.rpartition(".")[0]
        return self.origins[key]

    def masked(self) -> dict[str, Any]:
        """All settings as plain values, each secret replaced by stars; "" stays "" so that a missing one shows."""
        return self.settings.model_dump(mode="json")


def load(
    *,
    config_file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    data_dir: Path | None = None,
    default_data_dir: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Loaded:
    """Merge defaults, the operator's file, the environment and the command line, the last winning.

    `data_dir` is the one given on the command line, `default_data_dir` the one used when nobody names another
    (default: ./data). `overrides` are nested tables from the command line, such as {"web": {"port": 0}}.
    Raises UnknownSetting, WrongValue or UnreadableFile, each with the key, the layer and what to do.
    """
    environ = os.environ if environ is None else environ
    cwd = Path.cwd() if cwd is None else cwd
    given = data_dir or _path(environ.get("ROOMWISE_DATA_DIR"))
    default_data_dir = default_data_dir or cwd / "data"
    config_file = _find_file(config_file or _path(environ.get("ROOMWISE_CONFIG")), cwd, given or default_data_dir)
    layers = [_defaults(default_data_dir)]
    if config_file is not None:
        layers.append(Layer(str(config_file), _read_toml(config_file), {}))
    layers.append(_environment(environ))
    layers.append(_command_line(data_dir, overrides or {}))
    _refuse_unknown(layers, environ)
    return _merge(layers, config_file, cwd)


def default_values() -> dict[str, Any]:
    """The tables of the packaged defaults.toml."""
    return tomllib.loads(resources.files("config").joinpath("defaults.toml").read_text("utf-8"))


def known_keys(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[str]:
    """Every setting's full name, such as "web.port", without the sections themselves."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from known_keys(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name


def is_secret(key: str) -> bool:
    """Whether a setting's value must never be shown."""
    model: type[BaseModel] = Settings
    for part in key.split("."):
        field = model.model_fields.get(part)
        if field is None:
            return False
        if field.annotation is SecretStr:
            return True
        if not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            return False
        model = field.annotation
    return False


def _defaults(data_dir: Path) -> Layer:
    places: dict[str, Any] = {"data_dir": str(data_dir), "key_file": None}
    return Layer(DEFAULTS, {**places, **default_values()}, dict.fromkeys(places, "default for this platform"))


def _environment(environ: Mapping[str, str]) -> Layer:
    values, names = read_environment(environ)
    return Layer("environment", values, names)


def _command_line(data_dir: Path | None, overrides: Mapping[str, Any]) -> Layer:
    values = dict(overrides)
    if data_dir is not None:
        values["data_dir"] = str(data_dir)
    return Layer(COMMAND_LINE, values, {})


def _path(text: str | None) -> Path | None:
    return Path(text).expanduser() if text else None


def _find_file(named: Path | None, cwd: Path, data_dir: Path) -> Path | None:
    if named is not None:
        if not named.is_file():
            raise UnreadableFile(f"expected a settings file at {str(named)!r}, found none; check --config")
        return named
    for folder in (cwd, data_dir):
        try:
            if (folder / FILE_NAME).is_file():
                return folder / FILE_NAME
        except PermissionError:
            continue  # an unreadable data folder is reported, with the cure, where it is opened
    return None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UnreadableFile(f"expected to read settings from {str(path)!r}, got {error.strerror!r}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"{path}: expected TOML in UTF-8, got: {error}") from error


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _refuse_unknown(layers: list[Layer], environ: Mapping[str, str]) -> None:
    known = set(known_keys())
    tables = {key.rpartition(".")[0] for key in known}
    faults = []
    for layer in layers:
        for key, _ in _flatten(layer.values):
            if not _is_known(key, known, tables):
                faults.append(_unknown(layer, key, known))
    faults += [_unknown_variable(name, known) for name in unknown_variables(environ)]
    if faults:
        raise UnknownSetting("\n".join(faults) + "\nEvery setting is listed in docs/settings.md")


def _is_known(key: str, known: set[str], tables: set[str]) -> bool:
    parts = key.split(".")
    return key in tables or any(".".join(parts[:length]) in known for length in range(1, len(parts) + 1))


def _unknown(layer: Layer, key: str, known: set[str]) -> str:
    variable = layer.names.get(key)
    if variable is not None:
        return _unknown_variable(variable.partition(" ")[2], known)
    close = difflib.get_close_matches(key, known, n=1)
    return f"unknown setting {key!r} in {layer.name}" + (f"; did you mean {close[0]!r}?" if close else "")


def _unknown_variable(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name.upper(), [variable_of(key) for key in known], n=1)
    return f"unknown setting {name} in the environment" + (f"; did you mean {close[0]}?" if close else "")


def _merge(layers: list[Layer], config_file: Path | None, cwd: Path) -> Loaded:
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for layer in layers:
        for key, value in _flatten(layer.values):
            _put(merged, key.split("."), value)
            origins[key] = layer.origin(key)
    merged["data_dir"] = str(Path(cwd, Path(str(merged["data_dir"])).expanduser()))
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        raise WrongValue("\n".join(_wrong(detail, origins) for detail in error.errors())) from None
    return Loaded(settings, origins, config_file)


def _put(table: dict[str, Any], path: list[str], value: object) -> None:
    for part in path[:-1]:
        below = table.get(part)
        if not isinstance(below, dict):
            below = table[part] = {}
        table = below
    if value == {} and isinstance(table.get(path[-1]), dict):
        return
    table[path[-1]] = value


def _wrong(detail: ErrorDetails, origins: Mapping[str, str]) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    origin = next((origins[name] for name in _self_and_parents(key) if name in origins), "settings")
    expected = detail["msg"].replace("Input should be", "expected").removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        return f"unknown setting {key!r} in {origin}"
    shown = isinstance(detail["input"], str | int | float) and "key" not in key.rpartition(".")[2]
    came = f", got {detail['input']!r}" if shown else ""
    return f"{key}: {expected}{came} (from {origin})"


def _self_and_parents(key: str) -> Iterator[str]:
    while key:
        yield key
        key = key.rpartition(".")[0]


__all__ = ["ConfigError", "Loaded", "default_values", "is_secret", "known_keys", "load"]
