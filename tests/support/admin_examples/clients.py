"""Examples of the noun `clients`, and of which strangers' applications are let in."""

import secrets

from authserver.domain.clients import registry, trust
from authserver.web.admin.ids import id_of
from tests.support.admin_examples.example import Example
from tests.support.world import R1

NOBODYS = {"client": "cli_aaaaaaaaaaaaaaaa"}
NO_SUBJECT = {"subject": id_of("host:nobody.example")}


async def robot(admin):
    work = admin.server.machines.work(tenant=admin.tenant("t1"))
    made = registry.add(
        work,
        name="Robot",
        auth_method="client_secret_basic",
        grant_types=("client_credentials",),
        scope=("orders:read",),
        resources=(R1,),
    )
    assert await work.commit()
    return {"client": made.client.id}


async def verdict(admin):
    work = admin.server.machines.work(tenant=admin.tenant("t1"))
    host = f"host:{secrets.token_hex(4)}.example"
    trust.let_in(work, host)
    assert await work.commit()
    return {"subject": id_of(host)}


EXAMPLES = {
    ("GET", "/clients"): Example(),
    ("POST", "/clients"): Example(
        body={
            "name": "New robot",
            "token_endpoint_auth_method": "client_secret_basic",
            "grant_types": ["client_credentials"],
            "scope": ["orders:read"],
        },
        ok=201,
    ),
    ("GET", "/clients/{client}"): Example(make=robot, strange=NOBODYS),
    ("PATCH", "/clients/{client}"): Example(make=robot, strange=NOBODYS, body={"name": "Renamed"}),
    ("DELETE", "/clients/{client}"): Example(make=robot, strange=NOBODYS, ok=204),
    ("POST", "/clients/{client}/rotate"): Example(make=robot, strange=NOBODYS, body={"overlap_hours": 1}),
    ("POST", "/clients/{client}/renew"): Example(make=robot, strange=NOBODYS),
    ("GET", "/client-trust"): Example(),
    ("PATCH", "/client-trust"): Example(body={"policy": "approve"}),
    ("GET", "/client-trust/verdicts"): Example(),
    ("POST", "/client-trust/verdicts"): Example(body={"subject": "claude.ai", "verdict": "allowed"}, ok=201),
    ("GET", "/client-trust/verdicts/{subject}"): Example(make=verdict, strange=NO_SUBJECT),
    ("DELETE", "/client-trust/verdicts/{subject}"): Example(make=verdict, strange=NO_SUBJECT, ok=204),
}
