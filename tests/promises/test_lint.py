"""The linter where authors meet it: at the start of a guard, when tools are listed, and as a command."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from fastmcp import FastMCP
from mcp.server import MCPServer

from resource_lib import ResourceGuard, SettingsError, read, write
from resource_lib.__main__ import main
from resource_lib.integrations import fastmcp as fastmcp_adapter
from resource_lib.integrations import mcp_sdk
from tests.support.guarded import MODERN, Guarded

ROOT = Path(__file__).resolve().parents[2]
POLICY = {"run_report": read("reports:read"), "keep": write("reports:write", waive={"no-annotations": "an old client"})}


def server(kind):
    mcp = kind("reports")

    @mcp.tool()
    def run_report(sql: str) -> int:
        """Use it when a report is wanted. Not for anything else."""
        return len(sql)

    @mcp.tool()
    def keep(count: int) -> int:
        """Use it when a count is to be kept. Not for reports."""
        return count

    return mcp


def guard(**options):
    given = {"issuer": "https://auth.example.com", "resource": "https://mcp.example.com/mcp", "tools": POLICY}
    return ResourceGuard(**{**given, **options})


KINDS = pytest.mark.parametrize(
    ("kind", "guarded"), [(MCPServer, mcp_sdk.guarded), (FastMCP, fastmcp_adapter.guarded)], ids=["sdk", "fastmcp"]
)


@KINDS
@pytest.mark.requirement("lint:guards-say-it-at-the-start")
def test_a_guard_looks_at_the_tools_before_it_serves_and_says_it_in_doctor_and_in_one_line(kind, guarded, caplog):
    """C26: lint at registration."""
    one = guard()
    with caplog.at_level(logging.WARNING, logger="resource_lib.lint"):
        guarded(server(kind), one)

    said = [warning for warning in one.doctor().warnings if warning.startswith("lint: ")]
    assert any(warning.startswith("lint: run_report /sql: raw-sql: ") for warning in said)
    assert any(warning.startswith("lint: run_report: no-annotations") for warning in said)
    assert not any("keep: no-annotations" in warning for warning in said)
    assert 1 == len([record for record in caplog.records if record.name == "resource_lib.lint"])


@KINDS
@pytest.mark.requirement("lint:error-stops-the-start")
def test_with_error_the_guard_does_not_start(kind, guarded):
    """Issue: `lint="error"` stops the start, naming what to mend and the cure."""
    with pytest.raises(SettingsError, match=r"raw-sql.*Cure|raw-sql"):
        guarded(server(kind), guard(lint="error"))


@pytest.mark.requirement("lint:error-stops-the-start")
def test_with_error_a_server_whose_tools_nobody_has_seen_does_not_start():
    """Ours: fail closed, what was not looked at is not clean."""

    async def app(scope, receive, send):
        raise AssertionError

    with pytest.raises(SettingsError, match="not known at the start"):
        guard(lint="error").wrap(app)
    with pytest.raises(SettingsError, match="lint"):
        guard(lint="fatal")


@KINDS
@pytest.mark.requirement("lint:error-stops-the-start")
def test_with_error_a_clean_server_starts(kind, guarded):
    """Ours: it can be satisfied, by mending or by a reason."""
    reasons = {"raw-sql": "read-only replica", "unbounded-text": "bounded there", "no-annotations": "an old client"}
    policy = {
        "run_report": read("reports:read", waive=reasons),
        "keep": write("reports:write", waive={"no-annotations": "an old client", "unbounded-number": "checked inside"}),
    }

    guarded(server(kind), guard(lint="error", tools=policy))


@pytest.mark.requirement("lint:guards-say-it-when-tools-are-listed")
async def test_a_tool_that_is_first_seen_in_a_list_is_looked_at_then():
    """C26: a server of any kind, and a tool that was added while it ran."""
    guarded = Guarded(lint="warn")
    assert not [warning for warning in guarded.guard.doctor().warnings if warning.startswith("lint: ")]
    listed = {"name": "see", "inputSchema": {"type": "object", "properties": {"tenant_id": {"type": "string"}}}}
    answer = {"jsonrpc": "2.0", "id": 1, "result": {"tools": [listed]}}
    guarded.server.chunks = [json.dumps(answer).encode()]

    listing = await guarded.rpc("tools/list", auth=guarded.bearer("notes:read"), headers=[MODERN])

    assert [listed] == listing.json["result"]["tools"]
    assert any("see /tenant_id: tenant-argument" in warning for warning in guarded.guard.doctor().warnings)


@pytest.mark.requirement("lint:changes-no-decision")
async def test_what_is_found_changes_no_answer():
    """Ours: the linter advises authors; what a caller may do follows from policy alone."""
    warned, silent = Guarded(lint="warn"), Guarded(lint="off")
    listed = {"name": "see", "inputSchema": {"type": "object", "properties": {"sql": {"type": "string"}}}}
    for one in (warned, silent):
        one.server.chunks = [json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"tools": [listed]}}).encode()]
        await one.rpc("tools/list", auth=one.bearer("notes:read"), headers=[MODERN])

    answers = [(await one.tool("see", "notes:read", headers=[MODERN])) for one in (warned, silent)]

    assert answers[0].status == answers[1].status == 200
    assert answers[0].body == answers[1].body


def run(*words):
    return subprocess.run(
        [sys.executable, "-m", "resource_lib", "lint", *words],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.mark.requirement("lint:command")
@pytest.mark.parametrize(
    "name",
    [
        "official_sdk:app",
        "official_sdk:mcp",
        "fastmcp_server:app",
        "lowlevel_sdk:app",
        "upstream_api:app",
        "handbook:app",
        "parcels:app",
    ],
)
def test_the_command_looks_at_a_server_or_a_guarded_app_and_the_examples_are_clean(name):
    """Issue: `python -m resource_lib lint APP`; an example that needs mending teaches the wrong thing."""
    done = run(f"examples.{name}", "--json", "--fail-on", "advice")

    assert (0, []) == (done.returncode, json.loads(done.stdout)["findings"]), done.stdout + done.stderr
    assert json.loads(done.stdout)["tools"] >= 1


TOOLS = [{"name": "fetch_page", "inputSchema": {"type": "object", "properties": {"url": {"type": "string"}}}}]


@pytest.mark.requirement("lint:command")
@pytest.mark.parametrize(
    "form", [TOOLS, {"tools": TOOLS}, {"jsonrpc": "2.0", "id": 1, "result": {"tools": TOOLS}}, TOOLS[0]], ids=str
)
def test_the_command_takes_a_list_of_tools_in_any_form_it_is_met_in(form, tmp_path, capsys):
    """Issue: a JSON file of tools."""
    file = tmp_path / "tools.json"
    file.write_text(json.dumps(form), encoding="utf-8")

    code = main(["lint", str(file), "--json"])

    said = json.loads(capsys.readouterr().out)
    assert 1 == code
    assert {"open-url", "unbounded-text"} <= {one["rule"] for one in said["findings"]}
    assert all(one["cure"] and one["control"] for one in said["findings"])


@pytest.mark.requirement("lint:command")
def test_the_exit_code_follows_from_what_is_left(tmp_path, capsys):
    """Issue: for a build, 0 clean, 1 something to mend, 2 nobody could look."""
    file, waivers = tmp_path / "tools.json", tmp_path / "waivers.yaml"
    fine = {
        "name": "count_visits",
        "description": "Use it when visits are to be counted. Not for anything else.",
        "inputSchema": {"type": "object", "properties": {"page": {"type": "string"}}},
        "outputSchema": {"type": "object", "properties": {"visits": {"type": "integer"}}},
        "annotations": {"readOnlyHint": True},
    }
    file.write_text(json.dumps([fine]), encoding="utf-8")
    waivers.write_text("count_visits:\n  unbounded-text: cut at 200 characters\n", encoding="utf-8")

    assert 1 == main(["lint", str(file)])
    assert 0 == main(["lint", str(file), "--fail-on", "error"])
    assert 0 == main(["lint", str(file), "--waivers", str(waivers)])
    waivers.write_text("count_visits:\n  unbounded-text: cut\n  raw-sql: gone since May\n", encoding="utf-8")
    assert 1 == main(["lint", str(file), "--waivers", str(waivers)])
    assert "unused-waiver" in capsys.readouterr().out


@pytest.mark.requirement("lint:command")
@pytest.mark.parametrize(
    "words",
    [
        ["no_such_module:app"], ["json:nothing"], ["json:loads"], ["json"], [], ["/no/such/tools.json"],
        ["examples.official_sdk:app", "--waivers", "/no/such.yaml"],
    ],
    ids=str,
)  # fmt: skip
def test_where_nobody_could_look_the_command_says_so_and_ends_with_2(words, capsys):
    """Ours: a gate that could not look must not be green."""
    assert 2 == main(["lint", *words])
    assert capsys.readouterr().err.startswith("lint: ")


@pytest.mark.requirement("lint:command")
@pytest.mark.parametrize(
    "text", ["", "[", "[]", "{}", '{"tools": [{"inputSchema": {}}]}', '{"tools": [], "tools": []}', "7"]
)
def test_a_file_without_tools_is_no_clean_bill(text, tmp_path):
    """Ours: an empty list would pass everything."""
    file = tmp_path / "tools.json"
    file.write_text(text, encoding="utf-8")

    assert 2 == main(["lint", str(file)])


@pytest.mark.requirement("lint:rules-are-one-visible-table")
def test_the_command_says_which_rules_there_are(capsys):
    """Issue: rules are one visible table."""
    assert 0 == main(["lint", "--rules", "--json"])

    rows = json.loads(capsys.readouterr().out)
    assert {"raw-sql", "tenant-argument", "unused-waiver"} <= {row["rule"] for row in rows}
    assert all(row["says"] and row["cure"] and row["control"] and row["severity"] for row in rows)
