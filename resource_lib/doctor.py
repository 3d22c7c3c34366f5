"""
What a guard does and does not do, looked up in its parts: for `doctor()` and for the line it logs at start.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from resource_lib.approval.said import who
from resource_lib.arguments import ArgumentMode
from resource_lib.controls.kept import Facts, kept
from resource_lib.limits.gate import Gate
from resource_lib.lint import Watching
from resource_lib.output import Output
from resource_lib.parts import Parts
from resource_lib.policy import Demand, policy_warnings
from resource_lib.probing import Tried, strangers
from resource_lib.report import Report
from resource_lib.wire.approvals import ApprovalRule


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What a guard was told that none of its parts knows."""

    metadata_url: str
    initial_scopes: frozenset[str]
    has_credential: bool
    api_keys: bool
    arguments: ArgumentMode
    output: Output | None
    lint: Watching
    has_own_verifier: bool = False
    tried: Collection[Tried] = ()
    """The forbidden requests that were made, and what became of each."""


def report(parts: Parts, told: Told) -> Report:
    """Return it."""
    tools, revocations, overlay = parts.policies.base, parts.revocations, parts.overlay
    lease, stop_file = revocations.lease, revocations.stop_file
    return Report(
        mode="full" if told.has_credential else "token-only",
        lease=None if lease is None else f"{lease.max_staleness:g} s, {lease.read_staleness:g} s for plain reads",
        feed_age_s=None if lease is None else lease.age,
        stop_file=None if stop_file is None else str(stop_file.path),
        is_stopped=stop_file is not None and stop_file.is_there,
        issuer=parts.settings.issuer,
        resource=parts.settings.resource,
        metadata_url=told.metadata_url,
        tools={
            word: tuple(sorted(name for name, demand in tools.items() if demand.tool_class == word))
            for word in ("read", "write", "destructive")
        },
        initial_scopes=tuple(sorted(told.initial_scopes)),
        has_credential=told.has_credential,
        api_keys=told.api_keys,
        approvals={
            name: who(demand.approval) if demand.approval is not None else f"{who(ApprovalRule())}, for some calls"
            for name, demand in sorted(tools.items())
            if demand.may_ask
        },
        overlay_age_s=None if overlay is None else overlay.age,
        warnings=tuple(_warnings(parts, told)),
        refusals={one.what: (one.state, one.detail) for one in told.tried},
        record=None if parts.record is None else parts.record.doctor(),
        limits=None if parts.gate is None else parts.gate.limits.said(tools),
        downstream={name: str(one.limit) for name, one in sorted(parts.budgets.items())},
        limit_store=None if parts.gate is None else parts.gate.said,
        controls={one.control.id: (one.state, one.why) for one in kept(_facts(parts, told))},
    )


def _facts(parts: Parts, told: Told) -> Facts:
    tools, gate, output = parts.policies.base, parts.gate, told.output
    without = {what for what, _, _, _ in strangers(parts.settings.resource)}
    passed = {one.what for one in told.tried if one.state == "not refused"}
    return Facts(
        tools=tuple(tools.values()),
        has_issuer=told.has_credential,
        passes_tokens_on=parts.settings.forward_authorization,
        api_keys=told.api_keys,
        arguments=told.arguments,
        has_limits=gate is not None,
        has_output=output is not None,
        has_taint=parts.judge.taints is not None,
        has_lint=told.lint.has_seen_tools,
        has_record=parts.record is not None,
        has_budgets=bool(parts.budgets),
        lint_mode=told.lint.mode,
        found=told.lint.of_controls,
        open_tools=told.lint.open_tools,
        has_own_verifier=told.has_own_verifier,
        let_in=passed & without,
        let_through=passed - without,
        counts_requests=gate is None or bool(gate.limits.of_requests),
        unlimited=() if gate is None else {name for name, demand in tools.items() if not gate.limits.of_tool(demand)},
        **({} if output is None else _of_output(output)),
    )


def _of_output(output: Output) -> dict[str, Any]:
    return {"most_characters": output.most_characters, "screening": output.screening, "detects": output.detect}


def _warnings(parts: Parts, told: Told) -> list[str]:
    settings, tools = parts.settings, parts.policies.base
    found = [f"probe: {one.what} is {one.state}: {one.detail}" for one in told.tried if one.state != "refused"]
    if settings.forward_authorization:
        found.append("forward_authorization: the wrapped server sees callers' tokens and must not pass them on")
    if not settings.close_streams_at_expiry:
        found.append("close_streams_at_expiry: an open stream outlives the token that opened it")
    found += policy_warnings(tools.values())
    found += _of_limits(parts.gate, tools)
    found += [] if parts.record is None else parts.record.warnings
    if parts.overlay is not None and parts.overlay.is_old:
        found.append("overlay: what operators demand has not been confirmed for a while; is the issuer there?")
    found += parts.revocations.warnings
    found += told.lint.warnings
    found += _of_taint(parts, told)
    if parts.judge.taints is not None and (people := parts.judge.taints.untold):
        found.append(
            f"taint: other processes do not know yet that {people} people were given text from outside: the store of limits is away"
        )
    return found


def _of_limits(gate: Gate | None, tools: Mapping[str, Demand]) -> list[str]:
    if gate is None:
        return ["limits: nothing is limited (limits=None), and a tool's own limit does not hold"]
    away = gate.shared is not None and gate.shared.state.away_s is not None
    return [*gate.limits.warnings(tools), *([f"limits: {gate.shared.state}"] if away and gate.shared else [])]


def _of_taint(parts: Parts, told: Told) -> list[str]:
    """Return what an operator should know of text from outside."""
    if told.output is None:
        return []
    settings, tools = told.output.taint, parts.policies.base
    outside = sorted(name for name, demand in tools.items() if "outside" in demand.returns)
    writing = sorted(name for name, demand in tools.items() if demand.tool_class != "read")
    if settings is None:
        return ["taint: writes may follow text from outside unasked (taint=None)"] if writing else []
    if not outside or not writing or told.has_credential:
        return []
    after = f"after {', '.join(outside[:5])}"
    if parts.judge.taints is None:
        return [f"taint: nobody can be asked (token-only), so writes {after} are not held (alone='label')"]
    return [
        f"taint: nobody can be asked (token-only), so writes {after} are refused for {settings.seconds} s; give the guard a credential"
    ]
