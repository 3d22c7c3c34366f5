"""
What following the feed costs one server process: `python -m benchmarks.following`.

Followers ask as the guard does: a short request every two seconds, and beside it, where said, a stream with a signed message each
second. Measured is the processor time of the server's process, in parts of one core, on both databases.
"""

import asyncio
import base64
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx2
import psutil

from tests.support.following import Follower, follower
from tests.support.postgres import postgres_server
from tests.support.server import DATABASES, Templates
from tests.support.workers import Workers

SETTLE_S, MEASURE_S = 6, 12
CASES = ((0, False), (50, False), (50, True), (200, True))


async def _short(deployment: Workers, here: Follower, http: httpx2.AsyncClient) -> None:
    after: dict[str, str] = {}
    while True:
        query = {"nonce": "n", "instance": here.instance, **after}
        answer = await http.get(f"{deployment.issuer}/rs/feed", params=query, auth=here.auth)
        answer.raise_for_status()
        body = answer.text.split(".")[1]
        after = {"after": json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["cursor"]}
        await asyncio.sleep(2)


async def _stream(deployment: Workers, here: Follower, http: httpx2.AsyncClient) -> None:
    headers = {"accept": "text/event-stream"}
    async with http.stream("GET", f"{deployment.issuer}/rs/feed", auth=here.auth, headers=headers) as answer:
        answer.raise_for_status()
        async for _ in answer.aiter_raw():
            pass


async def _measure(deployment: Workers, process: psutil.Process, count: int, *, streams: bool) -> float:
    tasks: list[asyncio.Task[Any]] = []
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx2.AsyncClient(timeout=20, trust_env=False, limits=limits) as http:
        for number in range(count):
            here = follower(deployment, "RS1", http=http, instance=f"i{count}-{number}")
            tasks.append(asyncio.create_task(_short(deployment, here, http)))
            if streams:
                tasks.append(asyncio.create_task(_stream(deployment, here, http)))
        await asyncio.sleep(SETTLE_S)
        begun, spent = time.monotonic(), sum(process.cpu_times()[:2])
        await asyncio.sleep(MEASURE_S)
        part = (sum(process.cpu_times()[:2]) - spent) / (time.monotonic() - begun)
        for task in tasks:
            if task.done():
                task.result()
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return part


async def _kind(kind: str, templates: Templates, folder: Path) -> None:
    deployment = Workers(templates, kind, folder, workers=1)
    deployment.start()
    try:
        [pid] = deployment.listeners()
        process = psutil.Process(pid)
        for count, streams in CASES:
            part = await _measure(deployment, process, count, streams=streams)
            print(f"{kind:12} {count:4} followers{' with streams' if streams else '':13} {part:6.1%} of one core")
    finally:
        deployment.stop()
        deployment.place.discard()


def main() -> None:
    """Print a line for each case."""
    with tempfile.TemporaryDirectory() as folder, postgres_server() as postgres:
        templates = Templates(Path(folder), lambda: postgres)
        for kind in DATABASES:
            (place := Path(folder) / kind).mkdir()
            templates.copy(kind)[0].discard()  # made outside the loop that measures
            asyncio.run(_kind(kind, templates, place))


if __name__ == "__main__":
    main()
