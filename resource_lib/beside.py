"""
Long work in a thread beside the event loop, so that whoever else is served does not wait for it.

The interpreter runs one thread at a time and changes between them every few milliseconds: the work takes as long, and the loop goes on. What
runs here touches nothing that the loop changes. Few threads, so that what is long waits for what is long and for nothing else.
"""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Final, TypeVar

Found = TypeVar("Found")

_MOST: Final = 2
_pools: list[ThreadPoolExecutor] = []


async def beside(work: Callable[[], Found]) -> Found:
    """Return what `work()` returns, or raise what it raises."""
    if not _pools:
        _pools.append(ThreadPoolExecutor(_MOST, thread_name_prefix="beside"))
    return await asyncio.get_running_loop().run_in_executor(_pools[0], copy_context().run, work)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)
