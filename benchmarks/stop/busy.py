"""The server has all the work it can do, and somebody at a shell says stop."""

import asyncio
import os
import sys
import time
from typing import Any

from benchmarks import machine
from benchmarks.stop import publish
from benchmarks.stop.deployment import ROOT, Deployment, Program
from benchmarks.stop.trials import until


async def measured(deployment: Deployment, *, connections: int, times: int) -> dict[str, Any]:
    """Return how long `authserver kill client … --wait` takes, and how long until the last guard refuses; seconds."""
    made = await deployment.client("Load")
    load = await Program("load_process", folder=deployment.folder).start()
    told = {
        "port": deployment.settings.port,
        "client_id": made.client.id,
        "client_secret": made.secret,
        "connections": connections,
    }
    commands, refusals = [], []
    try:
        await load.ask(told)
        assert deployment.server is not None
        server = deployment.server.pid
        began, clocks = time.monotonic(), machine.clocks(server=server, database=None)
        for _ in range(times):
            named = await deployment.client("Somebody")
            subject = await deployment.subject("client", deployment.tenants[0], client_id=named.client.id)
            await deployment.watch([subject])
            await until(deployment, lambda seen, one=subject: seen[one.id].last == "began", "served")
            asked = time.monotonic()
            said = await _killed(deployment, subject.client_id)
            commands.append(time.monotonic() - asked)
            seen = await until(deployment, lambda seen, one=subject: seen[one.id].dead_at, f"stopped: {said}")
            refusals.append(max(one[subject.id].dead_at for one in seen) - asked)
            await deployment.watch(forget=[subject.id])
        shares = machine.shares(clocks, machine.clocks(server=server, database=None), time.monotonic() - began)
        units = await load.ask({})
    finally:
        await load.stop()
    return {
        "connections": connections,
        "per_second": units["units"] / units["seconds"],
        "server_percent": shares.server,
        "command_s": publish.quantiles(sorted(commands)),
        "refused_s": publish.quantiles(sorted(refusals)),
    }


async def _killed(deployment: Deployment, client_id: str) -> str:
    command = ["kill", "client", client_id, "--reason", "benchmark", "--wait", "--yes", "--data-dir", deployment.folder]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "authserver", *map(str, command),
        cwd=ROOT, env=dict(os.environ), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{command}: {said.decode()}")
    return said.decode()
