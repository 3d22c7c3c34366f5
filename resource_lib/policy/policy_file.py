"""
The policy of a server's tools in a file, YAML or TOML: what operators of one deployment demand, in a form they can review.

    version: 1
    tools:
      refund_order:
        class: destructive
        scopes: [orders:write]

Read once, at the start, and strictly: a member nobody knows, one that stands twice, an alias, a value of a strange type, a condition
that does not parse stop the start. Errors name the file, the line and the cure. docs/policy.md has the whole form.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import yaml

from resource_lib.policy.tool_policy import is_tool_name
from resource_lib.settings import SettingsError
from resource_lib.wire.tool_policy import EVERY_TOOL, InvalidRulesError, Rules, parse_rules

MOST_BYTES: Final = 1024 * 1024
MOST_DEPTH: Final = 12

Path_ = tuple[str | int, ...]
"""Where a value stands in the file: `("tools", "refund_order", "when", 0)`."""

_DOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+")


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyFile:
    """What a file says."""

    name: str
    tools: Mapping[str, Rules]
    """By tool; `*` means each of them."""
    domains: Mapping[str, frozenset[str]]
    """The domains of a tenant's own people, by tenant."""
    lines: Mapping[Path_, int]

    def error(self, path: Path_, fault: str, cure: str) -> SettingsError:
        """Return an error about what stands at `path`."""
        return SettingsError(f"{self.name}, line {_line(self.lines, path)}: {_dotted(path)}", fault, cure)


def read_policy_file(file: str | Path) -> PolicyFile:
    """Return what `file` says. Raises SettingsError, naming file, line and cure."""
    path = Path(file)
    name = path.name
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SettingsError(
            "policy_file", f"{name} cannot be read ({error.strerror})", "give the path of a file"
        ) from None
    if len(raw) > MOST_BYTES:
        raise SettingsError("policy_file", f"{name} is larger than 1 MiB", "split what is not policy off")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise SettingsError("policy_file", f"{name} is not UTF-8", "save it as UTF-8") from None
    if path.suffix.lower() in (".yaml", ".yml"):
        value, lines = _yaml(name, text)
    elif path.suffix.lower() == ".toml":
        value, lines = _toml(name, text)
    else:
        raise SettingsError("policy_file", f"{name} is of no known kind", "call it .yaml or .toml")
    return _read(name, value, lines)


def _read(name: str, value: Any, lines: Mapping[Path_, int]) -> PolicyFile:
    found = PolicyFile(name=name, tools={}, domains={}, lines=lines)
    if not isinstance(value, dict):
        raise found.error((), "is no policy", "begin with version: 1 and tools:")
    for member in value:
        if member not in ("version", "tools", "tenants"):
            raise found.error((member,), "is no member of a policy file", "use version, tools, tenants")
    if type(value.get("version")) is not int or value["version"] != 1:
        raise found.error(("version",), "names no version that is known here", "write version: 1")
    tools = {tool: _rules(found, tool, said) for tool, said in _members(found, value, "tools").items()}
    domains = {tenant: _domains(found, tenant, said) for tenant, said in _members(found, value, "tenants").items()}
    return PolicyFile(name=name, tools=tools, domains=domains, lines=lines)


def _members(found: PolicyFile, value: Mapping[str, Any], member: str) -> Mapping[str, Any]:
    given = value.get(member)
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise found.error((member,), "is no table", f"write {member}: and names below it")
    return given


def _rules(found: PolicyFile, tool: str, said: Any) -> Rules:
    if tool != EVERY_TOOL and not is_tool_name(tool):
        raise found.error(("tools", tool), "is no tool name", "use 1 to 122 of A-Z a-z 0-9 _ - . /, or *")
    try:
        rules = parse_rules(said, "")
    except InvalidRulesError as error:
        raise found.error(("tools", tool, *_steps(error.member)), error.fault, error.cure) from None
    if tool == EVERY_TOOL and rules.scopes:
        raise found.error(("tools", tool, "scopes"), "every tool would need them", "name scopes tool by tool")
    return rules


def _domains(found: PolicyFile, tenant: str, said: Any) -> frozenset[str]:
    where: Path_ = ("tenants", tenant)
    if not isinstance(said, dict) or not said.keys() <= {"domains"}:
        raise found.error(where, "says something else than domains", "write domains: [acme.example]")
    given = said.get("domains", [])
    if not isinstance(given, list) or not all(isinstance(one, str) and _DOMAIN.fullmatch(one) for one in given):
        raise found.error(
            (*where, "domains"), "is no list of domains", "write them in lower case, as in [acme.example]"
        )
    return frozenset(given)


_STEP = re.compile(r"([^.\[\]]+)|\[([0-9]+)\]")


def _steps(member: str) -> Iterator[str | int]:
    for found in _STEP.finditer(member):
        yield found[1] if found[2] is None else int(found[2])


def _dotted(path: Path_) -> str:
    said = ""
    for step in path:
        said += f"[{step}]" if isinstance(step, int) else f".{step[:80]}"
    return said.lstrip(".") or "the file"


def _line(lines: Mapping[Path_, int], path: Path_) -> int:
    """Return the line of `path`, or of the nearest thing around it that is in the file."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


# ---------------------------------------------------------------------------------------------------------------------
# YAML
# ---------------------------------------------------------------------------------------------------------------------


class _OneMeaning(yaml.SafeLoader):
    """Reads text, whole numbers, fractions, true and false, null, lists and tables. A date or `on` is none of them."""


_OneMeaning.yaml_implicit_resolvers = {}
for _tag, _form, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", ["n", "~", ""]),
    ("int", r"-?(?:0|[1-9][0-9]{0,17})", "-0123456789"),
    ("float", r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18}", "-0123456789"),
):
    _OneMeaning.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_form})\Z"), list(_first))

_PLAIN: Final = {f"tag:yaml.org,2002:{kind}" for kind in ("bool", "null", "int", "float", "str")}


def _yaml(name: str, text: str) -> tuple[Any, dict[Path_, int]]:
    def wrong(mark: Any, fault: str, cure: str) -> NoReturn:
        raise SettingsError(f"{name}, line {mark.line + 1 if mark is not None else 1}", fault, cure)

    try:
        _refuse_tricks(text, wrong)
        loader = _OneMeaning(text)
        try:
            root = loader.get_single_node()
            lines: dict[Path_, int] = {}
            return (None if root is None else _plain(loader, root, (), lines, wrong)), lines
        finally:
            loader.dispose()
    except SettingsError:
        raise
    except yaml.MarkedYAMLError as error:
        wrong(error.problem_mark, f"is no YAML ({error.problem})", "mind the indentation and the quotes")
    except (yaml.YAMLError, ValueError):
        wrong(None, "is no YAML", "save it as UTF-8 text without control characters")


def _refuse_tricks(text: str, wrong: Any) -> None:
    """Refuse aliases, which can make a small file large, and what is nested too deeply to be a policy."""
    depth = 0
    for event in yaml.parse(text, Loader=_OneMeaning):
        if isinstance(event, yaml.AliasEvent):
            wrong(event.start_mark, "an alias", "write it out")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MOST_DEPTH:
            wrong(event.start_mark, f"nested more than {MOST_DEPTH} deep", "a policy is flatter")


def _plain(loader: yaml.SafeLoader, node: yaml.Node, path: Path_, lines: dict[Path_, int], wrong: Any) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
        table: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag not in _PLAIN:
                wrong(key.start_mark, "a name that is no text", "write a plain name")
            if key.value in table:
                wrong(key.start_mark, f"{key.value[:80]!r} stands twice", "say it once")
            lines[(*path, key.value)] = key.start_mark.line + 1
            table[key.value] = _plain(loader, value, (*path, key.value), lines, wrong)
        return table
    if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
        return [_plain(loader, item, (*path, place), lines, wrong) for place, item in enumerate(node.value)]
    if isinstance(node, yaml.ScalarNode) and node.tag in _PLAIN:
        return loader.construct_object(node)
    return wrong(
        node.start_mark, f"a value of the kind {node.tag!r}", "write texts, numbers, true, false, lists or tables"
    )


# ---------------------------------------------------------------------------------------------------------------------
# TOML
# ---------------------------------------------------------------------------------------------------------------------

_HEADER = re.compile(
    r"\s*(\[\[?)\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'))*)\s*\]"
)
_KEY = re.compile(r"\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'))*)\s*=")
_KEY_PART = re.compile(r"[A-Za-z0-9_-]+|\"([^\"]*)\"|'([^']*)'")
_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)")


def _toml(name: str, text: str) -> tuple[Any, dict[Path_, int]]:
    try:
        value = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        at = _AT_LINE.search(str(error))
        fault = _AT_LINE.sub("", str(error))[:120]
        where = f"{name}, line {at[1]}" if at else name
        raise SettingsError(where, f"is no TOML ({fault})", "mind the brackets and the quotes") from None
    return value, _toml_lines(text)


def _toml_lines(text: str) -> dict[Path_, int]:
    """Return the lines of tables and keys: what the reader of the standard library does not tell."""
    lines: dict[Path_, int] = {}
    table: Path_ = ()
    counted: dict[Path_, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        if header is not None:
            table = _names(header[2])
            if header[1] == "[[":
                place = counted.get(table, -1) + 1
                counted[table] = place
                lines.setdefault(table, number)
                table = (*table, place)
            lines.setdefault(table, number)
            continue
        key = _KEY.match(line)
        if key is not None:
            lines.setdefault((*table, *_names(key[1])), number)
    return lines


def _names(dotted: str) -> tuple[str, ...]:
    return tuple(part[1] or part[2] or part[0] for part in _KEY_PART.finditer(dotted))
