"""What a policy demands, and what stops the start instead of being ignored."""

import pytest

from resource_lib import SettingsError, destructive, from_annotations, read, write
from resource_lib.policy import tool_demands


def test_a_write_demands_its_own_scope_besides_its_authors():
    """Decision 11: writes are opted into tool by tool."""
    demands = tool_demands(
        {"see": read("n:read"), "add": write("n:write"), "wipe": destructive("n:write", approval=False)}
    )

    assert frozenset({"n:read"}) == demands["see"].scopes
    assert frozenset({"n:write", "tool:add"}) == demands["add"].scopes
    assert frozenset({"n:write", "tool:wipe"}) == demands["wipe"].scopes


@pytest.mark.requirement("guard:policy:unenforced-words-stop-the-start")
@pytest.mark.parametrize(
    ("policy", "fault"),
    [
        (destructive("n:write", approval="four-eyes"), "approval= is no rule"),
        (destructive("n:write", approval=0), "approval= is no rule"),
        (read("n:read", approval="anyone"), "approval= is no rule"),
    ],
)
def test_a_word_that_is_not_enforced_yet_stops_the_start_and_names_the_cure(policy, fault):
    """Ours: a policy word is kept or refused, never ignored."""
    with pytest.raises(SettingsError, match=fault) as refusal:
        tool_demands({"tool": policy})

    assert "Cure: " in str(refusal.value)


def test_a_word_nobody_knows_is_refused_by_the_language_itself():
    """Ours: a misspelt demand would be no demand."""
    with pytest.raises(TypeError):
        read("n:read", role=["admin"])


@pytest.mark.requirement("guard:policy:default-deny")
@pytest.mark.parametrize("tools", [{}, None, [], "search"])
def test_a_guard_without_a_policy_does_not_start(tools):
    """Decision 19."""
    with pytest.raises(SettingsError, match="without a policy"):
        tool_demands(tools)


@pytest.mark.parametrize(
    "tools",
    [
        {"": read("a")},
        {"two words": read("a")},
        {"emo😀": read("a")},
        {"a" * 123: read("a")},
        {'quote"': read("a")},
        {"x": "n:read"},
        {"x": None},
        {"x": read()},
        {1: read("a")},
    ],
)
def test_what_is_no_tool_name_or_no_policy_stops_the_start(tools):
    """Ours: a name that cannot be a scope, or a demand that demands nothing, is a mistake."""
    with pytest.raises(SettingsError):
        tool_demands(tools)


@pytest.mark.parametrize(
    "scope", ["", "two words", 'a"b', "a\\b", "tool:other", "offline_access", "ü", "a\n", "x" * 129]
)
def test_a_scope_name_must_fit_the_grammar_of_rfc_6749(scope):
    """RFC 6749 §3.3; `tool:` belongs to the guard and `offline_access` to the authorization server."""
    with pytest.raises(SettingsError):
        read(scope)


@pytest.mark.requirement("guard:policy:unannotated-means-destructive")
def test_an_unannotated_tool_counts_as_destructive():
    """Decision 19; MCP "Tool Annotations": the defaults are not read-only and destructive."""
    tools = [
        {"name": "see", "annotations": {"readOnlyHint": True}},
        {"name": "add", "annotations": {"destructiveHint": False}},
        {"name": "bare"},
        {"name": "odd", "annotations": {"readOnlyHint": "true", "destructiveHint": 0}},
        {"name": "both", "annotations": {"readOnlyHint": False, "destructiveHint": True}},
    ]

    chosen = from_annotations(tools, read=read("r"), write=write("w"), destructive=destructive("d", approval=False))

    assert {"see": "read", "add": "write", "bare": "destructive", "odd": "destructive", "both": "destructive"} == {
        name: policy.tool_class for name, policy in chosen.items()
    }


def test_a_class_of_tools_without_a_policy_stops_the_start():
    """Ours: a tool is not made unreachable, or reachable, by silence."""
    with pytest.raises(SettingsError, match="counts as destructive"):
        from_annotations([{"name": "bare"}], read=read("r"))


def test_real_tool_objects_are_read_as_their_json_is():
    """The official SDK's objects carry the hints under Python names."""
    from mcp_types import Tool, ToolAnnotations

    tool = Tool(name="see", input_schema={"type": "object"}, annotations=ToolAnnotations(read_only_hint=True))

    assert "read" == from_annotations([tool], read=read("r"))["see"].tool_class
