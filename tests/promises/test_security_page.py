"""`/security` and security.txt: what is published of a deployment, to whom, and what is never said."""

import time

import pytest

from tests.support.world import R1, R2, R5, R9


async def told(server, who: str = "") -> str:
    """Return what somebody reads on the page; without a name nobody is signed in."""
    if who:
        browser, person = server.browser(), server.world.people[who]
        await browser.log_in(await browser.open("/login"), person.email, person.password)
        page = await browser.open("/security")
        assert person.email in page.text
        return page.text
    return (await server.http.get("/security")).text


@pytest.mark.requirement("surface:security-txt:complete")
@pytest.mark.one_database
@pytest.mark.settings(security_contact="mailto:security@acme.example")
async def test_security_txt_has_what_the_rfc_demands_and_nothing_that_is_not_https(server):
    """RFC 9116 §2.5: one Expires that lies ahead; Canonical and Policy only where they are https."""
    answer = await server.http.get("/.well-known/security.txt")

    fields = [line.split(": ", 1) for line in answer.text.splitlines()]
    names = [name for name, _ in fields]
    assert "text/plain; charset=utf-8" == answer.headers["content-type"]
    assert ["Contact", "Expires", "Preferred-Languages"] == names[:3]
    assert dict(fields)["Expires"] > time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(server.clock.now))
    https = server.issuer.startswith("https:")
    assert https == ("Canonical" in names)
    if https:
        assert f"{server.issuer}/.well-known/security.txt" == dict(fields)["Canonical"]
        assert f"{server.issuer}/security" == dict(fields)["Policy"]


@pytest.mark.requirement("surface:security-page:tells-nobody-of-what-is-not-published")
@pytest.mark.one_database
async def test_a_stranger_reads_what_is_published_and_learns_of_nothing_else(server):
    """TN-15: that a server, a tenant or a tool exists is its tenant's own until an operator publishes it."""
    before = await told(server)
    await server.operator.set_resource(R1, is_published=True)
    after = await told(server)

    named = await server.operator.resource(R1)
    assert all(tool.name not in before for tool in named.tools)
    assert all(tool.name in after for tool in named.tools)
    for uri, text in ((R1, before), (R2, before), (R2, after)):
        assert uri not in text
    assert "10 minutes" in after
    assert "Cannot be undone" in after


@pytest.mark.requirement("surface:security-page:shows-members-their-own")
@pytest.mark.one_database
async def test_a_member_reads_the_servers_of_their_own_organisations_as_these_have_them(server):
    """TN-01: signed in, one's own; what the organisation forbids is not there, and another's is not either."""
    await server.operator.demand("t1", R5, "refund_order", mode="deny")

    member, other = await told(server, "u1"), await told(server, "u9")

    assert all(uri in member for uri in (R1, R2, R5))
    assert all(uri in other for uri in (R5, R9))
    assert R9 not in member
    assert R1 not in other
    assert (3, 2) == (member.count("Search orders"), member.count("Refund an order"))
    assert (2, 2) == (other.count("Search orders"), other.count("Refund an order"))
