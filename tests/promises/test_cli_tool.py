"""`authserver tool`: an operator who has never seen it changes what a tenant's tools demand, without a deploy."""

import getpass
import json
import re

import pytest

from authserver.cli.tool import app
from resource_lib.wire.condition import parse
from tests.support.deployment import Deployment, logs_kept

MCP = "https://mcp.example.com/mcp"
TOOLS = [
    {"name": "search_orders", "class": "read", "scopes": ["orders:read"]},
    {"name": "update_order", "class": "write", "scopes": ["orders:write"]},
    {"name": "refund_order", "class": "destructive", "scopes": ["orders:write"]},
]
AT = ("--resource", MCP, "--tenant", "acme")


@pytest.fixture(autouse=True)
def own_logs():
    with logs_kept():
        yield


@pytest.fixture
def acme(tmp_path) -> Deployment:
    made = Deployment.migrated(tmp_path)
    for slug in ("acme", "globex"):
        made.told("tenant", "add", slug)
    (tmp_path / "tools.json").write_text(json.dumps(TOOLS))
    scopes = ("--scope", "orders:read=See orders", "--scope", "orders:write=Change orders")
    made.told(
        "resource", "add", MCP, "--name", "Orders", *scopes, "--tools", str(tmp_path / "tools.json"), "--link", "acme"
    )
    return made


def client(acme, name):
    return acme.told("client", "add", "--tenant", "acme", "--name", name, "--redirect-uri", "https://a.example/cb")[
        "client_id"
    ]


@pytest.mark.requirement("opt-in:cli:operators-change-tools-without-a-deploy")
def test_a_tool_is_denied_asked_about_and_given_back(acme):
    """Decision 18: one tool, one tenant; what holds and who changed it is seen at once."""
    before = acme.told("tool", "list", *AT)
    denied = acme.told("tool", "deny", "refund_order", *AT, "--yes")
    asked = acme.told("tool", "step-up", "update_order", *AT)
    listed = {row["tool"]: row for row in acme.told("tool", "list", *AT)}
    back = acme.told("tool", "allow", "refund_order", *AT)
    shown = acme.told("tool", "show", "refund_order", *AT)

    assert ["any application"] * 3 == [row["offered_to"] for row in before]
    assert ("nobody", {"refund_order": {"mode": "deny"}}) == (denied["offered_to"], denied["rules"])
    assert "waits for a yes" == asked["each_call"] == listed["update_order"]["each_call"]
    assert "nobody" == listed["refund_order"]["offered_to"]
    assert ("any application", {}) == (back["offered_to"], back["rules"])
    assert [{}, {"mode": "deny"}] == [entry["rules"] for entry in shown["history"]]
    assert {getpass.getuser()} == {entry["by"] for entry in shown["history"]}


@pytest.mark.requirement("opt-in:cli:operators-change-tools-without-a-deploy")
def test_a_list_of_applications_begins_grows_shrinks_and_ends(acme):
    """Decision 11: by client_id; one that is described by a document need not have come yet."""
    one, other = client(acme, "One"), client(acme, "Other")
    url = "https://claude.ai/oauth/claude-code-client-metadata"

    only = acme.told("tool", "clients", "refund_order", "--only", one, "--only", url, *AT)
    more = acme.told("tool", "clients", "refund_order", "--add", other, "--remove", url, *AT)
    none = acme.told("tool", "clients", "refund_order", "--remove", one, "--remove", other, *AT)
    any_ = acme.told("tool", "clients", "refund_order", "--any", *AT)

    assert [sorted([one, url]), sorted([one, other]), "nobody", "any application"] == [
        said["offered_to"] for said in (only, more, none, any_)
    ]


@pytest.mark.requirement("opt-in:cli:operators-change-tools-without-a-deploy")
def test_conditions_are_added_and_a_ceiling_holds_for_tools_of_tomorrow(acme, tmp_path):
    """Decision 18: the same words as an author's policy; a class ceiling needs no list of names."""
    acme.told("tool", "when", "refund_order", "--deny", "args.amount_cents > 100000", "--because", "Too much.", *AT)
    two = acme.told("tool", "when", "refund_order", "--step-up", "args.amount_cents > 500", "--because", "Look.", *AT)
    capped = acme.told("tool", "ceiling", "write", *AT)
    later = [*TOOLS, {"name": "purge_orders", "class": "destructive", "scopes": ["orders:write"]}]
    (tmp_path / "tools.json").write_text(json.dumps(later))
    acme.told("resource", "set", MCP, "--tools", str(tmp_path / "tools.json"))
    listed = {row["tool"]: row["offered_to"] for row in acme.told("tool", "list", *AT)}
    forgotten = acme.told("tool", "when", "refund_order", "--forget", *AT)

    assert "deny when args.amount_cents > 100000; step_up when args.amount_cents > 500" == two["conditions"]
    assert {"*": {"most": "write"}} == capped["rules"]
    assert ["any application", "any application", "nobody", "nobody"] == [
        listed[name] for name in ("search_orders", "update_order", "refund_order", "purge_orders")
    ]
    assert "" == forgotten["conditions"]


@pytest.mark.requirement("opt-in:cli:operators-change-tools-without-a-deploy")
def test_all_of_a_tools_rules_come_from_a_file_and_go_at_once(acme, tmp_path):
    """Ours: what the words of the other commands do not say."""
    rules = {"class": "destructive", "roles": ["support"], "max_age": 600, "approval": {"by": "role", "approvers": 2}}
    (tmp_path / "rules.json").write_text(json.dumps(rules))

    given = acme.told("tool", "set", "update_order", "--rules", str(tmp_path / "rules.json"), *AT)
    text = acme.run("tool", "show", "update_order", *AT).output
    cleared = acme.told("tool", "clear", "update_order", *AT, "--yes")

    assert ("destructive", "waits for a yes") == (given["class"], given["each_call"])
    assert "rules for update_order" in text
    assert getpass.getuser() in text
    assert ("write", {}) == (cleared["class"], cleared["rules"])


@pytest.mark.requirement("opt-in:cli:says-what-is-wrong")
@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("deny", "refund_ordr", *AT, "--yes"), "It has: refund_order, search_orders, update_order"),
        (("deny", "refund_order", *AT), "Say --yes"),
        (("deny", "refund_order", "--resource", MCP, "--tenant", "globex", "--yes"), "--link globex"),
        (("deny", "refund_order", "--resource", "https://no.example", "--tenant", "acme", "--yes"), "resource list"),
        (("deny", "refund_order", "--resource", MCP, "--tenant", "nobody", "--yes"), "tenant: there is no"),
        (("clients", "refund_order", *AT), "Say --only"),
        (("clients", "refund_order", "--only", "cli_nobody", *AT), "there is no 'cli_nobody'"),
        (("clients", "refund_order", "--remove", "cli_x", *AT), "any application may use it"),
        (("when", "refund_order", *AT), "--deny, --step-up or --require"),
        (("when", "refund_order", "--deny", "args.amount >", "--because", "x", *AT), "--deny: column"),
        (("when", "refund_order", "--deny", "args.amount > 1", *AT), "--because:"),
        (("ceiling", "writes", *AT), "CLASS: one of read, write, destructive, none"),
        (("set", "refund_order", "--rules", "/nowhere.json", *AT), "--rules: /nowhere.json cannot be read"),
    ],
)
def test_a_wrong_command_says_what_is_wrong_and_changes_nothing(acme, command, said):
    """Ours: the option and the cure."""
    done = acme.run("tool", *command)

    assert 0 != done.exit_code
    assert said in done.output + done.stderr
    assert {"-", None} >= {row["changed"] for row in acme.told("tool", "list", *AT)}


@pytest.mark.requirement("opt-in:cli:says-what-is-wrong")
@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ('{"approval": {"rol": "x"}}', "--rules: approval.rol: is no member of a rule, which has by, role"),
        ("[]", "--rules: is"),
    ],
)
def test_a_wrong_file_of_rules_is_answered_with_the_member(acme, tmp_path, rules, said):
    """Ours: the option, then the place in the file."""
    (tmp_path / "rules.json").write_text(rules)

    done = acme.run("tool", "set", "refund_order", "--rules", str(tmp_path / "rules.json"), *AT)

    assert 2 == done.exit_code
    assert said in done.stderr


@pytest.mark.requirement("opt-in:cli:says-what-is-wrong")
def test_every_condition_that_the_help_shows_is_one():
    """Ours: an example that is typed as it stands works."""
    shown = " ".join(command.epilog or "" for command in app.registered_commands)
    conditions = re.findall(r"--(?:deny|step-up|require) '([^']+)'", shown)

    assert 2 == len(conditions)
    for condition in conditions:
        parse(condition)


@pytest.mark.requirement("opt-in:cli:says-what-is-wrong")
def test_a_tool_that_only_its_server_knows_is_named_on_purpose(acme):
    """Ours: a slip of the pen takes nothing away; what is meant can be said."""
    said = acme.told("tool", "deny", "hidden_tool", "--not-listed", *AT, "--yes")

    assert "nobody" == said["offered_to"]
    assert "hidden_tool" in [row["tool"] for row in acme.told("tool", "list", *AT)]
