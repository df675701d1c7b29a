"""What stands between a client and a server in a test: passes bytes on, takes TLS off, or loses answers."""

import asyncio
import ssl
from typing import Self


class Relay:
    """A relay to one port of this machine. It can drop what comes back: then nobody knows what became of a request."""

    def __init__(self, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        """Relay to `port`; with `tls` it is spoken to over TLS, and speaks plainly itself."""
        self.port = 0
        self.is_mute = False
        self.heard = asyncio.Event()
        self._to = port
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._to)
        for task in (
            asyncio.create_task(self._pass_on(reader, there_writer, is_answer=False)),
            asyncio.create_task(self._pass_on(there_reader, writer, is_answer=True)),
        ):
            self._tasks.add(task)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool) -> None:
        while data := await reader.read(65_536):
            if is_answer and self.is_mute:
                self.heard.set()
                continue
            writer.write(data)
            await writer.drain()
        writer.close()
