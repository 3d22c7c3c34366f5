"""
The server is killed in the middle of its work, again and again, while clients refresh; afterwards nothing is lost or doubled.

`CHAOS=1` runs it (`make chaos` does), `CHAOS_ROUNDS` says how often. SIGKILL leaves no time to tidy up: what a client was
told must have been durable before it was told.
"""

import asyncio
import hashlib
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import httpx2
import pytest

from tests.agreement.demo_process import ROOT, Demo
from tests.agreement.people import FormPerson, listening

pytestmark = pytest.mark.skipif("CHAOS" not in os.environ, reason="CHAOS: `make chaos` runs what takes long")

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "12"))
CLIENTS = 12


class Killable:
    """The authorization server of a demo's folder, alone."""

    def __init__(self, folder: Path, issuer: str) -> None:
        self.issuer = issuer
        self._command = [sys.executable, "-m", "authserver", "serve", "--data-dir", str(folder)]
        self._log = folder / "chaos.log"
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        async with httpx2.AsyncClient(trust_env=False, timeout=2) as http:
            while True:
                try:
                    if (await http.get(f"{self.issuer}/readyz")).status_code == 200:
                        return
                except httpx2.TransportError:
                    pass
                assert self._process.poll() is None, self._log.read_text()
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


@dataclass
class Holder:
    """One client with one refresh token, which it knows to be its own only when it was told so."""

    client_id: str
    issuer: str
    token: str
    rotations: int = 0

    async def refresh(self, http: httpx2.AsyncClient) -> httpx2.Response | None:
        """Use the token; None when the answer never came, and then the same token is tried again."""
        form = {"grant_type": "refresh_token", "client_id": self.client_id, "refresh_token": self.token}
        try:
            answer = await http.post(f"{self.issuer}/token", data=form)
        except httpx2.TransportError:
            return None
        if answer.status_code == 200:
            self.token = answer.json()["refresh_token"]
            self.rotations += 1
        return answer

    async def go_on(self) -> list[str]:
        """Refresh until the server is gone; returns the refusals, of which there should be none."""
        refused = []
        async with httpx2.AsyncClient(trust_env=False, timeout=5) as http:
            while True:
                answer = await self.refresh(http)
                if answer is None:
                    return refused
                if answer.status_code not in {200, 503}:
                    refused.append(answer.text)
                    return refused


async def signed_in(demo: Demo, login: str) -> Holder:
    user, facts = demo.user(login), demo.facts
    verifier = secrets.token_urlsafe(48)
    challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    async with listening() as callback, httpx2.AsyncClient(trust_env=False) as http:
        asked = {
            "response_type": "code", "client_id": demo.public_client["client_id"], "redirect_uri": callback.url,
            "state": "s", "code_challenge": challenge, "code_challenge_method": "S256", "resource": facts["resource"],
        }  # fmt: skip
        await FormPerson(email=user["email"], password=user["password"]).visit(
            f"{facts['issuer']}/authorize?{urlencode(asked)}"
        )
        form = {
            "grant_type": "authorization_code", "client_id": asked["client_id"], "redirect_uri": callback.url,
            "code": (await callback.answers.get())["code"], "code_verifier": verifier,
        }  # fmt: skip
        answer = await http.post(f"{facts['issuer']}/token", data=form)
    return Holder(client_id=asked["client_id"], issuer=facts["issuer"], token=answer.json()["refresh_token"])


@pytest.mark.requirement("chaos:kill:nothing-is-lost-or-doubled")
async def test_no_refresh_token_is_lost_or_doubled_by_a_server_that_dies_again_and_again(tmp_path: Path):
    """Decisions 4 and 9, R-01: every client goes on with what it was told, and each family has one live branch."""
    chance = random.Random(20261121)
    demo = Demo(tmp_path / "data")
    demo.wait_until_ready()
    logins = [login for login in ("alice", "bob", "carol", "gina", "hugo", "iris") for _ in range(CLIENTS // 6)]
    holders = [await signed_in(demo, login) for login in logins]
    assert demo.end() == 0
    server = Killable(demo.folder, demo.facts["issuer"])
    refusals: list[str] = []

    for _ in range(ROUNDS):
        await server.start()
        working = [asyncio.create_task(holder.go_on()) for holder in holders]
        await asyncio.sleep(chance.uniform(0.2, 1.2))
        server.kill()
        for refused in await asyncio.gather(*working):
            refusals += refused

    await server.start()
    async with httpx2.AsyncClient(trust_env=False, timeout=10) as http:
        before = [holder.token for holder in holders]
        last = [await holder.refresh(http) for holder in holders]
        retried = [
            await Holder(one.client_id, one.issuer, token).refresh(http)
            for one, token in zip(holders, before, strict=True)
        ]
    server.kill()

    assert [] == refusals
    assert [200] * CLIENTS == [answer.status_code for answer in last if answer is not None]
    # The retry of what was just used gets the same successor: there is one branch, not two.
    assert [holder.token for holder in holders] == [
        answer.json()["refresh_token"] for answer in retried if answer is not None
    ]
    assert CLIENTS == len({holder.token for holder in holders})
    assert sum(holder.rotations for holder in holders) > ROUNDS * CLIENTS
