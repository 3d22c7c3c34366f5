"""Several processes start at once on an empty database: one makes the first key, and none of them is without it."""

import base64

import pytest

from authserver.domain.issuers.issuer import all_issuers
from authserver.domain.keys import rotation
from authserver.domain.keys.signing_key import key_ring
from authserver.opening import close_machines, open_machines
from authserver.runtime.migration import migrate
from authserver.settings import Settings


@pytest.mark.requirement("keys:first-start:no-process-is-without-a-key")
async def test_the_process_that_did_not_make_the_first_key_signs_with_it_at_once(tmp_path):
    """Found by the two-process benchmark: the loser remembered that there was no key, and answered 500 for a moment."""
    settings = Settings(
        database_url=f"sqlite:///{tmp_path / 'keys.db'}", kek="k:" + base64.b64encode(bytes(32)).decode()
    )
    await migrate(settings.database_url, settings.database_url)
    late, early = [await open_machines(settings) for _ in range(2)]
    issuer = (await all_issuers(late.work())).by_path[""]

    assert not (await key_ring(late.work(), issuer.path)).keys
    assert await rotation.rotate_if_due(early.work(), issuer)
    of_late = (await key_ring(late.work(), issuer.path)).signing(late.work().now)
    of_early = (await key_ring(early.work(), issuer.path)).signing(early.work().now)

    assert of_early is not None
    assert of_late is not None
    assert of_early.kid == of_late.kid
    for machines in (late, early):
        await close_machines(machines)
