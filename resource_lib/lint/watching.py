"""
The linter of one guard: looks at the tools when they are registered, and at each that is listed as something new.

It refuses nobody and changes nothing: what it finds is for authors and operators, in `doctor()` and in one line of the log. With
`lint="error"` it stops the start.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping
from typing import Any, Final, Literal

from resource_lib.definition import Definition
from resource_lib.lint.finding import Finding
from resource_lib.lint.linting import LintReport, lint
from resource_lib.lint.waivers import Waiver
from resource_lib.settings import SettingsError
from resource_lib.wire.tool_policy import ToolClass

LintMode = Literal["warn", "error", "off"]
MODES: Final[tuple[LintMode, ...]] = ("warn", "error", "off")

SHOWN: Final = 100
_MOST_TOOLS: Final = 5000
_GATHER_S: Final = 1.0

log = logging.getLogger("resource_lib.lint")


class Watching:
    """Keeps what was found in the tools of one server. `classes` is what the policy says of each."""

    def __init__(self, mode: LintMode, classes: Mapping[str, ToolClass], waivers: Collection[Waiver]) -> None:
        if mode not in MODES:
            raise SettingsError("lint", f"{mode!r} is unknown", 'write "warn", "error" or "off"')
        self.mode = mode
        self._classes = classes
        self._waivers = tuple(waivers)
        self._seen: set[str] = set()
        self._found: dict[str, tuple[Finding, ...]] = {}
        self._open: set[str] = set()
        self._due: asyncio.TimerHandle | None = None
        self._fresh: set[str] = set()

    @property
    def has_seen_tools(self) -> bool:
        """Whether any tool was looked at."""
        return bool(self._found)

    @property
    def open_tools(self) -> frozenset[str]:
        """The tools that said of themselves that they reach the open world, when they were last looked at."""
        return frozenset(self._open)

    @property
    def of_controls(self) -> Mapping[str, Collection[str]]:
        """What is to be mended, by the control that asks for it: tool and rule."""
        found: dict[str, list[str]] = {}
        for listed in self._found.values():
            for one in listed:
                if one.rule.severity != "advice":
                    found.setdefault(one.rule.control, []).append(f"{one.tool} ({one.rule.id})")
        return found

    def register(self, tools: Collection[Mapping[str, Any]] | None) -> None:
        """Look at all tools of the server before it serves. None: nobody knows them yet. Raises SettingsError with `lint="error"`."""
        if self.mode == "off":
            return
        if tools is None:
            if self.mode == "error":
                raise SettingsError(
                    "lint",
                    "the tools are not known at the start, so nothing could be found in them",
                    "make the app with guarded(server, guard), or say guard.wrap(app, listed=tools)",
                )
            return
        mine = [tool for tool in tools if tool.get("name") in self._classes]
        names = {tool["name"] for tool in mine}
        for tool in mine:
            self._note_world(tool)
        report = lint(mine, classes=self._classes, waivers=[waiver for waiver in self._waivers if waiver.tool in names])
        for name in names:
            self._found[name] = tuple(found for found in report.findings if found.tool == name)
        grave = report.at_least("warning")
        if grave and self.mode == "error":
            raise SettingsError(
                "lint", f"{report}; first: {grave[0]}", f"{grave[0].rule.cure}; or waive it with a reason"
            )
        if grave:
            log.warning("lint: %s; guard.doctor() and `python -m resource_lib lint` say which", report)

    def saw(self, definition: Definition) -> None:
        """Look at a tool that was just listed, once for each definition. Never raises."""
        if self.mode == "off" or definition.hash in self._seen or len(self._seen) >= _MOST_TOOLS:
            return
        self._seen.add(definition.hash)
        name = definition.tool.get("name")
        if not isinstance(name, str) or name not in self._classes or not definition.is_listed:
            return
        self._note_world(definition.tool)
        report = lint([definition.tool], classes=self._classes, waivers=self._waivers, is_whole=False)
        before = self._found.get(name)
        self._found[name] = report.findings
        if report.at_least("warning") and report.findings != before:
            self._fresh.add(name)
            self._tell_soon()

    @property
    def warnings(self) -> list[str]:
        """What `doctor()` says: everything but advice, one line each."""
        grave = [
            found for name in sorted(self._found) for found in self._found[name] if found.rule.severity != "advice"
        ]
        said = [f"lint: {found}" for found in grave[:SHOWN]]
        if len(grave) > SHOWN:
            said.append(f"lint: {len(grave) - SHOWN} more: `python -m resource_lib lint` says them")
        return said

    def _note_world(self, tool: Mapping[str, Any]) -> None:
        annotations = tool.get("annotations")
        is_open = isinstance(annotations, Mapping) and annotations.get("openWorldHint") is True
        (self._open.add if is_open else self._open.discard)(tool["name"])

    def _tell_soon(self) -> None:
        # Tools are listed one after the other, and an operator reads one line.
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(_GATHER_S, self._tell)

    def _tell(self) -> None:
        self._due = None
        found = [one for name in sorted(self._fresh) for one in self._found[name]]
        report = LintReport(tools=len(self._fresh), findings=tuple(found))
        self._fresh.clear()
        log.warning("lint: %s; guard.doctor() and `python -m resource_lib lint` say which", report)
