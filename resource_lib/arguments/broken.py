"""
One rule of a schema that a value breaks, the same whichever library found it, and the sentence for it.

Of several forms of which none fits, the one that comes nearest is spoken about: a model that gets told of all would change what was right.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from resource_lib.arguments.words import Path, fault, not_taken

_DEEPEST: Final = 10


class Broken(NamedTuple):
    """One broken rule."""

    path: Path
    keyword: str
    allowed: Any = None
    """What the schema says of it."""
    names: tuple[str, ...] = ()
    """The members it is about: those that are missing, or that are too many."""
    known: tuple[str, ...] = ()
    """The members that the schema names there."""
    branches: tuple[tuple["Broken", ...], ...] = ()
    """What is wrong with the value in each of several forms."""


def described(broken: Broken) -> Iterator[tuple[Path, str]]:
    """Return where something is wrong, and what would be right."""
    keyword = broken.keyword
    if keyword in ("additionalProperties", "unevaluatedProperties"):
        for name in broken.names:
            yield (*broken.path, name), not_taken(broken.known)
    elif keyword in ("required", "dependentRequired"):
        for name in broken.names:
            yield (*broken.path, name), fault(keyword, None)
    elif keyword == "propertyNames":
        for name in broken.names:
            yield (*broken.path, name), "has a name that is not allowed"
    elif keyword in ("anyOf", "oneOf"):
        yield from _of_forms(broken)
    else:
        yield broken.path, fault(keyword, broken.allowed)


def _of_forms(broken: Broken) -> Iterator[tuple[Path, str]]:
    branches = broken.branches
    if not branches or not all(branches):
        # Nothing is said of the forms, or the value is of several of them.
        yield broken.path, fault(broken.keyword, None)
        return
    if all(_is_of_another_type(branch, broken.path) for branch in branches):
        types = [name for branch in branches for name in _listed(branch[0].allowed)]
        yield broken.path, fault("type", list(dict.fromkeys(types)))
        return
    nearest = min(branches, key=lambda branch: _distance(branch, broken.path))
    for each in nearest:
        yield from described(each)


def _is_of_another_type(branch: tuple[Broken, ...], path: Path) -> bool:
    return branch[0].keyword == "type" and branch[0].path == path


def _distance(branch: tuple[Broken, ...], path: Path) -> tuple[bool, int, int]:
    """Return how far a value is from one form: of another type, in how many tags, in how many rules."""
    tags = sum(each.keyword in ("const", "enum") for each in branch)
    return _is_of_another_type(branch, path), tags, len(branch)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def members_at(root: Mapping[str, Any], path: Iterable[str | int]) -> tuple[str, ...]:
    """Return the members that a schema names at the level that `path` leads to."""
    node: Any = root
    for step in path:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            return ()
    return members_of(root, node)


def members_of(root: Mapping[str, Any], node: Any, depth: int = 0) -> tuple[str, ...]:
    """Return the members that `node` and the parts beside it name. References are those of a closed schema: into `$defs` alone."""
    if not isinstance(node, Mapping) or depth > _DEEPEST:
        return ()
    found = [*node.get("properties", ())]
    parts = [part for keyword in ("allOf", "anyOf", "oneOf") for part in node.get(keyword, ())]
    parts += [node[keyword] for keyword in ("if", "then", "else") if keyword in node]
    parts += node.get("dependentSchemas", {}).values()
    if isinstance(reference := node.get("$ref"), str):
        parts.append(root if reference == "#" else root.get("$defs", {}).get(reference.rpartition("/")[2]))
    for part in parts:
        found += members_of(root, part, depth + 1)
    return tuple(dict.fromkeys(found))
