"""
What came of a call as the issuer keeps it: without what the author hides of the call's arguments.

A tool that repeats what it was sent would otherwise put it where the policy says that nobody looks. Whoever called hears the answer
as it is; only what is told once more lacks those values.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from resource_lib.backchannel.approvals import TOO_LARGE
from resource_lib.wire import strict_json
from resource_lib.wire.approvals import MOST_OUTCOME_BYTES

HIDDEN: Final = "(hidden)"
_SHORTEST: Final = 4
"""Characters of a value that is looked for inside other text; a shorter one is hidden where it stands alone."""
_MOST_VALUES: Final = 200
"""More hidden values than that are not looked for: then nothing is kept."""
_MOST_DEPTH: Final = 60
"""Of an outcome that can be kept: it stands inside another object, of which 64 are read."""
_FORM: Final = frozenset({"type", "mimeType"})
"""Members of a content block that say what it is, in the protocol's words."""


def kept(result: Mapping[str, Any], arguments: Mapping[str, Any], redact: tuple[str, ...]) -> Mapping[str, Any]:
    """Return what is kept of `result`; `redact` names what is hidden of `arguments`, with all below it.

    What cannot be kept (too large, too deep, of two readings) is `{"too_large": true}`.
    """
    if not _is_carried(result):
        return TOO_LARGE
    hidden = set(_hidden(arguments, "", frozenset(redact))) if redact else set()
    if not hidden:
        return result
    if len(hidden) > _MOST_VALUES:
        return TOO_LARGE
    cleaned = _Cleaner(hidden).result(result)
    return cleaned if _is_carried(cleaned) else TOO_LARGE


def _is_carried(result: Mapping[str, Any]) -> bool:
    """Tell whether an outcome can be kept: small enough, and with one reading."""
    try:
        raw = json.dumps(result, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")
        strict_json.loads_object(raw, most_depth=_MOST_DEPTH)
    except (ValueError, RecursionError):
        return False
    return len(raw) <= MOST_OUTCOME_BYTES


def _hidden(value: Any, path: str, redact: frozenset[str], *, below: bool = False) -> Iterator[str | int | float]:
    """Yield the texts and numbers at and below the paths of `redact`; an entry of a list has its list's path."""
    below = below or path in redact
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from _hidden(member, f"{path}.{name}" if path else name, redact, below=below)
    elif isinstance(value, list):
        for entry in value:
            yield from _hidden(entry, path, redact, below=below)
    elif below and value != "" and isinstance(value, str | int | float) and not isinstance(value, bool):
        yield value


class _Cleaner:
    """Replaces some texts and numbers wherever they stand."""

    def __init__(self, hidden: set[str | int | float]) -> None:
        self._alone = {value for value in hidden if isinstance(value, str)}
        self._numbers = {value for value in hidden if not isinstance(value, str)}
        inside = {form for text in self._alone if len(text) >= _SHORTEST for form in _forms(text)}
        self._inside = sorted(inside, key=len, reverse=True)
        digits = sorted((re.escape(json.dumps(each)) for each in self._numbers), key=len, reverse=True)
        long = [each for each in digits if len(each) >= _SHORTEST]
        self._digits = re.compile(rf"(?<![\w.])(?:{'|'.join(long)})(?![\w])") if long else None

    def result(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """Return a tool's result, or the error in its place, without them; what makes it one stays."""
        said: dict[str, Any] = {}
        for name, value in result.items():
            if name == "content" and isinstance(value, list):
                said[name] = [self._block(block) for block in value]
            elif name == "error" and isinstance(value, Mapping):
                said[name] = {each: of if each == "code" else self._clean(of) for each, of in value.items()}
            else:
                said[name] = value if name in {"isError", "resultType"} else self._clean(value)
        return said

    def _block(self, block: Any) -> Any:
        if not isinstance(block, Mapping):
            return self._clean(block)
        return {name: value if name in _FORM else self._clean(value) for name, value in block.items()}

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return HIDDEN if value in self._alone else self._text(value)
        if isinstance(value, Mapping):
            return {self._text(name): self._clean(member) for name, member in value.items()}
        if isinstance(value, list):
            return [self._clean(entry) for entry in value]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return HIDDEN if is_number and value in self._numbers else value

    def _text(self, text: str) -> str:
        for form in self._inside:
            text = text.replace(form, HIDDEN)
        return text if self._digits is None else self._digits.sub(HIDDEN, text)


def _forms(text: str) -> Iterator[str]:
    """Yield a text as it stands in plain words, and inside JSON that is itself a text."""
    yield text
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
