"""A checkpoint is where nobody who writes the database writes, within a second of its sealing; it outlives whatever is done here."""

import asyncio
import base64
import json
import stat

import pytest
import structlog

from authserver.domain.audit import copies, sealing
from authserver.domain.audit.event import Kind, record
from authserver.domain.notices import checkpoint_hook
from authserver.settings import SettingsError, load_settings
from resource_lib.wire.signed_note import open_checkpoint, saved_notes
from tests.attacks.test_record_database import day
from tests.attacks.test_record_verify import verified
from tests.support.internet import Answer, Internet
from tests.support.intruder import Intruder
from tests.support.receiver import URL, Receiver, verify

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
async def receiver(tmp_path):
    async with Internet().running() as internet:
        made = Receiver(internet)
        await made.open()
        yield made


@pytest.fixture
async def server(server_with, receiver, tmp_path):
    (tmp_path / "secret").write_text(SECRET + "\n")
    made = await server_with(
        outbound=receiver.outbound(tmp_path),
        audit_checkpoint_file=tmp_path / "out" / "checkpoints.ndjson",
        audit_checkpoint_file_bytes=4096,
        audit_checkpoint_folder=tmp_path / "elsewhere",
        audit_checkpoint_log=True,
        audit_checkpoint_webhook=URL,
        audit_checkpoint_webhook_secret_file=tmp_path / "secret",
        audit_checkpoint_idle_seconds=3600,
    )
    receiver.clock = made.clock
    return made


async def sealed(server) -> None:
    work = server.operator.work("t1")
    record(work, Kind.ADMIN_REFUSED)
    await work.commit()
    await sealing.seal_round(server.operator.machines)


async def copied(server) -> int:
    return await copies.copy_round(server.operator.machines, checkpoint_hook.post)


@pytest.mark.requirement("proof:copies:everywhere")
async def test_each_place_has_the_newest_checkpoint_and_any_of_them_shows_that_the_database_was_put_back(
    server, receiver, templates, tmp_path
):
    """AU-02, AU-03: file, folder, log and webhook, once each; all of the logs go back to a state that was true, signed and whole."""
    intruder, machines = Intruder(server, templates), server.operator.machines
    await day(server)
    older = await asyncio.to_thread(intruder.snapshot)
    await sealed(server)
    with structlog.testing.capture_logs() as logged:
        made = [await copied(server), await copied(server)]
        server.clock.advance(3601)
        made.append(await copied(server))

    file, folder = tmp_path / "out" / "checkpoints.ndjson", tmp_path / "elsewhere"
    posted = [verify(SECRET, one.headers, one.body, now=server.now, seen=set()) for one in receiver.posted[-1:]]
    lines = [json.dumps(one).encode() for one in logged if one["event"] == "checkpoint"]
    notes = {
        "file": saved_notes(file.read_bytes())[-1][1],
        "folder": max(folder.rglob("*.note")).read_bytes(),
        "log": saved_notes(b"\n".join(lines))[-1][1],
        "webhook": posted[0]["checkpoint"].encode(),
        "command": (await copies.newest(machines, "*")).encode(),
    }
    origin = sealing.origin_of(machines, "*")
    assert [4, 0, 4] == made, "one each, none twice, and one more when it has been silent"
    assert (2, 2, 2) == (len(file.read_bytes().splitlines()), len(list(folder.rglob("*.note"))), len(receiver.posted))
    assert 1 == len({open_checkpoint(note, [sealing.verifier(machines)], origin=origin) for note in notes.values()})
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert {0o400} == {stat.S_IMODE(one.stat().st_mode) for one in folder.rglob("*.note")}

    await asyncio.to_thread(intruder.restore, older)
    for name, note in notes.items():
        reports, _ = await verified(server, saved=note)
        found = [one.kind for report in reports.values() for one in report.findings]
        assert ["truncated"] == found, name


@pytest.mark.requirement("proof:copies:never-in-the-way")
async def test_a_place_that_fails_is_tried_again_and_keeps_neither_sealing_nor_the_others_waiting(
    server, receiver, tmp_path
):
    receiver.answer = Answer(status=500)
    (tmp_path / "elsewhere").write_text("no folder")
    await sealed(server)

    made = await copied(server)
    at_once = await copied(server)
    failed = {one.name: (one.failures, one.failure) for one in await copies.state(server.operator.machines)}
    (tmp_path / "elsewhere").unlink()
    receiver.answer = Answer(status=204)
    server.clock.advance(2)
    await sealed(server)
    again = await copied(server)

    assert (2, 0, 4) == (made, at_once, again)
    assert (1, "status_500") == failed["webhook"]
    assert 1 == failed["folder"][0]
    assert {0} == {one.failures for one in await copies.state(server.operator.machines)}


@pytest.mark.requirement("proof:copies:everywhere")
async def test_of_many_processes_one_copies_and_a_full_file_is_put_aside(server, tmp_path):
    file = tmp_path / "out" / "checkpoints.ndjson"
    rounds = 20
    for number in range(rounds):
        await sealed(server)
        await asyncio.gather(*(copied(server) for _ in range(3)))
        if number == 3:
            with file.open("ab") as torn:
                torn.write(b'{"checkpoint":"and here the machine lost its pow')

    files = sorted(file.parent.iterdir())
    notes = [note for path in files for _, note in saved_notes(path.read_bytes())]
    assert rounds == len(notes) == len(set(notes))
    assert len(files) > 1
    assert all(path.stat().st_size <= 4096 for path in files)
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in files}


@pytest.mark.requirement("proof:copies:everywhere")
async def test_each_tenants_log_is_copied_too_where_that_is_asked_for(server_with, tmp_path):
    server = await server_with(audit_checkpoint_folder=tmp_path / "elsewhere", audit_checkpoint_tenants=True)
    await sealed(server)

    await copied(server)

    origins = [sealing.origin_of(server.operator.machines, one) for one in ("*", server.world.tenants["t1"])]
    assert {one.replace("/", "_") for one in origins} <= {path.name for path in (tmp_path / "elsewhere").iterdir()}


@pytest.mark.requirement("proof:copies:never-in-the-way")
def test_a_webhook_without_a_secret_and_a_plain_address_are_refused(tmp_path):
    for changed in (
        {"audit_checkpoint_webhook": "https://hooks.example/in"},
        {"audit_checkpoint_webhook_secret_file": tmp_path / "secret"},
        {"audit_checkpoint_webhook": "http://hooks.example/in", "audit_checkpoint_webhook_secret_file": tmp_path / "secret"},
    ):  # fmt: skip
        with pytest.raises(SettingsError, match="AUDIT_CHECKPOINT_WEBHOOK"):
            load_settings(None, **changed)
