"""What an operator types for the credentials of clients and of the deployment, and what `check` says when it was not typed."""

import base64
import json
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support import assertions
from tests.support.deployment import Deployment, bare_environment, free_port, logs_kept

MCP = "https://mcp.example.com/mcp"
MACHINE = ("--grant", "client_credentials", "--scope", "orders:read", "--resource", MCP)
KEY = assertions.new_key("one")


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    with logs_kept():
        yield


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    with logs_kept():
        made = Deployment.migrated(tmp_path_factory.mktemp("secrets"), port=free_port())
        made.told("tenant", "add", "acme")
        made.told("resource", "add", MCP, "--name", "Orders", "--scope", "orders:read=See orders", "--link", "acme")
    return made


@pytest.fixture
def acme(first: Deployment, tmp_path: Path) -> Deployment:
    return first.copied(tmp_path)


def robot(acme: Deployment) -> tuple[str, str]:
    made = acme.told("client", "add", "--tenant", "acme", "--name", "Robot", "--auth", "client_secret_basic", *MACHINE)
    return made["client_id"], made["client_secret"]


def written(acme: Deployment, name: str, text: str) -> str:
    (acme.folder / name).write_text(text)
    return str(acme.folder / name)


def key_robot(acme: Deployment) -> dict[str, Any]:
    file = written(acme, "robot.public.json", assertions.key_set(KEY))
    added = (
        "client",
        "add",
        "--tenant",
        "acme",
        "--name",
        "Robot",
        "--auth",
        "private_key_jwt",
        "--jwks",
        file,
        *MACHINE,
    )
    return dict(acme.told(*added))


def changed(acme: Deployment, sql: str, *values: Any) -> None:
    with closing(sqlite3.connect(acme.folder / "rows.db")) as connection:
        connection.execute(sql, values)
        connection.commit()


def asserted_status(acme: Deployment, client_id: str, key: dict[str, Any]) -> int:
    async def ask(machines: Any) -> int:
        from authserver.app import create_app

        server = create_app(machines.settings, with_jobs=False)
        await server.start()
        try:
            said = assertions.claims(client_id, acme.issuer, machines.clock() // 1_000_000)
            data = {"grant_type": "client_credentials", **assertions.form(assertions.signed(key, said))}
            async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=server), base_url=acme.issuer) as http:
                return (await http.post("/token", data=data)).status_code
        finally:
            await server.stop()

    return int(acme.inside(ask))


@pytest.mark.requirement("client-assertion:key:proves-the-client")
def test_a_client_with_a_key_is_registered_by_the_contracts_command(acme: Deployment):
    """Design §4: it gets no secret, and its key works."""
    made = key_robot(acme)

    assert "client_secret" not in made
    assert ["one"] == made["keys"]
    assert "private_key_jwt" == made["token_endpoint_auth_method"]
    assert 200 == asserted_status(acme, made["client_id"], KEY)
    assert 401 == asserted_status(acme, made["client_id"], assertions.new_key("one"))


@pytest.mark.requirement("secrets:rotation:keys-overlap")
def test_the_keys_of_a_client_rotate_by_one_command(acme: Deployment):
    """Two sets side by side; a name that is taken, a secret's command and a missing file are refused with the cure."""
    made, new = key_robot(acme), assertions.new_key("two")
    file = written(acme, "new.json", assertions.key_set(new))
    same = written(acme, "same.json", assertions.key_set(assertions.new_key("one")))

    bare = acme.run("client", "rotate", made["client_id"], "--yes")
    clash = acme.run("client", "rotate", made["client_id"], "--jwks", same, "--yes")
    rotated = acme.told("client", "rotate", made["client_id"], "--jwks", file, "--overlap", "48", "--yes")
    both = asserted_status(acme, made["client_id"], KEY), asserted_status(acme, made["client_id"], new)
    acme.told("client", "set", made["client_id"], "--jwks", file)

    assert "--jwks: " in bare.stderr
    assert "new kid" in clash.stderr
    assert ["two", "one (old)"] == rotated["keys"]
    assert (200, 200) == both
    assert 401 == asserted_status(acme, made["client_id"], KEY)


@pytest.mark.requirement("client-assertion:keys:are-checked-strictly")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--jwks", "PRIVATE"), "jwks: keys[0]: it is or holds a secret"),
        (("--jwks", "NOTHING"), "cannot be read"),
        (("--jwks", "TEXT"), "keygen NAME` makes a pair"),
        ((), "jwks: private_key_jwt needs"),
        (("--jwks-uri", "http://keys.example/jwks"), "jwks_uri: https"),
        (("--jwks-uri", "https://user@keys.example/jwks"), "jwks_uri: an absolute https URL"),
        (("--jwks", "GOOD", "--jwks-uri", "https://keys.example/jwks"), "never both"),
        (("--jwks", "GOOD", "--signing-alg", "HS256"), "token_endpoint_auth_signing_alg: one of"),
    ],
    ids=str,
)
def test_a_key_that_cannot_be_is_refused_with_the_cure(acme: Deployment, words: tuple[str, ...], said: str):
    """SF-07; ours: the command names the member and what to do, and repeats nothing of a private key."""
    files = {
        "PRIVATE": written(acme, "private.json", json.dumps({"keys": [KEY]})),
        "NOTHING": str(acme.folder / "nothing.json"),
        "TEXT": written(acme, "text.pem", "-----BEGIN PUBLIC KEY-----"),
        "GOOD": written(acme, "good.json", assertions.key_set(KEY)),
    }
    given = [files.get(word, word) for word in words]

    refused = acme.run(
        "client", "add", "--tenant", "acme", "--name", "R", "--auth", "private_key_jwt", *given, *MACHINE
    )

    assert 2 == refused.exit_code
    assert said in refused.stderr
    assert KEY["d"] not in refused.output


@pytest.mark.requirement("secrets:rotation:overlaps")
def test_a_secret_rotates_by_one_command_with_a_day_of_overlap(acme: Deployment):
    """Both work, both ends are shown, and a later rotation with 0 ends everything older."""
    client_id, old = robot(acme)

    rotated = acme.told("client", "rotate", client_id, "--yes")
    works = [acme.token_status(client_id, secret, resource=MCP) for secret in (old, rotated["client_secret"])]
    listed = acme.told("client", "show", client_id)
    last = acme.told("client", "rotate", client_id, "--overlap", "0", "--yes")
    after = [
        acme.token_status(client_id, secret, resource=MCP)
        for secret in (old, rotated["client_secret"], last["client_secret"])
    ]

    assert [200, 200] == works
    assert listed["old_secret_until"] == rotated["old_secret_until"]
    assert rotated["old_secret_until"]
    assert [401, 401, 200] == after
    assert last["old_secret_until"] is None


@pytest.mark.requirement("secrets:machine:end-is-announced")
def test_the_list_says_when_a_machine_ends(acme: Deployment):
    """`client list` and `client show`: the date, and how long it is."""
    client_id, _ = robot(acme)
    changed(acme, "UPDATE clients SET secret_expires_at = CAST(strftime('%s','now') AS INTEGER) + 3 * 86400 + 60")

    listed = {client["client_id"]: client["ends_in"] for client in acme.told("client", "list", "--tenant", "acme")}

    assert "3 days" == listed[client_id]
    assert "3 days" in acme.run("client", "list", "--tenant", "acme").stdout


@pytest.mark.requirement("secrets:machine:operator-renews")
def test_a_machine_that_has_ended_is_renewed_by_one_command(acme: Deployment):
    """With the credential it has; a client of people needs none."""
    client_id, secret = robot(acme)
    web = acme.told(
        "client", "add", "--tenant", "acme", "--name", "Web", "--redirect-uri", "https://app.example.com/cb"
    )
    changed(acme, "UPDATE clients SET secret_expires_at = 1")
    ended = acme.token_status(client_id, secret, resource=MCP)

    renewed = acme.told("client", "renew", client_id)
    refused = acme.run("client", "renew", web["client_id"])

    assert 400 == ended
    assert 200 == acme.token_status(client_id, secret, resource=MCP)
    assert renewed["ends_in"] in {"29 days", "30 days"}
    assert "no machine client" in refused.stderr


MACHINES = " WHERE grant_types LIKE '%client_credentials%'"


def near(acme: Deployment) -> None:
    changed(
        acme, "UPDATE clients SET secret_expires_at = CAST(strftime('%s','now') AS INTEGER) + 3 * 86400 - 60" + MACHINES
    )


def past(acme: Deployment) -> None:
    changed(acme, "UPDATE clients SET secret_expires_at = 5" + MACHINES)


def endless(acme: Deployment) -> None:
    changed(acme, "UPDATE clients SET secret_expires_at = NULL" + MACHINES)


def late_key(acme: Deployment) -> None:
    acme.told("key", "rotate", "--now")
    changed(acme, "UPDATE signing_keys SET sign_from = sign_from - 40 * 86400, publish_at = publish_at - 40 * 86400")


def other_kek(acme: Deployment) -> None:
    from authserver.runtime.vault import LocalKeyEncryption

    file = acme.folder / "kek"
    file.write_text(LocalKeyEncryption.generate("newer") + file.read_text())


@pytest.mark.requirement("secrets:check:fails-when-overdue")
@pytest.mark.parametrize(
    ("spoil", "state", "said", "cure"),
    [
        (near, "warning", "ends in 2 days", "authserver client rotate"),
        (past, "failed", "its time is over", "client renew"),
        (endless, "warning", "older than the rule", "authserver client rotate"),
        (late_key, "failed", "hours too long", "authserver key rotate"),
        (other_kek, "failed", "not the first", "authserver key rewrap"),
    ],
    ids=["a client ends soon", "a client has ended", "a client without end", "a signing key", "the key-encryption key"],
)
def test_check_says_which_rotation_is_due_and_fails_when_one_is_overdue(
    acme: Deployment, spoil: Callable[[Deployment], None], state: str, said: str, cure: str
):
    """NIST SP 800-57 §5.3.6: what ends is said before, what is overdue is not passed over."""
    robot(acme)
    before = acme.run("check", "--json")
    spoil(acme)

    after = acme.run("check", "--json")
    found = [finding for finding in json.loads(after.stdout) if said in finding["detail"]]

    assert 0 == before.exit_code
    assert (1 if state == "failed" else 0) == after.exit_code
    assert [state] == [finding["state"] for finding in found], found
    assert cure in found[0]["detail"]


@pytest.mark.requirement("secrets:check:fails-when-overdue")
@pytest.mark.requirement("secrets:envelope:rewraps-everything")
def test_the_key_encryption_key_changes_by_one_command_under_a_running_server(acme: Deployment):
    """The server goes on: it reads the file again when it meets the new key; then the old line can go."""
    client_id, secret = robot(acme)
    asked = {"grant_type": "client_credentials", "resource": MCP}
    file = acme.folder / "kek"
    old = file.read_text()
    with acme.served():
        before = httpx2.post(f"{acme.issuer}/token", data=asked, auth=(client_id, secret))
        said = acme.told("key", "rewrap", "--new-key", "--yes")
        acme.told("key", "rotate", "--now")
        after = httpx2.post(f"{acme.issuer}/token", data=asked, auth=(client_id, secret))
    new = file.read_text()
    file.write_text(new.removesuffix(old))

    assert (200, 200) == (before.status_code, after.status_code), after.text
    assert said["first_key"] == new.partition(":")[0]
    assert said["rewrapped"] >= 5
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert 0 == acme.run("check").exit_code
    assert 200 == acme.token_status(client_id, secret, resource=MCP)


@pytest.mark.requirement("secrets:check:fails-when-overdue")
@pytest.mark.requirement("secrets:envelope:rewraps-everything")
def test_a_command_that_has_loaded_little_rewraps_all_there_is(acme: Deployment):
    """Each command loads what it needs, so a process of its own: the secret of a webhook, beside a signal about which nobody said why."""
    acme.told("webhook", "add", "https://hooks.acme.example/x", "--tenant", "acme")
    with closing(sqlite3.connect(acme.folder / "rows.db")) as connection:
        columns = [
            (row[1], "1" if "INT" in row[2].upper() else "''")
            for row in connection.execute("PRAGMA table_info(signals)")
        ]
        names, values = zip(*columns, strict=True)
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute(f"INSERT INTO signals ({', '.join(names)}) VALUES ({', '.join(values)})")
        connection.commit()
    begun = [sys.executable, "-m", "authserver", "key", "rewrap", "--new-key", "--yes", "--data-dir", str(acme.folder)]
    done = subprocess.run(begun, env=bare_environment(), capture_output=True, text=True, check=False)
    found = [one for one in acme.told("check") if one["what"] == "wrapping"]
    with closing(sqlite3.connect(acme.folder / "rows.db")) as connection:
        (sealed,) = connection.execute("SELECT secret FROM webhooks").fetchone()

    assert 0 == done.returncode, done.stderr
    assert "ok" == found[0]["state"], found
    header = json.loads(base64.urlsafe_b64decode(sealed.partition(".")[0] + "=="))
    assert header["kid"] == (acme.folder / "kek").read_text().partition(":")[0]


@pytest.mark.requirement("secrets:envelope:rewraps-everything")
def test_without_a_question_answered_nothing_is_changed(acme: Deployment):
    """It must be seen by every machine: so it asks."""
    before = (acme.folder / "kek").read_text()

    refused = acme.run("key", "rewrap", "--new-key")

    assert 2 == refused.exit_code
    assert before == (acme.folder / "kek").read_text()
