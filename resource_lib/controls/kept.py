"""
Which controls one guard keeps: each on, off, an option that nobody has taken, kept elsewhere, or not applicable, and why.

Decided from what the guard was told, what the linter found in its tools, and what it did not refuse when it was asked to; never from what a
peer says of itself. C66.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from resource_lib.policy.demand import Demand
from resource_lib.wire.controls import CONTROLS, Control

State = Literal["on", "off", "option", "elsewhere", "not applicable"]
_MOST_CHARACTERS: Final = 10_000
_SHOWN: Final = 5


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
    """Whether the linter has looked at any tool."""
    has_record: bool = False
    """Whether calls are recorded."""
    has_budgets: bool = False
    """Whether a tool asks another service by a client that counts."""
    lint_mode: str = "warn"
    found: Mapping[str, Collection[str]] = field(default_factory=dict)
    """What the linter would have mended, by control."""
    open_tools: Collection[str] = ()
    """The tools that say of themselves that they reach the open world."""
    has_own_verifier: bool = False
    """Whether something else than this library tells good tokens from bad ones."""
    let_in: Collection[str] = ()
    """The forbidden requests without a token that counts, of those that were made, that were not refused."""
    let_through: Collection[str] = ()
    """The other ones."""
    most_characters: int = _MOST_CHARACTERS
    screening: str = "annotate"
    detects: bool = True
    """Whether free text is searched for personal data."""
    counts_requests: bool = True
    """Whether something is counted for whatever is asked, beside what each tool may."""
    unlimited: Collection[str] = ()
    """The tools whose calls nothing counts."""


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


def _recorded(facts: Facts) -> _Answer:
    return _when(
        facts.has_record, "calls are not recorded: give the guard a credential, or write record=Record(spool=…)"
    )


def _needs_output(facts: Facts) -> _Answer:
    return _when(facts.has_output, "output=None: leave it out, or write preset='full'")


def _needs_limits(facts: Facts) -> _Answer:
    return _when(facts.has_limits, "limits=None: leave it out, or write preset='full'")


def _budgets(facts: Facts) -> _Answer:
    if facts.has_budgets:
        return "on", ""
    return "option", "for tools that ask other services: guard.downstream(name, limit)"


def _few(names: Collection[str]) -> str:
    listed = sorted(names)
    return ", ".join(listed[:_SHOWN]) + (f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else "")


def _linted(control: str) -> Callable[[Facts], _Answer]:
    """Return what holds where the linter has looked, and has nothing to say about this control."""

    def asked(facts: Facts) -> _Answer:
        if facts.lint_mode == "off":
            return "off", "lint='off': leave it out, for 'warn'"
        if not facts.has_lint:
            return "off", "no tool was looked at yet: run `python -m resource_lib lint`"
        return _when(not facts.found.get(control), f"the linter found {_few(facts.found.get(control, ()))}")

    return asked


def _refused(facts: Facts) -> _Answer:
    return _when(not facts.let_in, f"not refused: {_few(facts.let_in)}")


def _verified(facts: Facts) -> _Answer:
    return (
        ("elsewhere", "verifier=: something else tells good tokens from bad ones")
        if facts.has_own_verifier
        else ("on", "")
    )


def _named_alone(facts: Facts) -> _Answer:
    """A tool that no policy names, and a call without its scope."""
    return _when(not facts.let_through, f"not refused: {_few(facts.let_through)}")


def _modes(facts: Facts) -> _Answer:
    told = [
        demand for demand in facts.tools if demand.denied or demand.observed is not None or demand.approval is not None
    ]
    return (
        ("on", "")
        if told or facts.has_issuer
        else ("option", "every tool is allowed: mode=, approval=, or a policy file")
    )


def _sense(facts: Facts) -> _Answer:
    looks_back = any(one.condition.looks_back for demand in facts.tools for one in demand.conditions)
    return _when(
        looks_back or facts.has_taint,
        "no condition looks back and no taint is kept: write when=, or leave output= as it is",
    )


def _short(facts: Facts) -> _Answer:
    if not facts.has_output:
        return _needs_output(facts)
    most = facts.most_characters
    return _when(most <= _MOST_CHARACTERS, f"most_characters={most}: leave it out, for {_MOST_CHARACTERS}")


def _personal(facts: Facts) -> _Answer:
    if not facts.has_output:
        return _needs_output(facts)
    return _when(facts.detects, "detect=False: only what an output schema calls x-pii is masked; leave it out")


def _screened(facts: Facts) -> _Answer:
    if not facts.has_output:
        return _needs_output(facts)
    return "on", "screening='observe': it is logged, and the answer does not say so" * (facts.screening == "observe")


def _per_tool(facts: Facts) -> _Answer:
    if not facts.has_limits:
        return _needs_limits(facts)
    return _when(not facts.unlimited, f"not limited: {_few(facts.unlimited)}")


def _per_server(facts: Facts) -> _Answer:
    if not facts.has_limits:
        return _needs_limits(facts)
    return _when(
        facts.counts_requests, "nothing is counted beside the calls of each tool: leave Limits(credential=…) as it is"
    )


def _approval(facts: Facts) -> _Answer:
    grave = [demand for demand in facts.tools if demand.tool_class == "destructive"]
    if not grave:
        return "not applicable", "no tool is destructive"
    unasked = sorted(demand.subject for demand in grave if not demand.may_ask)
    return _when(not unasked, f"nobody is asked about {', '.join(unasked[:5])}")


def _roles(facts: Facts) -> _Answer:
    return (
        ("on", "") if any(demand.roles for demand in facts.tools) else ("option", "no tool names roles: write roles=")
    )


def _clients(facts: Facts) -> _Answer:
    if any(demand.clients is not None for demand in facts.tools):
        return "on", ""
    return _when(facts.has_issuer, "name clients= for a tool, or give the guard a credential to hear operators")


def _outside(facts: Facts) -> _Answer:
    labelled = [demand.subject for demand in facts.tools if "outside" in demand.returns]
    hinted = [
        demand.subject for demand in facts.tools if demand.tool_class == "read" and demand.subject in facts.open_tools
    ]
    if not labelled and not hinted:
        return "not applicable", "no tool returns text from outside; say returns=['outside'] where one does"
    return _screened(facts)


def _authors_own(control: str) -> Callable[[Facts], _Answer]:
    """Return what the tools' author keeps, unless the linter found that they do not."""

    def asked(facts: Facts) -> _Answer:
        found = facts.found.get(control)
        return ("off", f"the linter found {_few(found)}") if found else _BY_AUTHOR

    return asked


ASKED: Final[dict[str, Callable[[Facts], _Answer]]] = {
    "C02": lambda facts: ("on", "") if facts.api_keys else ("not applicable", "no API keys are accepted"),
    "C03": _verified,
    "C06": _needs_issuer,
    "C07": _refused,
    "C08": _verified,
    "C10": lambda facts: _when(not facts.passes_tokens_on, "forward_authorization: tools see their callers' tokens"),
    "C12": _verified,
    "C13": _named_alone,
    "C14": _roles,
    "C15": _named_alone,
    "C16": _clients,
    "C18": _linted("C18"),
    "C20": _modes,
    "C21": _approval,
    "C22": _authors_own("C22"),
    "C24": _sense,
    "C25": lambda facts: _when(facts.has_taint, "no taint is kept: leave output= as it is"),
    "C26": _linted("C26"),
    "C27": lambda facts: _when(facts.arguments == "strict", f"arguments={facts.arguments!r}: write 'strict'"),
    "C29": _authors_own("C29"),
    "C30": _authors_own("C30"),
    "C31": _screened,
    "C32": _short,
    "C33": _outside,
    "C34": _personal,
    "C35": _needs_output,
    "C36": _needs_output,
    "C37": _per_tool,
    "C38": _needs_limits,
    "C39": _per_server,
    "C40": _budgets,
    "C41": _needs_limits,
    "C42": _needs_limits,
    "C43": _needs_limits,
    "C45": _recorded,
    "C46": _recorded,
    "C53": _needs_issuer,
    "C54": _needs_issuer,
}
"""What depends on what the guard was told, or on what was found; of the others their keeper says enough."""

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
    asked = ASKED.get(control.id)
    if asked is not None:
        return asked(facts)
    return _OF_KEEPERS.get(control.keeper, ("on", ""))
