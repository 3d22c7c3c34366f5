"""
From which places a tool's demands come, before any tenant says more: the author's code, and the policy file over it.
"""

from collections.abc import Mapping

from resource_lib.policy.book import Policy
from resource_lib.policy.policy_file import PolicyFile
from resource_lib.policy.tool_policy import ToolPolicy, refuse_open_read, rules_of
from resource_lib.settings import SettingsError
from resource_lib.wire.tool_policy import EVERY_TOOL, Rules


def layers_of(tools: Mapping[str, ToolPolicy] | None, file: PolicyFile | None) -> dict[str, tuple[Rules, ...]]:
    """Return the layers of each tool, the first one's author first. Raises SettingsError.

    The code names the tools, and the file tightens them. Without tools in the code the file is the author: each tool there
    says its class. A tool that only the file knows would be a mistyped one, so it stops the start.
    """
    if isinstance(tools, Policy):
        tools.take()
    if file is None:
        return {name: (rules,) for name, rules in rules_of(tools or {}).items()}
    for_all = (file.tools[EVERY_TOOL],) if EVERY_TOOL in file.tools else ()
    named = {name: rules for name, rules in file.tools.items() if name != EVERY_TOOL}
    if tools is None:
        return {name: (_whole(file, name, rules), *for_all) for name, rules in _some(file, named).items()}
    written = rules_of(tools)
    for name in named:
        if name not in written:
            raise file.error(("tools", name), "is no tool of this server", "correct the name, or leave it out")
    return {name: (rules, *for_all, *((named[name],) if name in named else ())) for name, rules in written.items()}


def _some(file: PolicyFile, named: Mapping[str, Rules]) -> Mapping[str, Rules]:
    if not named:
        raise file.error(("tools",), "names no tool, and neither does the code", "write tools: and their names")
    return named


def _whole(file: PolicyFile, name: str, rules: Rules) -> Rules:
    """Return the rules of a tool that the file alone knows; they must say what the code would have said."""
    if rules.tool_class is None:
        raise file.error(("tools", name), "says no class", "write class: read, write or destructive")
    try:
        refuse_open_read(name, rules)
    except SettingsError:
        raise file.error(
            ("tools", name), "is a read tool without a scope, so every token would do", "write scopes: [orders:read]"
        ) from None
    return rules
