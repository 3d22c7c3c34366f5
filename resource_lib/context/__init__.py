"""
In what context is it called: what this authorization called before, and what else a condition may look at.
"""

from resource_lib.context.memory import CallMemory, ProcessMemory
from resource_lib.context.scenes import Scenes

__all__ = ["CallMemory", "ProcessMemory", "Scenes"]
