"""Decision 16: a secret that must be read back is an envelope that opens in its own place, under a key the database never holds."""

import sqlite3
from contextlib import closing

import pytest

from authserver.domain.keys import deployment
from authserver.runtime.sealed_column import SEALED_COLUMNS, undeclared_column
from authserver.runtime.vault import LocalKeyEncryption, VaultError

WEBHOOKS = undeclared_column("webhooks", "signing_key", row=("tenant_id", "webhook_id"))
"""A column as a later capability would declare it."""

HERE = {"tenant_id": "ten_a", "webhook_id": "1"}


@pytest.mark.requirement("secrets:envelope:opens-in-its-place")
@pytest.mark.parametrize(
    "elsewhere",
    [
        (WEBHOOKS, {"tenant_id": "ten_b", "webhook_id": "1"}),
        (WEBHOOKS, {"tenant_id": "ten_a", "webhook_id": "2"}),
        (WEBHOOKS, {"tenant_id": "ten_a|1", "webhook_id": ""}),
        (undeclared_column("webhooks", "old_signing_key", row=("tenant_id", "webhook_id")), HERE),
        (undeclared_column("seeds", "signing_key", row=("tenant_id", "webhook_id")), HERE),
    ],
    ids=["another tenant", "another row", "shifted joints", "another column", "another table"],
)
def test_an_envelope_opens_in_its_own_place_alone(elsewhere):
    """Whoever can write rows and not the key can move envelopes about; none of them opens there."""
    keys = LocalKeyEncryption(LocalKeyEncryption.generate())
    column, row = elsewhere
    envelope = WEBHOOKS.seal(keys, b"the secret", **HERE)

    assert b"the secret" == WEBHOOKS.open(keys, envelope, **HERE)
    with pytest.raises(VaultError):
        column.open(keys, envelope, **row)


@pytest.mark.requirement("secrets:envelope:opens-in-its-place")
def test_an_envelope_that_was_changed_or_belongs_to_another_key_does_not_open():
    """RFC 7516 §11.5: authenticated, header and all."""
    keys, others = (LocalKeyEncryption(LocalKeyEncryption.generate()) for _ in range(2))
    envelope = WEBHOOKS.seal(keys, b"the secret", **HERE)
    parts = envelope.split(".")

    for place in range(5):
        spoiled = list(parts)
        middle = len(spoiled[place]) // 2
        spoiled[place] = (
            spoiled[place][:middle] + ("A" if spoiled[place][middle] != "A" else "B") + spoiled[place][middle + 1 :]
        )
        with pytest.raises(VaultError):
            WEBHOOKS.open(keys, ".".join(spoiled), **HERE)
    with pytest.raises(VaultError):
        WEBHOOKS.open(others, envelope, **HERE)
    with pytest.raises(ValueError, match="a row of webhooks is named by"):
        WEBHOOKS.seal(keys, b"x", webhook_id="1")


@pytest.mark.requirement("secrets:envelope:opens-in-its-place")
@pytest.mark.one_database
async def test_a_signing_key_and_a_deployment_secret_that_change_places_stop_the_start(server):
    """The columns that exist: whoever swaps two rows gets a server that does not start, not one that signs with the wrong key."""
    with closing(sqlite3.connect(server.place.url.removeprefix("sqlite:///"))) as connection:
        one, two = connection.execute("SELECT name, wrapped FROM deployment_secrets ORDER BY name LIMIT 2").fetchall()
        connection.execute("UPDATE deployment_secrets SET wrapped = ? WHERE name = ?", (one[1], two[0]))
        connection.commit()

    with pytest.raises(VaultError):
        await server.restart()

    with closing(sqlite3.connect(server.place.url.removeprefix("sqlite:///"))) as connection:
        connection.execute("UPDATE deployment_secrets SET wrapped = ? WHERE name = ?", (two[1], two[0]))
        connection.commit()
    await server.start()


@pytest.mark.requirement("secrets:envelope:rewraps-everything")
async def test_rewrapping_reaches_every_declared_column_on_both_databases(server):
    """And `check` counts what is left; a private column of a later capability is wrapped like the two that exist."""
    machines, keys = server.machines, server.machines.key_encryption
    assert {("signing_keys", "private_jwe"), ("deployment_secrets", "wrapped")} <= {
        (column.table, column.column) for column in SEALED_COLUMNS
    }
    before = await envelopes(machines)
    keys._take(LocalKeyEncryption.generate("newer") + server.settings.kek.get_secret_value())

    late = await deployment.sealed_by_another(machines)
    count = await deployment.rewrap(machines)
    after = await envelopes(machines)

    assert late == count == len(before)
    assert 0 == await deployment.sealed_by_another(machines)
    assert set(before).isdisjoint(after)
    assert (await server.client("M").client_credentials()).ok


@pytest.mark.requirement("secrets:envelope:rewraps-everything")
@pytest.mark.one_database
async def test_one_envelope_that_cannot_be_opened_leaves_all_as_they_were(server):
    """Fail closed: half a rewrap would be the end of the other half once the old key is gone."""
    machines = server.machines
    before = await envelopes(machines)
    with closing(sqlite3.connect(server.place.url.removeprefix("sqlite:///"))) as connection:
        connection.execute("UPDATE signing_keys SET private_jwe = private_jwe || 'x' WHERE issuer_path = '/t/t3'")
        connection.commit()

    with pytest.raises(VaultError):
        await deployment.rewrap(machines)

    assert 1 == len(set(before) - set(await envelopes(machines)))


async def envelopes(machines):
    found = []
    for column in SEALED_COLUMNS:
        found += [row["envelope"] for row in await machines.database.read(None, column.every, {}, platform=True)]
    return found
