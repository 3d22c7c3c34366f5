"""What happened is recorded where it happened: one event in the same commit, or neither (decisions 3, 15)."""

from collections import Counter

import pytest

from authserver.domain.audit import event
from authserver.domain.audit.header import facts_of
from authserver.domain.clients import registry

LOGIN, CONSENT, CODE = "person:login:succeeded", "person:consent:allowed", "client:code:issued"
STARTED, ISSUED, REFUSED = "client:authorization:started", "client:token:issued", "client:token:refused"


async def recorded(server, act, *, tenant="t1"):
    """Return the kinds that `act` added to the tenant and to the platform, counted."""
    known = {slug: await server.operator.events(slug) for slug in (tenant, None)}
    result = await act()
    kinds: Counter[str] = Counter()
    for slug, events in known.items():
        kinds.update(await server.operator.kinds(slug, besides=events))
    return result, dict(kinds)


@pytest.mark.requirement("ours:audit:every-step-is-one-event")
async def test_each_step_of_a_flow_leaves_exactly_its_events(server):
    """Issue: every login, consent, issue, refusal and key event."""
    app = server.client("P")
    _, login = await recorded(server, lambda: app.consent_page("u1"))
    code, consent = await recorded(server, app.authorize)
    tokens, redeemed = await recorded(server, lambda: app.redeem(code))
    fresh, refreshed = await recorded(server, lambda: app.refresh(tokens))
    _, machine = await recorded(server, server.client("M").client_credentials)
    _, again = await recorded(server, server.client("M").client_credentials)
    _, refused = await recorded(server, lambda: app.refresh(fresh, scope="orders:write"))
    _, denied = await recorded(server, lambda: app.authorize(decision="deny"))
    _, keys = await recorded(server, server.operator.rotate_keys)

    assert {LOGIN: 1} == login
    assert {CONSENT: 1, CODE: 1} == consent
    assert {STARTED: 1, ISSUED: 1} == redeemed
    assert {ISSUED: 1} == refreshed
    assert {STARTED: 1, ISSUED: 1} == machine
    assert {ISSUED: 1} == again
    assert {REFUSED: 1} == refused
    assert {"person:consent:denied": 1} == denied
    assert {"key:signing:published": 1} == keys


@pytest.mark.requirement("ours:audit:refusals-commit")
async def test_a_refusal_is_an_answer_and_what_it_did_stays_done(server):
    """Decision 3: otherwise "replay: revoke the family, then raise" undoes its own revocation."""
    app = server.client("Z")
    first = await app.sign_in()
    second = await app.refresh(first)

    refusal, kinds = await recorded(server, lambda: app.refresh(first))

    assert "invalid_grant" == refusal.error
    assert {"client:authorization:ended": 1, "client:refresh_token:replayed": 1, REFUSED: 1} == kinds
    assert "invalid_grant" == (await app.refresh(second)).error


@pytest.mark.requirement("ours:audit:refusals-commit")
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"redirect_uri": "https://evil.example/"}, "unregistered_redirect_uri"),
        ({"client_id": "cli_nobody"}, "unknown_client"),
        ({"code_challenge": None}, "missing_pkce"),
        ({"resource": "https://evil.example/"}, "unknown_resource"),
    ],
)
async def test_a_refused_authorization_request_is_recorded_with_its_reason(server, changed, reason):
    """AU-07: the reason stays with us; the client gets a code of the specification."""
    known = await server.operator.events(None)

    await server.client("P").ask("u1", **changed)
    events = await server.operator.events(None, besides=known)

    assert [("client:authorization:refused", "refused", reason)] == [
        (row["kind"], row["outcome"], row["reason"]) for row in events
    ]


@pytest.mark.requirement("ours:audit:accidents-leave-nothing")
async def test_an_accident_leaves_neither_the_change_nor_its_event(server, monkeypatch):
    """Decision 3: any other exception rolls back; the code can still be redeemed."""
    from authserver.oauth import beginning

    app = server.client("P")
    code = await app.authorize()

    async def accident(*_, **__):
        raise RuntimeError("the disk is gone")

    with monkeypatch.context() as patched:
        patched.setattr(beginning, "issue_access_token", accident)
        answer, kinds = await recorded(server, lambda: app.redeem(code))

    assert 500 == answer.status
    assert {} == kinds
    assert (await app.redeem(code)).ok


@pytest.mark.requirement("ours:audit:lost-races-leave-nothing")
async def test_a_unit_of_work_that_lost_its_claim_leaves_no_event(server):
    """Decision 20: nothing of the unit is written, its record included."""

    async def add():
        work = server.operator.work("t1")
        registry.add(
            work, name="Twice", auth_method="none", grant_types=("authorization_code",),
            redirect_uris=("https://twice.example/cb",), client_id="cli_twice",
        )  # fmt: skip
        return await work.commit()

    (first, one), (second, two) = await recorded(server, add), await recorded(server, add)

    assert (True, {"operator:client:changed": 1}) == (first, one)
    assert (False, {}) == (second, two)


@pytest.mark.requirement("ours:audit:people-are-only-in-the-payload")
async def test_a_failed_login_names_the_address_in_an_encrypted_payload_and_nowhere_else(server):
    """Decision 15: a header of numbers and codes, a payload under a key of its own, a commitment that outlives the key."""
    browser, email = server.browser(), server.world.people["u1"].email
    known = await server.operator.events(None)
    form = (await browser.open("/login")).form("password")

    await browser.submit_once(form, email=email, password="wrong password")
    [row] = await server.operator.events(None, besides=known)

    assert ("person:login:refused", "refused", "wrong_password") == (row["kind"], row["outcome"], row["reason"])
    assert email == event.open_payload(server.operator.work(), row)["email"]
    assert email not in str({name: value for name, value in row.items() if name != "payload"})
    assert email.encode() not in row["payload"]
    assert 64 == len(facts_of(row["header"])["commit"])


@pytest.mark.requirement("ours:audit:people-are-only-in-the-payload")
async def test_events_refer_to_a_person_by_a_keyed_reference(server):
    """Decision 15: the subject of a token does not stand in the record in the clear."""
    tokens = await server.client("P").sign_in()

    events = await server.operator.events()
    about = [row for row in events if row["authorization_id"] == tokens.claims["authorization_id"]]

    assert {STARTED, ISSUED} == {row["kind"] for row in about}
    assert 1 == len({row["sub_ref"] for row in about})
    assert tokens.claims["sub"] not in str([row for row in events if row["kind"] in {STARTED, ISSUED, CODE, CONSENT}])


@pytest.mark.requirement("ours:audit:recorded-by-request")
async def test_the_events_of_one_request_share_its_id_and_its_time(server):
    """Decision 2: one request id, one reading of the clock."""
    app = server.client("P")
    code = await app.authorize()
    known = await server.operator.events()
    server.clock.advance(7)

    await app.redeem(code)
    events = await server.operator.events(besides=known)

    assert 2 == len(events)
    assert 1 == len({row["request_id"] for row in events})
    assert {server.clock()} == {row["at_us"] for row in events}
