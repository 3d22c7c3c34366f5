"""A server of hundreds of tenants hears of all of them by a few readings: what takes some for each outlasts its lease under load."""

import pytest

from authserver.domain.clients import registry, trust
from authserver.domain.issuers.issuer import all_issuers
from authserver.domain.resources import resource as resources
from authserver.domain.tenants import tenant as tenants
from authserver.domain.tokens import presented
from authserver.oauth.resource_server import heard_for
from authserver.oauth.tool_policies import tool_policy
from authserver.runtime.schema import SHARED

URI = "https://many.example/mcp"


@pytest.mark.requirement("feed:many-tenants:a-few-readings")
async def test_who_hears_a_server_is_found_by_as_many_readings_for_two_hundred_tenants_as_for_two(server, monkeypatch):
    machines = server.machines
    readings = 0
    read = machines.database.read

    async def counted(*arguments, **named):
        nonlocal readings
        readings += 1
        return await read(*arguments, **named)

    async def asked():
        nonlocal readings
        machines.memory.forget()
        work = machines.work()
        issuer = (await all_issuers(work)).of_tenant("")
        client = await registry.find(work, made.client.id)
        readings = 0
        found, heard = await heard_for(work, issuer, client)
        document = await tool_policy.document(work, found.uri, heard, speaker=client.tenant)
        return readings, heard, document, client

    work = machines.work(tenant=SHARED)
    resources.add(work, uri=URI, name="Many", scopes={}, tools=[])
    made = registry.add(work, name="RS", auth_method="client_secret_basic", grant_types=(), speaks_for=URI)
    assert await work.commit()
    ids = await _linked(machines, 2, begin=0)
    monkeypatch.setattr(machines.database, "read", counted)
    few, heard, _, _ = await asked()
    assert set(ids) == set(heard)

    ids += await _linked(machines, 200, begin=2)
    await _set(machines, ids[3], lambda work: trust.block(work, made.client.id))
    await _set(machines, ids[4], lambda work: trust.let_in(work, made.client.id))
    await _set(machines, ids[5], lambda work: trust.set_policy(work, trust.Policy.LISTED))
    work = machines.work()
    tenants.change(work, await tenants.by_id(work, ids[6]), is_active=False)
    assert await work.commit()
    many, heard, document, client = await asked()

    assert few == many
    assert {id_ for id_ in ids if id_ not in (ids[3], ids[6])} == set(heard)
    work = machines.work()
    alone = [id_ for id_ in ids if id_ != ids[6] and await presented.is_heard(work, client, id_)]
    assert sorted(alone) == list(heard)
    assert all(id_.encode() in document.body for id_ in heard)


async def _linked(machines, count, *, begin):
    found = []
    for number in range(begin, begin + count):
        work = machines.work()
        found.append(tenants.add(work, slug=f"many-{number}", name=f"Many {number}").id)
        resources.link(work, URI, found[-1])
        assert await work.commit()
    return found


async def _set(machines, tenant, how):
    work = machines.work(tenant=tenant)
    how(work)
    assert await work.commit()
