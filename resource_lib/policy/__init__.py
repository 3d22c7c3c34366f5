"""
What a tool demands: its author's word, a policy file, a tenant's overlay, which only ever tighten.
"""

from resource_lib.policy.book import Policy
from resource_lib.policy.demand import Demand, demand_of, tightened
from resource_lib.policy.layers import layers_of
from resource_lib.policy.method_policy import MethodPolicy
from resource_lib.policy.policies import Overlays, Policies, Preset, is_offered, policy_warnings
from resource_lib.policy.policy_file import PolicyFile, read_policy_file
from resource_lib.policy.tool_policy import (
    ToolPolicy,
    ask,
    deny_if,
    destructive,
    from_annotations,
    method_demands,
    read,
    require,
    rules_of,
    step_up_if,
    tool_demands,
    write,
)
from resource_lib.wire.approvals import stricter
from resource_lib.wire.tool_policy import ToolClass

__all__ = [
    "Demand",
    "MethodPolicy",
    "Overlays",
    "Policies",
    "Policy",
    "PolicyFile",
    "Preset",
    "ToolClass",
    "ToolPolicy",
    "ask",
    "demand_of",
    "deny_if",
    "destructive",
    "from_annotations",
    "is_offered",
    "layers_of",
    "method_demands",
    "policy_warnings",
    "read",
    "read_policy_file",
    "require",
    "rules_of",
    "step_up_if",
    "stricter",
    "tightened",
    "tool_demands",
    "write",
]
