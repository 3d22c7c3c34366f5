"""
The secrets of one deployment: made once, wrapped by the key-encryption key, opened at start.

They live beside the rows they protect and not in the environment, so that changing the key-encryption key re-wraps five
rows instead of re-encrypting every one.
"""

import secrets
from collections.abc import Sequence
from dataclasses import fields

from authserver.domain.audit import event
from authserver.domain.keys import store
from authserver.runtime.machines import Machines
from authserver.runtime.migration import every_table
from authserver.runtime.sealed_column import SEALED_COLUMNS, SealedColumn
from authserver.runtime.unit_of_work import Database, Row, Unit
from authserver.runtime.vault import DeploymentKeys, KeyEncryption


async def open_deployment_keys(database: Database, key_encryption: KeyEncryption) -> DeploymentKeys:
    """Return the deployment's secrets, making those that do not exist yet. Raises VaultError for a wrong wrapping key."""
    names = {field.name for field in fields(DeploymentKeys)}
    rows = await _rows(database)
    missing = names - {row["name"] for row in rows}
    if missing:
        # N starters at once: the first writer of each name wins, and everybody reads the winner's.
        unit = Unit(None)
        for name in sorted(missing):
            wrapped = store.DEPLOYMENT_SECRETS.seal(key_encryption, secrets.token_bytes(32), name=name)
            unit.writes.append((store.ADD_SECRET, {"name": name, "wrapped": wrapped}))
        await database.commit(unit)
        rows = await _rows(database)
    opened = {
        row["name"]: store.DEPLOYMENT_SECRETS.open(key_encryption, row["wrapped"], name=row["name"]) for row in rows
    }
    return DeploymentKeys(**{name: opened[name] for name in names})


async def _rows(database: Database) -> Sequence[Row]:
    return await database.read(None, store.SECRETS, {})


def every_column() -> Sequence[SealedColumn]:
    """Return every column that a capability declares, also of those that this process has not needed so far."""
    every_table()
    return SEALED_COLUMNS


async def rewrap(machines: Machines) -> int:
    """Seal everything anew with the key that wraps now, in one commit; returns how many. Raises VaultError, changing nothing."""
    key_encryption, count = machines.key_encryption, 0
    work = event.platform_work(machines, "seal every secret with the current key-encryption key")
    for column in every_column():
        for found in await work.all(column.every):
            row, envelope = {name: found[name] for name in column.row}, found["envelope"]
            renewed = column.seal(key_encryption, column.open(key_encryption, envelope, **row), **row)
            work.write(column.replace, **row, envelope=envelope, renewed=renewed)
            count += 1
    await work.commit()
    return count


async def sealed_by_another(machines: Machines) -> int:
    """Return how many secrets are sealed by another key than the one that wraps now."""
    work = event.platform_work(machines, "look for secrets under an old key-encryption key")
    rows = [row["envelope"] for column in every_column() for row in await work.all(column.every)]
    return sum(not machines.key_encryption.is_current(envelope) for envelope in rows)
