"""The same commands at a remote server: over its admin API, as a program with a credential of its own, in a process of its own."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from authserver.domain.tenants import tenant as tenants
from tests.promises.test_cli_login import Shell
from tests.support.call_streams import call, keep
from tests.support.deployment import Deployment, free_port, logs_kept

RESOURCE = "https://orders.example/mcp"
WHY = ("--reason", "it misbehaves", "--yes")


class Remote:
    """A deployment that is served, and a shell elsewhere in which a program of `tenant` is an operator."""

    def __init__(self, served: Deployment, shell: Shell, credential: dict[str, Any]) -> None:
        self.served, self.shell = served, shell
        secret = shell.home / "secret"
        secret.write_text(credential["client_secret"] + "\n")
        self.environment = {
            "AUTHSERVER_ADMIN_CLIENT_ID": credential["client_id"], "AUTHSERVER_ADMIN_CLIENT_SECRET_FILE": str(secret),
        }  # fmt: skip

    def run(self, *words: str) -> Any:
        """Run one command there."""
        return self.shell.here(*words, "--server", self.served.issuer, **self.environment)

    def told(self, *words: str) -> Any:
        """Run one that must succeed, and return its JSON."""
        done = self.run(*words, "--json")
        assert 0 == done.exit_code, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with logs_kept():
        made = Deployment.migrated(tmp_path_factory.mktemp("remote"), port=free_port())
        for slug in ("platform", "acme", "globex"):
            made.told("tenant", "add", slug)
        made.told("user", "add", "alice@acme.example", "--tenant", "acme")
        tools = made.folder / "tools.json"
        tools.write_text(json.dumps([{"name": "refund_order", "class": "destructive", "scopes": ["orders:write"]}]))
        made.told(
            "resource", "add", RESOURCE, "--name", "Orders", "--scope", "orders:write=Change orders",
            "--scope", "orders:read=See orders", "--tools", str(tools), "--link", "acme", "--link", "globex",
        )  # fmt: skip
        scopes = " ".join(
            f"{noun}:{verb}"
            for noun in ("kills", "authorizations", "approvals", "servers")
            for verb in ("read", "write")
        )
        made.credential = {
            slug: made.told(
                "client", "add", "--tenant", slug, "--name", f"Operator of {slug}", "--auth", "client_secret_basic",
                "--grant", "client_credentials", "--resource", f"{made.issuer}/admin/api/v1",
                "--scope", f"{scopes} audit:read users:read tenants:read",
            )
            for slug in ("platform", "acme")
        } | {
            "robot": made.told(
                "client", "add", "--tenant", "acme", "--name", "Robot", "--auth", "client_secret_basic",
                "--grant", "client_credentials", "--scope", "orders:read", "--resource", RESOURCE,
            )
        }  # fmt: skip
    with made.served():
        yield made


@pytest.fixture
def platform(served: Deployment, tmp_path: Path) -> Remote:
    return Remote(served, Shell(tmp_path), served.credential["platform"])


@pytest.fixture
def acme(served: Deployment, tmp_path: Path) -> Remote:
    return Remote(served, Shell(tmp_path), served.credential["acme"])


EACH = [
    ("tool", "refund_order", "--resource", RESOURCE, "--tenant", "acme"),
    ("tool", "refund_order", "--resource", RESOURCE, "--version", "h" * 43),
    ("client", "{robot}", "--tenant", "acme"),
    ("host", "claude.ai"),
    ("user", "alice@acme.example", "--tenant", "acme"),
    ("tenant", "globex"),
    ("resource", RESOURCE),
]


@pytest.mark.requirement("cli:remote:the-same-commands-there")
@pytest.mark.parametrize("words", EACH, ids=" ".join)
def test_each_target_is_stopped_listed_and_revived_there(platform: Remote, words: tuple[str, ...]):
    """Issue: `--server` speaks the same domain calls; what `kill list` says to type is what revives it."""
    typed = [word.format(robot=platform.served.credential["robot"]["client_id"]) for word in words]

    shown = platform.told("kill", *typed, "--dry-run")
    before = platform.told("kill", "list")
    stopped = platform.told("kill", *typed, *WHY)
    (listed,) = platform.told("kill", "list")
    (here,) = platform.served.told("kill", "list")
    platform.told(*listed["revive"].split()[1:], "--reason", "mended", "--yes")

    assert [] == before
    assert stopped["number"] == listed["number"] == here["number"] > 0
    assert ("killed", "it misbehaves") == (listed["state"], listed["reason"])
    assert here["by"].startswith("Operator of platform")
    assert 0 <= shown["instances"]
    assert [] == platform.told("kill", "list")
    assert [] == platform.served.told("kill", "list")


@pytest.mark.requirement("cli:remote:the-same-commands-there")
def test_a_tenants_operator_acts_in_their_tenant_and_learns_of_no_other(acme: Remote):
    """Decision 22, TN-01: another tenant and one that never was are the same words."""
    acme.told("kill", "resource", RESOURCE, *WHY)
    (here,) = acme.served.told("kill", "list")
    acme.told("revive", "resource", RESOURCE, "--reason", "mended", "--yes")

    other, never = [acme.run("kill", "tenant", slug, *WHY).stderr.replace(slug, "SLUG") for slug in ("globex", "never")]
    everything = acme.run("kill", "everything", *WHY)

    assert here["target"] == f"{RESOURCE} in acme"
    assert other == never
    assert other.startswith("error: ")
    assert 1 == everything.exit_code
    assert [] == acme.served.told("kill", "list")


@pytest.mark.requirement("cli:remote:the-same-commands-there")
def test_pause_revoke_who_has_what_and_what_happened_are_there_too(acme: Remote):
    """Issue: revoke, authorization list, audit search, server list, pause and resume."""
    served, robot = acme.served, acme.served.credential["robot"]
    assert 200 == served.token_status(robot["client_id"], robot["client_secret"], resource=RESOURCE)

    acme.told("resource", "pause", RESOURCE, *WHY)
    (paused,) = acme.told("server", "list")
    acme.told("resource", "resume", RESOURCE, "--reason", "mended", "--yes")
    (held,) = acme.told("authorization", "list", "--client", robot["client_id"], "--live")
    assert [] == acme.told("authorization", "list", "--user", "alice@acme.example")
    acme.told("revoke", "authorization", held["authorization_id"], *WHY)
    after = acme.told("authorization", "list", "--client", robot["client_id"])
    record = acme.told("audit", "search", "--kind", "operator:kill", "--opened", "--most", "5")

    assert ("paused", RESOURCE) == (paused["state"], paused["uri"])
    assert ["ended"] == [row["state"] for row in after]
    assert "it misbehaves" in {row["sealed"]["reason"] for row in record}
    assert [] == acme.told("approvals", "list")


@pytest.mark.requirement("cli:remote:refusals-are-one-sentence")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("kill", "user", "mallory@acme.example", "--tenant", "acme", *WHY), "what you named is not there"),
        (("kill", "resource", "https://else.example/mcp", *WHY), "what you named is not there"),
        (("revive", "resource", RESOURCE, *WHY), "it is not stopped"),
        (("revoke", "authorization", "az_nobody", *WHY, "--tenant", "acme"), "what you named is not there"),
        (("approvals", "show", "ap_nobody"), "what you named is not there"),
        (("approvals", "list", "--follow"), "--follow"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:2]),
)
def test_what_is_refused_there_is_one_sentence_here(platform: Remote, words: tuple[str, ...], said: str):
    """Ours."""
    done = platform.run(*words)

    assert done.exit_code in {1, 2}
    assert 1 == len(done.stderr.splitlines())
    assert said in done.stderr
    assert "Traceback" not in done.output + done.stderr


@pytest.mark.requirement("cli:remote:refusals-are-one-sentence")
def test_a_programs_credential_that_is_wrong_or_half_is_one_sentence_without_it(platform: Remote):
    """Ours: the secret stands in no error."""
    secret = platform.shell.home / "secret"
    secret.write_text("cs_wrong")
    wrong = platform.run("kill", "list")
    half = platform.shell.here(
        "kill",
        "list",
        "--server",
        platform.served.issuer,
        AUTHSERVER_ADMIN_CLIENT_ID="cli_x",
        AUTHSERVER_ADMIN_CLIENT_SECRET_FILE="",
    )

    assert (1, 1) == (wrong.exit_code, half.exit_code)
    assert "does not let this program in" in wrong.stderr
    assert "cs_wrong" not in wrong.stderr
    assert "go together" in half.stderr


@pytest.mark.requirement("analytics:asked:at-a-terminal")
def test_counts_are_the_same_there_for_whom_they_are(platform: Remote, tmp_path_factory: pytest.TempPathFactory):
    """The platform's operators are told of every tenant, a tenant's of theirs; by the same words as here."""

    async def some_calls(machines: Any) -> None:
        for one in await tenants.all_tenants(machines.work()):
            work = machines.work(tenant=one.id)
            await keep(work, RESOURCE, [call(one.id, machines.clock(), tool=f"tool_of_{one.slug}", latency_us=1500)])

    platform.served.inside(some_calls)
    here = [platform.served.told("analytics", "--by", by) for by in ("tool", "tenant")]
    there = [platform.told("analytics", "--by", by) for by in ("tool", "tenant")]
    elsewhere = Shell(tmp_path_factory.mktemp("acme"))
    acme = Remote(platform.served, elsewhere, platform.served.credential["acme"])
    theirs = acme.told("analytics", "--resource", RESOURCE)

    assert here == there
    assert {"acme", "globex", "platform"} == {one["tenant"] for one in there[1]["items"]}
    assert [("tool_of_acme", 1)] == [(one["tool"], one["calls"]) for one in theirs["items"]]
    assert 1 == acme.run("analytics", "--by", "tenant").exit_code
