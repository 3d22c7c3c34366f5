"""
A tool's policy beside its code: `@policy.tool(read("orders:read"))`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from resource_lib.policy.tool_policy import ToolPolicy
from resource_lib.settings import SettingsError

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Policy(Mapping[str, ToolPolicy]):
    """The policies of a server's tools, collected where the tools are written; `ResourceGuard(tools=policy)` takes it whole."""

    def __init__(self) -> None:
        self._tools: dict[str, ToolPolicy] = {}
        self._taken = False

    def tool(self, policy: ToolPolicy, *, name: str | None = None) -> Callable[[_Function], _Function]:
        """Return a decorator that gives `policy` to the tool of the function's name, or `name`, and leaves the function as it is.

        Raises SettingsError for a tool that has a policy already, and once a guard was made from it: a policy that nobody
        enforces would be worse than none.
        """

        def noted(function: _Function) -> _Function:
            tool = name or str(getattr(function, "__name__", ""))
            if self._taken:
                raise SettingsError(
                    f"policy.tool({tool!r})", "the guard is made already", "make the guard after its tools"
                )
            if tool in self._tools:
                raise SettingsError(
                    f"policy.tool({tool!r})", "the tool has a policy already", "give it one, in one place"
                )
            self._tools[tool] = policy
            return function

        return noted

    def take(self) -> "Policy":
        """Return it, closed to further tools. For the guard."""
        self._taken = True
        return self

    def __getitem__(self, tool: str) -> ToolPolicy:
        return self._tools[tool]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)
