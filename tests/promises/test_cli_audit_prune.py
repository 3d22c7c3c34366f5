"""`authserver audit prune`, and how long each tenant keeps what."""

import pytest

from tests.support.deployment import Deployment, logs_kept

pytestmark = pytest.mark.requirement("proof:retention:command")


@pytest.fixture(autouse=True)
def own_logs():
    with logs_kept():
        yield


def test_it_says_what_goes_and_what_is_too_short_is_refused_with_the_reason(tmp_path):
    """C50: nothing of a young record goes; a tenant keeps longer or shorter, and 90 days at least."""
    made = Deployment.migrated(tmp_path)
    made.told("tenant", "add", "acme", "--name", "Acme Industries")

    short = made.run("tenant", "set", "acme", "--keep-calls", "89d")
    words = made.run("tenant", "set", "acme", "--keep-calls", "long")
    kept = made.told("tenant", "set", "acme", "--keep-calls", "180d", "--keep-administration", "500d")
    back = made.told("tenant", "set", "acme", "--keep-calls", "default")
    rows = made.told("audit", "prune")
    dry = made.told("audit", "prune", "--dry-run")

    assert (2, 2) == (short.exit_code, words.exit_code)
    assert "90 to 36500 days" in short.output
    assert (180, 500, 400) == (kept["keeps_calls_days"], kept["keeps_administration_days"], kept["keeps_sign_ins_days"])
    assert (400, 500) == (back["keeps_calls_days"], back["keeps_administration_days"])
    assert ["(platform)", "acme"] == [row["tenant"] for row in rows]
    assert {0} == {row["taken_away"] + row["go_within_a_day"] + row["past_their_time"] for row in rows + dry}
    assert {""} == {row["stays"] for row in dry}
