"""Bad input to the real service: in its settings, its folders, its chat, its web pages, and from its model."""

import asyncio
import os
import re
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.service import Browser, Service, environment, roomwise, until
from tests.fakes.model_server import Behaviour, ModelServer

PROJECT = "zebra"
CANARY = "Quetzalcoatlus"
SECRET = "ghp" + "_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
HANDBOOK = """# The handbook

## Holidays

Everybody has thirty days of holiday a year, agreed with the team two weeks before.

## Deployments

A deployment starts when the release branch is tagged, and takes about ten minutes.
"""


def write_hostile_folder(folder: Path) -> None:
    """A folder with a good page and everything that may be wrong with the others."""
    (folder / "deep").mkdir(parents=True)
    (folder / "handbook.md").write_text(HANDBOOK, "utf-8")
    (folder / "latin.md").write_bytes("# Kaffee\n\nDie Maschine für Kaffee steht in der Küche.\n".encode("latin-1"))
    (folder / "broken.md").write_bytes(b"# Broken\n\nThe broken \xff\xfe byte stands here, among the penguins.\n")
    (folder / "nul.md").write_bytes(b"# Nul\n\nA \x00 byte \x1b[31m and an escape.\n")
    (folder / "line.txt").write_bytes(b"x" * 50_000_000)
    if os.name == "posix":
        (folder / os.fsdecode(b"na\xffme.md")).write_bytes(
            b"# Odd name\n\nThe walrus lives in a file with an odd name.\n"
        )
        (folder / "deep" / "loop").symlink_to(folder, target_is_directory=True)
        (folder / "self.md").symlink_to(folder / "self.md")
        (folder / "away.md").symlink_to("/etc/passwd")
        (folder / "out").symlink_to("/etc", target_is_directory=True)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose project `zebra` follows the hostile folder."""
    folder = tmp_path_factory.mktemp("service")
    running = Service(folder, {"ROOMWISE_LIMITS__PERSON_QUESTIONS": "1000"}).start()
    write_hostile_folder(folder / "docs")
    running.index(folder / "docs", project=PROJECT)
    yield running
    assert 0 == running.stop(), running.log


@pytest.fixture(scope="module")
def ada(service: Service) -> Browser:
    """The owner's browser."""
    return service.owner()


@pytest.fixture(scope="module")
def room(ada: Browser) -> str:
    """The owner's room in the project."""
    return ada.room(PROJECT)


def plain(html: str) -> str:
    """What a reader sees, without tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


# --- settings and folders ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"ROOMWISE_WEB__PROT": "1"}, "ROOMWISE_WEB__PORT"),
        ({"ROOMWISE_WEB__PORT": "eight"}, "eight"),
        ({"ROOMWISE_WEB__HOST": "0.0.0.0"}, "tls_in_front"),
    ],
)
def test_a_wrong_setting_stops_the_start(tmp_path: Path, settings: dict[str, str], expected: str) -> None:
    """An unknown name, a wrong type, a value out of bounds: it says which, without a traceback."""
    ended = roomwise(tmp_path, "run", **{"ROOMWISE_WEB__PORT": "0"} | settings)

    assert ended.returncode in (1, 2)
    assert expected in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_data_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """A file stands in its place."""
    (tmp_path / "data").write_text("not a folder")

    ended = roomwise(tmp_path, "run", "--port", "0")

    assert 1 == ended.returncode
    assert str(tmp_path / "data") in ended.stderr.replace("\n", "")
    assert "Traceback" not in ended.stderr


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    """Another program listens there."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        ended = roomwise(tmp_path, "run", "--port", port)

    assert 1 == ended.returncode
    assert port in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_second_service_is_told_which_one_runs(service: Service) -> None:
    """Its address and process."""
    ended = roomwise(service.folder, "run", "--port", "0")
    said = re.sub(r"\s+", "", ended.stderr)

    assert 1 == ended.returncode
    assert service.address in said
    assert service.process is not None
    assert str(service.process.pid) in said


def test_a_database_of_a_newer_version_is_refused_and_kept(tmp_path: Path) -> None:
    """The program is older than its data: nothing is changed."""
    assert 0 == roomwise(tmp_path, "status").returncode
    with sqlite3.connect(tmp_path / "data" / "state.db") as db:
        db.execute("UPDATE alembic_version SET version_num = '9999_from_the_future'")
    db.close()

    ended = roomwise(tmp_path, "status")

    assert 1 == ended.returncode
    assert "newer version" in ended.stderr
    with sqlite3.connect(tmp_path / "data" / "state.db") as db:
        assert [("9999_from_the_future",)] == db.execute("SELECT version_num FROM alembic_version").fetchall()
    db.close()


def test_a_nearly_full_disk_pauses_indexing(tmp_path: Path) -> None:
    """It says so instead of filling the disk."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "handbook.md").write_text(HANDBOOK)

    ended = roomwise(tmp_path, "index", "docs", "--project", PROJECT, ROOMWISE_LIMITS__MIN_FREE_DISK_MB="999999999")

    assert 1 == ended.returncode
    assert "disk" in (ended.stdout + ended.stderr).lower()
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(os.name != "posix", reason="needs limits of the process")
def test_a_write_that_fails_is_said_and_leaves_no_half(tmp_path: Path) -> None:
    """No file grows beyond 600 kB, as on a disk that fails; afterwards the same folder is indexed."""
    (tmp_path / "docs").mkdir()
    for number in range(150):
        text = "\n\n".join(f"Sentence {number} of {line} about holidays and deployments." for line in range(60))
        (tmp_path / "docs" / f"page{number}.md").write_text(f"# Page {number}\n\n{text}\n")
    assert 0 == roomwise(tmp_path, "status").returncode
    limited = (
        "import resource, runpy, sys;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY));"
        "sys.argv = ['roomwise', *sys.argv[1:]];"
        "runpy.run_module('bot', run_name='__main__')"
    )
    words = ["index", "docs", "--project", PROJECT, "--data-dir", str(tmp_path / "data")]
    ended = subprocess.run(
        [sys.executable, "-c", limited, *words],
        cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    again = roomwise(tmp_path, "index", "docs", "--project", PROJECT, "--json")

    assert 1 == ended.returncode, ended.stdout + ended.stderr
    assert "disk" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert 0 == again.returncode, again.stderr
    assert '"files": 150' in again.stdout


# --- files ---------------------------------------------------------------------------------------------------


def test_a_hostile_folder_is_indexed_as_far_as_it_can_be(service: Service) -> None:
    """What cannot be read is counted with its reason; the rest is found."""
    (source,) = service.indexed["sources"]

    assert "" == (source["error"] or "")
    assert 1 == source["skipped"]["too_large"], source["skipped"]
    assert sum(count for reason, count in source["skipped"].items() if "link" in reason) >= 3, source["skipped"]


@pytest.mark.parametrize(
    ("question", "path"),
    [
        ("How many days of holiday has everybody?", "handbook.md"),
        ("Wo steht die Maschine für Kaffee?", "latin.md"),
        ("Where does the broken byte stand among the penguins?", "broken.md"),
        pytest.param(
            "Where does the walrus live?",
            "na%FFme.md",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux only"),
        ),
    ],
)
def test_what_is_readable_is_cited(service: Service, question: str, path: str) -> None:
    """Latin-1, a broken byte, a name that is not UTF-8."""
    answer = service.ask(question, project=PROJECT)

    assert path in [citation["path"] for citation in answer["citations"]]


def test_links_lead_nowhere(service: Service) -> None:
    """Nothing of a folder that a link points to is found, and no file twice."""
    with service.shell() as http:
        body = {"query": "root bin bash passwd", "project": PROJECT, "limit": 100}
        found = http.post("/api/search", json=body).json()["passages"]
        again = http.post("/api/search", json=body | {"query": "holiday"}).json()["passages"]

    assert not [one for one in found if "/bin/" in one["text"]]
    assert 1 == len([one for one in again if one["path"].endswith("handbook.md") and "Holidays" in one["text"]])


# --- the chat ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("location", ["/etc", "file:///etc", "~", "../..", "C:\\Windows", "\\\\host\\share", "docs"])
def test_a_folder_that_nobody_declared_cannot_be_added(
    service: Service, ada: Browser, room: str, location: str
) -> None:
    """Not even by an owner: paths are for the command line."""
    said = plain(ada.say(room, f"/source add {location}"))
    with service.shell() as http:
        (project,) = [one for one in http.get("/api/status").json()["projects"] if one["name"] == PROJECT]

    assert "command line" in said
    assert 1 == len(project["sources"])


@pytest.mark.parametrize("text", ["", "   ", "\n\t\n"])
def test_an_empty_message_is_refused(ada: Browser, room: str, text: str) -> None:
    """Before anything is stored."""
    assert 400 == ada.write(room, text).status_code


@pytest.mark.parametrize("text", ["\x00", "\x07\x1b", "\u200b", "?!", "…"])
def test_a_message_without_a_word_asks_nothing(ada: Browser, room: str, text: str) -> None:
    """Control characters and signs alone are no question, and do not repeat the last one."""
    said = plain(ada.say(room, text))

    assert "Sources" not in said
    assert "handbook" not in said


def test_a_huge_question_is_refused_with_the_limit(ada: Browser, room: str) -> None:
    """100 kB over the chat; over a megabyte it is not even read."""
    large, huge = ada.write(room, "x" * 100_000), ada.write(room, "x" * 1_500_000)

    assert (413, 413) == (large.status_code, huge.status_code)
    assert "8000" in large.json()["error"]["message"]


def test_control_characters_change_nothing(ada: Browser, room: str) -> None:
    """The question among them is answered; none of them comes out."""
    said = ada.say(room, "How many\x00 days \x1b[31mof\x1b[0m \x07holiday\x08 has everybody?")

    assert "thirty days" in plain(said)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", said)


def test_a_question_while_the_first_index_runs_says_how_far_it_is(service: Service, ada: Browser) -> None:
    """It answers from what is there, and says that there may be more."""
    folder = service.folder / "large"
    folder.mkdir()
    for number in range(2_500):
        lines = "\n\n".join(f"Fact {number}.{line}: penguins number {number} eat {line} fish." for line in range(30))
        (folder / f"page{number:04}.md").write_text(f"# Page {number}\n\n{lines}\n")
    indexing = threading.Thread(target=service.index, args=(folder,), kwargs={"project": "large"})
    indexing.start()
    try:
        room = str(until(lambda: _room_of(ada, "large"), "the project is there"))
        said = plain(ada.say(room, "What do penguins eat?"))
    finally:
        indexing.join()

    assert "first time" in said
    assert "first time" not in plain(ada.say(room, "What do penguins with number 7 eat?"))


def _room_of(browser: Browser, name: str) -> str:
    try:
        return browser.room(name)
    except AssertionError:
        return ""


def test_a_secret_and_what_was_said_are_in_no_file(service: Service, ada: Browser, room: str) -> None:
    """A token is refused; no word of an ordinary question stands in clear in the data folder or the log."""
    said = plain(ada.say(room, f"the token is {SECRET} you know"))
    ada.say(room, f"/source add https://x:{SECRET}@github.com/a/b")
    ada.say(room, f"/project rename {SECRET}")
    ada.say(room, f"How many days of holiday has {CANARY}?")
    shown = ada.http.get(f"/chat/{room.partition('.')[0]}").text
    files = [path for path in service.folder.rglob("*") if path.is_file() and path.parent != service.folder / "docs"]
    held = {path: path.read_bytes() for path in files}

    assert "revoke" in said
    assert SECRET not in shown
    assert CANARY in shown
    assert (service.data / "state.db-wal") in held
    assert [] == [
        path for path, content in held.items() if SECRET.encode() in content or SECRET[8:].encode() in content
    ]
    assert [] == [path for path, content in held.items() if CANARY.encode() in content]


def test_the_log_names_nobody(service: Service, ada: Browser, room: str) -> None:
    """No id of a person or room, no address, no login link."""
    ada.say(room, "How many days of holiday has everybody?")
    project, _, person = room.partition(".")

    assert person not in service.log
    assert room not in service.log
    assert "/login/" not in service.log
    assert project


def test_metrics_name_nobody(service: Service, room: str) -> None:
    """Labels are of few values."""
    with service.shell() as http:
        figures = http.get("/metrics").text

    assert "roomwise_build_info" in figures
    assert room.partition(".")[2] not in figures
    assert set(re.findall(r"\b(room|person|user|address|question|query)=", figures)) == set()


# --- the pages -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/chat/x"),
        ("GET", "/p/x/y/1"),
        ("GET", "/api/status"),
        ("GET", "/api/rooms/x.y/stream"),
        ("POST", "/api/search"),
        ("POST", "/api/ask"),
        ("POST", "/api/index"),
        ("POST", "/api/login-links"),
        ("POST", "/api/claim-codes"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
    ],
)
def test_a_stranger_gets_nothing(service: Service, method: str, path: str) -> None:
    """Neither by being on the same machine nor with a wrong key; no project is named."""
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "roomwise=wrong"}):
        with service.stranger() as http:
            answer = http.request(method, path, headers=headers, json={} if method == "POST" else None)

        assert answer.status_code in (401, 404, 405)
        assert PROJECT not in answer.text


def test_a_wrong_host_or_origin_is_refused(service: Service, ada: Browser, room: str) -> None:
    """Even with a session, and for the health page too."""
    host = ada.http.get("/", headers={"Host": "evil.example"})
    health = ada.http.get("/healthz", headers={"Host": "evil.example"})
    body = {"key": "k" * 16, "text": "hi"}
    headers = {"X-CSRF-Token": ada.csrf, "Origin": "https://evil.example"}
    origin = ada.http.post(f"/api/rooms/{room}/messages", json=body, headers=headers)
    token = ada.http.post(f"/api/rooms/{room}/messages", json=body)

    assert (421, 421, 403, 403) == (host.status_code, health.status_code, origin.status_code, token.status_code)


def test_forwarded_headers_of_anybody_change_nothing(service: Service) -> None:
    """No proxy is configured: neither scheme nor address is believed."""
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "10.0.0.1", "X-Forwarded-Host": "evil.example"}
    with service.stranger() as http:
        answer = http.get("/", headers=headers)

    assert "strict-transport-security" not in answer.headers
    assert "evil" not in answer.text


def test_a_login_link_works_once_and_looking_does_not_count(service: Service) -> None:
    """Previews of a chat fetch links; a used link says so."""
    link = service.login_link()
    with service.stranger() as preview:
        looks = [preview.get(link).status_code for _ in range(3)] + [preview.head(link).status_code]
        unpressed = preview.post(link, data={"nonce": "guessed"})
    used = Browser(service.stranger())
    done = used.sign_in(link)
    with service.stranger() as late:
        again = late.get(link)

    assert [200] * 3 == looks[:3]
    assert 410 == unpressed.status_code
    assert 303 == done.status_code
    assert "HttpOnly" in done.headers["set-cookie"]
    assert "samesite=strict" in done.headers["set-cookie"].lower()
    assert 410 == again.status_code


# --- the model -----------------------------------------------------------------------------------------------


@contextmanager
def model(behaviour: Behaviour) -> Iterator[ModelServer]:
    """A model server in a thread of its own."""
    ready, stopped = threading.Event(), threading.Event()
    made: list[ModelServer] = []

    async def serve() -> None:
        async with ModelServer(behaviour) as server:
            made.append(server)
            ready.set()
            await asyncio.to_thread(stopped.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait()
    try:
        yield made[0]
    finally:
        stopped.set()
        thread.join()


def test_a_model_that_fails_is_replaced_by_quotes_that_say_so(tmp_path: Path) -> None:
    """401, 429, 500, garbage, half a stream, silence: the question is answered all the same, and says why."""
    failures = [
        Behaviour(status=401),
        Behaviour(status=429, retry_after_s=60),
        Behaviour(status=500),
        Behaviour(raw="<html>Welcome to the café</html>"),
        Behaviour(raw="data: {not json}\n\n"),
        Behaviour(breaks_after=2),
        Behaviour(hangs=True),
        Behaviour(hangs_after=2),
    ]
    with model(failures[0]) as server:
        settings = {
            "ROOMWISE_LLM__MODEL": "mock",
            "ROOMWISE_LLM__BASE_URL": server.base_url,
            "ROOMWISE_LLM__API_KEY": "sk-" + "canary" * 8,
            "ROOMWISE_LLM__FIRST_TOKEN_TIMEOUT_S": "1",
            "ROOMWISE_LLM__TIMEOUT_S": "2",
        }
        service = Service(tmp_path, settings).start()
        try:
            (tmp_path / "docs").mkdir()
            (tmp_path / "docs" / "handbook.md").write_text(HANDBOOK)
            service.index(tmp_path / "docs", project=PROJECT)
            browser = service.owner()
            room = browser.room(PROJECT)
            said = []
            for failure in failures:
                server.behaviour = failure
                said.append(plain(browser.say(room, "How many days of holiday has everybody?")))
            server.behaviour = Behaviour(reply="Everybody has thirty days of holiday [1].")
            well = plain(browser.say(room, "How many days of holiday does everybody have?"))
        finally:
            assert 0 == service.stop(), service.log

    assert ["thirty days"] * len(failures) == [found[0] for one in said if (found := re.findall("thirty days", one))]
    assert [] == [one for one in said if "model" not in one.lower()]
    assert "thirty days" in well
    assert "canary" not in service.log
