"""
Rotation by schedule: publish the next key, let it sign when every cache knows it, remove the last one after its tokens.

NIST SP 800-57 §5.3.6 in small. Any number of processes may try; the generation number lets one of them win.
"""

import orjson

from authserver.domain.audit import event
from authserver.domain.issuers.issuer import Issuer, all_issuers
from authserver.domain.keys import store
from authserver.domain.keys.signing_key import KeyRing, generate, key_ring
from authserver.domain.revocation import feed
from authserver.runtime.unit_of_work import Row, UnitOfWork
from resource_lib.wire.control import EVERY_TENANT, Kind

_MARGIN_S = 60
"""Beyond a token's life: clocks differ."""


async def rotate_if_due(work: UnitOfWork, issuer: Issuer) -> bool:
    """Publish a key if none may sign, or if the newest one's successor is due. True: one was published by us."""
    ring = await key_ring(work, issuer.path)
    settings = work.machines.settings
    if ring.signing(work.now) is not None:
        due = ring.keys[-1].sign_from + settings.key_rotation_seconds - settings.key_publish_ahead_seconds
        if work.now < due:
            return False
        sign_from = max(
            ring.keys[-1].sign_from + settings.key_rotation_seconds, work.now + settings.key_publish_ahead_seconds
        )
    else:
        # There is none yet, or the one that signed leaked and was taken out.
        sign_from = work.now
    _publish(work, issuer, ring, sign_from=sign_from)
    return await work.commit()


async def rotate_now(work: UnitOfWork, issuer: Issuer, *, publish_ahead_s: int) -> bool:
    """Publish a successor at once; it signs after `publish_ahead_s` seconds. False: somebody else just did."""
    await rotate(work, issuer, publish_ahead_s=publish_ahead_s)
    return await work.commit()


async def rotate(work: UnitOfWork, issuer: Issuer, *, publish_ahead_s: int) -> str:
    """Publish a successor with the caller's other writes, and return its `kid`. A lost commit: somebody else just did."""
    ring = await key_ring(work, issuer.path)
    return _publish(work, issuer, ring, sign_from=work.now + publish_ahead_s)


async def remove_now(work: UnitOfWork, kid: str) -> bool:
    """Take a key out of the set at once: every token it signed ends to be accepted. For a key that leaked."""
    row = next((row for row in await rows(work) if row["kid"] == kid), None)
    if row is None:
        return False
    await remove(work, kid, issuer_path=row["issuer_path"])
    return await work.commit()


async def remove(work: UnitOfWork, kid: str, *, issuer_path: str) -> None:
    """Take a key out of its issuer's set with the caller's other writes, and announce it. A lost commit: it is out already.

    Where it was the one that signs, its successor is published with that, and signs at once.
    """
    work.claim(store.REMOVE, kid=kid, now=work.now)
    work.changes_directory = True
    issuer = (await all_issuers(work)).by_path.get(issuer_path)
    ring = await key_ring(work, issuer_path)
    signing = ring.signing(work.now)
    if issuer is not None and signing is not None and signing.kid == kid:
        _publish(work, issuer, ring, sign_from=work.now)
    await _announce(work, kid, issuer_path)
    event.record(work, event.Kind.KEY_REMOVED, kid=kid)


async def remove_all(work: UnitOfWork, issuer_path: str) -> None:
    """Take every key of an issuer out of its set: whoever gets its name next does not inherit what it signed."""
    work.write(store.REMOVE_ALL, issuer_path=issuer_path, now=work.now)
    work.changes_directory = True
    for row in await rows(work):
        if row["issuer_path"] == issuer_path and (row["remove_at"] is None or row["remove_at"] > work.now):
            await _announce(work, row["kid"], issuer_path)
    event.record(work, event.Kind.KEY_REMOVED, issuer_path=issuer_path)


async def _announce(work: UnitOfWork, kid: str, issuer_path: str) -> None:
    # MCP servers remember keys for minutes, and a key that leaked may not count that long.
    issuer = (await all_issuers(work)).by_path.get(issuer_path)
    said = {"kid": kid, feed.AT_ISSUER: issuer_path}
    feed.announce(work, Kind.KEY, said, tenant=issuer.tenant if issuer else EVERY_TENANT)


async def rows(work: UnitOfWork) -> list[Row]:
    """Return the dates of every key, without its halves."""
    return list(await work.all(store.ALL))


def _publish(work: UnitOfWork, issuer: Issuer, ring: KeyRing, *, sign_from: int) -> str:
    algorithm = work.machines.settings.signing_algorithm
    kid, public, private_jwe = generate(algorithm, work.machines.key_encryption)
    generation = ring.keys[-1].generation + 1 if ring.keys else 1
    work.claim(
        store.PUBLISH,
        kid=kid,
        issuer_path=issuer.path,
        generation=generation,
        algorithm=algorithm,
        public_jwk=orjson.dumps(public).decode(),
        private_jwe=private_jwe,
        publish_at=work.now,
        sign_from=sign_from,
    )
    work.write(
        store.RETIRE_BEFORE,
        issuer_path=issuer.path,
        generation=generation,
        remove_at=sign_from + work.machines.settings.access_token_seconds + _MARGIN_S,
    )
    work.changes_directory = True
    event.record(work, event.Kind.KEY_PUBLISHED, kid=kid, generation=generation, sign_from=sign_from)
    return kid
