"""A proof in a file of its own: checked with a key alone, and no byte of it can be another."""

import json

import pytest

from authserver.domain.audit import proving, sealing, store
from authserver.domain.audit.event import Kind, record
from resource_lib.verify import SavedCheckpoint, proof_from_json
from resource_lib.verify.command import main
from resource_lib.verify.proofs import check
from resource_lib.verify.reading import ExportError
from tests.attacks.test_record_database import day, last_note

pytestmark = pytest.mark.requirement("proof:proofs:without-an-export")


async def test_an_event_and_a_beginning_are_proved_and_nothing_else_is(server, tmp_path, capsys):
    """RFC 9162 §2.1.3, §2.1.4, AU-02: another row, header, size, root, log or key is not verified."""
    await day(server)
    machines, work = server.operator.machines, server.operator.work("t1")
    keys = [sealing.verifier(machines)]
    saved = SavedCheckpoint(name="saved", note=await last_note(server))
    old = (await sealing.log_of(work)).size
    later = server.operator.work("t1")
    record(later, Kind.ADMIN_REFUSED)
    await later.commit()
    await sealing.seal_round(machines)
    row = (await work.all(store.LEAVES, begin=17, most=1))[0]

    event = await proving.inclusion(work, row["event_id"], None)
    begins = await proving.consistency(work, old, None)

    for made in (event, begins):
        assert "verified" == check(json.dumps(made).encode(), keys).verdict
    assert row["header"] == check(json.dumps(event).encode(), keys).header
    assert "was saved elsewhere" in check(json.dumps(begins).encode(), keys, [saved]).said
    assert old == proof_from_json(json.dumps(begins).encode()).old
    forged = [
        event | {"row": 18},
        event | {"header": event["header"].replace("refused", "allowed")},
        event | {"proof": event["proof"][:-1]},
        event | {"proof": ["00" * 32, *event["proof"][1:]]},
        begins | {"proof": begins["proof"][::-1]},
        begins | {"proof": [*begins["proof"], "00" * 32]},
    ]
    assert {"tampered"} == {check(json.dumps(one).encode(), keys).verdict for one in forged}
    for unsure in (event | {"to": 3}, begins | {"from": 3}, begins | {"checkpoints": []}):
        assert "undecided" == check(json.dumps(unsure).encode(), keys).verdict
    other = type(keys[0])(keys[0].name, bytes(31) + b"\1")
    for said, by in (
        (event | {"origin": "elsewhere/audit/x"}, keys), (event, [other]), (event, []), (event | {"more": 1}, keys), ([], keys),
        (begins | {"proof": [1]}, keys),
    ):  # fmt: skip
        with pytest.raises(ExportError):
            check(json.dumps(said).encode(), by)

    file = tmp_path / "event.proof"
    file.write_text(json.dumps(event))
    assert 0 == main(["--proof", str(file), "--key", str(keys[0])])
    assert "row 17 of the log" in capsys.readouterr().out
    file.write_text(json.dumps(forged[0]))
    assert 1 == main(["--proof", str(file), "--key", str(keys[0]), "--json"])
    assert 2 == main(["--key", str(keys[0])])
    for wrong in (
        proving.inclusion(work, "nobody", None),
        proving.consistency(work, 10**6, None),
        proving.consistency(work, 1, 7),
    ):
        with pytest.raises(proving.CannotBeProvedError):
            await wrong
