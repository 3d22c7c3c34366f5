"""
One exact call, as a person is asked about it: whose, which tool as it stands today, which arguments.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from resource_lib.identity.principal import Principal
from resource_lib.wire.approvals import ApprovalRule, Follows


@dataclass(frozen=True, kw_only=True, slots=True)
class ExactCall:
    """Everything an approval is bound to, and what a person is shown."""

    principal: Principal
    token: str = field(repr=False)
    """The caller's own: the issuer proves by it who calls."""
    tool: str
    tool_class: str
    arguments: Mapping[str, Any] = field(repr=False)
    args_hash: str
    definition_hash: str
    policy_version: str
    rule: ApprovalRule
    title: str = ""
    description: str = ""
    version: str = ""
    follows: Follows | None = None
    """What the person reads that it follows. No yes is bound to it: the call is the same."""
    releases: bool = False
    """Whether the tool has run already, and a yes hands over its answer, which is in the arguments."""
    reached_at: float
    """When it reached the guard, on the flow's own clock."""

    @property
    def key(self) -> bytes:
        """What calls have in common that one yes is for."""
        principal = self.principal
        named = (
            principal.tenant,
            principal.subject,
            principal.client_id,
            principal.authorization_id,
            self.tool,
            self.args_hash,
            self.definition_hash,
            self.policy_version,
        )
        return sha256("\n".join(f"{len(name)}:{name}" for name in named).encode("utf-8", "surrogatepass")).digest()

    def asked(self, *, instance_id: str, age_ms: int, only_known: bool = False) -> dict[str, Any]:
        """Return what the issuer is told to find its approval, or, unless `only_known`, to ask for one."""
        return {
            **({"only_known": True} if only_known else {}),
            **self.begun(instance_id=instance_id),
            "tool": self.tool,
            "tool_class": self.tool_class,
            "arguments": self.arguments,
            "display": {
                "title": self.title,
                "description": self.description,
                "version": self.version,
                **({} if self.follows is None else {"follows": self.follows.to_json()}),
                **({"releases": True} if self.releases else {}),
            },
            "rule": self.rule.to_json(),
            "age_ms": age_ms,
        }

    def begun(self, *, instance_id: str) -> dict[str, Any]:
        """Return what the issuer is told when it is to begin."""
        return {
            "access_token": self.token,
            "args_hash": self.args_hash,
            "definition_hash": self.definition_hash,
            "policy_version": self.policy_version,
            "instance_id": instance_id,
        }
