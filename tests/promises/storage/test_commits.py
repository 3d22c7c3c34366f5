"""All of a unit, durably, or nothing of it; whoever shares its commit is none the wiser."""

import asyncio

import pytest

from authserver.domain.clients import store as clients
from authserver.domain.codes import store as codes
from authserver.runtime.database import open_database
from authserver.runtime.schema import statement
from authserver.runtime.unit_of_work import DatabaseUnavailableError, RowRefusedError, TenantBoundError
from tests.promises.storage.rows import (
    ACME,
    GLOBEX,
    announcement,
    authorization,
    bulk,
    code,
    event,
    events,
    numbers,
    redeem,
    refresh_token,
    rotate,
    unit,
)  # fmt: skip


@pytest.mark.requirement("storage:claim:exactly-one-wins")
async def test_of_many_parallel_redemptions_of_one_code_exactly_one_wins(open_one):
    """Decision 4: single use is one statement; half of the contenders are another server process."""
    one, other = await open_one(), await open_one()
    await one.commit(unit(writes=[code(b"h")]))

    won = await asyncio.gather(
        *((one, other)[i % 2].commit(unit(claims=[redeem(b"h")], writes=[event(f"e{i}")])) for i in range(100))
    )

    assert 1 == sum(won)
    assert [f"e{won.index(True)}"] == await events(one)


@pytest.mark.requirement("storage:claim:a-lost-claim-writes-nothing")
async def test_a_unit_that_loses_its_second_claim_keeps_nothing_of_its_first(database):
    """Decision 20: a claim that changes no row is a lost race, and nothing of the unit is written."""
    await database.commit(unit(writes=[code(b"a"), code(b"b")]))
    assert await database.commit(unit(claims=[redeem(b"b")]))

    won = await asyncio.gather(
        database.commit(unit(claims=[redeem(b"a"), redeem(b"b")], writes=[event("lost")])),
        database.commit(unit(writes=[event("bystander")])),
    )

    assert [False, True] == won
    assert ["bystander"] == await events(database)
    assert (await database.read(ACME, codes.FIND, {"tenant": ACME, "code_hash": b"a"}))[0]["used_at"] is None


@pytest.mark.requirement("storage:batch:one-bad-unit-fails-alone")
async def test_a_unit_that_is_refused_fails_alone(database):
    """Decision 20: requests share a commit, never each other's fate."""
    await database.commit(unit(writes=[event("there")]))

    outcomes = await asyncio.gather(
        *(database.commit(unit(writes=[event(f"good{i}")], last=announcement(f"g{i}"))) for i in range(5)),
        database.commit(unit(writes=[event("half"), event("there")])),
        database.commit(unit(writes=[refresh_token(b"t", "no such authorization")])),
        database.commit(unit(writes=[code(2**70)])),
        *(database.commit(unit(GLOBEX, writes=[event(f"fine{i}", GLOBEX)])) for i in range(5)),
        return_exceptions=True,
    )

    assert [RowRefusedError] * 3 == [type(outcome) for outcome in outcomes[5:8]]
    assert [True] * 10 == outcomes[:5] + outcomes[8:]
    assert ["good0", "good1", "good2", "good3", "good4", "there"] == await events(database)
    assert 5 == len(await events(database, GLOBEX))
    assert [1, 2, 3, 4, 5] == await numbers(database)


@pytest.mark.requirement("storage:batch:many-rows-at-once")
async def test_many_rows_of_one_unit_are_all_written_or_none(database):
    """Ours: in bulk as one by one; units that share a commit do not share a fate, and those too heavy for one commit take two."""
    await database.commit(unit(writes=[event("there")]))

    outcomes = await asyncio.gather(
        *(database.commit(unit(writes=[bulk(f"{name}{i:03}" for i in range(300))])) for name in "abcdefghij"),
        database.commit(unit(writes=[bulk(["half", "there", "other half"])])),
        database.commit(unit(GLOBEX, writes=[bulk(["there"], GLOBEX)])),
        return_exceptions=True,
    )

    assert [True] * 10 == outcomes[:10]
    assert (RowRefusedError, True) == (type(outcomes[10]), outcomes[11])
    assert sorted(["there", *(f"{name}{i:03}" for name in "abcdefghij" for i in range(300))]) == await events(database)
    assert ["there"] == await events(database, GLOBEX)


@pytest.mark.requirement("storage:batch:one-bad-unit-fails-alone")
async def test_a_refusal_does_not_quote_the_row(database):
    """PostgreSQL's detail repeats the row it refuses; no secret of a row may reach a log that way."""
    await database.commit(unit(writes=[event("planted-canary")]))

    with pytest.raises(RowRefusedError) as refused:
        await database.commit(unit(writes=[event("planted-canary")]))

    assert "canary" not in str(refused.value)


@pytest.mark.requirement("storage:batch:keeps-each-units-order")
async def test_each_unit_is_written_in_its_own_order(database):
    """The authorization before its tokens, whatever other units of the batch write in between."""
    outcomes = await asyncio.gather(
        *(
            database.commit(
                unit(
                    writes=[
                        event(f"1-{i}"),
                        authorization(f"auz{i}"),
                        refresh_token(f"t{i}".encode(), f"auz{i}"),
                        event(f"2-{i}"),
                    ]
                    if i % 2
                    else [authorization(f"auz{i}"), event(f"1-{i}"), refresh_token(f"t{i}".encode(), f"auz{i}")],
                )
            )
            for i in range(40)
        )
    )

    assert [True] * 40 == outcomes
    assert all(await asyncio.gather(*(database.commit(unit(claims=[rotate(f"t{i}".encode())])) for i in range(40))))


@pytest.mark.requirement("storage:read:sees-what-was-committed")
async def test_what_was_committed_is_seen_at_once_by_everybody(open_one):
    one, other = await open_one(), await open_one()
    for i in range(20):
        await one.commit(unit(writes=[event(f"{i:02}")]))
        assert [f"{n:02}" for n in range(i + 1)] == await events(other)


@pytest.mark.requirement("storage:read:truth-values-are-the-same")
async def test_both_databases_return_the_same_values(database):
    """One code for both (decision 5): a truth value is not 1, bytes are bytes, nothing is None."""
    values = {
        "tenant": ACME, "client_id": "c", "name": "né", "auth_method": "none", "secret_hash": None, "redirect_uris": "[]",
        "grant_types": "[]", "scope": "", "resources": "[]", "default_resource": "", "speaks_for": "", "verified": True,
        "refresh_replay_seconds": None, "now": 2**40, "origin": "operator", "application_type": "", "about": "{}",
        "jwks": "", "jwks_uri": "", "assertion_alg": "", "secret_rotated_at": None, "secret_expires_at": None,
        "unused_until": None, "pushed_only": False,
    }  # fmt: skip
    await database.commit(unit(writes=[(clients.ADD, values)]))

    (row,) = await database.read(ACME, clients.BY_ID, {"tenant": ACME, "client_id": "c"})

    assert row["verified"] is True
    assert row["secret_hash"] is None
    assert ("né", 2**40) == (row["name"], row["created_at"])
    assert {**row}["name"] == row.get("name")


@pytest.mark.requirement("storage:read:cannot-write")
async def test_a_reading_cannot_write(database):
    """A unit of work reads outside any write transaction, so what reads may not change a row."""
    await database.commit(unit(writes=[event("there")]))

    for sneaky in (
        statement("DELETE FROM control_head WHERE id = 1 RETURNING id"),
        statement("DELETE FROM audit_events WHERE tenant_id = :tenant RETURNING event_id"),
    ):
        with pytest.raises(ValueError, match="SELECT"):
            await database.read(ACME, sneaky, {"tenant": ACME})

    assert ["there"] == await events(database)
    assert await database.commit(unit(last=announcement("still there")))


@pytest.mark.requirement("storage:scope:a-statement-is-bound-to-its-unit")
async def test_a_statement_bound_to_another_tenant_never_reaches_the_database(database):
    """C22: no argument selects a tenant."""
    with pytest.raises(TenantBoundError):
        await events(database, "ten_' OR 1=1 --")
    with pytest.raises(TenantBoundError):
        await database.commit(unit(ACME, writes=[event("e", GLOBEX)]))
    with pytest.raises(TenantBoundError):
        await database.commit(unit(None, writes=[event("e")]))
    with pytest.raises(TenantBoundError):
        statement, values = event("e", GLOBEX)
        await database.commit(unit(ACME, writes=[(statement, values | {"tenant": ACME})]))
    with pytest.raises(TenantBoundError):
        await database.commit(unit(ACME, writes=[(codes.EXPIRE, {"before": 1})]))
    with pytest.raises(TenantBoundError):
        await database.read(ACME, codes.FIND, {"tenant": GLOBEX, "code_hash": b"h"})


async def test_work_that_crosses_tenants_does(database):
    """Decision 5: housekeeping runs under the second role."""
    await database.commit(unit(ACME, writes=[code(b"a")]))
    await database.commit(unit(GLOBEX, writes=[code(b"g", GLOBEX)]))

    assert all(
        await asyncio.gather(
            database.commit(unit(None, writes=[(codes.EXPIRE, {"before": 10**12})], platform=True)),
            database.commit(unit(ACME, writes=[event("beside")])),
        )
    )

    assert [] == await database.read(ACME, codes.FIND, {"tenant": ACME, "code_hash": b"a"})
    assert [] == await database.read(GLOBEX, codes.FIND, {"tenant": GLOBEX, "code_hash": b"g"})


@pytest.mark.requirement("storage:close:finishes-what-was-accepted")
async def test_closing_finishes_what_was_accepted_and_refuses_the_rest(url):
    database = await open_database(url)
    accepted = [asyncio.ensure_future(database.commit(unit(writes=[event(f"e{i}")]))) for i in range(50)]
    await asyncio.sleep(0)
    await database.close()

    with pytest.raises(DatabaseUnavailableError):
        await database.commit(unit(writes=[event("late")]))
    with pytest.raises(DatabaseUnavailableError):
        await events(database)
    assert [True] * 50 == await asyncio.gather(*accepted)


@pytest.mark.requirement("storage:line:is-bounded")
async def test_a_line_that_is_too_long_turns_away(database, monkeypatch):
    """A flood is refused instead of filling memory."""
    module = __import__(type(database).__module__, fromlist=["x"])
    monkeypatch.setattr(module, "MOST_QUEUED", 10)

    outcomes = await asyncio.gather(
        *(database.commit(unit(writes=[event(f"e{i}")])) for i in range(200)), return_exceptions=True
    )

    turned_away = [outcome for outcome in outcomes if isinstance(outcome, DatabaseUnavailableError)]
    assert len(turned_away) > 100
    assert len(outcomes) - len(turned_away) == len(await events(database))


async def test_who_gives_up_waiting_disturbs_nobody(database):
    """A request that was cancelled is not written when it had not begun, and the next one is served."""
    given_up = asyncio.ensure_future(database.commit(unit(writes=[event("given up")])))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)

    assert await database.commit(unit(writes=[event("next")]))
    assert "next" in await events(database)
