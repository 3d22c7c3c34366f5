"""Examples of the nouns `authorizations`, `approvals`, `kills`, `revocations`, `servers`, `audit`, and of the search."""

from authserver.domain.audit import event, sealing
from authserver.domain.clients import registry
from authserver.domain.health import report
from authserver.domain.health.report import ReportedTool
from authserver.domain.revocation.kill_switch import Target
from authserver.domain.stopping import stopping
from authserver.domain.tool_policies import step_up
from authserver.web.admin.kills import id_of
from resource_lib.wire.control import Kind
from tests.support.admin_examples.directory import NO_RESOURCE, linked
from tests.support.admin_examples.example import Example
from tests.support.approvals import refunding, tool_server
from tests.support.signalling import raised
from tests.support.world import R1

WHY = {"reason": "Because"}
NO_KILL = {"kill_id": id_of(Target(kind=Kind.CLIENT, client_id="cli_aaaaaaaaaaaaaaaa"))}
NO_APPROVAL = {"approval_id": "ap_aaaaaaaaaaaaaaaa_" + "a" * 43}
BY = stopping.By(tenant="*", label="the suite")


async def login(admin):
    tokens = await admin.server.client("P").sign_in("u1")
    return {"authorization_id": tokens.claims["authorization_id"]}


async def waiting_call(admin):
    arguments = {"order_id": f"o-{len(await admin.server.operator.events('t1'))}", "amount_cents": 1250}
    token = await refunding(admin.server)
    return {"approval_id": await tool_server(admin.server).asked(token, arguments)}


async def stopped(admin):
    work = admin.server.operator.work("t1")
    target = Target(kind=Kind.CLIENT, tenant=admin.tenant("t1"), client_id=admin.server.world.clients["Z"].client_id)
    await stopping.kill(work, target, reason="Because", by=BY)
    assert await work.commit()
    return {"kill_id": id_of(target)}


async def stopped_by_tenant(admin):
    work = admin.server.operator.work("t1")
    target = Target(kind=Kind.CLIENT, tenant=admin.tenant("t1"), client_id=admin.server.world.clients["S"].client_id)
    await stopping.kill(work, target, reason="Because", by=stopping.By(tenant=admin.tenant("t1"), label="the suite"))
    assert await work.commit()
    return {"kill_id": id_of(target)}


async def paused(admin):
    work = admin.server.operator.work("t1")
    target = Target(kind=Kind.RESOURCE, tenant=admin.tenant("t1"), resource=R1)
    await stopping.pause(work, target, reason="Because", by=stopping.By(tenant=admin.tenant("t1"), label="the suite"))
    assert await work.commit()
    return await linked(admin)


async def reported(admin):
    """What the server of R1 says of its tools, a list that is another one each time."""
    work = admin.server.machines.work()
    client = await registry.find(work, admin.server.world.clients["RS1"].client_id)
    assert client is not None
    name = f"tool_{len(await admin.server.operator.events(None))}"
    await report.take(work, client, instance="one", tools=[ReportedTool(name=name, tool_class="read", scopes=())])
    assert await work.commit()
    said = await report.reported(admin.server.machines.work(), R1, client.id)
    assert said is not None
    return {**await linked(admin), "client_id": client.id, "tools_hash": said.tools_hash}


async def newest_event(admin):
    return {"event_id": (await event.recent(admin.server.operator.work("t1"), most=1))[0]["event_id"]}


async def sealed_log(admin):
    await sealing.seal_round(admin.server.machines)
    return {}


async def unusual(admin):
    found = await raised(admin.server, client_id=admin.server.client("P").app.client_id)
    return {"signal_id": found.id}


async def stepped_up(admin):
    work = admin.server.operator.work("t1")
    await step_up.begin(work, client_id="cli_stepped_up", sub="", minutes=5, by=BY)
    assert await work.commit()
    return {}


async def of_a_kind(_):
    return {"kind": "volume"}


NO_SIGNAL = {"signal_id": "sgn_aaaaaaaaaaaaaaaa"}

EXAMPLES = {
    ("GET", "/signals"): Example(query="state=open&kind=volume"),
    ("GET", "/signals/{signal_id}"): Example(make=unusual, strange=NO_SIGNAL),
    ("POST", "/signals/{signal_id}/dismiss"): Example(by="o1", make=unusual, strange=NO_SIGNAL, body=WHY),
    ("POST", "/signals/{signal_id}/step-up"): Example(by="o1", make=unusual, strange=NO_SIGNAL, body={"minutes": 5}),
    ("GET", "/step-ups"): Example(),
    ("POST", "/step-ups/end"): Example(by="o1", make=stepped_up, body={"client_id": "cli_stepped_up"}),
    ("GET", "/signal-settings"): Example(),
    ("GET", "/signal-settings/{kind}"): Example(make=of_a_kind, shared=True),
    ("PATCH", "/signal-settings/{kind}"): Example(by="o1", make=of_a_kind, shared=True, body={"numbers": {"z": 6}}),
    ("GET", "/authorizations"): Example(query="state=live"),
    ("GET", "/authorizations/{authorization_id}"): Example(
        make=login, strange={"authorization_id": "az_aaaaaaaaaaaaaaaa"}
    ),
    ("DELETE", "/authorizations/{authorization_id}"): Example(
        by="o1", make=login, strange={"authorization_id": "az_aaaaaaaaaaaaaaaa"}, ok=204
    ),
    ("POST", "/revocations"): Example(
        by="o1", make=login, body=lambda _, made: {"kind": "authorization", **WHY, **made}
    ),
    ("GET", "/approvals"): Example(query="state=pending"),
    ("GET", "/approvals/{approval_id}"): Example(make=waiting_call, strange=NO_APPROVAL),
    ("POST", "/approvals/{approval_id}/decision"): Example(
        by="o1", make=waiting_call, strange=NO_APPROVAL, body={"decision": "deny", "reason": "Not today"}
    ),
    ("GET", "/kills"): Example(),
    ("POST", "/kills"): Example(
        by="o1",
        ok=201,
        body=lambda admin, _: {"kind": "tool", **WHY, "resource": R1, "tool": "refund_order"},
    ),
    ("GET", "/kills/{kill_id}"): Example(make=stopped, strange=NO_KILL),
    ("POST", "/kills/{kill_id}/revive"): Example(by="o1", make=stopped_by_tenant, strange=NO_KILL, body=WHY),
    ("GET", "/servers"): Example(),
    ("GET", "/servers/{resource_id}"): Example(make=linked, strange=NO_RESOURCE),
    ("POST", "/servers/{resource_id}/check"): Example(by="o1", make=linked, strange=NO_RESOURCE),
    ("POST", "/servers/{resource_id}/pause"): Example(by="o1", make=linked, strange=NO_RESOURCE, body=WHY),
    ("POST", "/servers/{resource_id}/resume"): Example(by="o1", make=paused, strange=NO_RESOURCE, body=WHY),
    ("POST", "/servers/{resource_id}/accept"): Example(
        by="o1",
        make=reported,
        strange={**NO_RESOURCE, "client_id": "cli_aaaaaaaaaaaaaaaa", "tools_hash": "a" * 64},
        body=lambda _, made: {"client_id": made["client_id"], "tools_hash": made["tools_hash"]},
    ),
    ("GET", "/audit"): Example(query="kind=operator:&decision=refused"),
    ("POST", "/audit/search"): Example(
        body=lambda *_: {"email": "u1@t1.example", "subject": "customer-8812", "decision": "allowed"}
    ),
    ("GET", "/audit/export"): Example(make=sealed_log),
    ("GET", "/audit/{event_id}"): Example(make=newest_event, strange={"event_id": "0" * 26}),
    ("GET", "/analytics"): Example(query="by=server"),
    ("GET", "/search"): Example(query="q=refund"),
}
