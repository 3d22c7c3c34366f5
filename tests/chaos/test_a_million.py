"""
A tenant with a million live authorizations is stopped: one row, whatever hangs on it; and nobody who refreshes waits for it.

`CHAOS=1` runs it (`make chaos` does), `CHAOS_MILLION` says how many. Each test prints its figures; `a_million_live` fills a
database for whoever measures more with it.
"""

import os
import time

import pytest

from authserver.domain.stopping import stopping
from authserver.domain.stopping.stopping import By, Target
from authserver.runtime.schema import statement
from resource_lib.wire.control import Kind
from tests.support.world import R1

pytestmark = pytest.mark.skipif("CHAOS" not in os.environ, reason="CHAOS: `make chaos` runs what takes long")

HOW_MANY = int(os.environ.get("CHAOS_MILLION", "1000000"))
BY = By(tenant="*", label="the drill")
_AT_ONCE = 50_000
_FILL = statement(
    """
    INSERT INTO authorizations (tenant_id, authorization_id, issuer_path, sub, client_id, resource, scope, profile, acr, amr,
        auth_time, ctl, created_at, expires_at)
    SELECT :tenant, 'az_' || c.n, '', 'usr_' || (c.n % 100000), 'cli_' || (c.n % 500), :resource, 'orders:read', 'interactive',
        '', '', 0, 0, CAST(:now AS BIGINT), CAST(:now AS BIGINT) + 86400
    FROM (WITH RECURSIVE counted(n) AS (SELECT CAST(:first AS BIGINT) UNION ALL
        SELECT n + 1 FROM counted WHERE n < CAST(:last AS BIGINT)) SELECT n FROM counted) c
    """
)


async def a_million_live(machines, tenant):
    """Let a hundred thousand people of a tenant have ten logins each, at five hundred applications."""
    for first in range(1, HOW_MANY + 1, _AT_ONCE):
        work = machines.work(tenant=tenant)
        work.write(_FILL, resource=R1, now=work.now, first=first, last=min(first + _AT_ONCE - 1, HOW_MANY))
        assert await work.commit()


async def timed(call):
    """Return what it gives, and in how many milliseconds."""
    begun = time.perf_counter()
    found = await call
    return found, (time.perf_counter() - begun) * 1000


async def best_refresh_ms(app, tokens):
    """Return how long the quickest of many refreshes took: what the work itself takes, whoever else keeps the machine busy."""
    best = float("inf")
    for _ in range(60):
        tokens, took = await timed(app.refresh(tokens))
        assert tokens.ok
        best = min(best, took)
    return tokens, best


async def test_a_million_authorizations_end_in_one_commit(server):
    """RV-11: the kill is one row; the count before it is exact; a refresh beside them costs what it cost."""
    app, elsewhere, t1 = server.client("P"), server.client("X"), server.world.tenants["t1"]
    mine, theirs = await app.sign_in("u1"), await elsewhere.sign_in("u9")
    mine, alone_ms = await best_refresh_ms(app, mine)
    await a_million_live(server.machines, t1)
    target = Target(kind=Kind.TENANT, tenant=t1)

    mine, among_ms = await best_refresh_ms(app, mine)
    size, counting_ms = await timed(stopping.radius(server.machines.work(), target))
    work = server.machines.work()
    await stopping.kill(work, target, reason="a drill", by=BY)
    committed, kill_ms = await timed(work.commit())
    refused, refused_ms = await timed(app.refresh(mine))
    theirs, after_ms = await best_refresh_ms(elsewhere, theirs)
    left, _ = await timed(stopping.radius(server.machines.work(), target))

    print(
        f"\n{server.place.kind}: {HOW_MANY} live; counted in {counting_ms:.0f} ms; ended in {kill_ms:.1f} ms; "
        f"next refresh refused in {refused_ms:.1f} ms; refresh alone {alone_ms:.2f} ms, among them {among_ms:.2f} ms, "
        f"of another tenant after it {after_ms:.2f} ms"
    )
    assert committed
    assert (HOW_MANY + 1, 100_001) == (size.live_authorizations, size.users)
    assert 0 == left.live_authorizations
    assert "invalid_grant" == refused.error
    # What they take on a quiet machine is printed; this holds on a busy one.
    assert kill_ms < 10_000
    assert counting_ms < 60_000
