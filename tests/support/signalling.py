"""Calls that make signals, and the rounds in which somebody looks at them."""

from authserver.domain.audit import sealing
from authserver.domain.revocation.kill_switch import By
from authserver.domain.signals import settings, signal, watching
from authserver.domain.signals.kinds import Kind
from tests.support.call_streams import call, keep
from tests.support.world import R1

AGENT = "cli_agent"
PERSON = "usr_canary_person"


def refusals(server, count=6, *, tenant="t1", every_s=5, **members):
    """Return refusals of one agent, the last of them now."""
    work, now = server.operator.work(tenant), server.clock()
    said = {
        "phase": "refused",
        "error": "policy_denied",
        "client_id": AGENT,
        "sub": PERSON,
        "authorization_id": "auz_1",
    }
    return [
        call(work.tenant, now - (count - number) * every_s * 1_000_000, **(said | members)) for number in range(count)
    ]


async def happen(server, said, *, tenant="t1"):
    """Write events of R1's server into the record."""
    await keep(server.operator.work(tenant), R1, said)


async def look(server):
    """Seal what waits, and let the detectors look at it."""
    await sealing.seal_round(server.operator.machines)
    return await watching.watch_round(server.operator.machines)


async def signals(server, tenant="t1", **wanted):
    return list((await signal.page(server.operator.work(tenant), **wanted)).signals)


async def raised(server, *, tenant="t1", **members):
    """Let an agent be refused six times within half a minute; returns the signal."""
    await happen(server, refusals(server, tenant=tenant, **members), tenant=tenant)
    await look(server)
    return next(one for one in await signals(server, tenant, state="open") if one.kind is Kind.DENIALS)


async def configure(server, kind, *, tenant="t1", **changed):
    work = server.operator.work(tenant)
    wanted = (await settings.of_tenant(work)).kinds[kind]
    settings.configure(work, settings.changed(wanted, **changed))
    assert await work.commit()


def operator(server, tenant="t1"):
    return By(tenant=server.world.tenants[tenant], sub="usr_operator", label="olga@t1.example")
