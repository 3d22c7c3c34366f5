"""One question across everything that a tenant has: an operator finds what they have a piece of, and nothing of anybody else's."""

import pytest

from authserver.domain.finding import finding
from authserver.domain.finding.finding import What
from authserver.domain.resources import listing
from tests.support.world import R1, R5, R9


async def hits(server, words, tenant="t1", **more):
    return [(hit.what, hit.id) for hit in await finding.find(server.operator.work(tenant), words, **more)]


@pytest.mark.requirement("admin:search:one-question")
async def test_a_piece_of_it_finds_it(server):
    """C59: in an incident an operator has an address, a name or a number, and no time to know where it belongs."""
    tokens = await server.client("P").sign_in("u1")
    person, app = server.world.people["u1"], server.client("P").app
    sub, owner = person.subs["t1"], tokens.claims["authorization_id"]

    assert [(What.USER, sub)] == await hits(server, person.email.upper())
    assert [(What.USER, sub)] == await hits(server, f" {sub} ")
    assert (What.USER, sub) in await hits(server, "u1 findable")
    assert [(What.CLIENT, app.client_id)] == await hits(server, app.client_id)
    assert [(What.CLIENT, app.client_id)] == await hits(server, "public web")
    assert [(What.RESOURCE, listing.id_of(R1))] == await hits(server, "MCP1.example")
    assert {(What.TOOL, "refund_order")} == set(await hits(server, "refund"))
    assert [(What.AUTHORIZATION, owner)] == await hits(server, owner)
    assert [] == await hits(server, "refund", among={What.USER, What.CLIENT})
    assert 1 == len(await hits(server, "findable", most=1))
    assert ([], [], []) == (await hits(server, ""), await hits(server, "%"), await hits(server, "\0"))


@pytest.mark.requirement("admin:search:stays-inside")
async def test_what_is_another_tenants_is_not_there(server):
    """TN-15: neither by its id, nor by its name, nor by an address that is somebody's elsewhere."""
    tokens = await server.client("X").sign_in("u9")
    world = server.world

    for theirs in (
        world.people["u9"].email,
        world.people["u9"].subs["t2"],
        world.people["u5"].subs["t2"],
        world.clients["X"].client_id,
        world.clients["X"].name,
        R9,
        listing.id_of(R9),
        tokens.claims["authorization_id"],
        world.tenants["t2"],
    ):
        assert [] == await hits(server, theirs), theirs


@pytest.mark.requirement("admin:search:stays-inside")
async def test_an_application_of_nobody_is_found_where_somebody_has_used_it(server):
    """TN-15: who else uses it is nobody's business."""
    shared = server.world.clients["G"]
    before = await hits(server, shared.client_id), await hits(server, shared.name)
    await server.client("G").sign_in("u1", tenant="t1")

    after = await hits(server, shared.client_id), await hits(server, shared.name)

    assert ([], []) == before
    assert ([(What.CLIENT, shared.client_id)],) * 2 == after
    assert [] == await hits(server, shared.client_id, "t2")


@pytest.mark.requirement("admin:search:stays-inside")
async def test_an_mcp_server_is_listed_for_whom_it_is_linked_to(server):
    """Decision 22: page by page, and by an id that another tenant's operators cannot use."""
    work, t1, t2 = server.operator.work(), server.world.tenants["t1"], server.world.tenants["t2"]

    async def pages(tenant):
        found, after = [], ""
        while page := await listing.page(work, tenant=tenant, after=after, most=2):
            found += [one.uri for one in page]
            after = page[-1].uri
        return found

    assert R5 in await pages(t1)
    assert R9 not in await pages(t1)
    assert {R5, R9} <= set(await pages(t2))
    assert set(await pages(t1)) | set(await pages(t2)) <= set(await pages(None))
    assert None is await listing.by_id(work, listing.id_of(R9), tenant=t1)
    assert R9 == (await listing.by_id(work, listing.id_of(R9), tenant=t2)).uri
    assert R9 == (await listing.by_id(work, listing.id_of(R9), tenant=None)).uri
    await server.operator.unlink(R5, "t1")
    assert None is await listing.by_id(work, listing.id_of(R5), tenant=t1)
