"""Asking too often: a limit that is said in words an agent can act on, and is over when it said it would be."""

import asyncio
import json
import time
from typing import Any

import httpx2

from authserver.cli.tour.held import hold
from authserver.cli.tour.walk import Step, Walk, connected

_MOST, _WINDOW_S = 30, 60
"""Of `search_orders`, as the example says."""


async def _too_often(walk: Walk) -> str:
    async with connected(walk, walk.person("gina")) as gina:
        token, begun = gina.token, time.monotonic()
        found, answered, told = await _searched(walk, token, found=0, begun=begun)
        hold(answered.status_code == 200, f"the limit of a tool was said by HTTP {answered.status_code}")
        hold((told["limit"], told["window_s"]) == (_MOST, _WINDOW_S), f"the limit is said as {told}")
        wait = int(told["retry_after_s"])
        hold(answered.headers.get("retry-after") == str(wait), "the header says another time than the result")
        async with connected(walk, walk.person("gina")) as again:
            # Its login may take as long as one more search needs; what both found together is what one may.
            _, _, told = await _searched(walk, again.token, found=found, begun=begun)
        hold("orders" in _told((await walk.call(walk.session.token, "search_orders")).text), "Alice was slowed too")
        await asyncio.sleep(int(told["retry_after_s"]))
        after = _told((await walk.call(token, "search_orders")).text)
        hold("orders" in after, f"after {wait} s it answered {after}")
    return (
        f"Gina's agent searches in a loop: {_MOST} in {_WINDOW_S} s, then a typed refusal and when to come back, {wait} s; a second "
        "login changes nothing, nobody else is slowed, and then it works."
    )


async def _searched(walk: Walk, token: str, *, found: int, begun: float) -> tuple[int, httpx2.Response, dict[str, Any]]:
    """Search until it is too often; `found` searches went through since `begun`. Returns how many, and the refusal."""
    while True:
        answered = await walk.call(token, "search_orders")
        told = _told(answered.text)
        if told.get("error") == "rate_limited":
            return found, answered, told
        found += 1
        allowed = _MOST + (time.monotonic() - begun) * _MOST / _WINDOW_S
        hold(found <= allowed, f"{found} searches went through")


def _told(text: str) -> dict[str, Any]:
    """Return the structured answer of a call, or the one object that says why it did not run."""
    line = next((line[5:] for line in text.splitlines() if line.startswith("data:") and '"result"' in line), text)
    result = json.loads(line).get("result", {})
    error = result.get("_meta", {}).get("authserver/error")
    return dict(error or result.get("structuredContent") or {})


STEPS: tuple[Step, ...] = (_too_often,)
