"""
May this caller be served at all, and this tool: what is asked first, each time, and never remembered.

Put together here: what ended (`state.py`), how old that knowledge is (`lease.py`), and whether somebody broke the glass
(`stop_file.py`). What follows from it is decided in `checks/not_revoked.py`. No I/O but a look at a file.
"""

from dataclasses import dataclass
from typing import Final

from resource_lib.identity.principal import Principal
from resource_lib.revocation.lease import RETRY_S, Lease
from resource_lib.revocation.state import State, Stop
from resource_lib.revocation.stop_file import StopFile

STOP_FILE_RETRY_S: Final = 30
"""What callers are told while the file is there: nobody knows for how long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How somebody stands, with one tool or with none."""

    is_dead: bool = False
    """What they carry has ended."""
    stop: Stop | None = None
    """Why nobody is served; None: everybody may be."""
    is_killed: bool = False
    """There is no such tool now."""
    is_old: bool = False
    """What is known is too old for whatever writes, or returns what is sensitive."""
    is_too_old: bool = False
    """What is known is too old for everything."""
    retry_after_s: int = RETRY_S


GOOD: Final = Standing()
"""Nothing stands against it."""
_OF_THE_FILE: Final = Stop(STOP_FILE_RETRY_S)


class Standings:
    """
    Answers how callers stand. Without `state` and `lease`, which go together, nobody is followed; without `stop_file` there is no
    glass to break.
    """

    __slots__ = ("_lease", "_state", "_stop_file")

    def __init__(self, *, state: State | None, lease: Lease | None, stop_file: StopFile | None) -> None:
        self._state = state
        self._lease = lease
        self._stop_file = stop_file

    def of(self, principal: Principal, tool: str | None = None, definition_hash: str | None = None) -> Standing:
        """
        Return how `principal` stands, with `tool` if they call one.

        `definition_hash` is what the tool is today; without it a tool of which some version is killed is as good as killed.
        """
        stop_file, state, lease = self._stop_file, self._state, self._lease
        stop = _OF_THE_FILE if stop_file is not None and stop_file.is_there else None
        if state is None or lease is None:
            return GOOD if stop is None else Standing(stop=stop)
        age = lease.clock() - lease.fresh_at
        if stop is None and age <= lease.max_staleness and state.is_empty and state.knows(principal.tenant):
            return GOOD
        tenant = principal.tenant
        is_dead = state.dead(principal)
        stop = stop or state.stop(tenant, principal.authorized)
        is_killed = tool is not None and self._is_killed(state, tenant, tool, definition_hash)
        if stop is None and not is_dead and not is_killed and age <= lease.max_staleness:
            return GOOD
        return Standing(
            is_dead=is_dead,
            stop=stop,
            is_killed=is_killed,
            is_old=age > lease.max_staleness,
            is_too_old=age > lease.read_staleness,
            retry_after_s=lease.retry_after_s,
        )

    def is_dead(self, principal: Principal) -> bool:
        """Tell whether what `principal` carries has ended."""
        return self._state is not None and self._state.dead(principal)

    def killed_versions(self, tenant: str, tool: str) -> frozenset[str]:
        """Return the hashes of the definitions of a tool that are stopped in `tenant`."""
        return frozenset() if self._state is None else self._state.killed_versions(tenant, tool)

    def is_listed(self, tenant: str, tool: str) -> bool:
        """Tell whether there is such a tool in `tenant`, in some version."""
        return self._state is None or not self._state.is_killed(tenant, tool)

    @property
    def has_killed_versions(self) -> bool:
        """Whether some version of some tool was ever stopped, so that it matters what a tool is today."""
        return self._state is not None and self._state.has_killed_versions

    @property
    def hides_tools(self) -> bool:
        """Whether some tool, or some version of one, was ever stopped."""
        return self._state is not None and self._state.hides_tools

    @staticmethod
    def _is_killed(state: State, tenant: str, tool: str, definition_hash: str | None) -> bool:
        if state.is_killed(tenant, tool):
            return True
        if not state.has_killed_versions:
            return False
        killed = state.killed_versions(tenant, tool)
        return bool(killed) and (definition_hash is None or definition_hash in killed)
