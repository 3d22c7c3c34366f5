"""What a person sees of servers that act for them and of their own API keys, and that ending a key ends it."""

from dataclasses import replace

import pytest

from tests.promises.test_account_page import opened
from tests.promises.test_api_keys import DAY, exchange
from tests.support.exchange import SCOPES
from tests.support.world import R1, R2, R9

GOES_ON = "Goes on to"


def key_links(page) -> list[str]:
    return [href for href in page.links if href.startswith("/account/end-key?")]


async def ended(app, address: str, who: str = "u1"):
    browser = app.browser_of(who)
    return await browser.submit((await browser.open(address)).form("decision"), decision="end")


@pytest.mark.requirement("account:page:shows-where-a-server-acts")
@pytest.mark.one_database
async def test_the_page_says_where_a_connected_server_may_act_for_its_person(server):
    """RFC 8693 §5: in words, within what was allowed and what this person may have, only in their own organisation."""
    app = server.client("P")
    await app.sign_in("u1", scope="orders:read")
    _, before = await opened(app)
    await server.operator.allow_exchange(R1, R2, SCOPES)
    await server.operator.allow_exchange(R1, R9, SCOPES)

    _, after = await opened(app)

    assert GOES_ON not in before.text
    further = after.text.partition(GOES_ON)[2]
    assert R2 in further
    assert "See orders" in further
    assert "Change orders" not in further
    assert "Administer orders" not in further
    assert R9 not in after.text


@pytest.mark.requirement("account:keys:shows-ones-own")
async def test_the_page_shows_a_persons_own_keys_and_nobody_elses(server):
    """C02: name, server, organisation, what it may, its end and its last use; never the secret."""
    made = await server.operator.add_api_key(who="u1", scope="orders:read orders:write")
    theirs = await server.operator.add_api_key(who="u2")
    app = server.client("P")
    await app.sign_in("u1")
    _, unused = await opened(app)
    server.clock.advance(3600)
    assert (await exchange(server, made.secret)).ok
    server.clock.advance(7200)

    _, page = await opened(app)

    assert "never used" in unused.text.partition("Your API keys")[2]
    shown = page.text.partition("Your API keys")[2]
    for words in (made.key.name, R1, "First Customer", "See orders", "Change orders", "last used 2 hours ago"):
        assert words in shown, words
    assert [made.key.id] == [href.partition("key=")[2] for href in key_links(page)]
    assert theirs.key.id not in page.response.text
    assert made.secret not in page.response.text


@pytest.mark.requirement("account:keys:shows-ones-own")
@pytest.mark.one_database
async def test_a_key_that_ran_out_is_not_shown_and_one_switched_off_says_so(server):
    """C02: what can be ended is what is shown; an operator's switch is not the person's end."""
    short = await server.operator.add_api_key(who="u1", days=1)
    off = await server.operator.add_api_key(who="u1", days=30)
    app = server.client("P")
    await app.sign_in("u1")
    _, before = await opened(app)
    await server.operator.change_api_key("disable", off.key)
    server.clock.advance(DAY)
    await app.sign_in("u1")

    _, after = await opened(app)

    assert {short.key.id, off.key.id} == {href.partition("key=")[2] for href in key_links(before)}
    assert "Switched off" not in before.text
    assert [off.key.id] == [href.partition("key=")[2] for href in key_links(after)]
    assert "Switched off" in after.text


@pytest.mark.requirement("account:keys:ending-acts-at-once")
async def test_ending_a_key_ends_it_and_what_it_got_at_once(server):
    """RFC 7662 §2.2; K2: the key, and the token that it was exchanged for; the person's other key goes on."""
    made, other = [await server.operator.add_api_key(who="u1") for _ in range(2)]
    token, kept = await exchange(server, made.secret), await exchange(server, other.secret)
    app, rs = server.client("P"), server.client("RS1")
    login = await app.sign_in("u1")
    _, page = await opened(app)
    address = next(href for href in key_links(page) if made.key.id in href)
    known = await server.operator.events("t1")

    done = await ended(app, address)

    assert "That API key is ended." in done.text
    assert made.key.id not in done.response.text
    assert not (await exchange(server, made.secret)).ok
    assert {"active": False} == (await rs.introspect(token.access_token)).body
    assert (await rs.introspect(kept.access_token)).body["active"]
    assert (await exchange(server, other.secret)).ok
    assert (await app.refresh(login)).ok
    assert "client:authorization:ended" in await server.operator.kinds("t1", besides=known)
    assert "Nothing was left to do" in (await app.browser_of("u1").open(address)).text


@pytest.mark.requirement("attack:account:only-ones-own")
async def test_another_persons_key_is_not_there(server):
    """AZ-51: whoever knows tenant and key of somebody else finds and ends nothing, by page or by a form of their own."""
    victims = await server.operator.add_api_key(who="u1")
    own = await server.operator.add_api_key(who="u2")
    app = server.client("P")
    await app.sign_in("u2")
    browser, page = await opened(app, "u2")
    (address,) = key_links(page)
    foreign = address.replace(own.key.id, victims.key.id)

    seen = await browser.open(foreign)
    form = (await browser.open(address)).form("decision")
    tried = await browser.submit(replace(form, action=server.issuer + foreign), decision="end")
    unbound = await browser.submit(replace(form, fields={}), decision="end")

    assert "Nothing was left to do" in seen.text
    assert (403, 403) == (tried.status, unbound.status)
    assert (await exchange(server, victims.secret)).ok
    assert (await exchange(server, own.secret)).ok


@pytest.mark.requirement("account:keys:shows-ones-own")
@pytest.mark.one_database
async def test_after_a_new_password_a_key_is_shown_as_switched_off(server):
    """ASVS 7.4.3: it is worth nothing until an operator enables it, and the page does not pretend otherwise."""
    made = await server.operator.add_api_key(who="u1")
    await server.operator.change_password("u1", "a new and long password")
    app, person = server.browser(), server.world.people["u1"]

    page = await app.log_in(await app.open("/account"), person.email, "a new and long password")

    assert not (await exchange(server, made.secret)).ok
    assert "Switched off" in page.text
