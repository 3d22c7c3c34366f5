"""What was recorded is sealed, in order, once; each log's root is signed, and the platform's log says how long every log is."""

import asyncio

import pytest

from authserver.domain.audit import sealing, store
from authserver.domain.audit.event import Kind, Outcome, record
from authserver.domain.audit.header import about
from resource_lib.wire import merkle, tiles
from resource_lib.wire.signed_note import open_checkpoint
from tests.promises.test_call_reports import tell, told


async def leaves(server, tenant):
    work = server.operator.work(tenant) if tenant else server.operator.machines.work(tenant="*")
    rows = await work.all(store.LEAVES, begin=0, most=10_000)
    return [(row["leaf_index"], row["event_id"], merkle.leaf_hash(row["header"].encode())) for row in rows]


async def checkpoints(server, tenant):
    """Return the checkpoints of a log, each opened with the deployment's public key."""
    work, machines = server.operator.work(tenant), server.operator.machines
    origin = sealing.origin_of(machines, work.tenant)
    rows = await work.all(store.CHECKPOINTS, since=0, most=1000)
    key = sealing.verifier(machines)
    return [open_checkpoint(row["note"].encode(), [key], origin=origin) for row in rows]


async def nodes(server, tenant):
    """Return a reader of whole subtrees of a log, as a proof needs it."""
    work = server.operator.work(tenant)
    log = await sealing.log_of(work)
    kept = {}
    for level, partial in enumerate(log.partial):
        last = (log.size >> (8 * level)) // tiles.WIDTH
        kept[level, last] = partial
        for index in range(last):
            kept[level, index] = (await work.one(store.TILE, level=level, tile_index=index))["hashes"]
    return tiles.nodes_of(lambda level, index: kept[level, index])


async def many(server, count):
    """Record as many events of t1 as are asked for, in one commit."""
    work = server.operator.work("t1")
    for number in range(count):
        record(work, Kind.ADMIN_REFUSED, Outcome.REFUSED, number=number)
    assert await work.commit()


@pytest.mark.requirement("record:log:everything-is-sealed-and-provable")
async def test_every_event_is_a_leaf_whose_place_can_be_proved_against_a_signed_root(server):
    """RFC 9162 §2.1, decision 15: across full tiles, and from each older checkpoint to the newest."""
    await sealing.seal_round(server.operator.machines)
    await many(server, 700)
    await sealing.seal_round(server.operator.machines)
    await many(server, 1300)

    sealed = await sealing.seal_round(server.operator.machines)

    found, notes, read = await leaves(server, "t1"), await checkpoints(server, "t1"), await nodes(server, "t1")
    last, waits = notes[-1], await server.operator.work("t1").all(store.UNSEALED, most=1)
    assert 1300 <= sealed
    assert ([], last.size, list(range(last.size))) == (list(waits), len(found), [place for place, _, _ in found])
    assert last.root == merkle.root_of(leaf for _, _, leaf in found)
    for place, _, leaf in found[:: len(found) // 7]:
        proof = merkle.inclusion_proof(place, last.size, read)
        assert merkle.verify_inclusion(place, last.size, leaf, proof, last.root)
    for old in notes[:-1]:
        proof = merkle.consistency_proof(old.size, last.size, read)
        assert merkle.verify_consistency(old.size, last.size, old.root, last.root, proof)


@pytest.mark.requirement("record:log:late-writers-are-sealed")
async def test_what_a_slow_writer_commits_later_with_a_lower_number_is_sealed_then(server):
    """Decision 15: what waits is known by a queue, never by a cursor that a late commit would be behind."""
    late, soon = told(server), None
    server.clock.advance(5)
    soon = told(server)
    await tell(server, soon)
    await sealing.seal_round(server.operator.machines)

    await tell(server, late)
    await sealing.seal_round(server.operator.machines)

    places = {event_id: place for place, event_id, _ in await leaves(server, "t1")}
    assert late["id"] < soon["id"]
    assert places[soon["id"]] < places[late["id"]]


@pytest.mark.requirement("record:log:many-sealers-seal-once")
async def test_of_many_who_seal_at_once_each_event_is_sealed_once(server):
    """AU-08: no fork, no gap, nothing twice."""
    await many(server, 300)

    await asyncio.gather(*(sealing.seal_round(server.operator.machines) for _ in range(8)))
    await sealing.seal_round(server.operator.machines)

    found, last = await leaves(server, "t1"), (await checkpoints(server, "t1"))[-1]
    events = {row["event_id"] for row in await server.operator.events("t1")}
    assert list(range(len(found))) == [place for place, _, _ in found]
    assert events == {event_id for _, event_id, _ in found}
    assert last.root == merkle.root_of(leaf for _, _, leaf in found)


@pytest.mark.requirement("record:log:the-platform-pins-every-log")
async def test_the_platforms_log_says_how_long_each_log_is_and_a_quiet_server_seals_nothing(server):
    """AU-03: one saved checkpoint of the platform's log misses a whole log that vanished."""
    await many(server, 3)
    await sealing.seal_round(server.operator.machines)
    quiet = [await sealing.seal_round(server.operator.machines) for _ in range(3)]
    log = await sealing.log_of(server.operator.work("t1"))

    pinned = [row for row in await server.operator.events(None) if row["kind"] == Kind.LOG_SEALED]

    pins = {pin[0]: pin[1:] for row in pinned for pin in about(row)["logs"]}
    sealed = {event_id for _, event_id, _ in await leaves(server, None)}
    assert [log.size, log.root.hex()] == pins[log.origin]
    assert {row["event_id"] for row in pinned} <= sealed
    assert [0, 0, 0] == quiet
