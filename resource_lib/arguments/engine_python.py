"""
A schema compiled by `jsonschema`, where jsonschema-rs has no wheel.

Its patterns run in Python's own engine, which can take for ever over some of them: only patterns are taken that cannot, and only for texts
of a bounded length. Formats that nothing here can assert are refused.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from itertools import groupby, islice
from typing import Any, Final
from uuid import UUID

import jsonschema
import referencing

from resource_lib.arguments.broken import Broken, described, members_of
from resource_lib.arguments.reading import UnusableSchemaError
from resource_lib.arguments.words import Path

MOST_PATTERN_TEXT: Final = 2048
"""Characters of a text that is held to a pattern."""
_MOST_UNBOUNDED: Final = 2
_MOST_OPTIONAL: Final = 8


class Compiled:
    """One of them."""

    def __init__(self, schema: dict[str, Any]) -> None:
        _refuse_what_cannot_be_asserted(schema)
        _Validator.check_schema(schema, format_checker=None)
        self._schema = schema
        self._validator = _Validator(schema, registry=referencing.Registry(), format_checker=_FORMATS)
        self.fits = self._validator.is_valid

    def wrong(self, value: Any, *, first_alone: bool = False) -> Iterator[tuple[Path, str]]:
        """Return what is wrong with `value`; the first thing alone where that is enough."""
        for error in islice(self._validator.iter_errors(value), 1 if first_alone else None):
            yield from described(self._broken(error))

    def _broken(self, error: Any) -> Broken:
        keyword = error.validator or "falseSchema"
        path = tuple(error.absolute_path)
        instance, value = error.instance, error.validator_value
        if keyword == "required":
            return Broken(path, keyword, names=tuple(name for name in value if name not in instance))
        if keyword == "dependentRequired":
            missing = (name for first, names in value.items() if first in instance for name in names)
            return Broken(path, keyword, names=tuple(name for name in missing if name not in instance))
        if keyword in ("additionalProperties", "unevaluatedProperties"):
            known = members_of(self._schema, error.schema)
            patterns = error.schema.get("patternProperties", ())
            extra = (name for name in instance if name not in known)
            names = tuple(name for name in extra if not any(_found(pattern, name) for pattern in patterns))
            return Broken(path, keyword, names=names or tuple(instance)[:1], known=known)
        if keyword in ("anyOf", "oneOf"):
            return Broken(path, keyword, branches=self._branches(error, len(value)))
        return Broken(path, keyword, allowed=value)

    def _branches(self, error: Any, count: int) -> tuple[tuple[Broken, ...], ...]:
        by_form = {
            form: tuple(self._broken(each) for each in errors)
            for form, errors in groupby(error.context, key=lambda each: each.relative_schema_path[0])
        }
        return tuple(by_form.get(form, ()) for form in range(count))


def compiled(schema: dict[str, Any]) -> Compiled:
    """Return the schema, compiled. Raises UnusableSchemaError."""
    try:
        return Compiled(schema)
    except jsonschema.SchemaError as error:
        raise UnusableSchemaError(f"it cannot be compiled: {error.message[:300]}") from None
    except RecursionError:
        raise UnusableSchemaError("it cannot be compiled: it is too deep") from None


# Patterns


@lru_cache(maxsize=1024)
def _pattern(text: str) -> re.Pattern[str]:
    """Return a pattern that takes bounded time. Raises UnusableSchemaError."""
    try:
        return re.compile(_safe(text), re.ASCII)
    except re.error:
        raise UnusableSchemaError(f"the pattern {text[:100]!r} is none") from None


_SIGN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?:|\(\?|\(|\)|[*+?]\??|\{\d+(?:,\d*)?\}\??|\||.", re.DOTALL)
_REPEAT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}\??")


def _safe(text: str) -> str:
    """Return a pattern for Python's engine. Raises UnusableSchemaError for one that could take long, or that looks around."""
    groups: list[bool] = [False]
    """For each open group, whether something in it repeats or branches."""
    closed_group = False
    unbounded = optional = 0
    written = []
    for sign in _SIGN.findall(text):
        was_group, closed_group = closed_group, False
        if sign == "(?" or re.fullmatch(r"\\[1-9kgpPbB]", sign):
            raise _unsafe(text)
        if sign in ("(", "(?:"):
            groups.append(False)
        elif sign == ")":
            inner = groups.pop()
            if not groups:
                raise _unsafe(text)
            closed_group = inner
            groups[-1] = groups[-1] or inner
        elif sign == "|":
            groups[-1] = True
        elif sign[0] in "*+?" or _REPEAT.fullmatch(sign):
            many, spans = _repeats(sign)
            if was_group and many:
                raise _unsafe(text)
            unbounded += many and spans
            optional += spans and not many
            groups[-1] = True
        written.append(r"\Z" if sign == "$" else sign)
    if unbounded > (_MOST_UNBOUNDED if text.startswith("^") and "|" not in text else 1) or optional > _MOST_OPTIONAL:
        raise _unsafe(text)
    return "".join(written)


def _repeats(sign: str) -> tuple[bool, bool]:
    """Return whether a quantifier repeats more than once, and whether how often is open."""
    if sign[0] in "*+":
        return True, True
    if sign[0] == "?":
        return False, True
    found = _REPEAT.fullmatch(sign)
    assert found is not None
    least, comma, most = found.groups()
    top = int(most) if most else int(least)
    return bool(comma and not most) or top > 1, bool(comma) and most != least


def _unsafe(text: str) -> UnusableSchemaError:
    return UnusableSchemaError(
        f"the pattern {text[:100]!r} could take long, or looks around: jsonschema-rs, if it can be installed, takes more patterns"
    )


def _found(pattern: str, text: str) -> bool:
    return len(text) <= MOST_PATTERN_TEXT and _pattern(pattern).search(text) is not None


def _held_to_pattern(
    _validator: Any, pattern: str, instance: Any, _schema: Any
) -> Iterator[jsonschema.ValidationError]:
    if isinstance(instance, str) and not _found(pattern, instance):
        yield jsonschema.ValidationError("no match")


def _by_pattern(validator: Any, patterns: Mapping[str, Any], instance: Any, _schema: Any) -> Iterator[Any]:
    if isinstance(instance, dict):
        for pattern, schema in patterns.items():
            for name, member in instance.items():
                if _found(pattern, name):
                    yield from validator.descend(member, schema, path=name, schema_path=pattern)


def _rest(validator: Any, rest: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    if not isinstance(instance, dict):
        return
    known, patterns = schema.get("properties", ()), schema.get("patternProperties", ())
    for name, member in instance.items():
        if name in known or any(_found(pattern, name) for pattern in patterns):
            continue
        if rest is False:
            yield jsonschema.ValidationError("extra")
            return
        yield from validator.descend(member, rest, path=name)


def _members(validator: Any, members: Mapping[str, Any], instance: Any, _schema: Any) -> Iterator[Any]:
    if isinstance(instance, dict):
        for name, schema in members.items():
            if name in instance:
                yield from _at(validator, name, instance[name], schema)


def _items(validator: Any, schema: Any, instance: Any, whole: Mapping[str, Any]) -> Iterator[Any]:
    if isinstance(instance, list):
        first = len(whole.get("prefixItems", ()))
        for index in range(first, len(instance)):
            yield from _at(validator, index, instance[index], schema)


def _at(validator: Any, step: str | int, value: Any, schema: Any) -> Iterator[Any]:
    """Hold one member to its schema; of `false` the library would not say where it stood."""
    if schema is False:
        yield jsonschema.ValidationError("no", validator="falseSchema", path=(step,))
    else:
        yield from validator.descend(value, schema, path=step, schema_path=step)


def _no_item_twice(
    _validator: Any, demanded: bool, instance: Any, _schema: Any
) -> Iterator[jsonschema.ValidationError]:
    # Not by comparing each with each: ten thousand items would take minutes.
    if demanded and isinstance(instance, list) and len({_key(item) for item in instance}) != len(instance):
        yield jsonschema.ValidationError("twice")


def _key(value: Any) -> str:
    return json.dumps(_alike(value), sort_keys=True)


def _alike(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _alike(member) for name, member in value.items()}
    return [_alike(item) for item in value] if isinstance(value, list) else value


_Validator: Final = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    {
        "pattern": _held_to_pattern,
        "patternProperties": _by_pattern,
        "additionalProperties": _rest,
        "properties": _members,
        "items": _items,
        "uniqueItems": _no_item_twice,
    },
)

# Formats


def _is_date_time(text: str) -> bool:
    return bool(re.fullmatch(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", text)) and bool(
        datetime.fromisoformat(re.sub(r"\.\d+", "", text).upper())
    )


def _matches(pattern: str) -> Any:
    form = re.compile(pattern, re.ASCII)
    return lambda text: form.fullmatch(text) is not None


_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_FORMATS: Final = jsonschema.FormatChecker(formats=())
_ASSERTED: Final[dict[str, Any]] = {
    "date": lambda text: bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text)) and bool(date.fromisoformat(text)),
    "date-time": _is_date_time,
    "time": lambda text: _is_date_time(f"2000-01-01T{text}"),
    "email": _matches(rf"[^@\s\x00-\x1f]{{1,64}}@{_LABEL}(?:\.{_LABEL})*"),
    "hostname": _matches(rf"{_LABEL}(?:\.{_LABEL})*"),
    "ipv4": lambda text: bool(IPv4Address(text)) or True,
    "ipv6": lambda text: "%" not in text and (bool(IPv6Address(text)) or True),
    "uri": _matches(r"[A-Za-z][A-Za-z0-9+.-]*:[!#$%&'()*+,./:;=?@\[\]_~A-Za-z0-9-]*"),
    "uri-reference": _matches(r"[!#$%&'()*+,./:;=?@\[\]_~A-Za-z0-9-]*"),
    "uuid": lambda text: len(text) == 36 and str(UUID(text)) == text.lower(),
    "json-pointer": _matches(r"(?:/(?:[^~/]|~[01])*)*"),
    "duration": _matches(r"P(?!$)(?:\d+W|(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+S)?)?)"),
}
_UNASSERTED: Final = frozenset(
    {"idn-email", "idn-hostname", "iri", "iri-reference", "uri-template", "relative-json-pointer", "regex"}
)
for _name, _asserts in _ASSERTED.items():
    _FORMATS.checks(_name, raises=ValueError)(
        lambda value, _asserts=_asserts: (
            not isinstance(value, str) or (len(value) <= MOST_PATTERN_TEXT and _asserts(value))
        )
    )


def _refuse_what_cannot_be_asserted(schema: Any) -> None:
    """Compile each pattern, and look at each format, of every part. Raises UnusableSchemaError."""
    if isinstance(schema, list):
        for part in schema:
            _refuse_what_cannot_be_asserted(part)
    if not isinstance(schema, dict):
        return
    if isinstance(schema.get("pattern"), str):
        _pattern(schema["pattern"])
    if isinstance(schema.get("patternProperties"), dict):
        for pattern in schema["patternProperties"]:
            _pattern(pattern)
    if schema.get("format") in _UNASSERTED:
        raise UnusableSchemaError(f"the format {schema['format']!r} cannot be asserted without jsonschema-rs")
    for keyword, part in schema.items():
        if keyword not in ("const", "enum", "default", "examples"):
            _refuse_what_cannot_be_asserted(part)
