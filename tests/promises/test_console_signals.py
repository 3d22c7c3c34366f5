"""What is unusual, at the console: seen in a sentence, with its numbers and the calls behind it, and decided about."""

import pytest

from authserver.domain.signals import signal
from authserver.domain.tool_policies import step_up
from tests.support.console import at_console
from tests.support.signalling import happen, look, raised, refusals, signals

ONE = "/console/signals/{id}"


async def of_person(server):
    """Return the signal of a person of t1 with an application of theirs, who was refused six times."""
    tokens = await server.client("P").sign_in("u1", scope="orders:read")
    return await raised(
        server,
        authorization_id=tokens.claims["authorization_id"],
        client_id=tokens.claims["client_id"],
        sub=tokens.claims["sub"],
    )


@pytest.mark.requirement("signals:console:seen-with-its-numbers")
async def test_a_signal_says_who_did_what_with_its_numbers_and_the_calls_behind_it(server):
    found = await of_person(server)
    visitor = await at_console(server, "o1")

    listed = await visitor.open("signals", tenant="t1")
    one = await visitor.browser.open(ONE.format(id=found.id) + "?tenant=t1")

    assert "6 refusals within 60 seconds of Public Web App for" in listed.text
    assert "1 thing is unusual" in listed.text
    assert "policy_denied" in one.text
    assert any("/console/stop?" in link for link in one.links)
    assert any("/console/record/" in link for link in one.links)


@pytest.mark.requirement("signals:console:decided")
async def test_an_operator_steps_the_agent_up_lets_it_go_and_dismisses_the_signal(server):
    found = await of_person(server)
    visitor, work = await at_console(server, "o1"), server.operator.work("t1")
    page = await visitor.open(f"signals/{found.id}", tenant="t1")

    waits = await visitor.decide(page, "step-up", minutes="15")
    [begun] = await step_up.in_force(work)
    let_go = await visitor.browser.submit(waits.form("decision"), decision="let-go")
    ended = await step_up.in_force(work)
    closed = await visitor.browser.submit(let_go.form("reason"), decision="dismiss", reason="A new role")

    assert (found.client_id, 15 * 60) == (begun.client_id, begun.until - begun.began_at)
    assert "waits for a person" in waits.text
    assert [] == ended
    assert "A new role" in closed.text
    assert "Dismissed" in (await visitor.open("signals", tenant="t1", state="dismissed")).text
    assert not (await signal.find(work, found.id)).is_open


@pytest.mark.requirement("signals:console:walls")
@pytest.mark.one_database
async def test_an_auditor_only_looks_and_another_tenants_signal_is_not_there(server):
    found = await of_person(server)
    auditor, other = await at_console(server, "d1"), await at_console(server, "p1")

    page = await auditor.open(f"signals/{found.id}", tenant="t1")
    elsewhere = await other.open(f"signals/{found.id}", tenant="t2")
    nowhere = await other.open("signals/sgn_aaaaaaaaaaaaaaaa", tenant="t2")
    everywhere = await other.open("signals")

    assert (200, []) == (page.status, [one for one in page.forms if "decision" in str(one.buttons)])
    assert (404, 404) == (elsewhere.status, nowhere.status)
    assert 200 == everywhere.status


@pytest.mark.requirement("signals:console:learning")
@pytest.mark.one_database
async def test_whoever_begins_reads_that_it_still_learns(server):
    visitor = await at_console(server, "a1")
    await happen(server, refusals(server, 1))
    await look(server)

    page = await visitor.open("signals", tenant="t1")

    assert [] == await signals(server)
    assert "Still learning what is usual" in page.text
