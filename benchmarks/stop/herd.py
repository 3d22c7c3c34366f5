"""All servers lose their issuer in the same moment; when it is back they must not knock all at once."""

import asyncio
import time
from typing import Any

from benchmarks.stop.deployment import Deployment
from benchmarks.stop.trials import until

_WINDOW_S = 10


async def measured(deployment: Deployment, *, followers: int) -> dict[str, Any]:
    """Return how many requests came when the server was there again, and when all knew everything; seconds."""
    await deployment.stop_guards()
    copies = 10
    await deployment.start_guards(followers // copies, copies=copies)
    subject = await deployment.subject("user", deployment.tenants[0])
    await deployment.watch([subject])
    await until(deployment, lambda seen: seen[subject.id].last == "began", "served")

    await asyncio.to_thread(deployment.kill_server)
    await until(deployment, lambda seen: seen[subject.id].last == "control_plane_stale", "stale")
    await deployment.cable.ask({})
    deployment.start_server()
    await asyncio.to_thread(deployment.wait_for_server)
    back = time.monotonic()
    await until(deployment, lambda seen: seen[subject.id].last == "began", "served again")
    fresh = time.monotonic()
    await asyncio.sleep(max(0, back + _WINDOW_S - time.monotonic()))
    # What was asked before anybody listened did not reach it.
    asked = [at - back for at in await deployment.cable.ask({}) if at >= back]
    later = [at for at in asked if 5 <= at < _WINDOW_S]
    return {
        "followers": followers,
        "first_100ms": sum(at < 0.1 for at in asked),
        "first_s": sum(at < 1 for at in asked),
        "each_s": len(later) / (_WINDOW_S - 5),
        "fresh_s": fresh - back,
    }
