"""
`authserver demo --tour`: a scripted client walks through the demo and says in plain words what it saw.

Nothing is simulated: every step is HTTP against the two servers, by the official SDK's client or by hand, and a person
whose browser is played by plain form posts. A step that does not hold ends the tour with exit code 1.
"""

import json
from pathlib import Path
from typing import Any

import httpx2

from authserver.cli.tour import approvals, limits, record, stopping, tokens, tools, ways_in
from authserver.cli.tour.held import NotHeldError
from authserver.cli.tour.walk import Step, Walk, connected

STEPS: tuple[Step, ...] = (
    *tools.STEPS,
    *approvals.STEPS,
    *tokens.STEPS,
    *ways_in.STEPS,
    *limits.STEPS,
    *stopping.STEPS,
    *record.STEPS,
)
"""The tour, in order."""


async def walk_through(facts: dict[str, Any], folder: Path, *, as_json: bool = False) -> int:
    """Walk all steps and print one line each. Returns 0 when all held, 1 at the first that did not."""
    from authserver.opening import close_machines, open_machines
    from authserver.settings import load_settings

    machines = await open_machines(load_settings(folder))
    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=20) as http:
            one = Walk(facts=facts, folder=folder, http=http, machines=machines)
            held = await _walked(one, as_json=as_json)
    finally:
        await close_machines(machines)
    if not held:
        return 1
    if not as_json:
        print(f"\nAll {len(STEPS)} steps held.")
    return 0


async def _walked(one: Walk, *, as_json: bool) -> bool:
    alice = one.person("alice", tools=frozenset({"update_order"}), mistypes_first=True)
    number = 0
    try:
        number = 1
        _say(number, await STEPS[0](one), as_json=as_json)
        number = 2
        async with connected(one, alice) as session:
            one.alice = session
            for number, step in enumerate(STEPS[1:], start=2):
                _say(number, await step(one), as_json=as_json)
    except Exception as error:  # noqa: BLE001 - whatever it was, the step did not hold
        _say(number, _why(error), as_json=as_json, held=False)
        return False
    return True


def _why(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    said = str(error) if isinstance(error, NotHeldError) else f"{type(error).__name__}: {error}"
    return " ".join(said.split())[:500]


def _say(number: int, sentence: str, *, as_json: bool, held: bool = True) -> None:
    if as_json:
        print(json.dumps({"step": number, "held": held, "sentence": sentence}), flush=True)
        return
    mark = "ok" if held else "FAILED"
    print(f"{number:>3}  {mark}  {sentence}", flush=True)
