"""A change is seen by another process at once where a Valkey carries the hint, and at the next tick where none does."""

import asyncio

import pytest

from authserver.domain.tenants import tenant as tenants
from tests.support.valkey import valkey_server

pytestmark = pytest.mark.one_database


@pytest.mark.requirement("storage:hints:a-change-is-seen-at-once")
async def test_a_hint_makes_another_process_look_before_its_tick(server_with):
    """Decision 5: a wake-up hint; truth stays in the database."""
    with valkey_server() as url:
        slow = {"redis_url": url, "memory_refresh_seconds": 5.0}
        here, there = await server_with(**slow), await server_with(**slow)
        # A tick would never come in the life of this test.
        for server in (here, there):
            never = server.machines.settings.model_copy(update={"memory_refresh_seconds": 3600.0})
            object.__setattr__(server.machines, "settings", never)
        followers = [asyncio.create_task(follow(server)) for server in (here, there)]

        for number in range(2):
            seen = there.machines.memory.version
            while there.machines.memory.version == seen:
                # One that was not listening yet has not heard the first.
                await rename_any_tenant(here, f"Renamed {number}")
                await asyncio.sleep(0.05)
        for task in followers:
            task.cancel()


@pytest.mark.requirement("storage:hints:nothing-depends-on-them")
async def test_a_dead_hint_server_changes_nothing_but_the_speed(server_with):
    """Decision 5: Valkey is optional; a hint that is lost costs a tick."""
    server = await server_with(redis_url="redis://127.0.0.1:1/0", memory_refresh_seconds=0.05)
    follower = asyncio.create_task(follow(server))
    seen = server.machines.memory.version

    await rename_any_tenant(server)
    await until(lambda: server.machines.memory.version != seen)

    follower.cancel()


async def follow(server):
    from authserver.jobs import follow_directory

    await follow_directory(server.machines)


async def rename_any_tenant(server, name="Renamed"):
    tenant = (await tenants.all_tenants(server.machines.work()))[0]
    work = server.machines.work()
    tenants.change(work, tenant, name=name)
    assert await work.commit()


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)
