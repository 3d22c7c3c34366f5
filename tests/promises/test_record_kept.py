"""What was recorded is neither lost nor doubled: the issuer away, the disk full, processes that are killed; and what a write waits for."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from resource_lib import Limits, Output, Record
from resource_lib.audit import mill, recorder
from resource_lib.audit.spool import Disk, read_folder
from tests.support.recorded import SCOPES, TOOLS, Alone, Asking, Books, Recorded, said, settled

CANARY = "canary.person@example.com"


class Faulty(Disk):
    """A disk that has no room, or fails, while it is told to."""

    fault: OSError | None = None

    def write(self, file, data):
        if self.fault is not None:
            raise self.fault
        super().write(file, data)

    def sync(self, file):
        if self.fault is not None:
            raise self.fault
        super().sync(file)


def faulty(it):
    it.guard._record._disk = disk = Faulty()
    return disk


def killed(it):
    """Let go of everything as a process does that is killed."""
    it.guard._record.sending._task.cancel()
    it.guard._record.forsake()


@pytest.mark.requirement("record:issuer-away")
async def test_ten_minutes_without_the_issuer_lose_and_double_nothing(tmp_path):
    """R-01, R-07: reads and writes go on, what happened waits on the disk, and is told once when the issuer is back; on a clock set by hand."""
    it = Recorded(tmp_path)
    sending, now, pauses = it.guard._record.sending, [0.0], []
    sending._clock = lambda: now[0]

    async def passes(seconds):
        pauses.append(seconds)
        now[0] += seconds
        if now[0] >= 600:
            it.books.is_away = False

    it.books.is_away = True
    for n in range(60):
        assert (await it.use("add" if n % 2 else "see", {"n": n})).status == 200
    await settled(it)
    while pause := await sending.tell():
        assert it.guard.doctor().record["waiting"] == 90 and not it.guard.doctor().record["is_told"]
        await passes(pause)

    assert 600 <= now[0] < 640 and len(pauses) < 40, "it is asked with longer and longer pauses"
    assert pauses[0] < 2 and max(pauses) <= 30
    assert 60 == it.reached
    assert (30, 30, 30) == tuple(
        len(it.books.of(**one)) for one in ({"phase": "intent"}, {"phase": "outcome", "tool": "add"}, {"tool": "see"})
    )
    assert (0, 0, 0) == (it.books.duplicates, it.guard.doctor().record["waiting"], it.guard.doctor().record["lost"])
    await it.guard.aclose()


@pytest.mark.requirement("record:exactly-once")
async def test_a_batch_whose_answer_is_lost_is_told_again_and_kept_once(tmp_path):
    it = Recorded(tmp_path)
    whole = it.books.answer
    answers = iter([503, 503])

    def loses(content):
        found = whole(content)
        return (next(answers, None) or found[0]), found[1]

    it.books.answer = loses
    for n in range(5):
        await it.use("see", {"n": n})
    await settled(it)
    while await it.guard._record.sending.tell():
        pass
    assert 5 == len(it.books.of()) and it.books.duplicates > 0
    await it.guard.aclose()


@pytest.mark.requirement("record:exactly-once")
async def test_what_killed_processes_left_is_told_by_the_next_one_each_event_once(tmp_path):
    """R-01, AU-06: three processes that die with events that were told, half told and not told at all."""
    books = Books()
    for round_ in range(3):
        it = Recorded(tmp_path, books=books)
        books.is_away = round_ == 0
        for n in range(10):
            await it.use("add", {"round": round_, "n": n})
        await settled(it)
        if round_ == 1:
            await it.guard._record.sending.tell()
            for n in range(10):
                await it.use("see", {"n": n})
            await settled(it)
        killed(it)
    last = Recorded(tmp_path, books=books)
    await last.use("see", {})
    await last.told()
    await last.guard.aclose()

    assert 30 == len(books.of(phase="intent")) == len(books.of(phase="outcome", tool="add"))
    assert {(r, n) for r in range(3) for n in range(10)} == {
        (one.arguments["round"], one.arguments["n"]) for one in books.of(phase="intent")
    }
    assert [] == [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.requirement("record:exactly-once")
async def test_one_event_that_nobody_takes_does_not_keep_the_others(tmp_path, caplog):
    """An issuer that refuses a whole batch, and one that is not heard for a tenant: named once, given up, the rest is told."""
    it = Recorded(tmp_path)
    it.books.refuses = {"quiet"}
    for n in range(40):
        await it.use("quiet" if n == 17 else "see", {"n": n})
    await it.use("see", {}, tenant="ten_bbbbbbbbbbbbbbbb")
    it.books.tenants = frozenset({"ten_aaaaaaaaaaaaaaaa"})
    it.demanded["ten_bbbbbbbbbbbbbbbb"] = {}
    await it.told()
    assert 39 == len(it.books.of(phase="outcome"))
    assert it.guard.doctor().record["rejected"] == 2
    assert any("does not take 2 events" in warning for warning in it.guard.doctor().warnings)
    assert 2 == sum(getattr(one, "event", "") == "record.rejected" for one in caplog.records)
    await it.guard.aclose()


@pytest.mark.requirement("record:no-record-no-write")
@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), OSError(5, "Input/output error")])
async def test_a_disk_that_takes_nothing_closes_writes_with_a_clear_answer_and_goes_on_by_itself(tmp_path, fault):
    """R-07, AU-05: nothing ran that was not recorded, a limit is not used up by it, reads go on and are recorded later."""
    it = Recorded(tmp_path, limits=Limits())
    disk = faulty(it)
    assert (await it.use("add", {"n": 0})).status == 200
    await settled(it)
    disk.fault = fault
    refused = [await it.use("add", {"n": n}) for n in (1, 2, 3)]
    reads = [await it.use("see", {"n": n}) for n in range(5)]

    for answer in refused:
        assert (200, "audit_unavailable", 5, "add") == (
            answer.status, answer.error["error"], answer.error["retry_after_s"], answer.error["tool"],
        )  # fmt: skip
        assert "has not run" in answer.error["message"]
    assert all("result" in answer.json and "isError" not in answer.json["result"] for answer in reads)
    assert 6 == it.reached
    assert any("nothing can be kept" in warning for warning in it.guard.doctor().warnings)

    disk.fault = None
    it.guard._record._mill._retry_at = 0
    assert "isError" not in (await it.use("add", {"n": 4})).json["result"]
    await it.told()
    assert [0, 4] == [one.arguments["n"] for one in it.books.of(phase="intent")]
    assert 5 == len(it.books.of(tool="see", phase="outcome")), "what was read meanwhile is there"
    assert 3 == len(it.books.of(error="audit_unavailable", phase="refused")), "and what was refused"
    assert not [one for one in it.guard.doctor().warnings if one.startswith("record")]
    await it.guard.aclose()


@pytest.mark.requirement("outages:disk:guard")
async def test_whoever_is_refused_while_the_disk_is_left_alone_does_not_prolong_that(tmp_path, monkeypatch):
    """A server that is asked to write many times a second goes on as soon as one that is asked seldom."""
    monkeypatch.setattr(mill, "_RETRY_S", 3600)
    it = Recorded(tmp_path)
    faulty(it).fault = OSError(28, "No space left on device")
    assert "audit_unavailable" == (await it.use("add", {})).error["error"]
    until = it.guard._record._mill._retry_at

    for _ in range(3):
        assert "audit_unavailable" == (await it.use("add", {})).error["error"]

    assert until == it.guard._record._mill._retry_at
    await it.guard.aclose()


@pytest.mark.requirement("record:no-record-no-write")
async def test_reads_close_as_writes_do_where_that_was_asked_for(tmp_path):
    it = Recorded(tmp_path, record={"reads": "closed"})
    disk = faulty(it)
    disk.fault = OSError(28, "No space left on device")
    await it.use("add", {})
    answer = await it.use("see", {})
    assert ("audit_unavailable", 0) == (answer.error["error"], it.reached)
    disk.fault = None
    it.guard._record._mill._retry_at = 0
    await it.use("add", {})
    assert "isError" not in (await it.use("see", {})).json["result"]
    await it.guard.aclose()


@pytest.mark.requirement("record:no-record-no-write")
async def test_without_a_disk_of_its_own_a_write_waits_until_the_issuer_has_its_intent(tmp_path, monkeypatch, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("")
    it = Recorded(blocked / "below")
    assert any("RESOURCE_GUARD_SPOOL" in one.getMessage() for one in caplog.records)
    assert "isError" not in (await it.use("add", {"n": 1})).json["result"]
    assert 1 == len(it.books.of(phase="intent")), "it is there before the tool has run"

    it.books.is_away = True
    monkeypatch.setattr(recorder, "PATIENCE_S", 0.3)
    refused = await it.use("add", {"n": 2})
    assert ("audit_unavailable", 1) == (refused.error["error"], it.reached)
    assert "isError" not in (await it.use("see", {})).json["result"]

    it.books.is_away = False
    await it.told()
    assert 1 == len(it.books.of(tool="see")) and 2 == len(it.books.of(phase="intent"))
    [late] = [one for one in it.books.of(phase="intent") if one.arguments["n"] == 2]
    assert ["refused"] == [one.phase for one in it.books.of(call=late.id) if one.id != late.id], (
        "and it is said that it did not run"
    )
    await it.guard.aclose()


@pytest.mark.requirement("record:bounded")
async def test_a_flood_of_reads_is_bounded_in_memory_and_what_is_lost_is_counted_aloud(tmp_path, caplog):
    """What is noted and not yet made: the oldest reads give way, an outcome of a write loses its content and stays."""
    from resource_lib.audit.mill import Mill
    from resource_lib.audit.recording import Caller, Recording

    it = Recorded(tmp_path)
    await it.use("add", {"n": 1})
    await settled(it)
    works: Mill = it.guard._record._mill
    works._most, works._most_bytes = 100, 10**9
    works._turn = lambda: __import__("time").sleep(0.01)
    for n in range(300):
        await it.use("see", {"n": n})
    assert len(works._noted) <= 100 and 200 <= works.lost
    assert any(getattr(one, "event", "") == "record.lost" for one in caplog.records)
    assert Caller and Recording
    del works._turn
    await it.told()
    assert 300 - works.lost == len(it.books.of(tool="see"))
    assert 299 == it.books.of(tool="see")[-1].arguments["n"], "the latest are there"
    await it.guard.aclose()


KILLED = """
import asyncio, json, sys
from tests.support.recorded import Alone, SCOPES, said
async def main():
    it = Alone(sys.argv[1])
    async def works(scope, receive, send):
        await receive()
        with open(sys.argv[2], "a") as ledger: ledger.write("ran\\n")
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": said({"content": []})})
    it.app.app = works
    print("ready", flush=True)
    for n in range(100_000):
        await it.use("add", {"n": n})
asyncio.run(main())
"""


@pytest.mark.requirement("record:killed")
def test_wherever_a_process_is_killed_no_write_has_run_without_its_intent_on_the_disk(tmp_path):
    """R-01, kill -9 in the middle of writes, three times: each line of the tool's own ledger has an intent, and every event is whole."""
    for round_ in range(3):
        ledger, place = tmp_path / f"ledger{round_}", tmp_path / "spool"
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(place), str(ledger)], stdout=subprocess.PIPE, env={**os.environ}
        )
        assert child.stdout.readline() == b"ready\n"
        while not ledger.exists() or len(ledger.read_bytes()) < 4 * (5 + 11 * round_):
            assert child.poll() is None
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        found = [json.loads(event) for event in read_folder(place)]
        intents = {one["id"] for one in found if one["phase"] == "intent"}
        outcomes = [one["call"] for one in found if one["phase"] == "outcome"]
        ran = len(ledger.read_text().splitlines())
        before = sum(len(one.read_text().splitlines()) for one in tmp_path.glob("ledger*"))
        assert ran <= before <= len(intents) <= before + round_ + 1
        assert len(outcomes) == len(set(outcomes)) and set(outcomes) <= intents


@pytest.mark.requirement("record:spool:unreadable")
async def test_no_byte_of_what_was_said_stands_in_the_spool_or_in_the_log(tmp_path, caplog):
    """C47: a canary search, over every file and every line of the log."""
    it = Alone(tmp_path, output=Output(taint=None), arguments="off")
    it.server.chunks = [said({"content": [{"type": "text", "text": f"mail {CANARY}"}], "isError": True})]
    for tool in ("see", "add"):
        await it.use(tool, {"to": CANARY, "note": f"call {CANARY}"})
    await it.use("unknown", {"to": CANARY})
    await settled(it)
    data = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert len(data) > 3000
    assert CANARY[:8].encode() not in data
    assert "canary" not in caplog.text
    kept = [json.loads(event) for event in read_folder(tmp_path)]
    assert "canary" not in json.dumps(kept)
    await it.guard.aclose()


@pytest.mark.requirement("record:approvals")
async def test_a_call_that_waits_is_held_and_then_recorded_with_the_yes_it_ran_by(tmp_path):
    """C46: waits, runs once, is told again; and who asked for what was refused by a person."""
    it = Asking(tmp_path)
    await it.call()
    it.issuer.approve()
    await it.call()
    await it.call(arguments={"order": "o2", "amount": 1})
    it.issuer.deny(it.issuer.rows[-1])
    await it.call(arguments={"order": "o2", "amount": 1})
    await it.landed()
    events = await it.told()
    row, other = it.issuer.rows
    assert [
        ("held", "held", "approval_required", row.id),
        ("intent", "allowed", None, row.id),
        ("outcome", "allowed", None, row.id),
        ("held", "held", "approval_required", other.id),
        ("refused", "refused", "approval_denied", other.id),
    ] == [(one.phase, one.decision, one.error, one.approval_id) for one in events]
    assert ("ok", 1) == (events[2].status, len(it.shop.ran))
    await it.guard.aclose()


@pytest.mark.requirement("record:approvals")
async def test_what_cannot_be_recorded_burns_no_yes(tmp_path):
    it = Asking(tmp_path)
    disk = faulty(it)
    await it.call()
    it.issuer.approve()
    await settled(it)
    disk.fault = OSError(28, "No space left on device")
    refused = await it.call()
    assert ("audit_unavailable", 0, "approved") == (refused.error["error"], len(it.shop.ran), it.issuer.rows[0].state)
    disk.fault = None
    it.guard._record._mill._retry_at = 0
    assert "ran 1" == (await it.call()).json["result"]["content"][0]["text"]
    await it.guard.aclose()


@pytest.mark.requirement("record:settings")
async def test_a_guard_without_a_credential_records_where_it_is_told_to_and_nowhere_else(tmp_path):
    assert tmp_path == Path(Alone(tmp_path).guard.doctor().record["where"]).parent
    assert Alone(tmp_path).guard.doctor().record["where"] != Recorded(tmp_path).guard.doctor().record["where"]
    from tests.support.guarded import Guarded

    assert Guarded(record=None).guard.doctor().record is None
    assert Recorded(tmp_path).guard.doctor().record["is_told"]
    assert Record() == Record() and TOOLS and SCOPES and asyncio
