"""
Which controls one guard keeps: each on, off, kept elsewhere, or not applicable, and why.

Decided from what the guard was told, never from what a peer says of itself. C66.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final, Literal

from resource_lib.policy.demand import Demand
from resource_lib.wire.controls import CONTROLS, Control

State = Literal["on", "off", "elsewhere", "not applicable"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What a guard was told, as far as controls follow from it."""

    tools: Collection[Demand]
    has_issuer: bool
    """Whether it speaks to its issuer: follows what ended, asks for approvals, hears operators."""
    passes_tokens_on: bool
    api_keys: bool
    arguments: str
    """`strict`, `advertised` or `off`."""
    has_limits: bool
    has_output: bool
    has_taint: bool
    has_lint: bool
    has_budgets: bool = False
    """Whether a tool asks another service by a client that counts."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One control in one deployment."""

    control: Control
    state: State
    why: str


_Answer = tuple[State, str]

_BY_ISSUER: Final[_Answer] = ("elsewhere", "the authorization server keeps it; ask `authserver check`")
_BY_AUTHOR: Final[_Answer] = ("elsewhere", "whoever writes the tools keeps it")
_BY_DEPLOYMENT: Final[_Answer] = ("elsewhere", "whoever runs this keeps it")
_LATER: Final[_Answer] = ("off", "not built yet")


def _when(holds: bool, cure: str) -> _Answer:
    return ("on", "") if holds else ("off", cure)


def _needs_issuer(facts: Facts) -> _Answer:
    return _when(facts.has_issuer, "token-only: give the guard a credential of its own")


def _needs_output(facts: Facts) -> _Answer:
    return _when(facts.has_output, "output=None: leave it out, or write preset='full'")


def _needs_limits(facts: Facts) -> _Answer:
    return _when(facts.has_limits, "limits=None: leave it out, or write preset='full'")


def _budgets(facts: Facts) -> _Answer:
    if facts.has_budgets:
        return "on", ""
    return "elsewhere", "for tools that ask other services: guard.downstream(name, limit)"


def _needs_lint(facts: Facts) -> _Answer:
    return _when(facts.has_lint, "no tool was looked at yet: run `python -m resource_lib lint`")


def _approval(facts: Facts) -> _Answer:
    grave = [demand for demand in facts.tools if demand.tool_class == "destructive"]
    if not grave:
        return "not applicable", "no tool is destructive"
    unasked = sorted(demand.subject for demand in grave if not demand.may_ask)
    return _when(not unasked, f"nobody is asked about {', '.join(unasked[:5])}")


def _roles(facts: Facts) -> _Answer:
    return ("on", "") if any(demand.roles for demand in facts.tools) else ("not applicable", "no tool names roles")


def _clients(facts: Facts) -> _Answer:
    if any(demand.clients is not None for demand in facts.tools):
        return "on", ""
    return _when(facts.has_issuer, "name clients= for a tool, or give the guard a credential to hear operators")


def _outside(facts: Facts) -> _Answer:
    if not any("outside" in demand.returns for demand in facts.tools):
        return "not applicable", "no tool returns text from outside; say returns=['outside'] where one does"
    return _needs_output(facts)


_ASKED: Final[dict[str, Callable[[Facts], _Answer]]] = {
    "C02": lambda facts: ("on", "") if facts.api_keys else ("not applicable", "no API keys are accepted"),
    "C06": _needs_issuer,
    "C10": lambda facts: _when(not facts.passes_tokens_on, "forward_authorization: tools see their callers' tokens"),
    "C14": _roles,
    "C16": _clients,
    "C18": _needs_lint,
    "C21": _approval,
    "C25": lambda facts: _when(facts.has_taint, "no taint is kept: leave output= as it is"),
    "C26": _needs_lint,
    "C27": lambda facts: _when(facts.arguments == "strict", f"arguments={facts.arguments!r}: write 'strict'"),
    "C31": _needs_output,
    "C32": _needs_output,
    "C33": _outside,
    "C34": _needs_output,
    "C35": _needs_output,
    "C36": _needs_output,
    "C37": _needs_limits,
    "C38": _needs_limits,
    "C39": _needs_limits,
    "C40": _budgets,
    "C41": _needs_limits,
    "C42": _needs_limits,
    "C43": _needs_limits,
    "C53": _needs_issuer,
    "C54": _needs_issuer,
}
"""What depends on what the guard was told; the others are always as `_fixed` says."""

_OF_KEEPERS: Final[dict[str, _Answer]] = {
    "issuer": _BY_ISSUER,
    "author": _BY_AUTHOR,
    "deployment": _BY_DEPLOYMENT,
    "client": ("not applicable", "it is the agent's side"),
}


def kept(facts: Facts) -> tuple[Kept, ...]:
    """Return every control, in order, as this guard keeps it."""
    return tuple(Kept(control, *_answer(control, facts)) for control in CONTROLS)


def _answer(control: Control, facts: Facts) -> _Answer:
    if control.default == "later":
        return _LATER
    asked = _ASKED.get(control.id)
    if asked is not None:
        return asked(facts)
    return _OF_KEEPERS.get(control.keeper, ("on", ""))
