"""A wire on loopback that passes everything on, as late as it is told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass
class Wire:
    """Whoever connects to `port` speaks with `target`."""

    target: int
    port: int = 0
    delay: float = 0.0
    """How many seconds later everything arrives there."""
    _server: asyncio.Server | None = None
    _served: set[asyncio.Task[None]] = field(default_factory=set)

    async def open(self) -> None:
        """Take connections."""
        self._server = await asyncio.start_server(self._one, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Take none any more, and end those that are there."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._served:
            task.cancel()

    async def mend(self) -> None:
        """Carry everything again, at once; connections from before are gone."""
        self.cut()
        await asyncio.gather(*self._served, return_exceptions=True)
        self.delay = 0.0
        await self.open()

    async def close(self) -> None:
        """End everything."""
        self.cut()
        await asyncio.gather(*self._served, return_exceptions=True)
        await asyncio.sleep(0)  # what was closed is gone with the next turn of the loop

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._served.add(task)
        try:
            await self.serve(reader, writer)
        except asyncio.CancelledError:
            return
        finally:
            self._served.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, late: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if late and self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to its end."""
        writers = [writer]
        try:
            with contextlib.suppress(OSError):
                there, back = await asyncio.open_connection("127.0.0.1", self.target)
                writers.append(back)
                await asyncio.gather(self._carry(reader, back, late=True), self._carry(there, writer, late=False))
        finally:
            for one in writers:
                one.close()


@contextlib.asynccontextmanager
async def wire_to(target: int, *, port: int = 0) -> AsyncIterator[Wire]:
    """Yield a wire to a port of this machine."""
    wire = Wire(target, port)
    await wire.open()
    try:
        yield wire
    finally:
        await wire.close()
