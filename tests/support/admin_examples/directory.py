"""Examples of the nouns `resources`, `tools`, `issuers` and `keys`."""

import secrets

from authserver.domain.issuers import issuer as issuers
from authserver.domain.keys import rotation
from authserver.domain.resources import listing
from authserver.domain.tenants import tenant as tenants
from authserver.runtime.identifiers import derived_id
from resource_lib.wire.tool_call import definition_hash
from tests.support.admin_examples.example import Example
from tests.support.tooled import report, told
from tests.support.tooled import tool as listed_as
from tests.support.world import R1

NO_RESOURCE = {"resource_id": "res_" + "a" * 26}
TOOL = "refund_order"
RULES = {"rules": {"roles": ["support"]}}


def new_uri():
    return f"https://mcp-{secrets.token_hex(6)}.example/mcp"


async def linked(admin):
    return {"resource_id": listing.id_of(R1)}


async def fresh_resource(admin):
    uri = new_uri()
    await admin.server.operator.add_resource(uri, "t1")
    return {"resource_id": listing.id_of(uri)}


async def tool(admin):
    return {**await linked(admin), "tool": TOOL}


async def waiting_tool(admin):
    """A tool of R1 that waits until somebody looks at it, another one each time."""
    listed = listed_as(f"tool_{len(await admin.server.operator.events(None))}")
    for tools in ([], [listed]):
        await report(admin.server, "RS1", *(told(one, [admin.tenant("t1")]) for one in tools))
    return {**await linked(admin), "tool": listed["name"], "definition_hash": definition_hash(listed)}


async def demanded(admin):
    await admin.server.operator.demand("t1", R1, TOOL, roles=["support", secrets.token_hex(4)])
    return await tool(admin)


async def shared_issuer(admin):
    return {"issuer_id": derived_id("iss", "")}


async def fresh_tenant(admin):
    work = admin.server.machines.work()
    made = tenants.add(work, slug=f"own-{secrets.token_hex(4)}", name="With a name of its own")
    assert await work.commit()
    return made


async def own_issuer(admin):
    owner = await fresh_tenant(admin)
    work = admin.server.machines.work()
    made = issuers.add(work, slug=owner.slug, tenant=owner.id)
    await rotation.rotate(work, made, publish_ahead_s=0)
    assert await work.commit()
    return {"issuer_id": derived_id("iss", made.path)}


async def next_key(admin):
    await admin.server.operator.rotate_keys(publish_ahead_s=3600)
    newest = [row for row in await rotation.rows(admin.server.machines.work()) if row["issuer_path"] == ""][-1]
    return {"kid": newest["kid"]}


async def some_owner(admin):
    return {"slug": (await fresh_tenant(admin)).slug}


EXAMPLES = {
    ("GET", "/resources"): Example(),
    ("POST", "/resources"): Example(
        by="p1",
        ok=201,
        body=lambda *_: {
            "uri": new_uri(),
            "name": "Orders",
            "scopes": [{"name": "orders:read", "description": "See orders"}],
            "tools": [{"name": "search_orders", "tool_class": "read", "scopes": ["orders:read"]}],
            "tenants": ["t1"],
        },
    ),
    ("GET", "/resources/{resource_id}"): Example(make=linked, strange=NO_RESOURCE),
    ("PATCH", "/resources/{resource_id}"): Example(
        by="p1", make=fresh_resource, strange=NO_RESOURCE, body={"name": "Renamed"}
    ),
    ("DELETE", "/resources/{resource_id}"): Example(by="p1", make=fresh_resource, strange=NO_RESOURCE, ok=204),
    ("GET", "/resources/{resource_id}/tools"): Example(make=linked, strange=NO_RESOURCE),
    ("GET", "/resources/{resource_id}/tools/{tool}/rules"): Example(make=tool, strange={**NO_RESOURCE, "tool": TOOL}),
    ("PUT", "/resources/{resource_id}/tools/{tool}/rules"): Example(
        make=tool, strange={**NO_RESOURCE, "tool": TOOL}, body=RULES
    ),
    ("DELETE", "/resources/{resource_id}/tools/{tool}/rules"): Example(
        make=demanded, strange={**NO_RESOURCE, "tool": TOOL}, ok=204
    ),
    ("GET", "/resources/{resource_id}/tool-reviews"): Example(make=waiting_tool, strange=NO_RESOURCE),
    ("POST", "/resources/{resource_id}/tool-reviews"): Example(
        make=waiting_tool,
        strange={**NO_RESOURCE, "tool": TOOL, "definition_hash": "a" * 64},
        body=lambda _, made: {
            "tool": made["tool"],
            "definition_hash": made["definition_hash"],
            "decision": "approved",
        },
    ),
    ("GET", "/unused-tools"): Example(),
    ("GET", "/issuers"): Example(),
    # It is made for whom the body names, which `make` has no other way to say.
    ("POST", "/issuers"): Example(by="p1", make=some_owner, ok=201, body=lambda _, made: {"owner": made["slug"]}),
    ("GET", "/issuers/{issuer_id}"): Example(make=shared_issuer, strange={"issuer_id": "iss_" + "a" * 26}, shared=True),
    ("DELETE", "/issuers/{issuer_id}"): Example(
        by="p1", make=own_issuer, strange={"issuer_id": "iss_" + "a" * 26}, ok=204
    ),
    ("GET", "/keys"): Example(),
    ("POST", "/keys"): Example(by="p1", body={}, ok=201),
    ("GET", "/keys/{kid}"): Example(make=next_key, strange={"kid": "a" * 43}, shared=True),
    ("DELETE", "/keys/{kid}"): Example(by="p1", make=next_key, strange={"kid": "a" * 43}, shared=True, ok=204),
}
