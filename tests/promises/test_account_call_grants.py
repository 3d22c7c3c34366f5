"""What may be done without asking stands on the account page, and ends there with one press."""

import pytest

from authserver.domain.call_grants import grant
from tests.spec.test_rfc9396_authorization_details import asking, detail
from tests.support.call_grants import Given


async def shown(app, who="u1"):
    page = await app.browser_of(who).open("/account")
    return page, [form for form in page.forms if "/account/end-grant?" in form.action]


async def granted(server, app, *details, who="u1"):
    tokens = await app.sign_in(who, details=True, **asking(*details))
    yes = Given(server.machines, tokens.claims, {"order_id": "o1", "amount_cents": 500})
    yes.grant = await grant.find(yes.work(), tokens.body["authorization_details"][0]["grant_id"])
    return tokens, yes


@pytest.mark.requirement("account:call-grants:shown-and-ended")
async def test_a_person_sees_what_is_left_and_ends_it_at_once(server):
    """RFC 9396 §12: in words; the next use is refused, and the next token says nothing of it."""
    app = server.client("P")
    tokens, yes = await granted(server, app, detail(arguments=None, condition="args.amount_cents < 900", max_calls=3))
    assert await yes.spend()

    page, (form,) = await shown(app)
    assert "2 of 3 calls left, until" in page.text
    assert "args.amount_cents < 900" in page.text
    after = await app.browser_of("u1").submit(form)

    assert "Each such call is asked about again from now on." in after.text
    assert [] == (await shown(app))[1]
    assert not await yes.covers()
    assert not await yes.spend()
    assert "authorization_details" not in (await app.refresh(tokens)).body
    assert "person:call_grant:ended" in await server.operator.kinds()


@pytest.mark.requirement("account:call-grants:shown-and-ended")
@pytest.mark.one_database
async def test_what_is_used_up_or_over_is_not_shown(server):
    """Only what can still be spent; an exact call is said to be exactly that."""
    app = server.client("P")
    _, yes = await granted(server, app, detail())
    page, forms = await shown(app)
    assert "1 call left" in page.text
    assert "Only the exact call that was allowed." in page.text
    assert 1 == len(forms)

    assert await yes.spend()

    assert [] == (await shown(app))[1]


@pytest.mark.requirement("account:call-grants:shown-and-ended")
@pytest.mark.one_database
async def test_nobody_ends_what_works_in_another_persons_name(server):
    """With the address, with a form of their own page, without any form: it is simply not there."""
    app = server.client("P")
    _, yes = await granted(server, app, detail())
    (form,) = (await shown(app))[1]
    other = server.client("P")
    _, own = await granted(server, other, detail(), who="u2")
    (theirs,) = (await shown(other, "u2"))[1]
    browser = other.browser_of("u2")

    stolen = await browser.post(form.action, form.filled())
    swapped = await browser.post(theirs.action.replace(own.grant.id, yes.grant.id), theirs.filled())
    bare = await app.browser_of("u1").post(form.action, [])

    assert {403} == {stolen.status, swapped.status, bare.status}
    assert await yes.covers()


@pytest.mark.requirement("account:call-grants:shown-and-ended")
async def test_disconnecting_the_application_ends_it(server):
    """It hangs on the login, and goes with it."""
    app = server.client("P")
    _, yes = await granted(server, app, detail())

    await server.operator.withdraw_consent("u1", "t1", app.app, app.app.resource)

    assert not await yes.spend()
    assert [] == (await shown(app))[1]
