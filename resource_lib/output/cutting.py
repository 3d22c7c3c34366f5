"""
Answers that are too long, shortened so that they still are what they say they are, and say that they were.

A text ends between two letters as a reader sees them. JSON stays JSON, and what has a schema keeps to it: texts are cut first (none that has an
`enum`, a `format` or a `pattern`, none below its `minLength`), then lists from their ends (none below `minItems`), then members that are
not required. What cannot be shortened without breaking its schema does not leave: an error says so in its place. The texts of an answer share one
budget and its `structuredContent` has one of its own. Images and sounds are no text and stay whole while there is room for any.
`_meta["authserver/truncated"]` is true, and the last block says `[Output truncated]`. Shortening twice is shortening once. C32.
"""

import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from resource_lib.json_schema import UnresolvedReferenceError, target_of

MOST: Final = 10_000
"""Characters that leave, unless it is told otherwise."""
MARK: Final = "[Output truncated]"
TRUNCATED: Final = "authserver/truncated"
"""The member of `_meta` that is true."""
CANNOT: Final = (
    "The result is longer than {most} characters and cannot be shortened without breaking its schema. Ask for less."
)

_LEAST_TEXT: Final = 100
"""Texts are not cut below this while there are lists to cut."""
_READ_FIRST: Final = 8
"""Of JSON that is longer than this many budgets only the beginning is looked at, so that no answer makes work without end."""
_MOST_PARSED: Final = 1_000_000
_MOST_BACK: Final = 32
_MOST_FLAGS: Final = 1000
_NO_LIMIT: Final = 10**9


def shortened(result: Mapping[str, Any], most: int = MOST, schema: Any = None) -> Mapping[str, Any]:
    """Return the result of a request with at most `most` characters of text; the same object where it has no more.

    `result` is that of `tools/call`, `resources/read` or `prompts/get`; `schema` is the output schema of the tool. `most` is at least 100.
    """
    if most < _LEAST_TEXT:
        raise ValueError(f"most: {most} characters are too few to say anything; at least {_LEAST_TEXT}")
    changed: dict[str, Any] = {}
    structured = result.get("structuredContent")
    if structured is not None and not _fits(structured, most):
        # Room for the mark, so that the block that says the same in JSON keeps every letter of it.
        shorter = json_shortened(structured, most - len(MARK), schema)
        if shorter is None:
            return _withheld(result, most)
        changed["structuredContent"] = shorter
    content = result.get("content")
    if isinstance(content, list):
        if changed:
            content = _said_again(content, structured, changed["structuredContent"])
        blocks = _blocks(content, most, _cut_block)
        if blocks is not content or changed:
            changed["content"] = _marked(blocks, most)
    for name, cut in (("contents", _cut_contents), ("messages", _cut_message)):
        listed = result.get(name)
        if isinstance(listed, list) and (shorter_list := _blocks(listed, most, cut)) is not listed:
            changed[name] = shorter_list
    if not changed:
        return result
    return {**result, **changed, "_meta": {**_meta(result), TRUNCATED: True}}


def cut(text: str, most: int) -> str:
    """Return the beginning of `text`, at most `most` characters, ending where a reader sees a letter end."""
    if len(text) <= most:
        return text
    at = max(0, most)
    for _ in range(_MOST_BACK):
        if at <= 0 or not _belongs_together(text, at):
            break
        at -= 1
    return text[:at]


def json_shortened(value: Any, most: int = MOST, schema: Any = None) -> Any:
    """Return a JSON value whose compact form has at most `most` characters, true to `schema` as far as it was; None: there is none."""
    node = _read(value, _Reading(most * _READ_FIRST), (schema,) if isinstance(schema, dict) else (), schema)

    def fits(texts: int, items: int, members: int) -> bool:
        return _fits(_built(node, texts, items, members), most)

    for least, attempt in (
        (_LEAST_TEXT, lambda at: (at, _NO_LIMIT, _NO_LIMIT)),
        (0, lambda at: (_LEAST_TEXT, at, _NO_LIMIT)),
        (0, lambda at: (_LEAST_TEXT, 0, at)),
        (0, lambda at: (at, 0, 0)),
    ):
        if fits(*attempt(least)):
            low, high = least, most + 1  # fits at low; the largest that fits is looked for
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if fits(*attempt(middle)) else (low, middle)
            return _built(node, *attempt(low))
    return None


def _fits(value: Any, most: int) -> bool:
    """Whether the compact form is short enough. Stops reading soon after it is not."""
    length = 0
    encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
    try:
        for part in encoder.iterencode(value):
            length += len(part)
            if length > most:
                return False
    except (RecursionError, ValueError, TypeError):
        return False
    return True


# Where a text may end.


def _belongs_together(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    if after < "\u0300":
        return before == "\r" and after == "\n"
    if before == "\u200d" or after in {"\u200d", "\u200c"} or unicodedata.category(after)[0] == "M":
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f":
        return True
    if "\U0001f1e6" <= after <= "\U0001f1ff" and "\U0001f1e6" <= before <= "\U0001f1ff":
        # Flags are pairs: an odd number of such letters before means that this is the second of one.
        run = 1
        while run < _MOST_FLAGS and at - run - 1 >= 0 and "\U0001f1e6" <= text[at - run - 1] <= "\U0001f1ff":
            run += 1
        return run % 2 == 1
    if "\u1160" <= after <= "\u11ff":
        return "\u1100" <= before <= "\u11ff" or "\uac00" <= before <= "\ud7a3"
    return "\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff"


# JSON that keeps to its schema: read once with what may be cut, then built with three bounds.


@dataclass(frozen=True, slots=True)
class _Text:
    value: str
    least: int


@dataclass(frozen=True, slots=True)
class _List:
    items: tuple[Any, ...]
    least: int


@dataclass(frozen=True, slots=True)
class _Object:
    members: tuple[tuple[str, Any, bool], ...]
    """Name, node, and whether it must stay."""
    least: int
    """How many of those that need not stay."""


@dataclass(slots=True)
class _Reading:
    """How much is still read."""

    left: int


_Schemas = tuple[Mapping[str, Any], ...]
_FIXED: Final = frozenset({"enum", "const", "pattern", "format"})
_BRANCHES: Final = ("allOf", "anyOf", "oneOf")


def _read(value: Any, reading: _Reading, schemas: _Schemas, root: Any, *, fixed: bool = False) -> Any:
    schemas = _all_of(schemas, root)
    if isinstance(value, str):
        reading.left -= len(value) + 3
        whole = fixed or any(not _FIXED.isdisjoint(schema) for schema in schemas)
        least = len(value) if whole else _most_of(schemas, "minLength")
        return _Text(value, min(least, len(value)))
    if isinstance(value, list):
        whole = fixed or any(not {"contains", "enum", "const"}.isdisjoint(schema) for schema in schemas)
        least = len(value) if whole else min(_most_of(schemas, "minItems"), len(value))
        fixed_items = fixed or any(schema.get("uniqueItems") is True for schema in schemas)
        nodes = []
        for place, item in enumerate(value):
            if reading.left <= 0 and place >= least:
                break
            nodes.append(_read(item, reading, _of_item(schemas, place), root, fixed=fixed_items))
        return _List(tuple(nodes), least)
    if isinstance(value, dict):
        whole = fixed or any(
            not {"dependentRequired", "dependentSchemas", "enum", "const"}.isdisjoint(schema) for schema in schemas
        )
        needed = {name for schema in schemas for name in _listed(schema.get("required"))}
        members: list[tuple[str, Any, bool]] = []
        least = _most_of(schemas, "minProperties")
        for name, member in value.items():
            stays = whole or name in needed
            if reading.left <= 0 and not stays and len(members) >= least:
                continue
            reading.left -= len(name) + 4
            members.append((name, _read(member, reading, _of_member(schemas, name), root, fixed=fixed), stays))
        return _Object(tuple(members), max(0, least - sum(stays for _, _, stays in members)))
    reading.left -= 5
    return value


def _built(node: Any, texts: int, items: int, members: int) -> Any:
    if isinstance(node, _Text):
        value, most = node.value, max(texts, node.least)
        if len(value) <= most:
            return value
        return cut(value, most - 1) + "…" if most > node.least + _MOST_BACK else value[:most]
    if isinstance(node, _List):
        return [_built(item, texts, items, members) for item in node.items[: max(items, node.least)]]
    if isinstance(node, _Object):
        left = max(members, node.least)
        shown: dict[str, Any] = {}
        for name, one, stays in node.members:
            if stays or left > 0:
                left -= not stays
                shown[name] = _built(one, texts, items, members)
        return shown
    return node


def _all_of(schemas: _Schemas, root: Any) -> _Schemas:
    """Return these schemas and every one that they bring with them: all branches, because nobody knows which of them holds."""
    found: list[Mapping[str, Any]] = []
    todo = list(schemas)
    while todo and len(found) < 64:
        schema = todo.pop()
        if any(schema is one for one in found):
            continue
        found.append(schema)
        branches = [branch for name in _BRANCHES for branch in _listed(schema.get(name))]
        branches += [schema.get(name) for name in ("if", "then", "else")]
        reference = schema.get("$ref")
        if isinstance(reference, str):
            branches.append(_at(root, reference))
        todo.extend(branch for branch in branches if isinstance(branch, dict))
    return tuple(found)


def _at(root: Any, reference: str) -> Any:
    """Return the schema in the same document that a reference names; None: there is none."""
    try:
        return target_of(root, reference)
    except UnresolvedReferenceError:
        return None


def _of_item(schemas: _Schemas, place: int) -> _Schemas:
    found = []
    for schema in schemas:
        first = _listed(schema.get("prefixItems"))
        found.append(first[place] if place < len(first) else schema.get("items"))
    return tuple(one for one in found if isinstance(one, dict))


def _of_member(schemas: _Schemas, name: str) -> _Schemas:
    found: list[Any] = []
    for schema in schemas:
        properties = schema.get("properties")
        if isinstance(properties, dict) and name in properties:
            found.append(properties[name])
        else:
            found.append(schema.get("additionalProperties"))
        by_pattern = schema.get("patternProperties")
        if isinstance(by_pattern, dict):
            found.extend(by_pattern.values())
    return tuple(one for one in found if isinstance(one, dict))


def _most_of(schemas: _Schemas, name: str) -> int:
    return max((bound for schema in schemas if type(bound := schema.get(name)) is int), default=0)


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


# Answers: blocks of content, contents of resources, messages of prompts.

_Cut = Callable[[Any, int], Any]


def _blocks(blocks: list[Any], most: int, cut_one: _Cut) -> list[Any]:
    """Return as many blocks as there is room for, the last of them cut; the same list where there is room for all."""
    if sum(map(_length, blocks)) <= most:
        return blocks
    left = most - len(MARK) - 1
    shown: list[Any] = []
    for block in blocks:
        length = _length(block)
        if length <= left:
            shown.append(block)
            left -= length
            continue
        shorter = cut_one(block, left)
        if shorter is not None:
            shown.append(shorter)
        break
    return shown


def _length(block: Any) -> int:
    """Return how many characters of it are text."""
    if isinstance(block, str):
        return len(block)
    if isinstance(block, dict):
        # What is encoded for the eye or the ear is no text.
        return sum(
            _length(part)
            for name, part in block.items()
            if name not in {"data", "blob", "_meta", "type", "annotations"}
        )
    if isinstance(block, list):
        return sum(map(_length, block))
    return 0


def _cut_text(text: str, most: int) -> str:
    """Return a text cut, and a text that is JSON as shorter JSON."""
    if text[:1] in {"{", "["} and len(text) <= _MOST_PARSED:
        try:
            shorter = json_shortened(json.loads(text), most)
        except (ValueError, RecursionError):
            return cut(text, most)
        if shorter is not None:
            return json.dumps(shorter, ensure_ascii=False, separators=(",", ":"))
    return cut(text, most)


def _cut_block(block: Any, most: int) -> Any:
    if not isinstance(block, dict) or most <= 0:
        return None
    if isinstance(block.get("text"), str):
        text = _cut_text(block["text"], most - (_length(block) - len(block["text"])))
        return {**block, "text": text} if text else None
    inner = block.get("resource")
    if isinstance(inner, dict) and isinstance(inner.get("text"), str):
        text = _cut_text(inner["text"], most - (_length(block) - len(inner["text"])))
        return {**block, "resource": {**inner, "text": text}} if text else None
    return None


def _cut_contents(entry: Any, most: int) -> Any:
    """Cut one entry of `resources/read`: it ends with the mark, for there is no block to say it."""
    if not isinstance(entry, dict) or not isinstance(entry.get("text"), str):
        return None
    return {**entry, "text": f"{cut(entry['text'], most - (_length(entry) - len(entry['text'])))}\n{MARK}"}


def _cut_message(message: Any, most: int) -> Any:
    """Cut one message of `prompts/get`, likewise."""
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, dict) or not isinstance(content.get("text"), str):
        return None
    left = most - (_length(message) - len(content["text"]))
    return {**message, "content": {**content, "text": f"{cut(content['text'], left)}\n{MARK}"}}


def _said_again(content: list[Any], before: Any, after: Any) -> list[Any]:
    """Return blocks of which those that say `before` as JSON say `after`."""
    return [
        {**block, "text": json.dumps(after, ensure_ascii=False, separators=(",", ":"))}
        if isinstance(block, dict) and isinstance(block.get("text"), str) and _says(block["text"], before)
        else block
        for block in content
    ]


def _says(text: str, value: Any) -> bool:
    if text[:1] not in {"{", "["}:
        return False
    if len(text) > _MOST_PARSED:
        return True  # what stands beside a structure and looks like one says the same (MCP, tools: structured content)
    try:
        return bool(json.loads(text) == value)
    except (ValueError, RecursionError):
        return False


def _marked(blocks: Iterable[Any], most: int) -> list[Any]:
    shown = list(blocks)
    if shown and isinstance(shown[-1], dict) and shown[-1].get("text") == MARK:
        return shown
    if sum(map(_length, shown)) + len(MARK) > most:
        shown = _blocks(shown, most - len(MARK), _cut_block)
    return [*shown, {"type": "text", "text": MARK}]


def _withheld(result: Mapping[str, Any], most: int) -> Mapping[str, Any]:
    text = CANNOT.format(most=most)
    return {"content": [{"type": "text", "text": text}], "isError": True, "_meta": {**_meta(result), TRUNCATED: True}}


def _meta(result: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = result.get("_meta")
    return meta if isinstance(meta, dict) else {}
