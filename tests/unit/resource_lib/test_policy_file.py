"""A policy file: read strictly, errors by line and cure, and docs/policy.md is true."""

import dataclasses
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resource_lib import SettingsError, read, write
from resource_lib.policy import Policies, layers_of, read_policy_file
from resource_lib.wire.approvals import ApprovalRule
from resource_lib.wire.condition import parse
from resource_lib.wire.tool_policy import EVERY_TOOL

PAGE = (Path(__file__).parents[3] / "docs" / "policy.md").read_text(encoding="utf-8")


def block(language):
    return re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[1]


@pytest.fixture
def file(tmp_path):
    def written(text, name="policy.yaml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


@pytest.mark.requirement("policy:docs:examples-are-true")
def test_the_examples_of_the_page_say_the_same_in_yaml_and_in_toml_and_tighten_the_code_beside_them(file):
    said: dict = {}
    exec(block("python"), said)
    yaml = read_policy_file(file(block("yaml")))
    toml = read_policy_file(file(block("toml"), "policy.toml"))

    layers = layers_of(said["policy"], yaml)

    assert yaml.tools == toml.tools
    assert yaml.domains == toml.domains
    refund = Policies(layers).base["refund_order"]
    assert ("finance", 2, True) == (refund.approval.role, refund.approval.approvers, refund.approval.four_eyes)
    assert ["require", "deny", "deny", "step_up", "require"] == [one.effect for one in refund.conditions]
    assert 28800 == refund.max_age
    assert {"orders:read"} == Policies(layers).base["get_order"].scopes


@pytest.mark.requirement("policy:docs:examples-are-true")
def test_every_word_of_approval_stands_on_the_page_with_its_default():
    table = PAGE.partition("the words of `approval`")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `([a-z_]+)` \|.*\| ([^|]+) \|$", table, re.MULTILINE))

    assert {each.name for each in dataclasses.fields(ApprovalRule)} == set(rows)
    for each in dataclasses.fields(ApprovalRule):
        if type(each.default) in (int, bool) or each.name in ("by", "role"):
            assert str(each.default).lower() == rows[each.name].strip("`"), each.name


@pytest.mark.requirement("policy:docs:examples-are-true")
@pytest.mark.parametrize("text", re.findall(r"`((?:args|not |called|subset|domain|hour|exists)[^`]*[\"')0-9])`", PAGE))
def test_every_condition_that_the_page_shows_is_one(text):
    if text.startswith(("hour(", "domain(", "args.")) and not re.search(r"[<>=]", text):
        text += " == 1"
    if text.startswith(("lower(x)", "domain(x)", "subset(these")):
        return  # a form, not an example
    parse(text)


def test_brackets_and_dots_in_a_text_do_not_stop_the_start(file):
    """Lines are found in the time that reading takes, whatever a text in the file holds."""
    text = "version = 1\nx = '''\n" + "[" + " .\t" * 20_000 + "\n'''\n"

    with pytest.raises(SettingsError, match="line 2: x: is no member"):
        read_policy_file(file(text, "policy.toml"))


@pytest.mark.requirement("policy:file:errors-name-line-and-cure")
@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("version: 1\ntools:\n  see:\n    rules: [a]\n", 4, "tools.see.rules: is no member"),
        ("version: 1\ntools:\n  see:\n    roles: [a]\n    roles: [b]\n", 5, "'roles' stands twice"),
        ("version: 1\ntools:\n  see:\n    roles: support\n", 4, "tools.see.roles: 'support' is no list"),
        ("version: 1\ntools:\n  see:\n    mode: off\n", 4, "mode: 'off' is unknown"),
        (
            "version: 1\ntools:\n  see:\n    when:\n    - deny: args.n = 1\n      because: x\n",
            5,
            "when[0].deny: column 8",
        ),
        ("version: 1\ntools:\n  see:\n    when:\n    - deny: first_use\n", 5, "when[0].because: does not say why"),
        ("version: 1\ntools:\n  see:\n    approval: {approvers: 9}\n", 4, "approval.approvers: must be 1 to 5"),
        ("version: 1\ntools: &a\n  see: *a\n", 3, "an alias"),
        ("version: 1\ntools:\n  see: !!python/object:os.system {}\n", 3, "a value of the kind"),
        ("version: 1\ntools:\n  see:\n  max_age: 3\n bad", 5, "is no YAML"),
        ("version: 1\ntools:\n  see: {max_age: 2026-01-01}\n", 3, "max_age: '2026-01-01' is out of range"),
        ("version: 2\n", 1, "version: names no version"),
        ("tools: {}\n", 1, "version: names no version"),
        ("version: 1\nrules: {}\n", 2, "rules: is no member of a policy file"),
        ("version: 1\ntools:\n  'two words': {}\n", 3, "is no tool name"),
        ("version: 1\ntools:\n  '*': {scopes: [a]}\n", 3, "every tool would need them"),
        ("version: 1\ntenants:\n  t: {domains: [ACME.example]}\n", 3, "no list of domains"),
        ("- 1\n", 1, "is no policy"),
        ("", 1, "is no policy"),
        ("version: 1\ntools:\n  see: " + "[" * 40 + "]" * 40, 3, "nested more than 12"),
    ],
)
def test_an_error_names_the_line_and_the_cure(file, text, line, said):
    with pytest.raises(SettingsError) as refused:
        read_policy_file(file(text))

    assert f"policy.yaml, line {line}: " in str(refused.value)
    assert said in str(refused.value)
    assert "Cure: " in str(refused.value)


@pytest.mark.requirement("policy:file:errors-name-line-and-cure")
@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("version = 1\n[tools.see]\nrole = []\n", 3, "tools.see.role: is no member"),
        ("version = 1\n[tools.see]\nroles = []\nroles = []\n", 4, "is no TOML"),
        ("version = 1\n[[tools.see.when]]\ndeny='true'\nbecause='x'\n[[tools.see.when]]\ndeny='a'\nbecause='x'\n", 6, "column 1"),
        ("version = 1\n[tools.see]\nwhen = [{deny = 'true'}]\n", 3, "when[0].because"),
        ("version = 1\ntools.see.mode = 'off'\n", 2, "mode: 'off'"),
        ("version = 1\n[tools.see]\nmax_age = 2026-01-01\n", 3, "max_age: a date is out of range"),
    ],
)  # fmt: skip
def test_an_error_in_toml_does_too(file, text, line, said):
    with pytest.raises(SettingsError) as refused:
        read_policy_file(file(text, "policy.toml"))

    assert f"policy.toml, line {line}: " in str(refused.value)
    assert said in str(refused.value)


@pytest.mark.requirement("policy:file:errors-name-line-and-cure")
@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("policy.json", "{}", "of no known kind"),
        ("policy.yaml", b"\xff", "not UTF-8"),
        ("policy.yaml", b"#" * 1024 * 1025, "larger than 1 MiB"),
    ],
)
def test_what_is_no_policy_file_stops_the_start(file, name, content, said):
    with pytest.raises(SettingsError, match=said):
        read_policy_file(file(content, name))
    with pytest.raises(SettingsError, match="cannot be read"):
        read_policy_file("/nowhere/policy.yaml")


@pytest.mark.requirement("policy:file:tightens-the-code")
def test_a_file_tightens_the_tools_of_the_code_or_names_them_itself(file):
    over = read_policy_file(file("version: 1\ntools:\n  see: {roles: [lead]}\n"))

    assert {"lead"} == Policies(layers_of({"see": read("a"), "put": write("a")}, over)).base["see"].roles
    with pytest.raises(SettingsError, match=r"line 3: tools.see: is no tool of this server"):
        layers_of({"seen": read("a")}, over)
    with pytest.raises(SettingsError, match=r"line 3: tools.see: says no class"):
        layers_of(None, over)
    with pytest.raises(SettingsError, match="every token would do"):
        layers_of(None, read_policy_file(file("version: 1\ntools:\n  see: {class: read}\n")))
    with pytest.raises(SettingsError, match="names no tool"):
        layers_of(None, read_policy_file(file("version: 1\ntools:\n  '*': {mode: deny}\n")))
    alone = read_policy_file(file("version: 1\ntools:\n  see: {class: read, scopes: [a]}\n  '*': {max_age: 5}\n"))
    assert 5 == Policies(layers_of(None, alone)).base["see"].max_age
    assert EVERY_TOOL not in layers_of(None, alone)


PIECES = st.sampled_from(["version: 1\n", "tools:\n", "  see:\n", "    roles: [a]\n", "- ", "{", "}", "[", "]", ": ", "&a ", "*a",
                          "!!int x", "|\n", "\t", "'", '"', "? ", "<<: ", "---\n", "# c\n", "version = 1\n", "[tools.see]\n", "= "])  # fmt: skip


@pytest.mark.requirement("policy:file:errors-name-line-and-cure")
@given(text=st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=60), kind=st.sampled_from(["yaml", "toml"]))
@settings(max_examples=500, deadline=None)
def test_no_text_raises_anything_but_a_settings_error(tmp_path_factory, text, kind):
    path = tmp_path_factory.getbasetemp() / f"any.{kind}"
    path.write_text(text, encoding="utf-8", errors="replace")

    try:
        read_policy_file(path)
    except SettingsError as refused:
        assert f"any.{kind}" in str(refused)
