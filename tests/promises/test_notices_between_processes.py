"""Two processes look for what is due at the same moment, every second, and a third is killed while it tells."""

import asyncio

import pytest

from authserver.domain.notices import webhook
from authserver.domain.notices.notice import Event, tell
from tests.support.internet import Answer, Internet
from tests.support.receiver import Receiver, call
from tests.support.server import DATABASES
from tests.support.workers import Workers

pytestmark = pytest.mark.slow

MANY = 60
HOOKS = 3


@pytest.fixture(scope="module", params=DATABASES)
def processes(request, templates, tmp_path_factory):
    deployment = Workers(templates, request.param, tmp_path_factory.mktemp("tellers"), cimd_allow_loopback=True)
    deployment.start()
    yield deployment
    deployment.stop()
    deployment.place.discard()


@pytest.fixture
async def deployment(processes):
    yield processes
    await processes.close()


@pytest.fixture
async def receiver():
    async with Internet().running() as internet:
        made = Receiver(internet)
        made.listener = await internet.serve(lambda path, headers: made.answer, tls=False)
        yield made


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.05)


async def hook(deployment, machines, receiver, path):
    work = machines.work(tenant=deployment.world.tenants["t1"])
    made = await webhook.add(work, url=f"http://127.0.0.1:{receiver.listener.port}/{path}")
    assert await work.commit()
    return made.webhook


async def unhook(deployment, machines, *hooks):
    for each in hooks:
        work = machines.work(tenant=deployment.world.tenants["t1"])
        webhook.remove(work, each)
        assert await work.commit()


async def tell_of(deployment, machines, many):
    work = machines.work(tenant=deployment.world.tenants["t1"])
    for number in range(many):
        await tell(work, Event.APPROVAL_REQUESTED, call(deployment, number))
    assert await work.commit()


@pytest.mark.requirement("notices:delivery:between-processes")
async def test_two_processes_tell_each_notice_once(deployment, receiver):
    """The real timetable on real sockets: what one claimed the other leaves."""
    async with deployment.machines(cimd_allow_loopback=True) as machines:
        hooks = [await hook(deployment, machines, receiver, name) for name in range(HOOKS)]
        await tell_of(deployment, machines, MANY // HOOKS)

        await until(lambda: len(receiver.posted) >= MANY // HOOKS * HOOKS)
        await asyncio.sleep(2.5)

        ids = [one.headers["webhook-id"] for one in receiver.posted]
        assert MANY // HOOKS * HOOKS == len(ids) == len(set(ids))
        await unhook(deployment, machines, *hooks)


@pytest.mark.requirement("notices:delivery:survives-a-restart")
async def test_a_notice_outlives_the_processes_that_were_told_of_it(deployment, receiver):
    """Kill -9 in the middle of telling: it is claimed until its claim ends, and stays in its row."""
    async with deployment.machines(cimd_allow_loopback=True) as machines:
        made = await hook(deployment, machines, receiver, "hangs")
        receiver.answer = Answer(raw=[], hangs=True)
        await tell_of(deployment, machines, 1)
        await until(lambda: len(receiver.posted) == 1)
        deployment.kill()
        receiver.answer = Answer(status=200)

        shown = await webhook.attempts(machines.work(tenant=deployment.world.tenants["t1"]), made)
        assert [(1, None)] == [(each.tries, each.done_at) for each in shown]
        deployment.start()
        await asyncio.sleep(2.5)
        assert 1 == len(receiver.posted)
        await unhook(deployment, machines, made)
