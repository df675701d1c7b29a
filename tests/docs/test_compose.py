"""The compose files, Dockerfile and .dockerignore say what they should."""

import json
import os
import shutil
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from config.environment import unknown_variables
from config.load import load
from pipelines.stores.weaviate_server import OLDEST
from tests.docs.locks import ROOT

DEFAULT, SMALL, CLUSTER = "docker-compose.yml", "compose.small.yml", "docs/compose.cluster.yml"
FILES = (DEFAULT, SMALL, CLUSTER)
Compose = dict[str, Any]


def read(name: str) -> Compose:
    """A compose file of ours."""
    found: Compose = yaml.safe_load((ROOT / name).read_text("utf-8"))
    return found


def servers(compose: Compose) -> dict[str, Compose]:
    """The Weaviate servers of a compose file."""
    return {name: one for name, one in compose["services"].items() if "weaviate:" in one["image"]}


def mounts(service: Compose) -> dict[str, str]:
    """Where each volume is mounted."""
    return dict(mount.split(":")[:2] for mount in service["volumes"])


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The Compose Specification's own schema, as check-jsonschema carries it."""
    path = resources.files("check_jsonschema").joinpath("builtin_schemas", "vendor", "compose-spec.json")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


@pytest.fixture(params=FILES)
def compose(request: pytest.FixtureRequest) -> Compose:
    """Each of our files, read."""
    return read(request.param)


def test_the_compose_files_follow_the_specification(schema: dict[str, Any], compose: Compose) -> None:
    """Checked against the published schema."""
    jsonschema.validate(compose, schema)


def test_the_schema_finds_a_mistake(schema: dict[str, Any], compose: Compose) -> None:
    """The control: a misspelled key fails."""
    wrong = {**compose, "services": {"roomwise": {**compose["services"]["roomwise"], "enviroment": {}}}}

    with pytest.raises(jsonschema.ValidationError, match="enviroment"):
        jsonschema.validate(wrong, schema)


def test_the_compose_files_settings_exist(compose: Compose, tmp_path: Path) -> None:
    """Each variable is one that Roomwise reads, and the values given there are accepted."""
    given = compose["services"]["roomwise"]["environment"]
    (tmp_path / "key").write_text("k", "utf-8")
    environ = {name: value for name, value in given.items() if not value.startswith("${")}
    environ |= {name: str(tmp_path / "key") for name in environ if name.endswith("_FILE")}

    assert [] == list(unknown_variables(dict.fromkeys(given, "x")))
    load(environ=environ)


def test_the_key_of_what_people_said_has_a_volume_of_its_own(compose: Compose) -> None:
    """A copy of the data volume alone gives nobody's words away, and no server sees either volume."""
    found = mounts(compose["services"]["roomwise"])

    assert ("/data", "/key") == (found["data"], found["key"])
    assert all({"data", "key"}.isdisjoint(mounts(one)) for one in servers(compose).values())


def test_every_volume_and_network_that_is_used_is_declared(compose: Compose) -> None:
    """And none is declared that nobody uses."""
    services = compose["services"].values()
    networks = {name for one in services for name in one.get("networks", ())} - {"default"}

    assert set(compose["volumes"]) == {name for one in services for name in mounts(one)}
    assert set(compose.get("networks", ())) == networks


def test_the_port_is_open_to_this_machine_only(compose: Compose) -> None:
    """Because the service is told so and therefore listens without TLS."""
    service = compose["services"]["roomwise"]

    assert "true" == service["environment"]["ROOMWISE_WEB__PUBLISHED_LOCALLY"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_no_server_is_reached_or_reaches_anybody_from_outside(compose: Compose) -> None:
    """No port is published, the network is an inner one, a key is asked for, and nothing is sent home."""
    for server in servers(compose).values():
        told = server["environment"]

        assert "ports" not in server
        assert ["index"] == list(server["networks"])
        assert compose["networks"]["index"]["internal"]
        assert ("false", "true") == (
            told["AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED"],
            told["AUTHENTICATION_APIKEY_ENABLED"],
        )
        assert ("true", "", "false") == (
            told["DISABLE_TELEMETRY"],
            told["ENABLE_MODULES"],
            told["AUTOSCHEMA_ENABLED"],
        )


def test_servers_are_pinned_to_a_release_that_roomwise_takes(compose: Compose) -> None:
    """A tag with all three numbers, and the same everywhere."""
    images = {one["image"] for one in servers(compose).values()} | {servers(read(DEFAULT))["weaviate"]["image"]}
    numbers = tuple(map(int, images.pop().rpartition(":")[2].split(".")))

    assert set() == images
    assert 3 == len(numbers)
    assert numbers >= OLDEST


def test_roomwise_waits_for_the_servers_and_all_of_them_have_a_health_check() -> None:
    """A server that is not ready yet would be reported as one that is away."""
    for name in (DEFAULT, CLUSTER):
        found, waits = servers(read(name)), read(name)["services"]["roomwise"]["depends_on"]

        assert {one: {"condition": "service_healthy"} for one in found} == waits
        assert all("/v1/.well-known/ready" in one["healthcheck"]["test"][-1] for one in found.values())


def test_the_small_file_is_the_other_one_without_the_server() -> None:
    """So that whoever changes one changes the other, and both find the same volumes."""
    small, whole = read(SMALL), read(DEFAULT)
    ours, theirs = (one["services"]["roomwise"] for one in (small, whole))
    differs = {key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)}

    assert {"environment", "volumes", "depends_on", "networks"} == differs
    assert {"weaviate-key:/weaviate-key:ro"} == set(theirs["volumes"]) ^ set(ours["volumes"])
    assert all("WEAVIATE" in name for name in set(theirs["environment"]) ^ set(ours["environment"]))
    assert small["name"] == whole["name"]


@pytest.mark.skipif(shutil.which("sh") is None or os.name == "nt", reason="there is no sh here")
def test_the_server_makes_its_key_once_and_takes_one_that_is_given(tmp_path: Path) -> None:
    """A start keeps the key that is there; one of the .env file takes its place; Roomwise finds the same in the file."""
    server = servers(read(DEFAULT))["weaviate"]
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "weaviate"
    program.write_text('#!/bin/sh\nprintf "%s" "$AUTHENTICATION_APIKEY_ALLOWED_KEYS"\n', "utf-8")
    program.chmod(0o755)

    def start(given: str = "") -> str:
        script = [part.replace("$$", "$") for part in server["entrypoint"]]
        told = {"GIVEN_KEY": given, "KEY_FILE": str(tmp_path / "key")}
        path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(script, env={**told, "PATH": path}, capture_output=True, text=True, check=True)
        assert done.stdout == (tmp_path / "key").read_text("utf-8")
        return done.stdout

    made = start()

    assert len(made) > 40
    assert made == start()
    assert "sesame" == start("sesame")
    assert "sesame" == start()
    assert mounts(server)["weaviate-key"] == str(Path(server["environment"]["KEY_FILE"]).parent)


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
