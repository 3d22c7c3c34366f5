"""
The command line: what an operator types does what it says, teaches, and never shows a stack trace.
"""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import typer
from typer.testing import CliRunner

from authserver.cli.tree import app
from authserver.domain.users import user as users
from tests.support.deployment import ROOT, Deployment, bare_environment, free_port, logs_kept
from tests.support.postgres import PostgresServer

MCP = "https://mcp.example.com/mcp"


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    with logs_kept():
        yield


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    with logs_kept():
        return Deployment.migrated(tmp_path_factory.mktemp("empty"))


@pytest.fixture(scope="module")
def with_acme(empty: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    made = empty.copied(tmp_path_factory.mktemp("acme"))
    with logs_kept():
        made.told("tenant", "add", "acme", "--name", "Acme Industries")
        made.told("resource", "add", MCP, "--name", "Orders", "--scope", "orders:read=See orders", "--link", "acme")
    return made


@pytest.fixture
def deployment(empty: Deployment, tmp_path: Path) -> Deployment:
    return empty.copied(tmp_path)


@pytest.fixture
def acme(with_acme: Deployment, tmp_path: Path) -> Deployment:
    return with_acme.copied(tmp_path)


def commands(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command of the tree with the words that reach it."""
    group = typer.main.get_command(app) if group is None else group
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


@pytest.mark.requirement("cli:help:teaches")
@pytest.mark.parametrize(
    ("words", "command"), list(commands()), ids=lambda value: "-".join(value) if isinstance(value, tuple) else ""
)
def test_every_command_explains_itself_and_shows_what_to_type(words: tuple[str, ...], command: Any):
    """Contract: every command takes --json; ours: its help ends with commands to copy."""
    shown = CliRunner().invoke(app, [*words, "--help"])
    options = [option for parameter in command.params for option in parameter.opts]

    assert 0 == shown.exit_code
    assert "--json" in options
    assert command.help
    assert all(parameter.help for parameter in command.params if parameter.opts[0].startswith("--"))
    assert f"authserver {' '.join(words)}" in shown.output.partition("Examples:")[2]


@pytest.mark.requirement("cli:secrets:never-an-argument")
def test_no_command_takes_a_secret_as_an_argument():
    """CWE-214: arguments stand in the process list and in the shell's history."""
    words = {option.lstrip("-") for _, command in commands() for p in command.params for option in p.opts}

    assert {"password-file"} == {word for word in words if "password" in word}
    assert not [word for word in words if "secret" in word or "token" in word]


@pytest.mark.requirement("cli:nouns:add-list-show-set-disable-remove")
def test_a_tenant_lives_from_add_to_remove(deployment: Deployment):
    """Contract: the nouns have add, list, show, set, disable and remove."""
    added = deployment.told("tenant", "add", "acme")
    changed = deployment.told("tenant", "set", "acme", "--name", "Acme GmbH")
    suspended = deployment.told("tenant", "disable", "acme", "--yes")
    listed = deployment.told("tenant", "list")
    removed = deployment.told("tenant", "remove", "acme", "--yes")

    assert "acme" == added["slug"]
    assert "Acme GmbH" == changed["name"]
    assert suspended["active"] is False
    assert [suspended] == listed
    assert {"removed": "acme"} == removed
    assert [] == deployment.told("tenant", "list")


@pytest.mark.requirement("cli:nouns:add-list-show-set-disable-remove")
def test_a_user_lives_from_add_to_remove(acme: Deployment):
    """Contract; decision 22: a person who is in another tenant already keeps the password they have."""
    acme.told("tenant", "add", "globex")
    added = acme.told("user", "add", "ada@acme.example", "--tenant", "acme", "--name", "Ada", "--role", "approver")
    again = acme.told("user", "add", "Ada@acme.example", "--tenant", "globex")
    changed = acme.told("user", "set", "ada@acme.example", "--tenant", "acme", "--no-roles")
    disabled = acme.told("user", "disable", "ada@acme.example", "--tenant", "acme", "--yes")
    acme.told("user", "remove", "ada@acme.example", "--tenant", "acme", "--yes")

    assert ["approver"] == added["roles"]
    assert 16 <= len(added["password"])
    assert added["sub"] != again["sub"]
    assert added["password"] not in json.dumps(again)
    assert [] == changed["roles"]
    assert disabled["active"] is False
    assert [] == acme.told("user", "list", "--tenant", "acme")
    assert ["Ada@acme.example".casefold()] == [
        member["email"].casefold() for member in acme.told("user", "list", "--tenant", "globex")
    ]


@pytest.mark.requirement("cli:nouns:disable-does-what-it-says")
def test_a_person_is_disabled_in_every_tenant_by_one_command(acme: Deployment):
    """Issue: disabling a user ends what hangs on it at once; decision 22: a person is in many tenants."""
    acme.told("tenant", "add", "globex")
    for tenant in ("acme", "globex"):
        acme.told("user", "add", "ada@acme.example", "--tenant", tenant)

    asked = acme.run("user", "disable", "ada@acme.example", "--everywhere")
    both = acme.run("user", "disable", "ada@acme.example", "--everywhere", "--tenant", "acme", "--yes")
    mixed = acme.run("user", "set", "ada@acme.example", "--everywhere", "--active", "--role", "approver")
    nobody = acme.run("user", "disable", "bob@acme.example", "--everywhere", "--yes")
    disabled = acme.told("user", "disable", "ada@acme.example", "--everywhere", "--yes")
    shown = [acme.told("user", "show", "ada@acme.example", "--tenant", tenant) for tenant in ("acme", "globex")]
    in_one = acme.told("user", "set", "ada@acme.example", "--tenant", "acme", "--active")
    enabled = acme.told("user", "set", "ada@acme.example", "--everywhere", "--active")

    assert [2, 2, 2, 1] == [refused.exit_code for refused in (asked, both, mixed, nobody)]
    assert (False, {"acme", "globex"}) == (disabled["active"], set(disabled["tenants"]))
    assert [(False, True)] * 3 == [(member["active"], member["disabled_everywhere"]) for member in (*shown, in_one)]
    assert enabled["active"]
    assert acme.told("user", "show", "ada@acme.example", "--tenant", "globex")["active"]


@pytest.mark.requirement("cli:secrets:never-an-argument")
def test_a_password_comes_from_standard_input_or_a_file(acme: Deployment, tmp_path: Path):
    """Ours: what was typed is the password, without the line's end; nothing of it is printed."""
    (tmp_path / "password").write_text("second battery staple\n")

    added = acme.run(
        "user", "add", "ada@acme.example", "--tenant", "acme", "--password-file", "-", typed="correct horse battery\n"
    )
    first = acme.inside(lambda machines: _knows(machines, "ada@acme.example", "correct horse battery"))
    changed = acme.run(
        "user", "set", "ada@acme.example", "--tenant", "acme", "--password-file", str(tmp_path / "password")
    )
    second = acme.inside(lambda machines: _knows(machines, "ada@acme.example", "second battery staple"))

    assert 0 == added.exit_code
    assert first
    assert 0 == changed.exit_code
    assert second
    assert "battery" not in added.output + changed.output


async def _knows(machines: Any, email: str, password: str) -> bool:
    person = await users.person_by_email(machines.work(), email)
    assert person is not None
    return bool(await machines.passwords.verify(person.password_hash, password))


@pytest.mark.requirement("cli:secrets:shown-once")
def test_a_generated_secret_is_shown_once_and_works(acme: Deployment):
    """Decision 8: kept as a hash; `client rotate --overlap 0` ends the old one at once."""
    robot = ("--auth", "client_secret_basic", "--grant", "client_credentials", "--scope", "orders:read")
    made = acme.told("client", "add", "--tenant", "acme", "--name", "Robot", *robot, "--resource", MCP)
    secret, client_id = made["client_secret"], made["client_id"]
    works = acme.token_status(client_id, secret, resource=MCP)
    shown = acme.run("client", "show", client_id).output + acme.run("client", "list", "--tenant", "acme").output
    rows = b"".join(path.read_bytes() for path in acme.folder.glob("rows.db*"))
    rotated = acme.told("client", "rotate", client_id, "--overlap", "0", "--yes")

    assert 200 == works
    assert secret not in shown
    assert secret.encode() not in rows
    assert 401 == acme.token_status(client_id, secret, resource=MCP)
    assert 200 == acme.token_status(client_id, rotated["client_secret"], resource=MCP)


@pytest.mark.requirement("cli:nouns:add-list-show-set-disable-remove")
def test_a_client_lives_from_add_to_remove(acme: Deployment):
    """Contract: a shared client belongs to no tenant; a disabled one is answered no more."""
    shared = acme.told("client", "add", "--name", "Assistant", "--redirect-uri", "https://app.example.com/cb")
    machine = ("--auth", "client_secret_basic", "--grant", "client_credentials", "--resource", MCP)
    robot = acme.told("client", "add", "--tenant", "acme", "--name", "Robot", *machine)
    answered = acme.token_status(robot["client_id"], robot["client_secret"], resource=MCP)
    acme.told("client", "disable", robot["client_id"], "--yes")
    refused = acme.token_status(robot["client_id"], robot["client_secret"], resource=MCP)
    changed = acme.told("client", "set", shared["client_id"], "--redirect-uri", "https://app.example.com/new")
    acme.told("client", "remove", robot["client_id"], "--yes")

    assert [200, 401] == [answered, refused]
    assert "client_secret" not in shared
    assert ["https://app.example.com/new"] == changed["redirect_uris"]
    assert changed in acme.told("client", "list")
    assert [] == [
        client
        for client in acme.told("client", "list", "--tenant", "acme")
        if client["client_id"] == robot["client_id"]
    ]


@pytest.mark.requirement("cli:nouns:add-list-show-set-disable-remove")
def test_a_resource_lives_from_add_to_remove(acme: Deployment, tmp_path: Path):
    """Contract: tools come from a file; a resource serves the tenants it is linked to."""
    acme.told("tenant", "add", "globex")
    (tmp_path / "tools.json").write_text(json.dumps([{"name": "search", "class": "read", "scopes": ["orders:read"]}]))

    changed = acme.told("resource", "set", MCP, "--tools", str(tmp_path / "tools.json"), "--link", "globex")
    unlinked = acme.told("resource", "set", MCP, "--unlink", "acme")
    disabled = acme.told("resource", "disable", MCP, "--yes")
    listed = acme.told("client", "list")
    credentials = [client["name"] for client in listed]
    shown = acme.told("resource", "show", MCP)
    acme.told("resource", "remove", MCP, "--yes")

    assert ["search(read)"] == changed["tools"]
    assert ["acme", "globex"] == changed["tenants"]
    assert ["globex"] == unlinked["tenants"]
    assert disabled["active"] is False
    assert [] == acme.told("resource", "list")
    assert ["Resource server Orders"] == credentials
    assert [client["client_id"] for client in listed] == shown["client_id"]
    assert [] == acme.told("client", "list")


@pytest.mark.requirement("cli:nouns:add-list-show-set-disable-remove")
def test_issuers_and_keys_are_made_shown_rotated_and_removed(acme: Deployment):
    """Decision 22: a tenant's own issuer has its own keys; decision 16: keys rotate."""
    own = acme.told("issuer", "add", "acme")
    shown = acme.told("issuer", "show", "acme")
    first = acme.told("key", "list")
    acme.told("key", "rotate", "--issuer-path", "/t/acme", "--now")
    keys = acme.told("key", "list")
    retiring = next(key for key in keys if key["state"] == "retiring")
    acme.told("key", "remove", retiring["kid"], "--yes")

    assert "http://127.0.0.1:9000/t/acme" == own["issuer"] == shown["issuer"]
    assert "http://127.0.0.1:9000/.well-known/oauth-authorization-server/t/acme" == shown["metadata"]
    assert ["signing"] == [key["state"] for key in first]
    assert first[0]["kid"] == retiring["kid"]
    assert "gone" == acme.told("key", "show", retiring["kid"])["state"]
    acme.told("issuer", "remove", "acme", "--yes")
    assert 1 == len(acme.told("issuer", "list"))


@pytest.mark.requirement("cli:nouns:both-databases")
def test_the_same_commands_work_on_postgresql(postgres: PostgresServer, tmp_path: Path):
    """Decision 5: one code on two databases; `migrate` uses the owner, everything else a role that owns nothing."""
    urls = postgres.empty_database()
    lines = f"AUTHSERVER_DATABASE_URL={urls.app}\nAUTHSERVER_DATABASE_OWNER_URL={urls.owner}"

    deployment = Deployment.migrated(tmp_path, database=lines)
    again = deployment.told("migrate")
    for slug in ("acme", "globex"):
        deployment.told("tenant", "add", slug)
        deployment.told("user", "add", f"ada@{slug}.example", "--tenant", slug)
    deployment.told("resource", "add", MCP, "--name", "Orders", "--scope", "orders:read=See orders", "--link", "acme")
    robot = ("--auth", "client_secret_basic", "--grant", "client_credentials", "--resource", MCP)
    made = deployment.told("client", "add", "--tenant", "acme", "--name", "Robot", *robot)
    taken = deployment.run("tenant", "add", "acme")
    check = deployment.told("check")

    assert {"migrated": "nothing to do"} == again
    assert ["ada@acme.example"] == [user["email"] for user in deployment.told("user", "list", "--tenant", "acme")]
    assert [made["client_id"]] == [
        client["client_id"] for client in deployment.told("client", "list", "--tenant", "acme")
    ]
    assert [] == deployment.told("client", "list", "--tenant", "globex")
    assert 200 == deployment.token_status(made["client_id"], made["client_secret"], resource=MCP)
    assert 1 == taken.exit_code
    assert {"failed"}.isdisjoint(finding["state"] for finding in check)


@pytest.mark.requirement("cli:errors:name-the-field-and-the-cure")
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("tenant", "add", "Not A Slug"), 2, "slug: 1 to 40 of a-z"),
        (("tenant", "add", "acme"), 1, "slug: 'acme' is taken"),
        (("tenant", "show", "nowhere"), 1, "There are: acme"),
        (("tenant", "set", "acme", "--default-resource", "https://x.example/"), 1, "default_resource: "),
        (("user", "add", "no-address", "--tenant", "acme"), 2, "email: an address such as"),
        (("user", "add", "a@b.example", "--tenant", "acme", "--role", "Bad Role"), 2, "roles: 'Bad Role'"),
        (("user", "show", "nobody@b.example", "--tenant", "acme"), 1, "user list --tenant acme"),
        (("user", "add", "a@b.example", "--tenant", "acme", "--password-file", "/nowhere"), 2, "--password-file: "),
        (("client", "add", "--name", "X", "--redirect-uri", "http://evil.example/cb"), 2, "redirect_uri: https"),
        (
            ("client", "add", "--name", "X", "--grant", "password", "--redirect-uri", "https://a.example/"),
            2,
            "grant_types: ",
        ),
        (
            ("client", "add", "--name", "X", "--auth", "magic", "--grant", "client_credentials"),
            2,
            "token_endpoint_auth",
        ),
        (
            ("client", "add", "--name", "X", "--resource", "https://x.example"),
            1,
            "resource: https://x.example is unknown",
        ),
        (("client", "add", "--name", "X"), 2, "--redirect-uri: "),
        (
            ("client", "add", "--name", "X", "--auth", "client_secret_basic", "--grant", "client_credentials"),
            2,
            "tenant: a machine acts inside one tenant",
        ),
        (
            (
                *[
                    "client",
                    "add",
                    "--tenant",
                    "acme",
                    "--name",
                    "X",
                    "--redirect-uri",
                    "https://a.example/cb",
                    "--resource",
                ],
                MCP,
                "--scope",
                "orders:raed",
            ),
            2,
            "--scope: orders:raed is not offered there; there are email offline_access openid orders:read",
        ),
        (("exchange", "add", MCP, "--to", MCP, "--scope", "orders:read", "--yes"), 2, "--to: another server"),
        (("client", "show", "cli_nothing"), 1, "client_id: cli_nothing is unknown"),
        (("resource", "add", "http://far.example/mcp", "--name", "X"), 2, "uri: must be https"),
        (("resource", "add", MCP, "--name", "X"), 1, "is registered already"),
        (("resource", "set", MCP, "--tools", "/nowhere.json"), 2, "--tools: /nowhere.json"),
        (("resource", "set", MCP, "--scope", "orders:read"), 2, "--scope: "),
        (("key", "rotate", "--issuer-path", "/t/none"), 2, "--issuer-path: "),
        (("key", "show", "nothing"), 1, "kid: nothing is unknown"),
        (("issuer", "remove", "acme", "--yes"), 1, "has no issuer of its own"),
        (("user", "add", "a@b.example"), 2, "--tenant"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else str(value)[:16],
)
def test_an_error_names_the_field_and_the_cure(acme: Deployment, words: tuple[str, ...], code: int, said: str):
    """Contract: exit 1 for refused or unknown, 2 for wrong usage; standard output stays empty for scripts."""
    result = acme.run(*words)

    assert code == result.exit_code
    assert said in result.stderr
    assert "" == result.stdout


@pytest.mark.requirement("cli:errors:name-the-field-and-the-cure")
def test_a_tool_of_no_known_class_is_named(acme: Deployment, tmp_path: Path):
    """Contract: the file is the operator's own writing, so its mistakes are theirs to read."""
    (tmp_path / "tools.json").write_text(json.dumps([{"name": "search", "class": "odd"}]))

    result = acme.run("resource", "set", MCP, "--tools", str(tmp_path / "tools.json"))

    assert 2 == result.exit_code
    assert "--tools: search: class is read, write or destructive" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.requirement("cli:errors:name-the-field-and-the-cure")
def test_a_short_password_is_refused_and_nobody_is_added(acme: Deployment):
    """Ours: the error says which field; the transaction wrote nothing."""
    result = acme.run("user", "add", "ada@acme.example", "--tenant", "acme", "--password-file", "-", typed="short\n")

    assert 2 == result.exit_code
    assert "password: " in result.stderr
    assert "short" not in result.output.replace("shorter", "")
    assert [] == acme.told("user", "list", "--tenant", "acme")


@pytest.mark.requirement("cli:remove:asks-first")
@pytest.mark.parametrize(
    "words", [("tenant", "remove", "acme"), ("resource", "remove", MCP), ("tenant", "disable", "acme")]
)
def test_what_ends_something_asks_first(acme: Deployment, words: tuple[str, ...]):
    """Ours: without a terminal it demands --yes; nothing was changed."""
    before = (acme.told("tenant", "list"), acme.told("resource", "list"))

    result = acme.run(*words)

    assert 2 == result.exit_code
    assert "--yes" in result.stderr
    assert before == (acme.told("tenant", "list"), acme.told("resource", "list"))


@pytest.mark.requirement("cli:output:cannot-steer-the-terminal")
def test_a_name_from_the_database_cannot_steer_the_terminal(acme: Deployment):
    """CWE-150: a name may hold what turns the text around; the terminal never gets it."""
    acme.told("client", "add", "--name", "good\u202edoog", "--redirect-uri", "https://app.example.com/cb")

    listed = acme.run("client", "list").stdout

    assert "good\ufffddoog" in listed
    assert "\u202e" not in listed


@pytest.mark.requirement("cli:kek:private-and-never-overwritten")
def test_a_key_encryption_key_is_private_and_never_overwritten(tmp_path: Path):
    """Decision 16: whoever reads the file reads every private key; whoever loses it loses the database."""
    file = tmp_path / "kek"
    before = os.umask(0)
    try:
        first = CliRunner().invoke(app, ["key", "kek", str(file)])
    finally:
        os.umask(before)
    content = file.read_bytes()
    second = CliRunner().invoke(app, ["key", "kek", str(file)])

    assert 0 == first.exit_code
    assert content.decode().partition(":")[2].strip() not in first.output
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert 1 == second.exit_code
    assert "not overwritten" in second.stderr
    assert content == file.read_bytes()


@pytest.mark.requirement("cli:client:keygen-makes-what-jwks-takes")
def test_a_key_pair_is_private_registers_a_machine_and_is_never_overwritten(acme: Deployment, tmp_path: Path):
    """RFC 7523: a machine's private key is made where the machine runs, and never passes through this server."""
    name, (private, public) = tmp_path / "robot", (tmp_path / "robot.pem", tmp_path / "robot.public.json")
    before = os.umask(0)
    try:
        said = json.loads(CliRunner().invoke(app, ["client", "keygen", str(name), "--json"]).stdout)
    finally:
        os.umask(before)
    made = private.read_bytes()
    again = CliRunner().invoke(app, ["client", "keygen", str(name)])
    machine = ("client", "add", "--tenant", "acme", "--name", "Robot", "--auth", "private_key_jwt")
    wrong = acme.run(*machine, "--grant", "client_credentials", "--jwks", str(private))
    robot = acme.told(*machine, "--grant", "client_credentials", "--jwks", str(public))

    assert 0o600 == stat.S_IMODE(private.stat().st_mode)
    assert "d" not in json.loads(public.read_text())["keys"][0]
    assert [said["kid"]] == robot["keys"]
    assert (2, True) == (again.exit_code, "not overwritten" in again.stderr)
    assert made == private.read_bytes()
    assert (2, True) == (wrong.exit_code, "`authserver client keygen NAME` makes a pair" in wrong.stderr)


@pytest.mark.requirement("cli:client:keygen-makes-what-jwks-takes")
def test_half_a_key_pair_is_never_left_behind(tmp_path: Path):
    """Ours: a private key whose public half was lost would be registered by nobody and lie about for ever."""
    (tmp_path / "robot.public.json").symlink_to(tmp_path / "nowhere")

    refused = CliRunner().invoke(app, ["client", "keygen", str(tmp_path / "robot")])

    assert 2 == refused.exit_code
    assert ["robot.public.json"] == [file.name for file in tmp_path.iterdir()]


@pytest.mark.requirement("cli:errors:name-the-field-and-the-cure")
def test_check_names_a_variable_that_is_no_setting(acme: Deployment, monkeypatch: pytest.MonkeyPatch):
    """Ours: a misspelt variable does nothing, which nobody notices until it matters."""
    monkeypatch.setenv("AUTHSERVER_EXPOSUR", "trusted-proxy")

    found = acme.told("check")

    assert ["AUTHSERVER_EXPOSUR"] == [one["detail"].split()[0] for one in found if "misspelt" in one["detail"]]


@pytest.mark.requirement("cli:check:says-what-is-wrong")
def test_check_is_content_with_a_good_deployment(acme: Deployment):
    """Contract: settings, database, keys, clock, and probes that a forbidden call is refused."""
    found = acme.told("check")

    assert {"failed"}.isdisjoint(finding["state"] for finding in found)
    assert {"settings", "exposure", "database", "clock", "token with a guessed secret"} <= {f["what"] for f in found}


@pytest.mark.requirement("cli:check:says-what-is-wrong")
@pytest.mark.parametrize(
    ("spoil", "what", "state", "said"),
    [
        (lambda d: (d.folder / "rows.db").unlink(), "database", "failed", "authserver migrate"),
        (lambda d: (d.folder / "kek").unlink(), "key-encryption key", "failed", "authserver key kek"),
        (
            lambda d: (d.folder / "kek").write_text("k:" + "A" * 43 + "="),
            "key-encryption key",
            "failed",
            "does not hold",
        ),
        (lambda d: (d.folder / "kek").chmod(0o644), "key-encryption key", "warning", "chmod 600"),
        (lambda d: _append(d, "AUTHSERVER_HOST=0.0.0.0"), "exposure", "failed", "AUTHSERVER_EXPOSURE"),
        (lambda d: None, "passwords", "warning", "AUTHSERVER_PASSWORD_MEMORY_KIB"),
    ],
    ids=["no database", "no key", "another key", "readable key", "exposed", "cheap passwords"],
)
def test_check_says_what_is_wrong(
    acme: Deployment, spoil: Callable[[Deployment], Any], what: str, state: str, said: str
):
    """Contract: exit 1 when something fails, and each finding names the cure."""
    spoil(acme)

    result = acme.run("check", "--json")
    findings = [finding for finding in json.loads(result.stdout) if finding["what"] == what]

    assert (1 if state == "failed" else 0) == result.exit_code
    assert [state] == [finding["state"] for finding in findings if finding["state"] != "ok"]
    assert said in findings[-1]["detail"]


@pytest.mark.requirement("cli:check:names-tools-that-ask-nobody")
def test_check_warns_of_destructive_tools_that_ask_nobody_and_of_no_others(acme: Deployment, tmp_path: Path):
    """Issue: destructive tools wait for a yes unless their author writes `approval=False`, which `check` reports."""
    tools = [
        {"name": "wipe", "class": "destructive", "approval": False},
        {"name": "refund", "class": "destructive", "approval": True},
        {"name": "purge"},
        {"name": "rename", "class": "write", "approval": False},
    ]
    (tmp_path / "tools.json").write_text(json.dumps(tools))
    acme.told(
        "resource", "add", "https://mcp.example/mcp", "--name", "Desk", "--tools", str(tmp_path / "tools.json"),
        "--link", "acme",
    )  # fmt: skip

    found = [row for row in acme.told("check") if row["what"].startswith("tool ")]

    assert [("tool wipe of https://mcp.example/mcp", "warning")] == [(row["what"], row["state"]) for row in found]
    assert "approval=False" in found[0]["detail"]


def _append(deployment: Deployment, line: str) -> None:
    with (deployment.folder / "env").open("a") as env:
        env.write(line + "\n")


@pytest.mark.requirement("cli:errors:no-stack-trace")
@pytest.mark.parametrize(
    ("env", "words", "code", "said"),
    [
        ({"AUTHSERVER_ISSUER": "http://far.example"}, ["check"], 2, "AUTHSERVER_ISSUER: must be https"),
        ({"AUTHSERVER_PORT": "many"}, ["serve"], 2, "AUTHSERVER_PORT: "),
        ({}, ["tenant", "list", "--data-dir", "/nowhere"], 2, "/nowhere/env cannot be read"),
        ({"AUTHSERVER_DATABASE_URL": "mysql://x"}, ["tenant", "list"], 1, "AUTHSERVER_DATABASE_URL: "),
        ({"AUTHSERVER_HOST": "0.0.0.0"}, ["serve"], 1, "AUTHSERVER_EXPOSURE"),
        ({}, ["serve"], 1, "authserver migrate"),
        ({}, ["nonsense"], 2, "nonsense"),
    ],
    ids=["issuer", "port", "data-dir", "database", "exposed", "not migrated", "unknown command"],
)
def test_a_wrong_start_is_one_sentence(tmp_path: Path, env: dict[str, str], words: list[str], code: int, said: str):
    """Contract: a wrong value stops the start and names the setting and the cure; a real process shows it."""
    settings = {"AUTHSERVER_DATABASE_URL": f"sqlite:///{tmp_path / 'rows.db'}", **env}

    ended = subprocess.run(
        [sys.executable, "-m", "authserver", *words],
        cwd=ROOT,
        env={**bare_environment(), **settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert code == ended.returncode, ended.stderr
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "" == ended.stdout


@pytest.mark.requirement("cli:start:is-quick")
def test_help_loads_nothing_heavy():
    """Ours: a command line that is slow to say what it can do is not asked."""
    heavy = ("sqlalchemy", "alembic", "uvicorn", "cryptography", "jinja2", "asyncpg", "argon2")
    script = (
        "import sys; sys.argv = ['authserver', '--help']\n"
        "from authserver.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )

    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=bare_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    assert "[]" == ended.stdout.strip().splitlines()[-1]


@pytest.mark.requirement("cli:serve:answers-and-stops")
def test_serve_answers_and_stops_when_told(tmp_path: Path):
    """Contract: `serve` runs the server; a real process, a real socket, a clean end on SIGTERM."""
    deployment = Deployment.migrated(tmp_path, port=free_port())

    with deployment.served() as process:
        metadata = httpx2.get(f"{deployment.issuer}/.well-known/oauth-authorization-server").json()
    said = (tmp_path / "stderr").read_text()

    assert deployment.issuer == metadata["issuer"]
    # uvicorn finishes, then lets the signal have its way, as a supervisor expects.
    assert process.returncode in {0, -signal.SIGTERM}, said
    assert "Finished server process" in said
    assert "Traceback" not in said


@pytest.mark.requirement("controls:check-says-which-the-deployment-keeps")
def test_check_says_of_each_control_whether_the_deployment_keeps_it(acme: Deployment):
    """C66: 66 lines, in order; what others keep is not claimed."""
    rows = acme.told("check", "--controls")
    found = {row["control"]: row for row in rows}

    assert [f"C{number:02}" for number in range(1, 67)] == [row["control"] for row in rows]
    assert "on" == found["C09"]["state"] == found["C56"]["state"]
    assert ("elsewhere", "not applicable") == (found["C27"]["state"], found["C61"]["state"])
    assert "AUTHSERVER_SECURITY_CONTACT" in found["C58"]["why"]
    assert all(row["why"] for row in rows if row["state"] != "on")


@pytest.mark.requirement("controls:check-says-which-the-deployment-keeps")
def test_what_a_setting_leaves_out_is_off_and_names_the_setting(acme: Deployment):
    for line in (
        "AUTHSERVER_SERVER_CHECK_SECONDS=0",
        "AUTHSERVER_KEY_ROTATION_SECONDS=99999999",
        "AUTHSERVER_TOOL_REVIEW=observe",
        "AUTHSERVER_HOST=0.0.0.0",
        "AUTHSERVER_EXPOSURE=sender-constrained",
        "AUTHSERVER_SECURITY_CONTACT=mailto:security@acme.example",
    ):
        _append(acme, line)
    found = {row["control"]: row for row in acme.told("check", "--controls")}

    assert "AUTHSERVER_SERVER_CHECK_SECONDS" in found["C56"]["why"]
    assert "AUTHSERVER_KEY_ROTATION_SECONDS" in found["C05"]["why"]
    assert "AUTHSERVER_TOOL_REVIEW" in found["C54"]["why"]
    assert ["off"] * 4 == [found[id_]["state"] for id_ in ("C05", "C54", "C56", "C61")]
    assert ("on", "on") == (found["C58"]["state"], found["C60"]["state"])
    assert "0.0.0.0" in found["C60"]["why"]
