"""`authserver audit export` and `audit key`, and what the verifier says of the file."""

import json
import stat

import pytest

from resource_lib.verify.command import main
from tests.support.deployment import Deployment, logs_kept

pytestmark = pytest.mark.requirement("record:export:command")


@pytest.fixture(autouse=True)
def own_logs():
    with logs_kept():
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Deployment:
    with logs_kept():
        made = Deployment.migrated(tmp_path_factory.mktemp("deployment"))
        made.told("tenant", "add", "acme", "--name", "Acme Industries")
    return made


def test_what_the_command_writes_is_verified_elsewhere(made, tmp_path, capsys):
    """C49: also where no server has ever run; packed by its name, for its owner alone, and nothing half written beside it."""
    packed, platform = tmp_path / "acme.ndjson.gz", tmp_path / "platform.ndjson"

    made.told("audit", "export", "--platform", "--out", str(platform))
    told = made.told("audit", "export", "--tenant", "acme", "--out", str(packed), "--payloads")
    key = made.run("audit", "key").stdout.strip()
    assert {"key": key} == made.told("audit", "key")

    capsys.readouterr()
    assert 0 == main([str(packed), "--platform", str(platform), "--key", key, "--every-log", "--json"])
    over, acme = json.loads(capsys.readouterr().out)
    assert [told["origin"]] == [one["origin"] for one in over["pinned"]]
    assert (told["size"], 0) == (acme["rows"], acme["payloads"]["missing"])
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert {packed, platform} == set(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [[], ["--tenant", "acme", "--platform"], ["--tenant", "nobody"], ["--platform", "--from", "999999"]],
    ids=" ".join,
)
def test_what_cannot_be_exported_is_said_and_leaves_no_file(made, words, tmp_path):
    done = made.run("audit", "export", "--out", str(tmp_path / "out.ndjson"), *words)

    assert done.exit_code in {1, 2}
    assert [] == list(tmp_path.glob("*out.ndjson*"))
