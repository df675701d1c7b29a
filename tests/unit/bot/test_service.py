"""The service: where it listens, what it says, and how it ends."""

import asyncio
import socket
from pathlib import Path

import httpx
import pytest

from bot.platform import holder_of
from bot.service import PortTaken, ServerEnded, Started, bind, serve
from config.load import load
from config.settings import Settings, Web


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An empty installation on any free port."""
    environ = {
        "ROOMWISE_KEY_FILE": str(tmp_path / "key"),
        "ROOMWISE_EMBEDDER__KIND": "none",
        "ROOMWISE_SOURCES__FIRST_PROJECT": "false",
        "ROOMWISE_WEB__PORT": "0",
    }
    return load(config_file=None, environ=environ, cwd=tmp_path, data_dir=tmp_path / "data").settings


async def test_it_is_ready_when_it_says_so_and_leaves_a_free_folder(settings: Settings) -> None:
    """The pages answer at the address that is told, and commands find it there; stopped, nobody holds the folder."""
    stop = asyncio.Event()
    seen: list[object] = []

    async def told(started: Started) -> None:
        holder = await asyncio.to_thread(holder_of, settings.data_dir)
        async with httpx.AsyncClient(base_url=started.address, trust_env=False) as http:
            seen.extend([(await http.get("/readyz")).text, holder and holder.address == started.address])
            seen.append((await http.get(started.login_url)).status_code)
        stop.set()

    await serve(settings, told=told, stop=stop)

    assert ["ready\n", True, 200] == seen
    assert holder_of(settings.data_dir) is None


async def test_a_web_server_that_ends_by_itself_is_a_failure(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that whoever watches over the process starts it again."""

    async def broken(*_: object, **__: object) -> None:
        raise OSError("no more sockets")

    async def told(_: Started) -> None:
        pass

    monkeypatch.setattr("uvicorn.Server.serve", broken)

    with pytest.raises(ServerEnded):
        await asyncio.wait_for(serve(settings, told=told, stop=asyncio.Event()), 30)


async def test_a_start_that_fails_half_way_ends_what_was_begun(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing listens any more and the folder is free."""

    async def fail(*_: object, **__: object) -> None:
        raise OSError("no documents")

    async def told(_: Started) -> None:
        pass

    monkeypatch.setattr("bot.service.begin_first_project", fail)
    wanted = settings.model_copy(update={"sources": settings.sources.model_copy(update={"first_project": True})})

    with pytest.raises(OSError, match="no documents"):
        await serve(wanted, told=told, stop=asyncio.Event())

    assert holder_of(settings.data_dir) is None


def web(**values: object) -> Web:
    """The section with these values."""
    return Web.model_validate({**load(config_file=None, environ={}).settings.web.model_dump(), **values})


def test_a_taken_port_is_named() -> None:
    """With what to do."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(PortTaken, match=f"expected port {port} of 127.0.0.1 to be free.*--port or PORT"):
            bind(web(port=port))


def test_an_address_of_another_machine_is_named() -> None:
    """One of the block that is kept for documents."""
    with pytest.raises(PortTaken, match=r"expected to listen at '192\.0\.2\.1' port 0, got .*web\.host"):
        bind(web(host="192.0.2.1", port=0))


async def test_the_second_piece_of_an_answer_waits_for_nothing() -> None:
    """Without TCP_NODELAY it would wait until the client has confirmed the first, which takes 40 ms."""
    seen: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def connected(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listening = bind(web(port=0))
    async with await asyncio.start_server(connected, sock=listening):
        _, writer = await asyncio.open_connection(*listening.getsockname())
        is_at_once = await asyncio.wait_for(seen, 30)
        writer.close()

    assert is_at_once
