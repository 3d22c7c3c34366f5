"""
What a caller is shown of a tool's arguments, and is held to: one schema for both.

`strict`: the author's schema, closed (`closing.py`). `advertised`: the author's schema as it stands. Members of the guard's own, such as
a switch that only some callers may turn, are part of it for exactly those callers. Compiled once for each definition and each
set of such members; a schema that cannot be compiled holds nobody to anything, so its tool is neither shown nor called.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, get_args
from weakref import WeakKeyDictionary

from resource_lib.arguments.bounds import Bounds, measured
from resource_lib.arguments.closing import closed, exact
from resource_lib.arguments.engine import Checker, compiled
from resource_lib.arguments.reading import UnusableSchemaError
from resource_lib.arguments.words import wrong_fields
from resource_lib.decision import WrongField
from resource_lib.definition import Definition
from resource_lib.identity.principal import Principal
from resource_lib.settings import SettingsError

ArgumentMode = Literal["strict", "advertised", "off"]

Members = Mapping[str, Any]
OwnMembers = Callable[[Definition, Principal], Members]
"""Which members, by name and schema, the guard itself takes from this caller's arguments of this tool. The same names always
come with the same schemas."""

MOST_EXPLAINED: Final = 256
"""Values among which everything that is wrong is looked for."""
MOST_KEPT: Final = 2000
"""Definitions whose schemas are kept compiled."""

_NONE: Final[Members] = {}
_NO_ARGUMENTS: Final[Mapping[str, Any]] = {}

log = logging.getLogger("resource_lib.guard")


def no_members(_definition: Definition, _principal: Principal) -> Members:
    """Return that the guard has none of its own."""
    return _NONE


class Form:
    """What the arguments of one tool must be, for some callers."""

    __slots__ = ("_bounds", "_checker", "own", "schema")

    def __init__(self, schema: Mapping[str, Any], checker: Checker, bounds: Bounds, own: frozenset[str]) -> None:
        self.schema = schema
        """As it is listed, and as it is enforced."""
        self.own = own
        """The members that are the guard's own: the server gets its arguments without them."""
        self._checker = checker
        self._bounds = bounds

    def wrong(self, arguments: Any) -> tuple[WrongField, ...]:
        """Return which fields of a call's arguments are wrong; none: it is as advertised. None counts as no arguments."""
        if arguments is None:
            arguments = _NO_ARGUMENTS
        values, found = measured(arguments, self._bounds)
        if found is not None:
            return wrong_fields([found])
        if self._checker.fits(arguments):
            return ()
        # To put everything that is wrong with ten thousand items into words can take a second: of so many the first is named. Whatever
        # the checker cannot put into words is wrong all the same.
        wrong = self._checker.wrong(arguments, first_alone=values > MOST_EXPLAINED)
        return wrong_fields(wrong) or (WrongField("", "is not as the schema demands"),)


class Advertised:
    """Answers, for each tool and caller, what is shown and enforced."""

    def __init__(self, *, is_strict: bool, bounds: Bounds) -> None:
        self._is_strict = is_strict
        self._bounds = bounds
        self.own: OwnMembers = no_members
        """Members of the guard's own; set before the first call."""
        self._forms: WeakKeyDictionary[Definition, dict[frozenset[str], Form | None]] = WeakKeyDictionary()

    def __call__(self, definition: Definition, principal: Principal) -> Mapping[str, Any] | None:
        """Return the JSON Schema of the arguments as this caller is shown it; None: nobody can be held to the author's."""
        form = self.form(definition, principal)
        return None if form is None else form.schema

    def form(self, definition: Definition, principal: Principal) -> Form | None:
        """Return what this caller's arguments must be; None: nobody can tell, so the tool cannot be called."""
        forms = self._forms.get(definition)
        if forms is None:
            if len(self._forms) >= MOST_KEPT:
                # A server that describes itself differently to each caller: what was compiled first is compiled again.
                self._forms.pop(next(iter(self._forms)), None)
            forms = self._forms[definition] = {}
        members = self.own(definition, principal)
        names = frozenset(members)
        try:
            return forms[names]
        except KeyError:
            found = forms[names] = self._made(definition, members)
            return found

    def _made(self, definition: Definition, members: Members) -> Form | None:
        try:
            schema = definition.input_schema
            own: frozenset[str] = frozenset()
            if members and isinstance(schema, dict):
                schema, own = _with_members(schema, members)
            read = closed(schema) if self._is_strict else exact(schema)
            # Arguments are an object, whether the schema says so or not.
            checker = compiled(read if read.get("type") == "object" else {**read, "type": "object"})
        except UnusableSchemaError as error:
            name = str(definition.tool.get("name"))[:200]
            log.error(
                "the tool %r can be neither listed nor called: its inputSchema cannot be enforced, because %s. "
                "Correct it, or set arguments='off'",
                name,
                error,
                extra={"event": "tool.unusable_schema"},
            )
            return None
        return Form(read if self._is_strict else schema, checker, self._bounds, own)


def advertised_by(mode: ArgumentMode, bounds: Bounds | None) -> Advertised | None:
    """Return what callers are held to by a setting; None: nothing. Raises SettingsError."""
    if mode not in get_args(ArgumentMode):
        raise SettingsError("arguments", f"{mode!r} is unknown", "write 'strict', 'advertised' or 'off'")
    if bounds is not None and not isinstance(bounds, Bounds):
        raise SettingsError("argument_bounds", "are none", "write Bounds(…) of resource_lib")
    return None if mode == "off" else Advertised(is_strict=mode == "strict", bounds=bounds or Bounds())


def _with_members(schema: dict[str, Any], members: Members) -> tuple[dict[str, Any], frozenset[str]]:
    """Return a schema that takes `members` as well, and which of them; a member that its author has named stays the author's."""
    properties = schema.get("properties", {})
    if not isinstance(properties, dict):
        return schema, frozenset()
    added = {name: member for name, member in members.items() if name not in properties}
    if not added:
        return schema, frozenset()
    more: dict[str, Any] = {"properties": {**properties, **added}}
    if not ({"properties", "patternProperties", "additionalProperties", "unevaluatedProperties"} & schema.keys()):
        more["additionalProperties"] = True  # it said nothing of its members, so it is not closed because of ours
    return {**schema, **more}, frozenset(added)
