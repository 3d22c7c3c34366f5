"""
What a method other than `tools/call` demands.

A resource, a prompt or a completion can show whatever a read tool shows, so without a word from the author:

- the words of the protocol itself (`initialize`, `ping`, `server/discover`, `tools/list`, `logging/setLevel`,
  notifications, a client's own answers) need a valid token and no more;
- a catalogue (`resources/list`, `resources/templates/list`, `prompts/list`) says what there is: one of the read
  scopes is enough;
- everything else, a method nobody knows too, needs every read scope of the policy. A policy without a read scope
  leaves them closed until `methods=` says what they need.
"""

from collections.abc import Mapping
from typing import Any, Final

from resource_lib.policy.demand import Demand

PROTOCOL: Final = frozenset({"initialize", "ping", "server/discover", "tools/list", "logging/setLevel"})
CATALOGUES: Final = frozenset({"resources/list", "resources/templates/list", "prompts/list"})
DOCUMENTS: Final = frozenset({"resources/read", "prompts/get", "completion/complete"})
"""Methods that call no tool and may return what one does."""

_LIST_CHANGES: Final = frozenset({"toolsListChanged", "promptsListChanged", "resourcesListChanged"})


class MethodPolicy:
    """Answers what any method demands, from what the author said and the read scopes of the tools."""

    __slots__ = ("_named", "_read_scopes")

    def __init__(self, named: Mapping[str, Demand], read_scopes: frozenset[str]) -> None:
        self._named = named
        self._read_scopes = read_scopes

    def demand(self, method: str, params: Any) -> Demand | None:
        """Return what `method` needs, or None when a valid token is enough."""
        named = self._named.get(method)
        if named is not None:
            return named
        if method in PROTOCOL or method.startswith("notifications/"):
            return None
        if method == "subscriptions/listen" and _only_list_changes(params):
            return None
        return Demand(
            subject=method,
            tool_class="read",
            scopes=self._read_scopes,
            any_scope=method in CATALOGUES,
            closed="" if self._read_scopes else "no scope stands for it: name it in methods=",
            is_tool=False,
        )


def _only_list_changes(params: Any) -> bool:
    """Tell whether a subscription asks only to hear that a list has changed, which shows nothing of its content."""
    wanted = params.get("notifications") if isinstance(params, Mapping) else None
    return isinstance(wanted, Mapping) and wanted.keys() <= _LIST_CHANGES
