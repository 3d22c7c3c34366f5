"""
What a tool demands.
"""

from resource_lib.policy.method_policy import MethodPolicy
from resource_lib.policy.tool_policy import (
    Demand,
    ToolClass,
    ToolPolicy,
    destructive,
    from_annotations,
    method_demands,
    read,
    tool_demands,
    write,
)

__all__ = [
    "Demand",
    "MethodPolicy",
    "ToolClass",
    "ToolPolicy",
    "destructive",
    "from_annotations",
    "method_demands",
    "read",
    "tool_demands",
    "write",
]
