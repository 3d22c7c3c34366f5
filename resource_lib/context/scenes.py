"""
What the conditions about one call may look at, put together only when one asks.
"""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from resource_lib.context.memory import CallMemory
from resource_lib.identity.principal import Principal
from resource_lib.settings import SettingsError
from resource_lib.wire.condition import Scene


class Scenes:
    """Knows the domains of each tenant, and whom to ask about earlier calls."""

    def __init__(self, memory: CallMemory, domains: Mapping[str, Collection[str]]) -> None:
        self.memory = memory
        self.used: Callable[[str, str], None] | None = None
        """Told of each call that was let through: its tool, and the tenant of whoever called; None: nobody is."""
        self._domains = {tenant: _domains(tenant, named) for tenant, named in domains.items()}

    def of(
        self,
        tool: str,
        params: Any,
        principal: Principal,
        granted: frozenset[str],
        now: float,
        *,
        alone: bool,
        tool_class: str | None = None,
    ) -> Scene:
        """Return the scene of a call of `tool`. Absent arguments are none, as the protocol has it. Raises for no call.

        Beside others in one body a call knows nothing of earlier ones: what came first there is for nobody to say.
        """
        arguments = params.get("arguments", {}) if type(params) is dict else None
        age = None if principal.auth_time is None else now - principal.auth_time
        authorization = principal.authorization_id
        memory = self.memory
        return Scene(
            args=arguments,
            tool=tool,
            tool_class=tool_class,
            client=principal.client_id,
            subject=principal.subject,
            roles=principal.roles,
            scopes=granted,
            tenant=principal.tenant,
            tenant_domains=self._domains.get(principal.tenant),
            purpose=principal.purpose,
            is_service=principal.is_service,
            now=now,
            called=(lambda other, within, same: memory.called(authorization, other, within, same, age))
            if alone
            else None,
            first_use=partial(memory.first_use, authorization, tool, age) if alone else None,
        )

    def note(self, tool: str, params: Any, principal: Principal) -> None:
        """Remember that a call was let through."""
        arguments = params.get("arguments", {}) if type(params) is dict else None
        self.memory.remember(principal.authorization_id, tool, arguments)
        if self.used is not None:
            self.used(tool, principal.tenant)


def _domains(tenant: str, named: Collection[str]) -> frozenset[str]:
    if isinstance(named, str) or not all(
        isinstance(name, str) and name == name.strip().lower() != "" for name in named
    ):
        raise SettingsError(f"tenant_domains[{tenant!r}]", "is no list of domains", "write them in lower case")
    return frozenset(named)
