"""What everybody was told, what the tool has written, and what the record says: put side by side, from an export that others could verify."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from authserver.domain.audit import exporting, sealing
from authserver.runtime.schema import statement
from resource_lib.audit.spool import read_folder
from tests.support.mixed_load import READ_TOOL, WRITE_TOOL, Call, Notes
from tests.support.recording_process import ROOT, RecordingFleet
from tests.support.workers import Workers

UNSYNCED_S = 10.0
"""A guard that is killed may lose what it noted in the last 20 ms, where nobody waits for it (docs/record.md). On a machine on which everybody waits for a
processor they are seconds, so `MOST_UNSYNCED` bounds how many that may be.
"""
MOST_UNSYNCED = 20

_WAITING = statement("SELECT tenant_id FROM audit_unsealed WHERE tenant_id = :tenant LIMIT 1")
_NEWEST = statement("SELECT note FROM audit_checkpoints WHERE tenant_id = :tenant ORDER BY size DESC LIMIT 1")


@dataclass
class Record:
    """A tenant's log, as an export tells it."""

    ids: Counter[str] = field(default_factory=Counter)
    intents: dict[str, list[str]] = field(default_factory=dict)
    """By mark: the ids of the calls."""
    outcomes: Counter[str] = field(default_factory=Counter)
    """By the id of the call."""
    seen: set[str] = field(default_factory=set)
    """The marks of reads of which there is an outcome."""
    issued: set[str] = field(default_factory=set)
    revoked: set[str] = field(default_factory=set)

    def take(self, header: dict[str, Any], payload: dict[str, Any]) -> None:
        """Add one event."""
        self.ids[header["id"]] += 1
        about, kind = header.get("about", {}), header["kind"]
        if kind == "client:token:issued":
            self.issued.add(about["jti"])
        if kind == "client:token:revoked":
            self.revoked.add(about["jti"])
        mark = (payload.get("arguments") or {}).get("mark")
        if kind == "call:tool:intent" and mark:
            self.intents.setdefault(mark, []).append(header["id"])
        if kind == "call:tool:outcome" and about.get("instance") != "teller":
            if about.get("tool") == WRITE_TOOL:
                self.outcomes[about["call"]] += 1
            elif mark:
                self.seen.add(mark)


async def newest_checkpoint(at: Workers) -> str | None:
    """Return the checkpoint that somebody would save now."""
    async with at.machines() as machines:
        row = await machines.work(tenant=at.world.tenants["t1"]).one(_NEWEST)
    return row["note"] if row else None


async def exported(at: Workers, to: Path) -> tuple[Record, str]:
    """Write the log of t1 to a file, and read it; returns it with the key that verifies it."""
    async with at.machines() as machines:
        work = machines.work(tenant=at.world.tenants["t1"])
        async with asyncio.timeout(60):
            # What another process seals in this moment, a round leaves to it.
            while await work.all(_WAITING):
                await sealing.seal_round(machines)
        with to.open("wb") as file:
            await exporting.export(work, file.write, with_payloads=True)
        key = str(sealing.verifier(machines))
    found, header = Record(), None
    for line in to.read_bytes().splitlines():
        said = json.loads(line)
        if "h" in said:
            if header is not None:
                found.take(header, {})
            header = said["h"]
        elif "v" in said and header is not None:
            found.take(header, said["p"] if isinstance(said.get("p"), dict) else {})
            header = None
    if header is not None:
        found.take(header, {})
    return found, key


def verified(export: Path, key: str, checkpoints: list[str]) -> str:
    """Return what `python -m resource_lib.verify` says against the file, with every saved checkpoint; "": nothing."""
    words = [str(export), "--key", key, "--json"]
    for number, note in enumerate(dict.fromkeys(checkpoints)):
        saved = export.with_name(f"saved-{number}.note")
        saved.write_text(note, encoding="utf-8")
        words += ["--checkpoint", str(saved)]
    done = subprocess.run(
        [sys.executable, "-m", "resource_lib.verify", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else f"verify: {done.stdout}{done.stderr}"


@dataclass
class Reckoning:
    """The result. `wrong`: everything that must not be, each as a sentence."""

    wrong: list[str]
    figures: dict[str, int]


def reckon(notes: Notes, fleet: RecordingFleet, found: Record, guards_killed: list[tuple[int, float]]) -> Reckoning:
    """Put it all side by side."""
    wrong, wrote = list(notes.surprises), Counter(fleet.wrote)
    wrong += [f"{mark}: executed {count} times" for mark, count in wrote.items() if count > 1]
    wrong += [f"{mark}: executed without an intent" for mark in wrote if mark not in found.intents]
    wrong += [f"{mark}: has {len(calls)} intents" for mark, calls in found.intents.items() if len(calls) > 1]
    wrong += [f"event {one}: stands there {count} times" for one, count in found.ids.items() if count > 1]
    wrong += [f"call {one}: has {count} outcomes" for one, count in found.outcomes.items() if count > 1]
    for what, acknowledged, there in (
        ("told event", notes.told, found.ids.keys()),
        ("issued token", notes.issued, found.issued),
        ("revoked token", notes.revoked, found.revoked),
    ):
        wrong += [
            f"s{seed}: {what} {one} was acknowledged and is lost"
            for one, seed in acknowledged.items()
            if one not in there
        ]
    wrong += [f"spool: event {one} was left" for one in _ids_in(fleet.spool) if one not in found.ids]
    unsynced = 0
    for call in notes.calls:
        said, is_unsynced = _of_one(call, wrote, found, guards_killed)
        wrong += said
        unsynced += is_unsynced
    return Reckoning(
        wrong,
        {
            "calls": len(notes.calls), "written": len(wrote), "intents": len(found.intents), "outcomes": found.outcomes.total(),
            "reads": len(found.seen), "told": len(notes.told), "issued": len(notes.issued), "revoked": len(notes.revoked),
            "events": found.ids.total(), "unsynced": unsynced,
        },
    )  # fmt: skip


def _of_one(
    call: Call, wrote: Counter[str], found: Record, guards_killed: list[tuple[int, float]]
) -> tuple[list[str], bool]:
    """Return what is wrong with one call, and whether only its last words were lost with a guard that was killed."""
    if call.error is not None and call.mark in wrote:
        return [f"{call.mark}: was refused as {call.error}, and executed"], False
    if not call.is_done or call.answered is None:
        return [], False
    if call.tool == WRITE_TOOL and call.mark not in wrote:
        return [f"{call.mark}: is said to be done, and was not executed"], False
    calls = found.intents.get(call.mark, [])
    is_there = call.mark in found.seen if call.tool == READ_TOOL else any(found.outcomes[one] for one in calls)
    if is_there:
        return [], False
    if any(port == call.port and 0 <= gone - call.answered < UNSYNCED_S for port, gone in guards_killed):
        return [], True
    return [f"{call.mark}: was answered, and its outcome is lost"], False


def _ids_in(spool: Path) -> list[str]:
    return [json.loads(event)["id"] for event in read_folder(spool)] if spool.exists() else []
