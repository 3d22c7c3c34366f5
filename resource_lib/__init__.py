"""
The library with which an MCP server enforces the tokens of an authorization server, tool by tool.

It is organised by the questions asked about a call: who (`identity/`), what is it traded for (`exchange/`), what is demanded
(`policy/`), is it allowed (`checks/`), whose rows (`data/`), how it arrives and leaves (`transport/`), and where it plugs in
(`integrations/`).
`guard.py` asks them in order.
"""

from resource_lib.data import TenantWallError, tenant_session
from resource_lib.exchange.errors import ExchangeError, ExchangeRefusedError, ExchangeUnavailableError
from resource_lib.exchange.upstream import ExchangedToken, exchange_for
from resource_lib.guard import GuardedApp, ResourceGuard
from resource_lib.identity.principal import NoPrincipalError, Principal, current_principal
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
    "ExchangeError",
    "ExchangeRefusedError",
    "ExchangeUnavailableError",
    "ExchangedToken",
    "GuardedApp",
    "NoPrincipalError",
    "Policy",
    "Principal",
    "ResourceGuard",
    "SettingsError",
    "TenantWallError",
    "ToolPolicy",
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
