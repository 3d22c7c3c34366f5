"""
The secrets of one deployment: made once, wrapped by the key-encryption key, opened at start.

They live beside the rows they protect and not in the environment, so that changing the key-encryption key re-wraps five
rows instead of re-encrypting every one.
"""

import secrets
from collections.abc import Sequence
from dataclasses import fields

from authserver.domain.keys import store
from authserver.runtime.unit_of_work import Database, Row, Unit
from authserver.runtime.vault import DeploymentKeys, KeyEncryption

_PURPOSE = "deployment_secrets/"


async def open_deployment_keys(database: Database, key_encryption: KeyEncryption) -> DeploymentKeys:
    """Return the deployment's secrets, making those that do not exist yet. Raises VaultError for a wrong wrapping key."""
    names = {field.name for field in fields(DeploymentKeys)}
    rows = await _rows(database)
    missing = names - {row["name"] for row in rows}
    if missing:
        # N starters at once: the first writer of each name wins, and everybody reads the winner's.
        unit = Unit(None)
        for name in sorted(missing):
            wrapped = key_encryption.wrap(secrets.token_bytes(32), purpose=_PURPOSE + name)
            unit.writes.append((store.ADD_SECRET, {"name": name, "wrapped": wrapped}))
        await database.commit(unit)
        rows = await _rows(database)
    opened = {row["name"]: key_encryption.unwrap(row["wrapped"], purpose=_PURPOSE + row["name"]) for row in rows}
    return DeploymentKeys(**{name: opened[name] for name in names})


async def _rows(database: Database) -> Sequence[Row]:
    return await database.read(None, store.SECRETS, {})


async def rewrap(database: Database, key_encryption: KeyEncryption) -> int:
    """Wrap every secret and private key with the current key-encryption key; returns how many."""
    unit = Unit(None)
    for row in await _rows(database):
        purpose = _PURPOSE + row["name"]
        wrapped = key_encryption.wrap(key_encryption.unwrap(row["wrapped"], purpose=purpose), purpose=purpose)
        unit.writes.append((store.REWRAP_SECRET, {"name": row["name"], "wrapped": wrapped}))
    for row in await database.read(None, store.ALL_PRIVATE, {}):
        purpose = f"signing_keys/{row['kid']}"
        wrapped = key_encryption.wrap(key_encryption.unwrap(row["private_jwe"], purpose=purpose), purpose=purpose)
        unit.writes.append((store.REWRAP, {"kid": row["kid"], "private_jwe": wrapped}))
    await database.commit(unit)
    return len(unit.writes)
