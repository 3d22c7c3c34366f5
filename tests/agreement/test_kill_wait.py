"""`kill --wait` against two running MCP servers: who has obeyed, who is silent, and what an impatient operator is told."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.agreement.demo_process import ROOT, Demo, running
from tests.support.processes import free_port

KILL = ("tool", "refund_order", "--reason", "it misbehaves", "--yes", "--wait")


class Second:
    """Another process of the demo's MCP server, with the same credential."""

    def __init__(self, demo: Demo) -> None:
        port = free_port()
        shops = [f"--shop={tenant['slug']}={tenant['id']}" for tenant in demo.facts["tenants"]]
        words = ["--issuer", demo.facts["issuer"], "--port", str(port), "--resource", demo.facts["resource"]]
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "examples.orders", *words),
                *("--database", f"sqlite:///{demo.folder / 'orders.db'}", *shops),
            ],
            cwd=ROOT,
            env={
                **os.environ,
                "RESOURCE_GUARD_CLIENT_ID": demo.facts["resource_server"]["client_id"],
                "RESOURCE_GUARD_CLIENT_SECRET_FILE": str(demo.folder / "orders.secret"),
            },
        )
        self.url = f"http://127.0.0.1:{port}/.well-known/oauth-protected-resource/mcp"

    def wait_until_ready(self) -> None:
        """Return once it answers."""
        deadline = time.monotonic() + 120
        with httpx2.Client(trust_env=False) as http:
            while True:
                try:
                    if http.get(self.url).status_code == 200:
                        return
                except httpx2.TransportError:
                    pass
                assert self.process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def stop(self) -> None:
        """Freeze it: it hears nothing and says nothing, and does not know it."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Wake it."""
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """End it."""
        self.go_on()
        self.process.terminate()
        self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running(tmp_path_factory.mktemp("waiting") / "data") as running_demo:
        yield running_demo


@pytest.fixture(scope="module")
def second(demo: Demo) -> Iterator[Second]:
    started = Second(demo)
    try:
        started.wait_until_ready()
        deadline = time.monotonic() + 120
        while len(known(demo)) < 2:
            assert time.monotonic() < deadline
        yield started
    finally:
        started.end()


def known(demo: Demo) -> list[dict[str, Any]]:
    """Return the processes that follow."""
    listed = demo.told("server", "list")
    (server,) = [one for one in listed if one["uri"] == demo.facts["resource"]]
    return list(server["instances"])


def started(demo: Demo, *words: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "authserver", *words, "--resource", demo.facts["resource"]]
    return subprocess.Popen(
        [*command, "--data-dir", str(demo.folder)], cwd=ROOT, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def done(demo: Demo, *words: str) -> tuple[int, str]:
    process = started(demo, *words)
    said, errors = process.communicate(timeout=90)
    return process.returncode, said + errors


def by_everybody(demo: Demo, *words: str) -> tuple[int, str]:
    """Run a command until everybody has obeyed: on a machine that is too busy to run them, one falls silent for a moment."""
    for _ in range(5):
        code, said = done(demo, *words)
        if code != 3:
            break
    return code, said


@pytest.mark.slow
@pytest.mark.requirement("cli:kill:wait-names-each-instance-as-it-obeys")
def test_each_instance_is_named_as_it_obeys_and_all_of_them_are_a_success(demo: Demo, second: Second):
    """Issue: "5/5 applied in 0.8 s"."""
    code, said = by_everybody(demo, "kill", *KILL)
    again, as_json = by_everybody(demo, "kill", *KILL, "--json")
    back, revived = done(demo, "revive", *KILL)

    assert (0, 0) == (code, again), said
    assert back in {0, 3}, revived
    assert 2 == said.count("applied after")
    assert "2/2 applied in" in said.splitlines()[-1]
    result = json.loads(as_json)
    assert (2, 2, True) == (result["applied"], result["of"], result["everyone"])
    assert {"applied"} == {one["state"] for one in result["instances"]}
    assert all(one["after_ms"] is not None for one in result["instances"])


@pytest.mark.slow
@pytest.mark.requirement("cli:kill:wait-names-who-is-silent")
def test_one_that_is_silent_is_named_with_what_that_means_and_is_no_success(demo: Demo, second: Second):
    """Decision 14: it ends when each has acknowledged or its lease has lapsed; a lapsed one has stopped by itself."""
    second.stop()
    try:
        code, said = done(demo, "kill", *KILL)
        (listed,) = demo.told("kill", "list")
    finally:
        second.go_on()
    back, revived = done(demo, "revive", *KILL)

    assert 3 == code, said
    assert "2/2 applied in" not in said
    assert "silent, lease ended" in said
    assert "it has stopped by itself" in said
    assert "killed" == listed["state"]
    assert back in {0, 3}, revived


@pytest.mark.slow
@pytest.mark.requirement("cli:kill:ctrl-c-leaves-it-in-force")
def test_whoever_does_not_wait_for_the_end_is_told_that_it_stays_in_force(demo: Demo, second: Second):
    """Issue: Ctrl-C in `--wait` leaves the kill in force and says so."""
    second.stop()
    try:
        waiting = started(demo, "kill", *KILL)
        assert waiting.stdout is not None
        for line in waiting.stdout:
            if "waiting for" in line:
                break
        waiting.send_signal(signal.SIGINT)
        _, errors = waiting.communicate(timeout=90)
        (listed,) = demo.told("kill", "list")
    finally:
        second.go_on()
    back, revived = done(demo, "revive", *KILL)

    assert 130 == waiting.returncode
    assert "It is in force and stays so" in errors
    assert "killed" == listed["state"]
    assert back in {0, 3}, revived
