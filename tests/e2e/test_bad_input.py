"""Bad input to the real service: in the folders it follows, its chat and its web pages."""

import os
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.service import HANDBOOK, PROJECT, Browser, Service, plain, roomwise, until

CANARY = "Quetzalcoatlus"
SECRET = "ghp" + "_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"


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


def test_a_second_service_is_told_which_one_runs(service: Service) -> None:
    """Its address and process."""
    ended = roomwise(service.folder, "run", "--port", "0")
    said = re.sub(r"\s+", "", ended.stderr)

    assert 1 == ended.returncode
    assert service.address in said
    assert service.process is not None
    assert str(service.process.pid) in said


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
