"""The demo's two processes: started in order, watched, and ended with it however it ends."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Self

from authserver.cli.demo.place import HOST, Place
from authserver.cli.operator import fail

_PATIENCE_S = 30.0


def _dies_with_us() -> Callable[[], None] | None:
    """Return what a child does first so that it cannot outlive a demo that was killed hard; Linux only."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        prctl = ctypes.CDLL(None).prctl
    except (OSError, AttributeError):
        return None
    set_parent_death_signal = 1
    return lambda: prctl(set_parent_death_signal, signal.SIGTERM)


class _StopAsked(Exception):
    """Somebody pressed Ctrl-C, or sent SIGTERM."""


class Servers:
    """The two child processes. Leaving the block ends both, calmly if they let us."""

    def __init__(self, place: Place, facts: dict[str, Any], *, log: Path | None = None) -> None:
        """`log`: where what they say goes; None: to our standard error."""
        self.place = place
        self.facts = facts
        self.log = log
        self._children: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        """Take over the signals that end us."""
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._asked_to_stop)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        """End both servers; a wish to stop is not an error."""
        self._hear_no_more()
        for _, child in reversed(self._children):
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + 10
        for _, child in reversed(self._children):
            try:
                child.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        for number, handler in self._before.items():
            signal.signal(number, handler)
        return kind is _StopAsked

    def _asked_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        # make passes on a signal that its child has already got: the second must not interrupt the end.
        self._hear_no_more()
        raise _StopAsked

    def _hear_no_more(self) -> None:
        for number in self._before:
            signal.signal(number, signal.SIG_IGN)

    def start(self) -> None:
        """Start both and return when both answer."""
        shops = [f"--shop={tenant['slug']}={tenant['id']}" for tenant in self.facts["tenants"]]
        folder = self.place.folder
        self._run("the authorization server", ["authserver", "serve", "--data-dir", str(folder)])
        # Before the other: its first question is what operators demand, and a first start should warn of nothing.
        self._wait_until_answers(f"{self.place.issuer}/readyz")
        self._run(
            "the example MCP server",
            [
                *("examples.orders", "--issuer", self.place.issuer, "--host", HOST, "--port", str(self.place.mcp_port)),
                *("--database", f"sqlite:///{folder / 'orders.db'}", *shops),
            ],
            RESOURCE_GUARD_CLIENT_ID=self.facts["resource_server"]["client_id"],
            RESOURCE_GUARD_CLIENT_SECRET_FILE=str(self.place.secret),
            RESOURCE_GUARD_SPOOL=str(folder / "spool"),
        )
        self._wait_until_answers(self.place.metadata)

    def watch(self) -> None:
        """Return only when a server ends by itself, which is a failure."""
        while True:
            self._fail_if_one_ended()
            time.sleep(0.5)

    def _run(self, name: str, words: Sequence[str], **environment: str) -> None:
        said = sys.stderr if self.log is None else self.log.open("ab")
        # A session of its own: a Ctrl-C in the terminal reaches us alone, and we end them in order.
        child = subprocess.Popen(  # noqa: S603 - our own modules with our own arguments
            [sys.executable, "-m", *words],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env={**os.environ, **environment},
            start_new_session=True,
            preexec_fn=_dies_with_us(),  # noqa: PLW1509 - nothing else runs in this process yet
        )
        self._children.append((name, child))

    def _fail_if_one_ended(self) -> None:
        for name, child in self._children:
            if child.poll() is not None:
                fail(
                    f"{name} ended by itself (exit code {child.returncode}); what it said stands {f'in {self.log}' if self.log else 'above'}."
                )

    def _wait_until_answers(self, url: str) -> None:
        import httpx2

        deadline = time.monotonic() + _PATIENCE_S
        with httpx2.Client(timeout=2, trust_env=False) as client:
            while True:
                self._fail_if_one_ended()
                try:
                    if client.get(url).status_code == 200:
                        return
                except httpx2.TransportError:
                    pass
                if time.monotonic() > deadline:
                    fail(f"{url} does not answer after {_PATIENCE_S:.0f} s.")
                time.sleep(0.05)
