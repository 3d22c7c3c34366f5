"""What the linter finds: in tools that authors got right nothing, in those found in the wild what is wrong with them."""

import json
from collections import Counter
from pathlib import Path

import pytest

from resource_lib.lint import RULES, lint

CASES = json.loads(
    (Path(__file__).resolve().parents[3] / "vectors" / "lint" / "tools.json").read_text(encoding="utf-8")
)
ORDINARY = [case for case in CASES if not case["expected"]]
RISKY = [case for case in CASES if case["expected"]]


def named(case):
    return case["tool"]["name"]


def found(tool, tool_class=None):
    """The rules that a tool breaks, advice left out."""
    report = lint([tool], classes={tool["name"]: tool_class} if tool_class else None)
    return {one.rule.id for one in report.at_least("warning")}


def tool(*, description="Use it when the person asks. Not for anything else.", output=None, **arguments):
    return {
        "name": "look_up",
        "description": description,
        "inputSchema": {"type": "object", "properties": arguments},
        "outputSchema": output or {"type": "object", "properties": {"total": {"type": "integer"}}},
        "annotations": {"readOnlyHint": True},
    }


@pytest.mark.requirement("lint:ordinary-tools-are-left-alone")
@pytest.mark.parametrize("case", ORDINARY, ids=named)
def test_a_tool_that_is_well_made_is_left_alone(case):
    """Ours: a linter that cries wolf is switched off. Promo codes, page tokens, JSON paths and lamp commands are no findings."""
    assert [] == [str(one) for one in lint([case["tool"]], classes={named(case): case.get("class")}).findings]


@pytest.mark.requirement("lint:risky-tools-are-named")
@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.find is not None and rule.severity != "advice"], ids=lambda rule: rule.id
)
def test_each_rule_finds_its_own_in_tools_as_they_are_in_the_wild(rule):
    """C18, C22, C26, C29, C30, C35: each rule is shown by at least one tool that breaks it, and misses at most one."""
    broken = [case for case in RISKY if rule.id in case["expected"]]

    seen = [case for case in broken if rule.id in found(case["tool"], case.get("class"))]

    assert broken
    assert len(broken) - len(seen) <= (1 if len(broken) > 2 else 0), [
        named(case) for case in broken if case not in seen
    ]


@pytest.mark.requirement("lint:counts-are-published")
def test_the_counts_that_are_published_are_those_of_today():
    """Ours: `docs/authors.md` says how often the linter is wrong; whoever changes a rule changes the figure."""
    counted = Counter()
    for case in CASES:
        expected, got = set(case["expected"]), found(case["tool"], case.get("class"))
        counted += Counter(right=len(expected & got), too_much=len(got - expected), missed=len(expected - got))

    said = (Path(__file__).resolve().parents[4] / "docs" / "authors.md").read_text(encoding="utf-8")

    assert (
        f"{len(ORDINARY)} well-made tools, 0 findings; {len(RISKY)} risky ones, {counted['right']} findings right, "
        f"{counted['too_much']} too much, {counted['missed']} missed"
    ) in said


@pytest.mark.requirement("lint:risky-tools-are-named")
@pytest.mark.parametrize(
    "argument",
    [
        {"language": {"enum": ["python3", "bash"]}},
        {"runtime": {"type": "string", "enum": ["node-18", "nodejs"]}},
        {"interpreter": {"type": "string", "maxLength": 9}},
        {"executable": {"type": "string", "maxLength": 9}},
        {"awk_program": {"type": "string", "maxLength": 9}},
    ],
    ids=lambda argument: next(iter(argument)),
)
def test_an_argument_that_is_or_chooses_what_runs_its_arguments_is_found(argument):
    """C26: awk, env and node run what they are given as surely as a shell does, chosen from a list too."""
    assert "shell-command" in found(tool(description="Run a snippet. Use it to compute. Not for files.", **argument))
    assert "shell-command" not in found(tool(kind={"enum": ["find", "time", "view", "java", "go"]}))
    assert "shell-command" not in found(tool(language={"enum": ["python", "ruby"]}))


@pytest.mark.requirement("lint:risky-tools-are-named")
@pytest.mark.parametrize(
    "name", ["tenant_id", "tenantId", "TenantID", "tenant-id", "org", "organizationId", "impersonate"]
)
def test_an_argument_that_selects_a_tenant_is_found_in_any_spelling(name):
    """C22: never let a tool argument select a tenant, not even one of a list."""
    assert "tenant-argument" in found(tool(**{name: {"type": "string", "maxLength": 40}}))
    assert "tenant-argument" in found(tool(**{name: {"enum": ["acme", "globex"]}}))


@pytest.mark.requirement("lint:nothing-hides-in-a-schema")
@pytest.mark.parametrize(
    "hidden",
    [
        {"$ref": "#/$defs/S"},
        {"anyOf": [{"type": "null"}, {"type": "string"}]},
        {"oneOf": [{"type": "integer", "minimum": 0, "maximum": 9}, {"$ref": "#/$defs/S"}]},
        {"allOf": [{"type": "string"}, {"description": "d"}]},
        {"type": ["string", "null"]},
        {"type": "array", "maxItems": 3, "items": {"type": "string"}},
        {"type": "object", "properties": {"deep": {"type": "array", "maxItems": 2, "items": {"$ref": "#/$defs/S"}}}},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "array", "maxItems": 1, "prefixItems": [{"type": "string"}]},
    ],
    ids=str,
)
def test_a_text_without_an_end_is_found_wherever_it_stands(hidden):
    """C27: behind a reference, an alternative, a list or an object it is the same text."""
    one = tool(label=hidden)
    one["inputSchema"]["$defs"] = {"S": {"type": "string"}}

    assert {"unbounded-text"} == found(one)


@pytest.mark.requirement("lint:nothing-hides-in-a-schema")
@pytest.mark.parametrize(
    ("pattern", "is_bounded"),
    [
        ("^[a-z]{1,20}$", True),
        ("^A-[0-9]{4}$", True),
        ("[a-z]{1,20}", False),
        ("^[a-z]+$", False),
        ("^[a-z]{2,}$", False),
        ("^[a-z]{1,20}", False),
        ("^a$|b.*", False),
        ("^(a|b)$", True),
        (r"^\+[0-9]{5,15}$", True),
        ("^[*+]{1,3}$", True),
        (r"^a\\*$", False),
    ],
)
def test_a_pattern_bounds_a_text_only_when_it_is_anchored_and_ends(pattern, is_bounded):
    """JSON Schema §6.3.3: patterns are not anchored by themselves."""
    assert is_bounded is ("unbounded-text" not in found(tool(label={"type": "string", "pattern": pattern})))


@pytest.mark.requirement("lint:never-raises")
@pytest.mark.parametrize(
    "schema",
    [
        None, True, [], "x", {"type": "object", "properties": []}, {"type": ["object", 3]}, {"$ref": "#"},
        {"properties": {"a": None, "b": {"anyOf": {}}, "c": {"enum": "x"}, "d": {"pattern": "("}, "path": {"pattern": "("}}},
        {"properties": {"n": {"$ref": "#/properties/n"}}}, {"properties": {"limit": {"type": "integer", "minimum": "1"}}},
        {"properties": {"a": {"allOf": [{"$ref": "#/properties/a"}] * 3}}},
    ],
    ids=str,
)  # fmt: skip
def test_a_schema_that_makes_no_sense_is_looked_at_all_the_same(schema):
    """Ours: a server's list is a stranger's text; it stops no linter and no guard."""
    assert 1 == lint([{"name": "x", "inputSchema": schema, "outputSchema": schema, "annotations": 7}]).tools


@pytest.mark.requirement("lint:never-raises")
def test_a_schema_that_refers_to_itself_without_end_is_read_as_far_as_the_bounds_go():
    """Ours: two references per level, forty levels deep, would be a million million places."""
    branch = {
        "anyOf": [
            {"$ref": "#/$defs/N"},
            {"type": "object", "properties": {"l": {"$ref": "#/$defs/N"}, "r": {"$ref": "#/$defs/N"}}},
        ]
    }
    bomb = {"type": "object", "properties": {"n": {"$ref": "#/$defs/N"}}, "$defs": {"N": branch}}

    report = lint([{"name": "bomb", "description": "d", "inputSchema": bomb}])

    assert len(report.findings) <= 5000


@pytest.mark.requirement("lint:ordinary-tools-are-left-alone")
def test_a_choice_of_writes_or_of_states_is_no_reading_and_writing():
    """C18: what was too much in the tools of a public server: kinds of events, and ways to change one thing."""
    events = tool(event={"enum": ["create", "delete", "status", "push"]})
    manage = {**tool(action={"enum": ["watch", "ignore", "delete"]}), "name": "manage_subscription"}

    assert set() == found(events)
    assert set() == found(manage)
    assert {"reads-and-writes"} == found(
        {**manage, "inputSchema": tool(action={"enum": ["list", "delete"]})["inputSchema"]}
    )
