"""Examples of the noun `tenants`, and of what every noun has."""

import secrets

from authserver.domain.tenants import tenant as tenants
from tests.support.admin_examples.example import Example

NOBODYS = {"tenant_id": "ten_aaaaaaaaaaaaaaaa"}


async def own(admin):
    return {"tenant_id": admin.tenant("t1")}


async def empty(admin):
    work = admin.server.machines.work()
    made = tenants.add(work, slug=f"empty-{secrets.token_hex(4)}", name="Empty")
    assert await work.commit()
    return {"tenant_id": made.id}


EXAMPLES = {
    ("GET", "/openapi.json"): Example(),
    ("GET", "/me"): Example(),
    ("GET", "/tenants"): Example(),
    ("POST", "/tenants"): Example(
        by="p1", body=lambda *_: {"slug": f"new-{secrets.token_hex(4)}", "name": "New"}, ok=201
    ),
    ("GET", "/tenants/{tenant_id}"): Example(make=own, strange=NOBODYS),
    ("PATCH", "/tenants/{tenant_id}"): Example(make=own, strange=NOBODYS, body={"name": "Renamed"}),
    ("DELETE", "/tenants/{tenant_id}"): Example(by="p1", make=empty, strange=NOBODYS, ok=204),
}
