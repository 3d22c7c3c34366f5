"""A server's own policy without its approvals, for tests whose subject is what a call does once it runs."""

from collections.abc import Mapping
from dataclasses import replace

from resource_lib import ToolPolicy


def unasked(tools: Mapping[str, ToolPolicy]) -> dict[str, ToolPolicy]:
    """Return the same demands, except that no call waits for a person's yes."""
    return {
        name: replace(policy, approval=False, rules=replace(policy.rules, approval=False))
        for name, policy in tools.items()
    }
