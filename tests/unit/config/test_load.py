"""What the operator's layers become."""

import json
from pathlib import Path

import pytest

from config.errors import ConfigError, UnknownSetting, UnreadableFile, WrongValue
from config.load import Loaded, default_values, is_secret, known_keys, load
from config.settings import Settings


def load_in(folder: Path, toml: str = "", **environ: str) -> Loaded:
    """Load with one roomwise.toml in the working folder and nothing else of this machine."""
    if toml:
        (folder / "roomwise.toml").write_text(toml, "utf-8")
    return load(cwd=folder, environ=environ)


def test_defaults_alone_are_complete(tmp_path: Path) -> None:
    """Without a file and without variables the packaged defaults make whole settings."""
    loaded = load_in(tmp_path)

    assert 8765 == loaded.settings.web.port
    assert "defaults" == loaded.origin("web.port")
    assert loaded.config_file is None


def test_every_setting_stands_in_the_defaults() -> None:
    """A field that defaults.toml does not name has no readable reference; the two paths are shown as comments."""
    values = default_values()
    named = {f"{section}.{key}" for section, table in values.items() for key in table}

    assert {"data_dir", "key_file"} == set(known_keys()) - named


def test_a_later_layer_wins(tmp_path: Path) -> None:
    """File over defaults, PORT over file, our own variable over PORT, command line over all."""
    toml = '[web]\nport = 1\nhost = "::1"\n'

    assert 1 == load_in(tmp_path, toml).settings.web.port
    assert 2 == load_in(tmp_path, toml, PORT="2").settings.web.port
    assert 3 == load_in(tmp_path, toml, PORT="2", ROOMWISE_WEB__PORT="3").settings.web.port
    environ = {"ROOMWISE_WEB__PORT": "3"}
    assert 4 == load(cwd=tmp_path, environ=environ, overrides={"web": {"port": 4}}).settings.web.port


def test_each_value_tells_its_layer(tmp_path: Path) -> None:
    """`check` can say for every key which file or variable set it."""
    loaded = load_in(
        tmp_path, '[web]\nhost = "::1"\n', PORT="2", ROOMWISE_LLM__MODEL="m", ROOMWISE_SOURCES__FOLDERS__DOCS="/srv"
    )

    assert str(tmp_path / "roomwise.toml") == loaded.origin("web.host")
    assert "environment PORT" == loaded.origin("web.port")
    assert "environment ROOMWISE_LLM__MODEL" == loaded.origin("llm.model")
    assert "environment ROOMWISE_SOURCES__FOLDERS__DOCS" == loaded.origin("sources.folders.docs")
    assert "defaults" == loaded.origin("log.level")


def test_an_origin_is_known_for_real_settings_only(tmp_path: Path) -> None:
    """Asking for the layer of a key that does not exist is a fault of the program."""
    with pytest.raises(KeyError):
        load_in(tmp_path).origin("nonsense")


def test_tables_merge_and_lists_are_replaced(tmp_path: Path) -> None:
    """A file that names one folder keeps those of the environment; a list is taken whole."""
    toml = '[sources]\nallowed_hosts = ["git.example.org"]\n[sources.folders]\nwiki = "/srv/wiki"\n'
    sources = load_in(tmp_path, toml, ROOMWISE_SOURCES__FOLDERS__DOCS="/srv/docs").settings.sources

    assert ("git.example.org",) == sources.allowed_hosts
    assert {"wiki": Path("/srv/wiki"), "docs": Path("/srv/docs")} == sources.folders


@pytest.mark.parametrize(
    ("toml", "environ", "expected"),
    [
        ("[web]\nprot = 1\n", {}, "did you mean 'web.port'?"),
        ("[wbe]\nport = 1\n", {}, "did you mean 'web.port'?"),
        ("datadir = '/x'\n", {}, "did you mean 'data_dir'?"),
        ("", {"ROOMWISE_WEB__PROT": "1"}, "did you mean ROOMWISE_WEB__PORT?"),
        ("", {"ROOMWISE_WBE__PORT": "1"}, "did you mean ROOMWISE_WEB__PORT?"),
        ("[embedder]\nxyzzy = 1\n", {}, "unknown setting 'embedder.xyzzy' in "),
        ('[[llm.fallback]]\nmodel = "m"\nmodle = 1\n', {}, "unknown setting 'llm.fallback.0.modle'"),
    ],
)
def test_an_unknown_setting_stops_the_start(tmp_path: Path, toml: str, environ: dict[str, str], expected: str) -> None:
    """A key that nobody reads is never ignored, and the nearest one is offered."""
    with pytest.raises(ConfigError) as caught:
        load_in(tmp_path, toml, **environ)

    assert expected in str(caught.value)


def test_all_unknown_settings_are_named_at_once(tmp_path: Path) -> None:
    """Nobody has to start five times to find five mistakes."""
    with pytest.raises(UnknownSetting) as caught:
        load_in(tmp_path, "[web]\nprot = 1\nhots = 2\n", ROOMWISE_LOG__LEVLE="info")

    assert ["web.prot", "web.hots", "ROOMWISE_LOG__LEVLE"] == [
        name for name in ("web.prot", "web.hots", "ROOMWISE_LOG__LEVLE") if name in str(caught.value)
    ]


@pytest.mark.parametrize(
    ("toml", "environ", "expected"),
    [
        ('[web]\nport = "many"\n', {}, "web.port: expected a valid integer"),
        ("", {"PORT": "99999"}, "got '99999' (from environment PORT)"),
        ("[limits]\nperson_questions = 0\n", {}, "limits.person_questions: expected greater than or equal to 1, got 0"),
        ('[log]\nlevel = "loud"\n', {}, "log.level: expected 'debug', 'info', 'warning' or 'error', got 'loud'"),
        ('web = "yes"\n', {}, "web: "),
        ('[sources.folders]\nwiki = "wiki"\n', {}, "sources.folders.wiki: expected an absolute path, got 'wiki'"),
        ("", {"ROOMWISE_SOURCES__ALLOWED_HOSTS": "a,b"}, "ROOMWISE_SOURCES__ALLOWED_HOSTS: expected JSON"),
        ('[web]\npublic_url = "roomwise.example.org"\n', {}, "web.public_url: expected an address that begins"),
        ('[llm]\nbase_url = "localhost:11434/v1"\n', {}, "llm.base_url: expected an address that begins"),
        (
            '[web]\ntrusted_proxies = ["10.0.0.0/8", "proxy"]\n',
            {},
            "web.trusted_proxies.1: expected an address or a net",
        ),
        ('[ranker]\nbase_url = "http://[bad"\n', {}, "expected a host and perhaps a port"),
        ('[llm]\nbase_url = "http://host:port/v1"\n', {}, "expected a host and perhaps a port"),
    ],
)
def test_a_wrong_value_names_key_value_and_layer(
    tmp_path: Path, toml: str, environ: dict[str, str], expected: str
) -> None:
    """The message says what was expected, what came and where it was written."""
    with pytest.raises(WrongValue) as caught:
        load_in(tmp_path, toml, **environ)

    assert expected in str(caught.value)


@pytest.mark.parametrize(
    "toml",
    [
        '[llm]\napi_key = ["hunter2"]\n',
        '[[llm.fallback]]\napi_key = "hunter2"\n',
        '[[llm.fallback]]\nmodel = "m"\napi_key = "hunter2"\nlocal = "hunter1"\n',
        'llm = ["hunter2"]\n',
    ],
)
def test_an_error_never_shows_a_secret(tmp_path: Path, toml: str) -> None:
    """Even when the fault is in the secret or beside it."""
    with pytest.raises(WrongValue) as caught:
        load_in(tmp_path, toml)

    assert "hunter2" not in str(caught.value)


def test_a_secret_is_masked_when_printed(tmp_path: Path) -> None:
    """`check` and every repr show stars; the value itself is there for the one who needs it."""
    loaded = load_in(tmp_path, ROOMWISE_LLM__API_KEY="hunter2")

    assert "hunter2" not in json.dumps(loaded.masked()) + repr(loaded)
    assert "**********" == loaded.masked()["llm"]["api_key"]
    assert "hunter2" == loaded.settings.llm.api_key.get_secret_value()


def test_a_missing_secret_shows_as_empty(tmp_path: Path) -> None:
    """Stars mean that something is there."""
    assert "" == load_in(tmp_path).masked()["llm"]["api_key"]


def test_a_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    """ROOMWISE_..._FILE names it; the line's end does not belong to the secret."""
    (tmp_path / "key").write_text("hunter2\n", "utf-8")
    loaded = load_in(tmp_path, ROOMWISE_LLM__API_KEY_FILE=str(tmp_path / "key"))

    assert "hunter2" == loaded.settings.llm.api_key.get_secret_value()
    assert "environment ROOMWISE_LLM__API_KEY_FILE" == loaded.origin("llm.api_key")


def test_a_missing_secrets_file_stops_the_start(tmp_path: Path) -> None:
    """The variable and the path are named."""
    with pytest.raises(UnreadableFile, match="ROOMWISE_LLM__API_KEY_FILE"):
        load_in(tmp_path, ROOMWISE_LLM__API_KEY_FILE=str(tmp_path / "none"))


def test_a_setting_that_ends_in_file_is_no_secrets_file(tmp_path: Path) -> None:
    """ROOMWISE_KEY_FILE sets key_file itself."""
    loaded = load_in(tmp_path, ROOMWISE_KEY_FILE=str(tmp_path / "own.key"))

    assert tmp_path / "own.key" == loaded.settings.key_file


def test_the_named_file_is_the_only_one(tmp_path: Path) -> None:
    """--config leaves the one in the working folder unread, and must exist."""
    named = tmp_path / "other.toml"
    named.write_text("[web]\nport = 7\n", "utf-8")
    (tmp_path / "roomwise.toml").write_text("[web]\nport = 8\n", "utf-8")

    assert 7 == load(cwd=tmp_path, environ={}, config_file=named).settings.web.port
    with pytest.raises(UnreadableFile, match="check --config"):
        load(cwd=tmp_path, environ={}, config_file=tmp_path / "none.toml")


def test_the_data_folders_file_is_read_when_the_working_folder_has_none(tmp_path: Path) -> None:
    """The folder may be named by the command line, the environment or the platform's default."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "roomwise.toml").write_text("[web]\nport = 9\n", "utf-8")

    assert 9 == load(cwd=tmp_path, environ={}).settings.web.port
    assert 9 == load(cwd=data.parent.parent, environ={}, data_dir=data).settings.web.port
    assert 9 == load(cwd=data.parent.parent, environ={"ROOMWISE_DATA_DIR": str(data)}).settings.web.port


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    """With the place of the fault, as the parser tells it."""
    with pytest.raises(UnreadableFile, match=r"roomwise\.toml: expected TOML"):
        load_in(tmp_path, "[web\n")


def test_the_data_folder_is_a_full_path(tmp_path: Path) -> None:
    """A relative one counts from the working folder; the command line beats the environment."""
    environ = {"ROOMWISE_DATA_DIR": "elsewhere"}

    assert tmp_path / "elsewhere" == load(cwd=tmp_path, environ=environ).settings.data_dir
    assert tmp_path / "mine" == load(cwd=tmp_path, environ=environ, data_dir=Path("mine")).settings.data_dir
    assert tmp_path / "data" == load(cwd=tmp_path, environ={}).settings.data_dir


def test_settings_are_frozen(tmp_path: Path) -> None:
    """Nobody changes them behind another's back."""
    settings = load_in(tmp_path).settings

    with pytest.raises(ValueError, match="frozen"):
        settings.web.port = 1  # type: ignore[misc]


def test_endpoints_are_none_without_a_model(tmp_path: Path) -> None:
    """A key alone changes nothing, nor does a fall-back without a first model."""
    alone = load_in(tmp_path, ROOMWISE_LLM__API_KEY="hunter2", ROOMWISE_LLM__FALLBACK='[{"model": "b"}]')
    both = load_in(tmp_path, ROOMWISE_LLM__MODEL="a", ROOMWISE_LLM__FALLBACK='[{"model": "b"}]')

    assert () == alone.settings.llm.endpoints
    assert ["a", "b"] == [endpoint.model for endpoint in both.settings.llm.endpoints]


@pytest.mark.parametrize(
    ("fallback", "replicas", "said"),
    [
        ('[{"url": "http://node2:8080"}]', "1", "weaviate.replicas to be 2 or more"),
        ('[{"url": "node2:8080"}]', "3", "begins with http"),
        ('[{"url": ""}]', "3", "fallback.0.url"),
        ('[{"grpc_port": 50051}]', "3", "url"),
        ('[{"url": "http://node2:8080", "port": 50051}]', "3", "port"),
        ('["http://node2:8080"]', "3", "fallback"),
    ],
)
def test_a_wrong_node_of_a_cluster_is_told(tmp_path: Path, fallback: str, replicas: str, said: str) -> None:
    """An entry has to name where another node is, and projects have to lie there too."""
    environ = {"ROOMWISE_WEAVIATE__FALLBACK": fallback, "ROOMWISE_WEAVIATE__REPLICAS": replicas}

    with pytest.raises(ConfigError, match=said):
        load_in(tmp_path, ROOMWISE_WEAVIATE__URL="http://node1:8080", **environ)


def test_the_nodes_of_a_cluster_are_read(tmp_path: Path) -> None:
    """A gRPC port that is not named is that of the first."""
    fallback = '[{"url": "http://node2:8080"}, {"url": "http://node3:8080", "grpc_port": 7}]'
    environ = {"ROOMWISE_WEAVIATE__FALLBACK": fallback, "ROOMWISE_WEAVIATE__REPLICAS": "3"}
    found = load_in(tmp_path, ROOMWISE_WEAVIATE__URL="http://node1:8080", **environ).settings.weaviate.fallback

    assert [("http://node2:8080", None), ("http://node3:8080", 7)] == [(one.url, one.grpc_port) for one in found]


def test_secrets_are_known_by_their_type() -> None:
    """So that a new one is masked without being listed anywhere."""
    secrets = [key for key in known_keys() if is_secret(key)]

    assert ["llm.api_key", "embedder.api_key", "ranker.api_key"] == secrets[:3]
    assert ["weaviate.api_key", "telegram.token", "telegram.webhook_secret"] == secrets[3:6]
    assert ["matrix.access_token", "matrix.password", "transcription.api_key"] == secrets[6:]


def test_sizes_are_given_in_bytes(tmp_path: Path) -> None:
    """The operator writes megabytes; the program counts bytes."""
    settings: Settings = load_in(tmp_path).settings

    assert 20_000_000 == settings.limits.attachment_max_bytes
    assert 200_000_000 == settings.limits.min_free_disk_bytes
    assert 2_000_000_000 == settings.limits.source_max_bytes
    assert 1_000_000 == settings.files.max_bytes


def test_every_known_key_has_an_origin(tmp_path: Path) -> None:
    """`roomwise check` names the layer of each value, also of those that no file mentions."""
    loaded = load(environ={}, cwd=tmp_path)

    assert "default for this platform" == loaded.origin("key_file")
    assert all(loaded.origin(key) for key in known_keys())
