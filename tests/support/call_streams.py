"""Streams of calls as guards tell them, made from a seed, and what they amount to, counted by hand."""

import math
import random
from collections import Counter, defaultdict

from authserver.domain.audit import calls
from resource_lib.wire.record import checked, new_id

HASH = "ab" * 32
STATUSES = ("ok", "ok", "ok", "tool_error", "withheld", "cancelled", "failed", "unknown")
ERRORS = ("policy_denied", "insufficient_scope", "rate_limited", "tool_unknown")


def call(tenant, at, **members):
    """Return one event of a call; `phase` outcome, unless it says otherwise."""
    event_id = new_id(at)
    phase = members.get("phase", "outcome")
    said = {
        "id": event_id, "call": event_id, "phase": phase, "at": at, "instance": "i1", "tenant": tenant, "sub": "usr_a",
        "client_id": "cli_a", "token": HASH, "method": "tools/call", "tool": "see", "arguments_bytes": 0,
        "decision": {"refused": "refused", "held": "held", "observed": "observed"}.get(phase, "allowed"),
    }  # fmt: skip
    if phase == "outcome":
        said |= {"status": "ok", "latency_us": 1000, "result_bytes": 10, "cost": 1}
    return {name: value for name, value in (said | members).items() if value is not None}


def stream(tenant, seed, count, *, since_us, until_us):
    """Return that many events of every kind, in the order of their time."""
    chance = random.Random(seed)
    moments = sorted(chance.randrange(since_us, until_us) for _ in range(count))
    return [_one(chance, tenant, at) for at in moments]


def _one(chance, tenant, at):
    members = {
        "phase": chance.choice(("outcome",) * 5 + ("refused", "refused", "held", "intent", "observed")),
        "tool": chance.choice(("see", "add", "wipe", None)),
        "client_id": chance.choice(("cli_a", "cli_b", "https://app.example/" + "x" * 400)),
        "sub": f"usr_{chance.randrange(12)}",
    }
    if members["phase"] in ("refused", "held"):
        members["error"] = "approval_required" if members["phase"] == "held" else chance.choice(ERRORS)
    if members["phase"] == "outcome":
        members |= {
            "decision": chance.choice(("allowed", "allowed", "observed")),
            "status": chance.choice(STATUSES),
            "latency_us": int(math.exp(chance.uniform(0, 18))),
            "result_bytes": chance.randrange(100_000),
            "cost": chance.randrange(5),
        }
    return call(tenant, at, **members)


async def keep(work, resource, said):
    """Write events into the bound tenant's record, as a server of that resource tells them."""
    teller = calls.Teller(client_id="cli_server", resource=resource)
    for begin in range(0, len(said), 400):
        await calls.take(work, teller, [checked(one) for one in said[begin : begin + 400]])
        assert await work.commit()


def counted(said, place):
    """Return what events amount to, by `place(event)`: a counter of words, every latency, and who."""
    found = defaultdict(lambda: (Counter(), [], set()))
    for one in said:
        counter, latencies, people = found[place(one)]
        match one["phase"]:
            case "outcome":
                word = {"tool_error": "tool_errors", "cancelled": "failed", "unknown": "failed"}.get(one["status"])
                counter[word or one["status"]] += 1
                counter["latency_us"] += one["latency_us"]
                counter["result_bytes"] += one["result_bytes"]
                counter["cost"] += one["cost"]
                latencies.append(one["latency_us"])
            case "refused":
                counter["refused"] += 1
                counter["limited"] += one["error"] == "rate_limited"
                counter[f"refusal {one['error']}"] += 1
            case "held":
                counter["held"] += 1
        counter["observed"] += one["decision"] == "observed"
        if one["phase"] in ("outcome", "refused", "held"):
            people.add(one["sub"])
    return found
