"""
In what context is it called: what this authorization called before, what its person was given, and what else a condition may look at.
"""

from resource_lib.context.memory import CallMemory, ProcessMemory
from resource_lib.context.scenes import Scenes
from resource_lib.context.taints import Taints

__all__ = ["CallMemory", "ProcessMemory", "Scenes", "Taints"]
