"""Whatever ends at the real server is dead at a guard with its next word from there, and stays so when everything begins anew."""

import pytest

from authserver.domain.revocation.kill_switch import By, Target
from authserver.domain.stopping import stopping
from resource_lib.wire.control import Kind
from tests.support.guarding import Guarding
from tests.support.world import R1

EVERYWHERE = By(tenant="*", label="test")


async def replayed_code(server, app, tokens, code):
    assert "invalid_grant" == (await app.redeem(code)).error


async def revoked_token(server, app, tokens, code):
    assert (await app.revoke(tokens.access_token)).ok


async def revoked_refresh_token(server, app, tokens, code):
    assert (await app.revoke(tokens.refresh_token)).ok


async def replayed_refresh_token(server, app, tokens, code):
    assert (await app.refresh(tokens)).ok
    server.clock.advance(61)
    assert "invalid_grant" == (await app.refresh(tokens)).error


async def ended_authorization(server, app, tokens, code):
    await server.operator.end_authorization("t1", tokens.claims["authorization_id"])


async def disabled_member(server, app, tokens, code):
    await server.operator.set_member("u1", "t1", is_active=False)


async def new_password(server, app, tokens, code):
    await server.operator.change_password("u1", "a new and long password")


async def disabled_tenant(server, app, tokens, code):
    await server.operator.set_tenant("t1", is_active=False)


async def disabled_client(server, app, tokens, code):
    await server.operator.set_client(app.app, is_active=False)


async def unlinked_server(server, app, tokens, code):
    await server.operator.unlink(R1, "t1")


def killed(kind, **of):
    async def kill(server, app, tokens, code):
        said = {name: value(app, tokens) for name, value in of.items()}
        work = server.machines.work()
        await stopping.kill(work, Target(kind=kind, **said), reason="it misbehaves", by=EVERYWHERE)
        await work.commit()

    kill.__name__ = f"killed_{kind.value}"
    return kill


WAYS = [
    *(replayed_code, revoked_token, revoked_refresh_token, replayed_refresh_token, ended_authorization),
    *(disabled_member, new_password, disabled_tenant, disabled_client, unlinked_server),
    killed(Kind.USER, tenant=lambda _, tokens: tokens.claims["tenant_id"], sub=lambda _, tokens: tokens.claims["sub"]),
    killed(Kind.CLIENT, client_id=lambda app, _: app.app.client_id),
    killed(Kind.TENANT, tenant=lambda _, tokens: tokens.claims["tenant_id"]),
    killed(Kind.EVERYTHING),
]


@pytest.mark.requirement("revocation:access-token:is-refused-by-the-resource")
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_the_access_token_is_refused_at_the_resource_server_whatever_it_was_ended_by(server, way):
    """TK-01, decision 14: with the guard's next word from the issuer, and at a guard that has just been started."""
    app = server.client("P")
    code = await app.authorize("u1")
    tokens = await app.redeem(code)
    guarding = Guarding(server)
    before = await guarding.call("search_orders", tokens.access_token)

    await way(server, app, tokens, code)
    await guarding.guard.revocations.follower._asked()
    after = await guarding.call("search_orders", tokens.access_token)
    newcomer = Guarding(server)
    late = await newcomer.call("search_orders", tokens.access_token)
    await guarding.guard.aclose()
    await newcomer.guard.aclose()

    assert [200, 401, 401] == [before.status, after.status, late.status]
    assert "result" in before.json
    assert 1 == len(guarding.behind.seen)
    assert [] == newcomer.behind.seen
