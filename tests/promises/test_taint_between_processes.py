"""What one process of a server gave to a person's agent, another one knows before it lets a write through. C25."""

import asyncio
import sys
from pathlib import Path

import pytest

from resource_lib.context import Taints
from resource_lib.output import Taint
from resource_lib.testing import TestIssuer
from tests.support.limit_stores import KINDS, kept_in
from tests.support.valkey import valkey_server

ROOT = Path(__file__).parents[2]
NOW = 1_800_000_000

ANOTHER_PROCESS = """
import asyncio, sys
from types import SimpleNamespace
from resource_lib.context import Taints
from resource_lib.limits.valkey import ValkeyStore
from resource_lib.output import Taint

async def main(url, tenant, subject):
    store = ValkeyStore(url, timeout=30)
    person, taints = SimpleNamespace(tenant=tenant, subject=subject), Taints(Taint(), store=store)
    await taints.hear(person)
    print("held" if taints.of(person, "update", {}) else "free")
    await store.aclose()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def valkey():
    with valkey_server() as url:
        yield url


@pytest.fixture(params=KINDS)
async def at(request, valkey, tmp_path):
    postgres = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    async with kept_in(request.param, valkey=valkey, postgres=postgres, folder=tmp_path) as found:
        yield found


async def somebody(**said):
    issuer = TestIssuer(clock=lambda: NOW)
    return await issuer.validator().verify(issuer.token(scopes=["a"], **said), NOW)


@pytest.mark.requirement("taint:shared")
async def test_every_store_of_limits_carries_it_for_as_long_as_it_lasts_and_not_longer(at):
    """By the store's own clock: no guard's clock decides for another."""
    first, second, there = (Taints(Taint(), store=at.store) for _ in range(3))
    ada = await somebody()
    await asyncio.gather(first.tell(ada), second.tell(ada))
    await at.passes(300)
    await first.tell(ada)
    await at.passes(590)
    await there.hear(ada)

    assert there.of(ada, "update", {}) is not None
    assert there.of(await somebody(subject="another"), "update", {}) is None
    late = Taints(Taint(), store=at.store)
    await at.passes(15)
    await late.hear(ada)
    assert late.of(ada, "update", {}) is None


@pytest.mark.requirement("taint:shared")
async def test_a_process_that_starts_afterwards_holds_the_write_of_that_person_and_of_nobody_else(valkey):
    """A restart, a worker beside it, a second server of the same store."""
    from resource_lib.limits.valkey import ValkeyStore

    store, ada = ValkeyStore(valkey), await somebody(subject="told-in-another-process")
    taints = Taints(Taint(), store=store)
    taints.given(ada, "read_ticket")
    await taints.tell(ada)
    await store.aclose()

    async def asked(subject):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", ANOTHER_PROCESS, valkey, ada.tenant, subject, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        return out.decode().strip()

    assert ["held", "free"] == [await asked(ada.subject), await asked("somebody-else")]
