"""`authserver kill`, `revive`, `revoke`, `resource pause`: an operator's commands, with the database alone."""

import json
import os
import pty
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from authserver.cli.tree import app
from tests.support.deployment import ROOT, Deployment, bare_environment, logs_kept

RESOURCE = "https://orders.example/mcp"
WHY = ("--reason", "it misbehaves")


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    with logs_kept():
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    with logs_kept():
        one = Deployment.migrated(tmp_path_factory.mktemp("deployment"))
        one.told("tenant", "add", "acme")
        one.told("tenant", "add", "globex")
        one.told("user", "add", "alice@acme.example", "--tenant", "acme")
        tools = one.folder / "tools.json"
        tools.write_text(json.dumps([{"name": "refund_order", "class": "destructive", "scopes": ["orders:write"]}]))
        one.told(
            "resource", "add", RESOURCE, "--name", "Orders", "--scope", "orders:write=Change orders",
            "--scope", "orders:read=See orders", "--tools", str(tools), "--link", "acme", "--link", "globex",
        )  # fmt: skip
        one.credential = one.told(
            "client", "add", "--tenant", "acme", "--name", "Robot", "--auth", "client_secret_basic",
            "--grant", "client_credentials", "--scope", "orders:read", "--resource", RESOURCE,
        )  # fmt: skip
    return one


@pytest.fixture
def acme(made: Deployment, tmp_path: Path) -> Deployment:
    one = made.copied(tmp_path)
    one.credential = made.credential
    return one


def token_status(acme: Deployment) -> int:
    return acme.token_status(acme.credential["client_id"], acme.credential["client_secret"], resource=RESOURCE)


def rotated(acme: Deployment) -> int:
    """Give the machine a new secret, with which it begins anew, and ask for a token."""
    acme.credential = acme.credential | acme.told(
        "client", "rotate", acme.credential["client_id"], "--overlap", "0", "--yes"
    )
    return token_status(acme)


EACH = [
    ("tool", "refund_order", "--resource", RESOURCE),
    ("tool", "refund_order", "--resource", RESOURCE, "--tenant", "acme"),
    ("tool", "refund_order", "--resource", RESOURCE, "--version", "h" * 43),
    ("client", "{client}"),
    ("client", "{client}", "--tenant", "acme"),
    ("host", "claude.ai"),
    ("user", "alice@acme.example", "--tenant", "acme"),
    ("tenant", "acme"),
    ("resource", RESOURCE),
    ("resource", RESOURCE, "--tenant", "globex"),
    ("everything",),
]


def typed(acme: Deployment, words: tuple[str, ...]) -> list[str]:
    return [word.format(client=acme.credential["client_id"]) for word in words]


@pytest.mark.requirement("cli:kill:each-target-is-stopped-listed-and-revived")
@pytest.mark.parametrize("words", EACH, ids=" ".join)
def test_each_target_is_stopped_is_listed_with_its_way_back_and_is_revived(acme: Deployment, words: tuple[str, ...]):
    """Design §4, C12: one command each, and what it says to type to revive is what revives it."""
    stopped = acme.told("kill", *typed(acme, words), *WHY, "--yes")
    (listed,) = acme.told("kill", "list")
    back = shlex.split(listed["revive"])
    revived = CliRunner().invoke(app, [*back[1:], "--yes"])

    assert (0, "authserver") == (revived.exit_code, back[0]), revived.output
    assert ("killed", "it misbehaves") == (listed["state"], listed["reason"])
    assert listed["target"].startswith(stopped["target"])
    assert stopped["number"] == listed["number"]
    assert listed["by"].startswith("command line (")
    assert [] == acme.told("kill", "list")
    assert ["revived"] == [row["state"] for row in acme.told("kill", "list", "--past")]


@pytest.mark.requirement("cli:kill:acts-with-the-database-alone")
def test_a_kill_is_in_force_though_no_server_runs_and_a_revived_client_begins_anew(acme: Deployment):
    """C12, what-users-want: the command needs the database; the server that starts afterwards obeys."""
    client = acme.credential["client_id"]
    assert 200 == token_status(acme)

    acme.told("kill", "client", client, *WHY, "--yes")
    killed = token_status(acme)
    acme.told("revive", "client", client, "--reason", "mended", "--yes")

    assert 400 <= killed < 500
    assert 200 == token_status(acme)


@pytest.mark.requirement("cli:kill:dry-run-shows-and-changes-nothing")
def test_a_dry_run_counts_what_would_end_and_changes_nothing(acme: Deployment):
    """Issue: N users, N clients, N live authorizations, servers and instances."""
    assert 200 == token_status(acme)

    shown = acme.told("kill", "tenant", "acme", "--dry-run")
    words = acme.run("kill", "tenant", "acme", "--dry-run").output

    assert {"users": 0, "clients": 1, "live_authorizations": 1, "instances": 0, "ends": True} == {
        name: shown[name] for name in ("users", "clients", "live_authorizations", "instances", "ends")
    }
    assert [RESOURCE] == shown["servers"]
    assert "1 application, 1 live login end for good" in words
    assert "Nothing was changed." in words
    assert [] == acme.told("kill", "list", "--past")
    assert 200 == token_status(acme)


@pytest.mark.requirement("cli:kill:asks-first-and-demands-yes-without-a-terminal")
@pytest.mark.parametrize("command", ["kill", "revive"])
def test_without_a_terminal_it_demands_yes_and_a_reason(acme: Deployment, command: str):
    """AD-12: a script that says neither has changed nothing."""
    silent = acme.run(command, "tenant", "acme", *WHY)
    without = acme.run(command, "tenant", "acme", "--yes")

    assert (2, 2) == (silent.exit_code, without.exit_code)
    assert "--yes" in silent.stderr
    assert "--reason" in without.stderr
    assert [] == acme.told("kill", "list")


def at_a_terminal(acme: Deployment, answer: str, *words: str) -> tuple[int, str]:
    """Run a command whose standard input is a terminal; returns its exit code and everything it said."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "authserver", *words, "--data-dir", str(acme.folder)],
        stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT, env=bare_environment(), text=True,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, f"{answer}\n".encode())
    said, _ = process.communicate(timeout=120)
    os.close(ours)
    return process.returncode, said


@pytest.mark.requirement("cli:kill:asks-first-and-demands-yes-without-a-terminal")
def test_at_a_terminal_it_shows_what_it_would_end_and_a_no_changes_nothing(acme: Deployment):
    """Issue, AD-12: the blast radius stands before the question; reviving says what does not come back."""
    assert 200 == token_status(acme)

    no, shown = at_a_terminal(acme, "n", "kill", "tenant", "acme", *WHY)
    after_no = acme.told("kill", "list")
    yes, _ = at_a_terminal(acme, "y", "kill", "tenant", "acme", *WHY)
    back, said = at_a_terminal(acme, "y", "revive", "tenant", "acme", "--reason", "mended")

    assert (1, 0, 0) == (no, yes, back)
    assert shown.index("1 live login end for good") < shown.index("Go on?")
    assert [] == after_no
    assert "Nothing that ended comes back" in said


@pytest.mark.requirement("cli:kill:says-what-is-wrong")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("kill", "user", "mallory@acme.example", "--tenant", "acme"), "user: nobody in acme is mallory@acme.example"),
        (("kill", "tenant", "nobody"), "tenant: there is no 'nobody'"),
        (("kill", "tool", "refund", "--resource", RESOURCE), "there are: refund_order"),
        (("kill", "resource", "https://else.example/mcp"), "resource: https://else.example/mcp is unknown"),
        (("kill", "client", "cli_nobody"), "client_id: cli_nobody is unknown"),
        (("revive", "tenant", "acme"), "it is not stopped"),
        (("revoke", "authorization", "az_nobody"), "authorization: there is no az_nobody"),
        (("kill", "list", "--tenant", "nobody"), "tenant: there is no 'nobody'"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:2]),
)
def test_a_wrong_name_is_told_with_its_cure_and_nothing_is_stopped(acme: Deployment, words: tuple[str, ...], said: str):
    """Ours: the field and the cure, exit code 1."""
    done = acme.run(*words, *(() if "list" in words else (*WHY, "--yes")))

    assert 1 == done.exit_code
    assert said in done.stderr
    assert [] == acme.told("kill", "list", "--past")


@pytest.mark.requirement("cli:kill:says-what-is-wrong")
def test_reviving_in_another_place_than_it_was_stopped_names_the_place(acme: Deployment):
    """Ours: stopped in one tenant, it is revived there."""
    acme.told("kill", "resource", RESOURCE, "--tenant", "acme", *WHY, "--yes")

    done = acme.run("revive", "resource", RESOURCE, *WHY, "--yes")

    assert 1 == done.exit_code
    assert "but so: --tenant acme" in done.stderr
    assert 1 == len(acme.told("kill", "list"))


@pytest.mark.requirement("cli:kill:wait-never-reports-what-nobody-confirmed")
def test_waiting_where_nobody_follows_says_so_and_is_no_success(acme: Deployment):
    """enforcement.md §4, AGT #3739: no success is reported where nobody has obeyed."""
    done = acme.run("kill", "tenant", "acme", *WHY, "--yes", "--wait")
    said = acme.run("kill", "tenant", "globex", *WHY, "--yes", "--wait", "--json")

    assert (3, 3) == (done.exit_code, said.exit_code)
    assert "0/0 applied" in done.output
    assert {"applied": 0, "of": 0, "everyone": False} == {
        name: json.loads(said.stdout)[name] for name in ("applied", "of", "everyone")
    }
    assert 2 == len(acme.told("kill", "list"))


@pytest.mark.requirement("cli:pause:and-resume")
def test_a_server_is_paused_and_resumed_and_nothing_ends(acme: Deployment):
    """Issue: switched inactive without losing its registration."""
    paused = acme.told("resource", "pause", RESOURCE, *WHY, "--yes")
    (listed,) = acme.told("kill", "list")
    meanwhile = token_status(acme)

    acme.told("resource", "resume", RESOURCE, "--reason", "mended", "--yes")

    assert "pause" == paused["act"]
    assert "paused" == listed["state"]
    assert [] == acme.told("kill", "list")
    # Nothing begins meanwhile, and whoever asks is told to come back.
    assert (503, 200) == (meanwhile, token_status(acme))


@pytest.mark.requirement("cli:revoke:ends-what-is-and-lets-begin-anew")
def test_what_is_revoked_ends_and_begins_anew(acme: Deployment):
    """RFC 7009 §2.1, for an operator: one login, or all of a client; nobody is kept out."""
    assert 200 == token_status(acme)
    (before,) = acme.told("authorization", "list", "--tenant", "acme", "--live")

    acme.told("revoke", "authorization", before["authorization_id"], *WHY, "--yes")
    after = acme.told("authorization", "list", "--tenant", "acme")
    ended = token_status(acme)
    anew = rotated(acme)
    acme.told("revoke", "client", acme.credential["client_id"], *WHY, "--yes")

    assert ["ended"] == [row["state"] for row in after]
    assert (400, 200) == (ended, anew)
    assert [] == acme.told("authorization", "list", "--tenant", "acme", "--live")
    assert [] == acme.told("kill", "list")
    assert 200 == rotated(acme)


@pytest.mark.requirement("cli:revoke:a-token-is-never-an-argument")
def test_a_token_comes_from_a_file_or_standard_input_and_never_stands_in_an_error(acme: Deployment):
    """ASVS 14.3: arguments are in the process list and the shell's history."""
    secret = "eyJhbGciOiJFUzI1NiJ9.not.ours"

    argument = acme.run("revoke", "token", secret, *WHY)
    given = acme.run("revoke", "token", "-", *WHY, typed=secret)

    assert (2, 1) == (argument.exit_code, given.exit_code)
    assert secret not in argument.output + argument.stderr + given.output + given.stderr
    assert "standard input" in argument.stderr


@pytest.mark.requirement("cli:audit:finds-who-stopped-what-and-why")
def test_the_record_says_who_stopped_what_and_why_to_whoever_opens_it(acme: Deployment):
    """Decision 15: the header holds no name; what is sealed is shown when it is asked for."""
    acme.told("kill", "user", "alice@acme.example", "--tenant", "acme", *WHY, "--yes")
    acme.told("revive", "user", "alice@acme.example", "--tenant", "acme", "--reason", "mended", "--yes")

    closed = acme.told("audit", "search", "--tenant", "acme", "--kind", "operator:kill", "--since", "1h")
    opened = acme.told("audit", "search", "--kind", "operator:kill", "--opened")

    assert ["operator:kill:revived", "operator:kill:stopped"] == [row["kind"] for row in closed]
    assert "misbehaves" not in json.dumps(closed)
    assert ["mended", "it misbehaves"] == [row["sealed"]["reason"] for row in opened]
    assert all(row["sealed"]["by"].startswith("command line (") for row in opened)
    assert [] == acme.told("audit", "search", "--kind", "operator:kill", "--until", "2020-01-01")


@pytest.mark.requirement("cli:kill:help-has-examples")
@pytest.mark.parametrize(
    "command",
    [
        *(f"{verb} {kind}" for verb in ("kill", "revive") for kind in ("tool", "client", "host", "user", "tenant", "resource", "everything")),
        "kill list", "revoke token", "revoke authorization", "revoke client", "revoke user", "resource pause",
        "resource resume", "audit search", "authorization list", "login", "logout",
    ],
)  # fmt: skip
def test_every_commands_help_has_an_example_that_names_it(command: str):
    """Design §4: what to type, as it stands."""
    done = _help(command)

    assert f"authserver {command}" in done
    assert "Examples:" in done


def _help(command: str) -> str:
    from typer.testing import CliRunner

    from authserver.cli.tree import app

    result = CliRunner().invoke(app, [*command.split(), "--help"])
    assert 0 == result.exit_code, result.output
    return result.output


@pytest.mark.requirement("cli:check:names-who-would-not-hear-of-a-stop")
def test_check_names_servers_that_nobody_follows_missing_operators_and_what_is_stopped(acme: Deployment):
    """Issue: what would make a stop come late is said before it is needed."""
    acme.told("kill", "tenant", "globex", *WHY, "--yes")
    before = {row["what"]: row for row in acme.told("check")}
    acme.told("tenant", "add", "platform")
    acme.told("user", "add", "ada@platform.example", "--tenant", "platform", "--role", "admin")
    acme.told("revive", "tenant", "globex", "--reason", "mended", "--yes")
    after = {row["what"]: row for row in acme.told("check")}

    assert "warning" == before[f"server {RESOURCE}"]["state"]
    assert "no process of it follows" in before[f"server {RESOURCE}"]["detail"]
    assert ("warning", "ok") == (before["operators"]["state"], after["operators"]["state"])
    assert "authserver kill list" in before["stopped"]["detail"]
    assert "stopped" not in after


@pytest.mark.requirement("cli:kill:ends-are-known-wherever-the-database-is-open")
def test_whoever_opens_the_database_knows_what_ends_with_a_user_or_a_client():
    """A fresh process that imports no page and no server: else a kill would fail where it is wanted most."""
    said = "import authserver.opening; from authserver.domain.revocation import ends; print(set(ends.KEEPERS) - set(ends._HANGING))"

    found = subprocess.run(
        [sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )

    assert "set()" == found.stdout.strip()
