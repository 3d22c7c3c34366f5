"""`authserver audit verify`: the record in the database, verified where it stands."""

import json
import sqlite3

import pytest

from resource_lib.verify.command import main
from tests.support.deployment import Deployment, logs_kept

pytestmark = pytest.mark.requirement("proof:verify:command")


@pytest.fixture(autouse=True)
def own_logs():
    with logs_kept():
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Deployment:
    with logs_kept():
        made = Deployment.migrated(tmp_path_factory.mktemp("deployment"))
        made.told("tenant", "add", "acme", "--name", "Acme Industries")
        made.told("audit", "export", "--platform", "--out", str(made.folder / "seals.ndjson"))
    return made


def changed(made: Deployment, *statements: str) -> None:
    with sqlite3.connect(made.folder / "rows.db") as connection:
        for one in statements:
            connection.execute(one)
    connection.close()


def test_a_whole_record_a_changed_one_and_one_that_cannot_be_looked_at(made, capfd):
    """C49: 0, 1 and 2; the row is named, by a process that shares nothing with this one; and that it was done is recorded."""
    whole = made.run("audit", "verify", "--all", "--json")
    said = json.loads(whole.stdout)
    kinds = [row["kind"] for row in made.told("audit", "search", "--kind", "operator:record:verified")]
    changed(made, "UPDATE audit_events SET header = REPLACE(header, 'added', 'shown') WHERE header LIKE '%added%'")
    edited = made.run("audit", "verify", "--tenant", "acme")
    changed(made, "UPDATE audit_events SET header = REPLACE(header, 'shown', 'added') WHERE header LIKE '%shown%'")
    again = made.run("audit", "verify", "--all", "--no-payloads")

    assert (0, "whole", []) == (whole.exit_code, said["verdict"], said["beside"])
    assert ["verified", "verified"] == [one["verdict"] for one in said["logs"]]
    assert said["logs"][1]["payloads"]["are_given"]
    assert ["operator:record:verified"] == kinds
    assert 1 == edited.exit_code, edited.output
    assert "edited: row 0" in edited.stdout
    assert "the record is tampered" in edited.stdout
    assert 0 == again.exit_code, again.output
    assert 2 == made.run("audit", "verify").exit_code
    assert 2 == made.run("audit", "verify", "--tenant", "nobody").exit_code
    assert 2 == made.run("audit", "verify", "--all", "--checkpoint", str(made.folder / "none")).exit_code


def test_a_checkpoint_of_another_log_decides_nothing(made, tmp_path):
    note = made.run("audit", "checkpoint", "--tenant", "acme").stdout
    assert {"checkpoint": note} == made.told("audit", "checkpoint", "--tenant", "acme")
    (tmp_path / "note").write_text(note)

    mine = made.run("audit", "verify", "--tenant", "acme", "--checkpoint", str(tmp_path / "note"), "--json")
    theirs = made.run("audit", "verify", "--platform", "--checkpoint", str(tmp_path / "note"))

    assert 0 == mine.exit_code, mine.output
    assert 1 == json.loads(mine.stdout)["logs"][1]["saved"]
    assert 2 == theirs.exit_code


def test_a_proof_is_written_and_checked_with_a_key_alone(made, tmp_path, capsys):
    found = made.told("audit", "search", "--tenant", "acme")[0]
    told = made.told("audit", "prove", "--tenant", "acme", "--event", found["id"], "--out", str(tmp_path / "proof"))
    neither = made.run("audit", "prove", "--out", str(tmp_path / "none"))
    nobody = made.run("audit", "prove", "--event", "nobody", "--out", str(tmp_path / "none"))

    assert told["origin"].endswith("/audit/" + made.told("tenant", "show", "acme")["id"])
    assert (2, 1) == (neither.exit_code, nobody.exit_code)
    assert not (tmp_path / "none").exists()
    assert 0 == main(["--proof", str(tmp_path / "proof"), "--key", made.run("audit", "key").stdout.strip()])
