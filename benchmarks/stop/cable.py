"""
The wire between the guards and their issuer, in a process of its own, with every way in which a wire can fail.

    python -m benchmarks.stop.cable LISTEN_PORT SERVER_PORT       each line of standard input is a `Fault`; answers what has passed

What is delayed, and what waited while nothing passed, arrives later as it was: a wire has no idea of what is out of date.
"""

import asyncio
import contextlib
import json
import random
import re
import sys
import time
from dataclasses import dataclass
from typing import Any

_REQUEST = re.compile(rb"(?:^|\r\n)(?:GET|POST|PUT) /\S* HTTP/1\.1\r\n")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """How it is. `to_server` and `to_client`: the least and most seconds by which one connection is late in a direction."""

    is_cut: bool = False
    """Connections are refused, and those there are end."""
    is_silent: bool = False
    """Connections stand and nothing passes."""
    is_deaf: bool = False
    """What is said from now on does not get there, on either side; what is under way still arrives."""
    to_server: tuple[float, float] = (0, 0)
    to_client: tuple[float, float] = (0, 0)
    shuffle: float = 0
    """How often a piece goes to a client after the one that follows it."""
    drop: float = 0
    """How often a piece on its way to a client is lost."""


class Cable:
    """One listener and its connections."""

    def __init__(self, listen: int, server: int) -> None:
        self.fault = Fault()
        self.requests: list[float] = []
        self._listen, self._server = listen, server
        self._open: set[asyncio.StreamWriter] = set()
        self._flows, self._is_heard = asyncio.Event(), asyncio.Event()
        self._flows.set()
        self._is_heard.set()
        self._listener: asyncio.Server | None = None

    async def change(self, fault: Fault) -> None:
        """Be so from now on."""
        self.fault = fault
        for flows, stands in ((self._flows, fault.is_silent), (self._is_heard, fault.is_silent or fault.is_deaf)):
            if stands:
                flows.clear()
            else:
                flows.set()
        if fault.is_cut:
            if self._listener is not None:
                self._listener.close()
                self._listener = None
            for writer in list(self._open):
                writer.transport.abort()
        elif self._listener is None:
            self._listener = await asyncio.start_server(
                self._carry, "127.0.0.1", self._listen, reuse_address=True, limit=2**20, backlog=512
            )

    async def _carry(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        self._open.add(client_out)
        await self._flows.wait()
        slowness = random.random()
        server_out: asyncio.StreamWriter | None = None
        try:
            server_in, server_out = await asyncio.open_connection("127.0.0.1", self._server, limit=2**20)
            self._open.add(server_out)
            ways = [
                asyncio.create_task(self._pass(client_in, server_out, slowness, is_to_client=False)),
                asyncio.create_task(self._pass(server_in, client_out, slowness, is_to_client=True)),
            ]
            # Whoever hangs up is heard at the other end once what was under way is there.
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
        except OSError:
            pass
        finally:
            for writer in (client_out, server_out):
                if writer is not None:
                    self._open.discard(writer)
                    writer.close()

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, slowness: float, *, is_to_client: bool
    ) -> None:
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        def due() -> float:
            least, most = self.fault.to_client if is_to_client else self.fault.to_server
            return time.monotonic() + least + (most - least) * slowness

        async def take_in() -> None:
            with contextlib.suppress(OSError):
                while piece := await source.read(65536):
                    await self._is_heard.wait()
                    if not is_to_client:
                        self.requests += [time.monotonic()] * len(_REQUEST.findall(piece))
                    waiting.put_nowait((due(), piece))
            waiting.put_nowait((due(), b""))

        async def give_out() -> None:
            held = b""
            while True:
                at, piece = await waiting.get()
                await asyncio.sleep(max(0, at - time.monotonic()))
                await self._flows.wait()
                if not piece:
                    sink.write(held)
                    return
                if is_to_client and random.random() < self.fault.drop:
                    continue
                if is_to_client and not held and random.random() < self.fault.shuffle:
                    held = piece
                    continue
                sink.write(piece + held)
                held = b""
                await sink.drain()

        with contextlib.suppress(OSError):
            await asyncio.gather(take_in(), give_out())


async def main(listen: str, server: str) -> None:
    """Carry until there are no more questions."""
    cable = Cable(int(listen), int(server))
    await cable.change(Fault())
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        said: dict[str, Any] = json.loads(line)
        if said:
            await cable.change(Fault(**said))
        passed, cable.requests = cable.requests, []
        print(json.dumps(passed), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
