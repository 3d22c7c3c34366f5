"""
The library with which an MCP server enforces the tokens of an authorization server, tool by tool.

It is organised by the questions asked about a call: who (`identity/`), what is it traded for (`exchange/`), what is demanded
(`policy/`), is it allowed (`checks/`), whose rows (`data/`), how it arrives and leaves (`transport/`), and where it plugs in
(`integrations/`).
`visit.py` asks them in order, and `guard.py` is where an author begins.

Each name is imported when it is first asked for: whoever needs one word of `wire/` does not wait for the guard.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from resource_lib.arguments import Bounds
    from resource_lib.audit import Record
    from resource_lib.data import TenantWallError, tenant_session
    from resource_lib.exchange.errors import ExchangeError, ExchangeRefusedError, ExchangeUnavailableError
    from resource_lib.exchange.upstream import ExchangedToken, exchange_for
    from resource_lib.guard import GuardedApp, ResourceGuard
    from resource_lib.identity.principal import NoPrincipalError, Principal, current_principal
    from resource_lib.limits.downstream import DownstreamLimitedError
    from resource_lib.limits.limits import Limited, Limits
    from resource_lib.limits.sql import SqlStore
    from resource_lib.limits.valkey import ValkeyStore
    from resource_lib.output import Output, Taint
    from resource_lib.policy import (
        Policy,
        ToolPolicy,
        ask,
        deny_if,
        destructive,
        from_annotations,
        read,
        require,
        step_up_if,
        write,
    )
    from resource_lib.settings import SettingsError
    from resource_lib.wire.approvals import ApprovalRule

__all__ = [
    "ApprovalRule",
    "Bounds",
    "DownstreamLimitedError",
    "ExchangeError",
    "ExchangeRefusedError",
    "ExchangeUnavailableError",
    "ExchangedToken",
    "GuardedApp",
    "Limited",
    "Limits",
    "NoPrincipalError",
    "Output",
    "Policy",
    "Principal",
    "Record",
    "ResourceGuard",
    "SettingsError",
    "SqlStore",
    "Taint",
    "TenantWallError",
    "ToolPolicy",
    "ValkeyStore",
    "ask",
    "current_principal",
    "deny_if",
    "destructive",
    "exchange_for",
    "from_annotations",
    "read",
    "require",
    "step_up_if",
    "tenant_session",
    "write",
]

_PLACES: Final = {
    "ApprovalRule": "resource_lib.wire.approvals",
    "Bounds": "resource_lib.arguments",
    "DownstreamLimitedError": "resource_lib.limits.downstream",
    "ExchangeError": "resource_lib.exchange.errors",
    "ExchangeRefusedError": "resource_lib.exchange.errors",
    "ExchangeUnavailableError": "resource_lib.exchange.errors",
    "ExchangedToken": "resource_lib.exchange.upstream",
    "GuardedApp": "resource_lib.guard",
    "Limited": "resource_lib.limits.limits",
    "Limits": "resource_lib.limits.limits",
    "NoPrincipalError": "resource_lib.identity.principal",
    "Output": "resource_lib.output",
    "Taint": "resource_lib.output",
    "Policy": "resource_lib.policy",
    "Principal": "resource_lib.identity.principal",
    "Record": "resource_lib.audit",
    "ResourceGuard": "resource_lib.guard",
    "SettingsError": "resource_lib.settings",
    "SqlStore": "resource_lib.limits.sql",
    "TenantWallError": "resource_lib.data",
    "ToolPolicy": "resource_lib.policy",
    "ValkeyStore": "resource_lib.limits.valkey",
    "ask": "resource_lib.policy",
    "current_principal": "resource_lib.identity.principal",
    "deny_if": "resource_lib.policy",
    "destructive": "resource_lib.policy",
    "exchange_for": "resource_lib.exchange.upstream",
    "from_annotations": "resource_lib.policy",
    "read": "resource_lib.policy",
    "require": "resource_lib.policy",
    "step_up_if": "resource_lib.policy",
    "tenant_session": "resource_lib.data",
    "write": "resource_lib.policy",
}
"""Where each public name lives."""


def __getattr__(name: str) -> Any:
    """Return a public name, imported now. PEP 562."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_PLACES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
