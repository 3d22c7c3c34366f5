"""
An attacker spreads calls over every process, connection, login, token and spelling there is. Four real guard processes on one Valkey and
on one PostgreSQL: together they let through what one would.
"""

import asyncio
import contextlib
import time
from collections import Counter

import httpx2
import pytest

from resource_lib.testing import TestIssuer
from tests.support.guarded import free_socket, serving
from tests.support.limit_stores import OnSql, engine_at
from tests.support.limited_process import limited_fleet
from tests.support.valkey import valkey_process

PROCESSES = 4
MOST, SECONDS = 100, 3600
RESOURCE = "https://mcp.example.com/mcp"
ONE_LOGIN = {"authorization_id": "aut_aaaaaaaaaaaaaaaa"}
SPELLINGS = ("Limited", "LIMITED", "limited ", "\uff4cimited", "limi\u200bted", "./limited")


def most_since(began):
    """Return the limit, and what has filled up meanwhile: the stated slack."""
    return MOST + 1 + int((time.monotonic() - began) * MOST / SECONDS)


@pytest.mark.requirement("limits:shared:a-thousand-over-four-processes")
async def test_a_thousand_at_once_over_four_processes_are_one_limit(postgres):
    """RL-01, RL-02: exactly the limit, then nothing by any disguise, and after a flush once more, not twice."""
    place = free_socket()
    issuer = TestIssuer(f"http://127.0.0.1:{place.getsockname()[1]}", resource=RESOURCE)
    at = OnSql(engine_at(url := postgres.empty_database().owner))
    async with contextlib.AsyncExitStack() as left:
        left.push_async_callback(at.close)
        await at.store.prepare()
        valkey = left.enter_context(valkey_process())
        stores = {"valkey": valkey.url, "postgresql": url}
        async with (
            serving(issuer.app, place),
            httpx2.AsyncClient(trust_env=False, timeout=60) as http,
            limited_fleet(PROCESSES, issuer.issuer, RESOURCE, stores) as fleet,
        ):
            for store in stores:
                await attacked(store, fleet, issuer, http)
            valkey.stop()
            valkey.start()
            await at.flush()
            for store in stores:
                began = time.monotonic()
                again = await flood(400, store, fleet, issuer)
                assert MOST <= again[None] <= most_since(began), store


async def flood(count, store, fleet, issuer):
    """Call from everywhere at once, by refreshed tokens of one login and by many logins; returns how each call ended."""
    tokens = [issuer.token(scopes=["notes:read"], override=ONE_LOGIN if n % 2 else None) for n in range(32)]
    calls = [fleet[n % PROCESSES].knock(store, tokens[n // PROCESSES % 32]) for n in range(count)]
    return Counter(await asyncio.gather(*calls))


async def attacked(store, fleet, issuer, http):
    somebody = issuer.token(scopes=["notes:read"], subject="usr_cccccccccccccccc")
    assert {None} == {await one.call(http, store, somebody, tool="other") for one in fleet}, "keys are known"

    began = time.monotonic()
    ended = await flood(1000, store, fleet, issuer)
    assert MOST <= ended[None] <= most_since(began), store
    assert 1000 - ended[None] == ended["rate_limited"], store

    disguised = Counter()
    async with httpx2.AsyncClient(trust_env=False) as another:
        for n in range(40):
            headers = [{"x-forwarded-for": f"198.51.100.{n}"}, {"connection": "close"}][n % 2]
            client = {"client_id": "cli_zzzzzzzzzzzzzzzz"} if n % 4 == 3 else {}
            token = issuer.token(scopes=["notes:read"], **client)
            disguised[await fleet[n % PROCESSES].call(another, store, token, headers=headers)] += 1
    for spelling in SPELLINGS:
        token = issuer.token(scopes=["notes:read"])
        disguised[await fleet[0].call(http, store, token, tool=spelling)] += 1
    assert ended[None] + disguised[None] <= most_since(began), store
    assert (40 - disguised[None], len(SPELLINGS)) == (disguised["rate_limited"], disguised["tool_unknown"]), store

    other = issuer.token(scopes=["notes:read"], subject="usr_bbbbbbbbbbbbbbbb")
    assert {None} == {await one.call(http, store, other) for one in fleet}, "another person has their own"
    assert None is await fleet[0].call(http, store, token, tool="other"), "another tool has its own"
