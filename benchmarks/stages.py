"""
Where the time of one guarded call goes: each stage by itself, in µs, without the stages inside it.

The functions of the stages are wrapped while this measures, and what the wrapping costs is measured and taken off. A stage that
runs several times in one call counts all of them. What is left over, the guard's own steps between the stages, is one line of its own.
"""

import inspect
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import resource_lib.judge as judge_module
import resource_lib.limits.gate as gate_module
import resource_lib.output.mirrors as mirrors_module
import resource_lib.output.steps as steps_module
import resource_lib.transport.outward as outward_module
import resource_lib.visit as visit_module
from resource_lib.arguments.advertised import Form
from resource_lib.transport.outgoing import Outgoing
from resource_lib.transport.request import Request
from resource_lib.transport.rooms import Rooms
from resource_lib.wire import strict_json

PLACES: Final[tuple[tuple[str, Any, str], ...]] = (
    ("headers read and passed on", Request, "__init__"),
    ("headers read and passed on", Request, "forwarded"),
    ("body of the call read", visit_module, "read_body"),
    ("what the tool is today", visit_module.Visit, "_definitions"),
    ("token and its standing", visit_module.Visit, "_who"),
    ("arguments against their schema", Form, "wrong"),
    ("the decision", judge_module.Judge, "decide"),
    ("limits", gate_module.Gate, "enter"),
    ("arguments looked at for orders", visit_module, "note_arguments"),
    ("what the answer may be about", Rooms, "of"),
    ("the way out", Outgoing, "take"),
    ("the way out", outward_module.Outward, "send"),
    ("answer parsed, strictly", strict_json, "loads_message"),
    ("answer written anew", outward_module, "_written"),
    ("files set aside", steps_module.blobs, "set_aside"),
    ("text that mirrors the structure", mirrors_module, "set_aside"),
    ("structure against its schema", steps_module, "is_sealed"),
    ("structure against its schema", steps_module, "conforms"),
    ("a structure that needs no step", steps_module, "says_nothing_else"),
)
"""Stages, and the functions that they are."""
_STEPS: Final = {
    "declared": "undeclared members",
    "plain": "hidden characters",
    "personal": "personal data and secrets",
    "screened": "orders to the model",
    "short": "length",
    "labelled": "label of its origin",
}
REST: Final = "the rest of the guard"


class Watch:
    """Counts nanoseconds by stage."""

    def __init__(self) -> None:
        self.spent: dict[str, int] = {}
        self.calls: dict[str, int] = {}
        self._open: list[int] = []

    def begin(self) -> None:
        """Begin to count anew."""
        for name in self.spent:
            self.spent[name] = self.calls[name] = 0

    def us(self, units: int, *, inner: float, outer: float) -> dict[str, float]:
        """Return what each stage costs of one unit, in µs. What watching a call costs is taken off: in its own stage, and in the one around it."""
        found = {name: spent / units / 1e3 - inner * self.calls[name] / units for name, spent in self.spent.items()}
        inside = sum(calls for name, calls in self.calls.items() if name != REST)
        found[REST] = found.get(REST, 0.0) - outer * inside / units
        return {name: max(0.0, each) for name, each in found.items()}

    def sync(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `function`, watched."""
        spent, calls, open_, clock = self.spent, self.calls, self._open, time.perf_counter_ns
        spent.setdefault(name, 0)
        calls.setdefault(name, 0)

        def watched(*args: Any, **named: Any) -> Any:
            open_.append(0)
            began = clock()
            try:
                return function(*args, **named)
            finally:
                took = clock() - began
                spent[name] += took - open_.pop()
                calls[name] += 1
                if open_:
                    open_[-1] += took

        return watched

    def coroutine(self, name: str, function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """Return an async `function` that never waits, watched."""
        spent, calls, open_, clock = self.spent, self.calls, self._open, time.perf_counter_ns
        spent.setdefault(name, 0)
        calls.setdefault(name, 0)

        async def watched(*args: Any, **named: Any) -> Any:
            open_.append(0)
            began = clock()
            try:
                return await function(*args, **named)
            finally:
                took = clock() - began
                spent[name] += took - open_.pop()
                calls[name] += 1
                if open_:
                    open_[-1] += took

        return watched

    def of(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return it, watched, whatever it is."""
        return self.coroutine(name, function) if inspect.iscoroutinefunction(function) else self.sync(name, function)


@contextmanager
def watched() -> Iterator[Watch]:
    """Watch every stage of every guard in this process, inside the block."""
    watch = Watch()
    before: list[tuple[Any, str, Any]] = []

    def put(owner: Any, attribute: str, value: Any) -> None:
        before.append((owner, attribute, getattr(owner, attribute)))
        setattr(owner, attribute, value)

    try:
        for name, owner, attribute in PLACES:
            if hasattr(owner, attribute):
                put(owner, attribute, watch.of(name, getattr(owner, attribute)))
        for attribute in ("STEPS", "LAST_STEPS"):
            steps = getattr(steps_module, attribute)
            put(steps_module, attribute, tuple((name, watch.of(_STEPS.get(name, name), step)) for name, step in steps))
        yield watch
    finally:
        for owner, attribute, value in reversed(before):
            setattr(owner, attribute, value)


def own_cost_us(*, calls: int = 20_000) -> tuple[float, float]:
    """Return what watching one call of a stage adds to it, and to the stage around it, in µs."""
    watch = Watch()
    inner = watch.sync("inner", lambda: None)

    def nothing() -> None:
        for _ in range(calls):
            inner()

    best_inner = best_outer = float("inf")
    for _ in range(5):
        watch.spent["inner"] = 0
        began = time.perf_counter_ns()
        nothing()
        whole = time.perf_counter_ns() - began
        best_inner = min(best_inner, watch.spent["inner"] / calls / 1e3)
        best_outer = min(best_outer, (whole - watch.spent["inner"]) / calls / 1e3)
    return best_inner, best_outer
