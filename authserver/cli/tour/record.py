"""What happened: found in the record by whom it was about, and proved from a file alone by whoever has a key."""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from authserver.cli.tour.held import hold
from authserver.cli.tour.walk import Step, Walk, claims

_HOUR_US = 3_600_000_000
_PATIENCE_S = 15


async def _found(walk: Walk) -> str:
    from authserver.domain.audit import event, search

    async def calls() -> list[Any]:
        wanted = search.Wanted(
            kind="call:", sub=claims(walk.session.token)["sub"], since_us=time.time_ns() // 1000 - _HOUR_US
        )
        page = await search.search(walk.machines.work(tenant=walk.tenant("acme")), wanted, most=200)
        return list(page.events)

    # The servers tell of calls in batches, beside them.
    deadline = time.monotonic() + _PATIENCE_S
    while not (
        paid := [one for one in await calls() if one.header.get("tool") == "refund_order" and one.header.get("status")]
    ):
        hold(time.monotonic() < deadline, "the refund that Alice allowed is not in the record")
        await asyncio.sleep(0.2)
    found = await calls()
    call = [one for one in found if one.header["call"] == paid[0].header["call"]]
    said = [event.open_payload(walk.machines.work(tenant=walk.tenant("acme")), one.row) for one in call]
    hold(
        {"arguments", "result"} <= {name for one in said for name in one},
        f"of the refund it says {sorted(map(sorted, said))}",
    )
    hold(min(call, key=lambda one: one.id).kind == "call:tool:intent", "no intent was written before it")
    held, refused = (sum(one.kind == f"call:tool:{what}" for one in found) for what in ("held", "refused"))
    tools = len({one.header["tool"] for one in found if "tool" in one.header})
    return (
        f"What did Alice's agent do in the last hour? {len(found)} events of {tools} tools: with arguments, which rules decided, who said "
        f"yes, what came back; {held} that waited, {refused} that were refused, and before each change that it was about to happen."
    )


async def _proved(walk: Walk) -> str:
    with tempfile.TemporaryDirectory() as folder:
        file, changed = Path(folder) / "acme.ndjson", Path(folder) / "changed.ndjson"
        key = json.loads(await _run(walk, "authserver", "audit", "key", "--json"))["key"]
        await _run(walk, "authserver", "audit", "export", "--tenant", "acme", "--out", str(file))
        [whole] = json.loads(await _run(walk, "resource_lib.verify", str(file), "--key", key, "--json"))
        lines = file.read_bytes().splitlines(keepends=True)
        at = next(place for place, line in enumerate(lines) if b"call:tool:outcome" in line and b"refund_order" in line)
        lines[at] = lines[at].replace(b"refund_order", b"search_order")
        changed.write_bytes(b"".join(lines))
        found = await _run(walk, "resource_lib.verify", str(changed), "--key", key, ends=1)
    hold(whole["verdict"] == "verified", f"the verifier said {str(whole)[:300]}")
    hold("edited" in found, f"of the changed file it said {found[:300]}")
    return (
        "Acme's whole record leaves as a file, and a verifier that knows neither server nor database finds every row as it was sealed. "
        "One word of one row changed: it names that row."
    )


async def _run(walk: Walk, module: str, *words: str, ends: int = 0) -> str:
    if module == "authserver":
        words = (*words, "--data-dir", str(walk.folder))
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, error = await running.communicate()
    hold(
        running.returncode == ends,
        f"{module} {words[0]} ended with {running.returncode}: {(error or out)[-300:].decode()}",
    )
    return out.decode()


STEPS: tuple[Step, ...] = (_found, _proved)
