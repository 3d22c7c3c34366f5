"""A wire on loopback that passes everything on, as late as it is told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass
class Wire:
    """Whoever connects to `port` speaks with `target`."""

    target: int
    port: int = 0
    delay: float = 0.0
    """How many seconds later everything arrives there."""

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
async def wire_to(target: int) -> AsyncIterator[Wire]:
    """Yield a wire to a port of this machine."""
    wire = Wire(target)
    served: set[asyncio.Task[None]] = set()

    async def serve(reader, writer):
        task = asyncio.current_task()
        served.add(task)
        try:
            await wire.serve(reader, writer)
        except asyncio.CancelledError:
            return
        finally:
            served.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        for task in list(served):
            task.cancel()
        await asyncio.gather(*served, return_exceptions=True)
