"""
The load: N keep-alive connections in a closed loop, in one process, cheap enough not to be what is measured.

A flow is written as a generator: it yields a request and is sent the answer. One run through the generator is one unit (a
token, a refresh, a whole login), and the time from its first byte out to its last byte in is one latency. The flow
checks every answer and raises `WrongAnswerError`; one wrong answer ends the measurement, because a fast error is no result.
"""

import asyncio
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import orjson

Exchange = Generator[bytes, "Answer", None]
Flow = Callable[[], Exchange]
"""Starts one unit. Whatever lasts longer (a refresh token, a cookie) is the flow's own state."""


class WrongAnswerError(Exception):
    """A server answered otherwise than the flow demands."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. `head` is everything before the body."""

    status: int
    head: bytes
    body: bytes

    def json(self) -> dict:
        """Return the body as an object."""
        value = orjson.loads(self.body)
        if not isinstance(value, dict):
            raise WrongAnswerError(f"not a JSON object: {self.body[:200]!r}")
        return value

    def header(self, name: str) -> str | None:
        """Return a header's first value."""
        values = self.headers(name)
        return values[0] if values else None

    def headers(self, name: str) -> list[str]:
        """Return all values of a header."""
        prefix = name.lower() + ":"
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return [line[len(prefix) :].strip() for line in lines if line.lower().startswith(prefix)]

    def expect(self, *statuses: int) -> "Answer":
        """Return itself, or raise WrongAnswerError."""
        if self.status not in statuses:
            raise WrongAnswerError(f"status {self.status}, expected {statuses}: {self.body[:300]!r}")
        return self


@dataclass(frozen=True, kw_only=True)
class Load:
    """What one window of load amounted to. Latencies are sorted, in nanoseconds, one per finished unit."""

    seconds: float
    requests: int
    latencies: Sequence[int]

    @property
    def per_second(self) -> float:
        """Finished units per second."""
        return len(self.latencies) / self.seconds

    def quantile_ms(self, share: float) -> float:
        """Return the latency that `share` of the units did not exceed."""
        if not self.latencies:
            return float("nan")
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))] / 1e6


class Connection(asyncio.Protocol):
    """One keep-alive connection that runs one flow, again and again while `running`."""

    def __init__(self, flow: Flow, done: "asyncio.Future[None]", *, once: bool = False) -> None:
        self.latencies: list[int] = []
        self.requests = 0
        self.running = True
        self._flow = flow
        self._done = done
        self._once = once
        self._buffer = b""
        self._transport: asyncio.Transport
        self._exchange: Exchange
        self._began = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the first unit."""
        self._transport = transport  # type: ignore[assignment]
        self._begin()

    def data_received(self, data: bytes) -> None:
        """Read answers as they become whole."""
        self._buffer = self._buffer + data if self._buffer else data
        try:
            answer = self._take()
            if answer is not None:
                self._continue(answer)
        except Exception as error:  # noqa: BLE001 - whatever went wrong ends the measurement
            self._finish(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """A server that hangs up during a measurement has failed it."""
        self._finish(exc or WrongAnswerError("the server closed the connection"))

    def restart(self) -> None:
        """Begin to count anew; the unit under way is counted when it ends."""
        self.latencies = []
        self.requests = 0

    def close(self) -> None:
        """Hang up."""
        self.running = False
        self._finish(None)
        self._transport.close()

    def _begin(self) -> None:
        self._exchange = self._flow()
        self._began = time.perf_counter_ns()
        self._transport.write(next(self._exchange))

    def _continue(self, answer: Answer) -> None:
        self.requests += 1
        try:
            request = self._exchange.send(answer)
        except StopIteration:
            self.latencies.append(time.perf_counter_ns() - self._began)
            if self._once:
                self._finish(None)
            elif self.running:
                self._begin()
        else:
            self._transport.write(request)

    def _take(self) -> Answer | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self._buffer[:end]
        lowered = head.lower()
        at = lowered.find(b"\r\ncontent-length:")
        if at < 0 and b"\r\ntransfer-encoding: chunked" in lowered:
            if not self._buffer.endswith(b"\r\n0\r\n\r\n"):
                return None
            body, self._buffer = self._buffer[end + 4 :], b""
            return Answer(int(head[9:12]), head, body)
        if at < 0:
            raise WrongAnswerError(f"an answer without Content-Length: {head[:300]!r}")
        stop = lowered.find(b"\r\n", at + 17)
        whole = end + 4 + int(lowered[at + 17 : stop if stop > 0 else end])
        if len(self._buffer) < whole:
            return None
        if len(self._buffer) > whole:
            raise WrongAnswerError("more bytes than the answer has")
        body, self._buffer = self._buffer[end + 4 :], b""
        return Answer(int(head[9:12]), head, body)

    def _finish(self, error: BaseException | None) -> None:
        if self._done.done():
            return
        if error is None:
            self._done.set_result(None)
        else:
            self._done.set_exception(error)


class Connections:
    """Some connections to one server, each with a flow of its own, to be measured in windows."""

    def __init__(self) -> None:
        self._protocols: list[Connection] = []
        self._ends: list[asyncio.Future[None]] = []

    async def open(self, port: int, flows: Sequence[Flow]) -> None:
        """Connect once per flow; the load begins at once."""
        loop = asyncio.get_running_loop()
        for flow in flows:
            end: asyncio.Future[None] = loop.create_future()
            _, protocol = await loop.create_connection(
                lambda flow=flow, end=end: Connection(flow, end), "127.0.0.1", port
            )
            self._protocols.append(protocol)
            self._ends.append(end)

    async def window(self, seconds: float) -> Load:
        """Count what finishes within the next `seconds`. Raises the first WrongAnswerError of any connection."""
        for protocol in self._protocols:
            protocol.restart()
        began = time.perf_counter()
        # An end before its time is a failure: nothing else resolves these.
        await asyncio.wait(self._ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        elapsed = time.perf_counter() - began
        self.check()
        return Load(
            seconds=elapsed,
            requests=sum(protocol.requests for protocol in self._protocols),
            latencies=sorted(latency for protocol in self._protocols for latency in protocol.latencies),
        )

    def check(self) -> None:
        """Raise what ended any of the connections."""
        for end in self._ends:
            if end.done():
                end.result()

    def close(self) -> None:
        """Hang up. What ended a connection was raised by `check`; of several, one is enough."""
        for protocol, end in zip(self._protocols, self._ends, strict=True):
            protocol.close()
            end.exception()


async def once(port: int, exchange: Exchange) -> None:
    """Run one unit on a connection of its own; not measured."""
    loop = asyncio.get_running_loop()
    end: asyncio.Future[None] = loop.create_future()
    _, protocol = await loop.create_connection(lambda: Connection(lambda: exchange, end, once=True), "127.0.0.1", port)
    try:
        await end
    finally:
        protocol.close()
