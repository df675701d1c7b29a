"""docker-compose.yml, Dockerfile and .dockerignore say what they should."""

import json
from importlib import resources
from typing import Any

import jsonschema
import pytest
import yaml

from config.environment import unknown_variables
from config.load import load
from tests.docs.locks import ROOT


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The Compose Specification's own schema, as check-jsonschema carries it."""
    path = resources.files("check_jsonschema").joinpath("builtin_schemas", "vendor", "compose-spec.json")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """Our file, read."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    return found


def test_the_compose_file_follows_the_specification(schema: dict[str, Any], compose: dict[str, Any]) -> None:
    """Checked against the published schema."""
    jsonschema.validate(compose, schema)


def test_the_schema_finds_a_mistake(schema: dict[str, Any], compose: dict[str, Any]) -> None:
    """The control: a misspelled key fails."""
    wrong = {**compose, "services": {"roomwise": {**compose["services"]["roomwise"], "enviroment": {}}}}

    with pytest.raises(jsonschema.ValidationError, match="enviroment"):
        jsonschema.validate(wrong, schema)


def test_the_compose_files_settings_exist(compose: dict[str, Any]) -> None:
    """Each variable is one that Roomwise reads, and the values given there are accepted."""
    given = compose["services"]["roomwise"]["environment"]
    environ = {name: value for name, value in given.items() if not str(value).startswith("${")}

    assert [] == list(unknown_variables(dict.fromkeys(given, "x")))
    load(environ=environ)


def test_the_key_has_a_volume_of_its_own(compose: dict[str, Any]) -> None:
    """A copy of the data volume alone gives nobody's words away."""
    mounts = dict(mount.split(":")[:2] for mount in compose["services"]["roomwise"]["volumes"])

    assert {"data": "/data", "key": "/key"} == mounts
    assert {"data", "key"} == set(compose["volumes"])


def test_the_port_is_open_to_this_machine_only(compose: dict[str, Any]) -> None:
    """Because the service is told so and therefore listens without TLS."""
    service = compose["services"]["roomwise"]

    assert "true" == service["environment"]["ROOMWISE_WEB__PUBLISHED_LOCALLY"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_the_image_runs_without_root_and_installs_by_hash() -> None:
    """The user comes before the entry point, and no layer fetches anything that is not locked."""
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    final = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM")) :]

    assert "USER roomwise" in final
    assert any(line.startswith("HEALTHCHECK") for line in final)
    assert final.index("USER roomwise") < next(n for n, line in enumerate(final) if line.startswith("ENTRYPOINT"))
    assert all("--require-hashes" in line or "--no-deps" in line for line in lines if "pip install" in line)


def test_the_images_copies_exist_and_are_let_in() -> None:
    """A file that .dockerignore keeps out, or that is gone, would fail the build."""
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    copied = {
        name
        for line in (ROOT / "Dockerfile").read_text("utf-8").splitlines()
        if line.startswith("COPY") and "--from" not in line
        for name in line.split()[1:-1]
    }

    assert copied == allowed
    assert [] == [name for name in copied if not (ROOT / name).exists()]
