"""An older backup is put back: what was ended since lives again in it, until its operator ends everything, as the handbook says."""

import shutil
from pathlib import Path

import pytest

from authserver.domain.stopping.stopping import Target
from authserver.runtime.database_url import sqlite_path
from resource_lib.wire.control import Kind
from tests.support.guarding import Guarding
from tests.support.killing import revive, stop


def moved(source, target):
    """Copy a database that nobody has open."""
    for ending in ("", "-wal", "-shm"):
        Path(f"{target}{ending}").unlink(missing_ok=True)
        if Path(f"{source}{ending}").exists():
            shutil.copyfile(f"{source}{ending}", f"{target}{ending}")


@pytest.mark.one_database
@pytest.mark.requirement("kill:restored:everything-ends-what-a-backup-brought-back")
async def test_what_a_backup_brought_back_ends_with_everything_and_stays_so(server, tmp_path):
    """R-16: refresh, introspection and a guard that was started again; whoever signs in afterwards is served."""
    app, rs = server.client("P"), server.client("RS1")
    tokens = await app.sign_in("u1")
    here, backup = sqlite_path(server.place.url), tmp_path / "backup.db"
    await server.stop()
    moved(here, backup)
    await server.start()
    await server.operator.end_authorization("t1", tokens.claims["authorization_id"])
    ended = (await rs.introspect(tokens.access_token)).body["active"]
    await server.stop()
    moved(backup, here)
    await server.start()
    back = (await rs.introspect(tokens.access_token)).body["active"]

    everything = Target(kind=Kind.EVERYTHING)
    await stop(server, everything)
    await revive(server, everything)
    guarding = Guarding(server)
    called = await guarding.call("search_orders", tokens.access_token)
    anew = await server.client("P").sign_in("u1", prompt="login")
    served = await guarding.call("search_orders", anew.access_token)
    await guarding.guard.aclose()

    assert (False, True) == (ended, back)
    assert not (await rs.introspect(tokens.access_token)).body["active"]
    assert not (await app.refresh(tokens)).ok
    assert (401, 200) == (called.status, served.status)
