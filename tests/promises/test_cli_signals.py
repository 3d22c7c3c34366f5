"""`authserver signal`: what an operator with the command line sees of what is unusual, and does about it."""

import time

import pytest

from tests.support.call_streams import call, keep
from tests.support.deployment import Deployment, logs_kept

AT = ("--tenant", "acme")


@pytest.fixture(autouse=True)
def own_logs():
    with logs_kept():
        yield


@pytest.fixture(scope="module")
def unusual(tmp_path_factory) -> Deployment:
    with logs_kept():
        made = Deployment.migrated(tmp_path_factory.mktemp("deployment"))
        made.told("tenant", "add", "acme")
        app = made.told("client", "add", "--name", "Desk", "--redirect-uri", "http://127.0.0.1/cb", *AT)
        made.inside(lambda machines: _refused(machines, app["client_id"]))
    return made


async def _refused(machines, client_id):
    from authserver.domain.audit import sealing
    from authserver.domain.signals import watching
    from authserver.domain.tenants import tenant as tenants

    home = await tenants.by_slug(machines.work(), "acme")
    work = machines.work(tenant=home.id)
    now = int(time.time()) * 1_000_000
    refused = {"phase": "refused", "error": "policy_denied", "client_id": client_id, "sub": "usr_canary"}
    await keep(work, "https://mcp.example/mcp", [call(home.id, now - one * 1_000_000, **refused) for one in range(6)])
    await sealing.seal_round(machines)
    await watching.watch_round(machines)


@pytest.fixture
def acme(unusual: Deployment, tmp_path) -> Deployment:
    return unusual.copied(tmp_path)


@pytest.mark.requirement("signals:cli:seen-and-dismissed")
def test_a_signal_is_listed_in_a_sentence_shown_with_its_numbers_and_dismissed(acme):
    [listed] = acme.told("signal", "list", *AT)
    shown = acme.told("signal", "show", listed["signal_id"], *AT)
    unknown = acme.run("signal", "show", "sgn_none", *AT)
    acme.told("signal", "dismiss", listed["signal_id"], *AT, "--reason", "a new role")
    again = acme.run("signal", "dismiss", listed["signal_id"], *AT, "--reason", "a new role")

    assert "6 refusals within 60 seconds of Desk for this person, last with policy_denied." == listed["says"]
    assert (6, "Desk", 2) == (shown["numbers"]["burst"], shown["application"], len(shown["events"]))
    assert (1, 2) == (unknown.exit_code, again.exit_code)
    assert [] == acme.told("signal", "list", *AT)
    [closed] = acme.told("signal", "list", *AT, "--all")
    assert ("dismissed", "a new role") == (
        closed["state"],
        acme.told("signal", "show", closed["signal_id"], *AT)["why"],
    )


@pytest.mark.requirement("signals:cli:step-up")
def test_an_agent_is_stepped_up_listed_and_let_go(acme):
    [listed] = acme.told("signal", "list", *AT)
    acme.told("signal", "step-up", listed["signal_id"], *AT, "--minutes", "30")
    [waits] = acme.told("signal", "step-ups", *AT)
    ended = acme.told("signal", "end", waits["client_id"], *AT, "--yes")

    assert ("everybody", listed["signal_id"]) == (waits["sub"], waits["signal_id"])
    assert (1, []) == (ended["ended"], acme.told("signal", "step-ups", *AT))
    assert 1 == acme.run("signal", "end", waits["client_id"], *AT, "--yes").exit_code


@pytest.mark.requirement("signals:cli:configure-and-replay")
def test_what_is_looked_for_is_set_and_tried_over_the_past(acme):
    acme.told("signal", "configure", "denials", *AT, "--number", "burst=7", "--action", "step_up", "--minutes", "5")
    acme.told("signal", "configure", *AT, "--zone", "Europe/Berlin")
    kinds = {one["kind"]: one for one in acme.told("signal", "configure", *AT)}
    would = acme.told("signal", "replay", *AT, "--since", "1h")
    before = acme.told("signal", "replay", *AT, "--since", "1h", "--kind", "denials", "--number", "burst=5")

    assert (["record", "step_up"], 5, "7") == (
        kinds["denials"]["actions"],
        kinds["denials"]["step_up_minutes"],
        kinds["denials"]["numbers"]["burst"],
    )
    assert 13 == len(kinds)
    assert ([], 1) == (would["would"], len(before["would"]))
    assert before["looked_at"] >= 6
    wrong = [
        ("configure", "nothing", *AT),
        ("configure", "volume", *AT, "--number", "z=99"),
        ("configure", *AT, "--off"),
        ("configure", *AT, "--zone", "Mars"),
        ("replay", *AT, "--number", "z=5"),
    ]
    assert {2} == {acme.run("signal", *words).exit_code for words in wrong}
