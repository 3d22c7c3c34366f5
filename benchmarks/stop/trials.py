"""
Trials: somebody is stopped while every guard is called for them; what is kept is when each guard refused, and when its tool began last.

Every moment is of the machine's monotonic clock. A delay is counted from before the commit was asked for to the first refused
call's end, so it holds the commit itself and up to one pause between two calls: it is never better than it was. What must not
happen is counted from the commit's end.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.stop.cable import Fault
from benchmarks.stop.deployment import KINDS, Deployment, Subject

Disturb = Callable[[], Awaitable[None]]
_PATIENCE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One stop at one guard. Seconds."""

    kind: str
    dead_after_s: float
    """Until it refused because of this stop."""
    began_after_s: float
    """How long after the commit the tool began last; negative: before it."""
    began_after_dead: int
    stale: int
    """How many calls it refused because it knew nothing fresh."""


@dataclass(kw_only=True)
class Result:
    """What came of a number of trials."""

    name: str
    seen: list[Seen] = field(default_factory=list)
    revived_after_s: list[float] = field(default_factory=list)
    recovered_after_s: list[float] = field(default_factory=list)
    """Until a guard served those again who were not stopped, after a fault was over."""

    @property
    def latest_write_s(self) -> float:
        """How long after a commit a tool began at the latest."""
        return max((one.began_after_s for one in self.seen), default=float("nan"))

    @property
    def rose_again(self) -> int:
        """How many calls began for somebody after they were refused as stopped."""
        return sum(one.began_after_dead for one in self.seen)

    def after(self, kind: str | None = None) -> list[float]:
        """Return the delays until the refusal, sorted."""
        return sorted(one.dead_after_s for one in self.seen if kind in {None, one.kind})


class NeverError(Exception):
    """Something did not happen for so long that it never will."""


async def until(deployment: Deployment, holds: Callable[..., bool], what: str) -> list[dict]:
    """Ask the guards until it holds of each of them. Raises NeverError."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        seen = await deployment.watch()
        if all(holds(one) for one in seen):
            return seen
        if time.monotonic() > deadline:
            said = [{id_: (one.last, one.kinds) for id_, one in guard.items()} for guard in seen if not holds(guard)]
            raise NeverError(f"{what}: {said[:3]}")
        await asyncio.sleep(0.1)


async def subjects(deployment: Deployment, round_: int, kinds: Sequence[str]) -> list[Subject]:
    """Return somebody of each kind; whole tenants are stopped one after the other, and never the first."""
    home, *others = deployment.tenants
    made = []
    for kind in kinds:
        place = home
        if kind in {"tool", "resource", "tenant"}:
            # A tenant's tool and resource come first, and the tenant itself last: it does not come back.
            place = others[round_ + {"tenant": 0, "resource": 1, "tool": 2}[kind]]
        made.append(await deployment.subject(kind, place))
    return made


async def with_the_feed_up(deployment: Deployment, rounds: int, *, kinds: Sequence[str] = KINDS) -> Result:
    """Stop one of each kind at a time, at chance moments, `rounds` times."""
    result = Result(name="feed up")
    chance = random.Random(1)
    for round_ in range(rounds):
        made = await subjects(deployment, round_, kinds)
        await deployment.watch(made)
        await until(deployment, lambda seen, made=made: all(seen[one.id].last == "began" for one in made), "served")
        commits = await _stopped(deployment, made, [chance.uniform(0, 0.4) for _ in made])
        await until(deployment, lambda seen, made=made: all(seen[one.id].dead_at for one in made), "stopped")
        await asyncio.sleep(0.2)
        revived = [one for one in made if one.kind == "resource"]
        seen = await deployment.watch(forget=[one.id for one in made if one not in revived])
        _keep(result, made, commits, seen)
        for one in revived:
            await deployment.watch(forget=[one.id])
            await _revived(deployment, one, result)
    return result


async def _revived(deployment: Deployment, subject: Subject, result: Result) -> None:
    await deployment.watch([subject])
    await deployment.revive(subject)
    began = time.monotonic()
    seen = await until(deployment, lambda seen: seen[subject.id].last == "began", "revived")
    result.revived_after_s += [one[subject.id].began_first - began for one in seen]
    await deployment.watch(forget=[subject.id])


async def under(
    name: str,
    deployment: Deployment,
    windows: int,
    *,
    begin: Disturb,
    end: Disturb,
    seed: int,
    kinds: Sequence[str] = KINDS,
    first_round: int = 0,
) -> Result:
    """Stop one of each kind at chance moments around a fault, in each of `windows`; see that nothing is written too late."""
    result = Result(name=name)
    chance = random.Random(seed)
    bound = deployment.setup.max_staleness
    bystander = await deployment.subject("user", deployment.tenants[0])
    for window in range(windows):
        made = await subjects(deployment, first_round + window, kinds)
        everybody = [*made, bystander]
        await deployment.watch(everybody)
        await until(
            deployment, lambda seen, all_=everybody: all(seen[one.id].last == "began" for one in all_), "served"
        )
        moments = [chance.uniform(0, 1.2 * bound) for _ in made]
        stopping = asyncio.ensure_future(_stopped(deployment, made, moments))
        await asyncio.sleep(chance.uniform(0, 0.2 * bound))
        await begin()
        await asyncio.sleep(2.2 * bound)
        await end()
        over = time.monotonic()
        commits = await stopping
        last = max(after for _, after in commits.values())
        await asyncio.sleep(max(0, last + 1.2 * bound - time.monotonic()))
        await until(deployment, lambda seen, made=made: all(seen[one.id].dead_at for one in made), f"{name}: stopped")
        seen = await until(deployment, lambda seen: seen[bystander.id].last == "began", f"{name}: served again")
        result.recovered_after_s.append(time.monotonic() - over)
        _keep(result, made, commits, seen)
        await deployment.watch(forget=[one.id for one in everybody])
        for one in made:
            if one.kind == "resource":
                await deployment.revive(one)
    return result


async def _stopped(
    deployment: Deployment, made: Sequence[Subject], at: Sequence[float]
) -> dict[str, tuple[float, float]]:
    """Stop each of them after its time."""

    async def stop(one: Subject, after: float) -> tuple[str, tuple[float, float]]:
        await asyncio.sleep(after)
        return one.id, await deployment.stop(one)

    return dict(await asyncio.gather(*(stop(one, after) for one, after in zip(made, at, strict=True))))


def _keep(result: Result, made: Sequence[Subject], commits: dict[str, tuple[float, float]], seen: list[dict]) -> None:
    for guard in seen:
        for one in made:
            watched, (before, after) = guard[one.id], commits[one.id]
            result.seen.append(
                Seen(
                    kind=one.kind,
                    dead_after_s=watched.dead_at - before,
                    began_after_s=watched.began_last - after,
                    began_after_dead=watched.began_after_dead,
                    stale=watched.kinds.get("control_plane_stale", 0),
                )
            )


def faults(bound: float) -> dict[str, tuple[Fault, ...]]:
    """Return what a wire can do, one thing after the other, in words for the table."""
    late = (0.4 * bound, 2 * bound)
    span = f"{late[0]:g}-{late[1]:g} s"
    almost = (0.85 * bound, 0.95 * bound)
    return {
        "cut": (Fault(is_cut=True),),
        "silent (half-open)": (Fault(is_silent=True),),
        f"late to the guard, {span}": (Fault(to_client=late),),
        f"late to the server, {span}": (Fault(to_server=late),),
        f"late both ways, {span}": (Fault(to_client=late, to_server=late),),
        # An answer that was true when it was written, and comes when nothing newer can be asked for any more.
        "old answers, then nothing is heard": (Fault(to_client=almost), Fault(to_client=almost, is_deaf=True)),
        "pieces reordered": (Fault(shuffle=0.4),),
        "pieces lost": (Fault(drop=0.3),),
    }


async def fail(deployment: Deployment, faults: tuple[Fault, ...]) -> None:
    """Let the wire fail so."""
    for number, fault in enumerate(faults):
        if number:
            await asyncio.sleep(0.6 * deployment.setup.max_staleness)
        await deployment.fault(fault)
