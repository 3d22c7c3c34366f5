"""A tenant with very many live authorizations ends: one row and one number, however many there are."""

import asyncio
import sqlite3
import time
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from authserver.domain.resources import resource as resources
from authserver.domain.revocation.kill_switch import Target
from authserver.domain.stopping import stopping
from authserver.domain.tenants import tenant as tenants
from benchmarks.stop.deployment import RESOURCE, Deployment
from benchmarks.stop.trials import until
from resource_lib.wire.control import Kind
from tests.support.postgres import PostgresServer

_COLUMNS = (
    "tenant_id, authorization_id, issuer_path, sub, client_id, resource, scope, profile, acr, amr, auth_time, ctl, created_at, "
    "expires_at, client_snapshot, purpose"
)


async def measured(deployment: Deployment, postgres: PostgresServer | None, *, many: int) -> dict[str, Any]:
    """Return how long it takes to count, to commit, and until the last guard refuses; seconds."""
    work = deployment.machines.work()
    place = tenants.add(work, slug="multitude", name="Multitude").id
    resources.link(work, RESOURCE, place)
    assert await work.commit()
    pattern = await deployment.subject("tenant", place)
    await asyncio.to_thread(_fill, deployment, postgres, pattern.tenant, pattern.authorization_id, many)
    subject = await deployment.subject("tenant", place)
    await deployment.watch([subject])
    await until(deployment, lambda seen: seen[subject.id].last == "began", "served")

    target = Target(kind=Kind.TENANT, tenant=place)
    began = time.monotonic()
    before = await stopping.radius(deployment.machines.work(), target)
    counted_s = time.monotonic() - began
    asked, committed = await deployment.stop(subject)
    seen = await until(deployment, lambda seen: seen[subject.id].dead_at, "stopped")
    after = await stopping.radius(deployment.machines.work(), target)
    await deployment.watch(forget=[subject.id])
    assert before.live_authorizations >= many, before
    return {
        "many": before.live_authorizations,
        "counted_s": counted_s,
        "commit_s": committed - asked,
        "refused_s": max(one[subject.id].dead_at for one in seen) - asked,
        "live_after": after.live_authorizations,
    }


def _fill(deployment: Deployment, postgres: PostgresServer | None, tenant: str, pattern: str, many: int) -> None:
    """Copy one authorization, many times, each for another person."""
    columns = _COLUMNS.replace("authorization_id", "'az_' || n").replace("sub", "'sub_' || n")
    if postgres is None:
        path = deployment.settings.database_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, timeout=60)) as connection, connection:
            connection.execute(
                f"""
                WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
                INSERT INTO authorizations ({_COLUMNS}) SELECT {columns} FROM numbers, authorizations
                WHERE tenant_id = ? AND authorization_id = ?
                """,
                (many, tenant, pattern),
            )
            connection.execute("ANALYZE")
        return
    from tests.support.postgres import blocking

    place = urlsplit(postgres.admin_url)._replace(path=urlsplit(deployment.settings.database_url).path).geturl()
    blocking(_filled(place, tenant, pattern, many, columns))


async def _filled(place: str, tenant: str, pattern: str, many: int, columns: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(place)
    try:
        await connection.execute(
            f"""
            INSERT INTO authorizations ({_COLUMNS}) SELECT {columns} FROM generate_series(1, $1::bigint) n, authorizations
            WHERE tenant_id = $2 AND authorization_id = $3
            """,
            many,
            tenant,
            pattern,
            timeout=600,
        )
        await connection.execute("ANALYZE authorizations", timeout=600)
    finally:
        await connection.close()
