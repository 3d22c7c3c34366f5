"""
What a person is shown of a call, made once when it is asked for: every argument, and a sentence from the author's template.

RFC 9396 §11 (what is shown is what is bound), RFC 8785. It is stored sealed and never changes; `display_hash` names it, and a yes
counts only for the very same. What the policy hides never reaches a row: its place and its length are shown instead. In the
sentence the author's words and the call's values are kept apart, so that a value cannot pass for the author's text.

Not here: how it looks. Strangers' text is escaped, bounded and made visible by the pages.
"""

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

import orjson
import rfc8785

from authserver.domain.approvals.approval import Approval
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.runtime.vault import seal, unseal
from resource_lib.wire.approvals import ApprovalRule, Follows

_PLACEHOLDER = re.compile(r"\{([^{}]{1,200})\}")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_$@-]+")
_INDEX = re.compile(r"\[[0-9]+\]")

Kind = Literal["text", "number", "boolean", "null", "empty"]


MOST_SHOWN = 256 * 1024
"""Characters of all values, with their places, and of the sentence: a few bytes sent (a long name over a long list) can be
gigabytes said in full, which nobody reads and which every page would carry."""


class TooMuchToShowError(ValueError):
    """Arguments that no page could show in full."""


class NotReadableError(Exception):
    """What was shown has been erased."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A piece of the sentence: the author's `words`, a `value` of this call, a `hidden` one, or one that is `not_given`."""

    kind: Literal["words", "value", "hidden", "not_given"]
    text: str
    """Empty where it is hidden; the argument's path where it is not given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One argument: where it stands (`items[0].sku`), and what it is. Hidden: no text, and how long the value is."""

    path: str
    text: str
    kind: Kind
    is_hidden: bool = False
    length: int = 0
    """Characters of the value, as text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """All that a person is shown of one call, but for how names and times are put."""

    tool: str
    tool_class: str
    title: str
    description: str
    version: str
    resource: str
    sub: str
    client_id: str
    actor: str
    purpose: str
    """Why the application wanted its permission, as the person said when they gave it; empty: nobody said."""
    sentence: tuple[Part, ...]
    """What happens on a yes, in the author's words and this call's values; empty: the author wrote none."""
    arguments: tuple[Line, ...]
    """All of them, in the order in which they were sent."""
    follows: Follows | None = None
    """What text from outside the application was given before; None: none that the server told of."""
    releases: bool = False
    """Whether the tool has run already, and a yes hands over its answer, which is what is shown."""

    def encoded(self) -> bytes:
        """Return it as canonical JSON (RFC 8785)."""
        said = orjson.loads(orjson.dumps(self))
        # A call that was asked for before there were such words keeps its hash.
        if self.follows is None:
            del said["follows"]
        if not self.releases:
            del said["releases"]
        return rfc8785.dumps(said)

    @property
    def hash(self) -> str:
        """The hex SHA-256 that names exactly this."""
        return sha256(b"mcp-shown/1\n" + self.encoded()).hexdigest()


def shown(work: UnitOfWork, approval: Approval) -> Shown:
    """Return what people are shown of it. Raises NotReadableError once it was erased, VaultError for a changed row."""
    if approval.payload is None or approval.payload_key is None:
        raise NotReadableError(approval.id)
    key = row_key(work, approval.id, approval.payload_key)
    said = orjson.loads(unseal(key, approval.payload, context=f"approvals/payload/{approval.id}"))
    said["sentence"] = tuple(Part(**part) for part in said["sentence"])
    said["arguments"] = tuple(Line(**line) for line in said["arguments"])
    said["follows"] = Follows(**said["follows"]) if said.get("follows") is not None else None
    return Shown(**said)


def sealed(work: UnitOfWork, approval_id: str, what: Shown) -> tuple[bytes, bytes]:
    """Return it under a new key of the row's own, and that key, wrapped."""
    key = secrets.token_bytes(32)
    return (
        seal(key, what.encoded(), context=f"approvals/payload/{approval_id}"),
        seal(work.machines.keys.personal_data, key, context=f"approvals/payload_key/{approval_id}"),
    )


def row_key(work: UnitOfWork, approval_id: str, wrapped: bytes) -> bytes:
    """Return the key of a row. Raises VaultError."""
    return unseal(work.machines.keys.personal_data, wrapped, context=f"approvals/payload_key/{approval_id}")


def arguments_of(arguments: Mapping[str, Any], redact: tuple[str, ...]) -> tuple[Line, ...]:
    """Return every argument as a line. One that `redact` names is hidden with all below it, in each entry of a list.

    Raises TooMuchToShowError, before it has made much more than may be shown.
    """
    found: list[Line] = []
    left = MOST_SHOWN
    for line in _lines(arguments, "", "", frozenset(redact)):
        left -= len(line.path) + len(line.text)
        if left < 0:
            raise TooMuchToShowError
        found.append(line)
    return tuple(found)


def sentence_of(rule: ApprovalRule, arguments: Mapping[str, Any]) -> tuple[Part, ...]:
    """Return the author's sentence with this call's values; what is hidden stays hidden there too.

    They are ones of which `arguments_of` made lines. Raises TooMuchToShowError.
    """
    left = MOST_SHOWN
    parts: list[Part] = []
    at = 0
    for found in _PLACEHOLDER.finditer(rule.sentence):
        if found.start() > at:
            parts.append(Part(kind="words", text=rule.sentence[at : found.start()]))
        parts.append(_value(found[1], arguments, frozenset(rule.redact)))
        left -= len(parts[-1].text)
        if left < 0:
            raise TooMuchToShowError
        at = found.end()
    if at < len(rule.sentence):
        parts.append(Part(kind="words", text=rule.sentence[at:]))
    return tuple(parts)


def _value(path: str, arguments: Mapping[str, Any], redact: frozenset[str]) -> Part:
    here: Any = arguments
    walked: list[str] = []
    for step in _INDEX.sub(lambda index: f".{index[0][1:-1]}", path).split("."):
        if isinstance(here, Mapping) and step in here:
            here = here[step]
            walked.append(step)
        elif isinstance(here, list) and step.isascii() and step.isdigit() and len(step) < 6 and int(step) < len(here):
            here = here[int(step)]
        else:
            return Part(kind="not_given", text=path)
        if ".".join(walked) in redact:
            return Part(kind="hidden", text="")
    if _hides_something(here, ".".join(walked), redact):
        return Part(kind="hidden", text="")
    return Part(kind="value", text=_text(here))


def _hides_something(value: Any, plain: str, redact: frozenset[str]) -> bool:
    """Whether something below is hidden, so that the whole cannot be shown in one piece."""
    return any(line.is_hidden for line in _lines(value, "", plain, redact))


def _lines(value: Any, path: str, plain: str, redact: frozenset[str]) -> Iterator[Line]:
    if plain in redact and plain:
        yield Line(path=path, text="", kind=_kind(value), is_hidden=True, length=len(_text(value)))
    elif isinstance(value, Mapping) and value:
        for name, member in value.items():
            below = f"{plain}.{name}" if plain else name
            yield from _lines(member, _joined(path, name), below, redact)
    elif isinstance(value, list) and value:
        for index, entry in enumerate(value):
            yield from _lines(entry, f"{path}[{index}]", plain, redact)
    elif path:
        yield Line(path=path, text=_text(value), kind=_kind(value), length=len(_text(value)))


def _joined(path: str, name: str) -> str:
    # A name with a dot or a bracket could pass for a place elsewhere.
    if not _PLAIN_NAME.fullmatch(name):
        return f"{path}[{orjson.dumps(name).decode()}]"
    return f"{path}.{name}" if path else name


def _kind(value: Any) -> Kind:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) and value else "empty"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else rfc8785.dumps(value).decode()
