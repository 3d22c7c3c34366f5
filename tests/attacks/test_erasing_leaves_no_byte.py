"""
Somebody was erased, and an attacker has every byte that we keep: tables, indexes, write-ahead log, backup, spool, logs, and our keys.

Real processes on a real database. What is looked for are not only names, however written, but the sealed keys that would open what was
said: ciphertext alone is nobody's byte, ciphertext with a key is.
"""

import base64
import json
import logging
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
import unicodedata
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

from authserver.domain.audit import erasing, exporting, sealing
from authserver.domain.forgetting import cleaning
from authserver.domain.users import user
from authserver.runtime.cleaning import clean
from resource_lib import Record
from resource_lib.verify import verify
from tests.support.approvals import tool_server
from tests.support.guarded import MODERN, Recorder, call
from tests.support.guarding import Guarding
from tests.support.intruder import Intruder
from tests.support.recorded import settled
from tests.support.workers import ROOT, Workers
from tests.support.world import READ, Someone

EMAIL = "Zo\u00eb.Canary-Person@Example.com"
NAME = "Zo\u00eb Canarina \u00dcbertr\u00e4ger"
CUSTOMER = "canary-kunde-88-12-\u00e9"
PASSWORD = "correct horse canary battery"

_NOTHING = re.compile(rb"\0{64,}")

LISTED = {
    "name": "search_orders",
    "inputSchema": {"type": "object", "properties": {"customer": {"type": "string", "x-subject": "customer"}}},
    "outputSchema": {
        "type": "object",
        "properties": {"mail": {"type": "string", "x-pii": "email"}, "name": {"type": "string", "x-pii": "name"}},
    },
}


class Behind(Recorder):
    """An MCP server that lists one tool, which answers with somebody's name and address."""

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        body = (await receive())["body"]
        result = {"tools": [LISTED]}
        if b"tools/call" in body:
            people = {"mail": EMAIL, "name": NAME}
            result = {"content": [{"type": "text", "text": json.dumps(people)}], "structuredContent": people}
        answer = json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": self.headers})
        await send({"type": "http.response.body", "body": answer})


def written(text):
    """Return the ways in which a text may stand in a file."""
    forms = {text, text.casefold(), text.upper()}
    forms |= {unicodedata.normalize(form, one) for form in ("NFC", "NFD", "NFKD") for one in forms}
    for form in forms:
        raw = form.encode()
        yield raw
        yield raw.hex().encode()
        yield raw.hex().upper().encode()
        yield quote(form).encode()
        yield json.dumps(form)[1:-1].encode()
        yield form.encode("utf-16-le")
        yield form.encode("utf-16-be")
        for before in range(3):  # wherever it begins in what was encoded
            coded = base64.b64encode(b"\0" * before + raw).rstrip(b"=")
            inner = coded[4 if before else 0 : -1]
            yield inner
            yield inner.replace(b"+", b"-").replace(b"/", b"_")


def found_in(files, needles):
    """Return which of these stand in which file."""
    found = set()
    for path in files:
        if path.is_file():
            # Most of a log that was overwritten is nothing.
            content = _NOTHING.sub(b"", path.read_bytes())
            found |= {(name, path.name) for name, needle in needles if needle in content}
    return found


class Deployment:
    """Everything of one deployment that lies on a disk."""

    def __init__(self, kind, templates, folder):
        self.kind, self.folder = kind, folder
        self.running = Workers(templates, kind, folder, workers=1)
        self.owner = self.running.place.url.replace("_app:", "_owner:").replace("_app@", "_owner@")
        self.intruder = Intruder(self.running, templates)
        self._postgres = templates._postgres if kind == "postgresql" else None
        # What a guard of a server in another process asks for.
        self.running.clock = lambda: time.time_ns() // 1000
        self.running.transport = lambda: self._transport

    def start(self):
        import httpx2

        self._transport = httpx2.AsyncHTTPTransport()
        self.running.start()

    def allow_cleaning(self):
        """Do what the command says that an administrator has to do."""
        if self.kind == "postgresql":
            role = self.owner.partition("//")[2].partition(":")[0]
            self.intruder.run(
                (f'GRANT pg_checkpoint, pg_monitor TO "{role}"',),
                (f'GRANT EXECUTE ON FUNCTION pg_switch_wal() TO "{role}"',),
            )

    def command(self, *words):
        given = self.running._environment | ({"AUTHSERVER_DATABASE_OWNER_URL": self.owner} if self._postgres else {})
        done = subprocess.run(
            [sys.executable, "-m", "authserver", *words],
            cwd=ROOT,
            env=given,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def files(self):
        """Return every file of the database, the server's log, and the spool."""
        self.intruder.run(("SELECT 1",))
        if self.kind == "sqlite":
            place = Path(self.running.place.url.removeprefix("sqlite:///")).parent
        else:
            [[place]] = self.intruder.run(("SELECT current_setting('data_directory')",))
            [[oid]] = self.intruder.run(("SELECT oid FROM pg_database WHERE datname = current_database()",))
            return [*self._of_this_database(Path(place), oid), *self.folder.rglob("*")]
        return [*place.rglob("*"), *self.folder.rglob("*")]

    def backup(self):
        """Return the files of a backup that is made now."""
        to = self.folder / "backup"
        if self.kind == "sqlite":
            to.mkdir()
            with closing(sqlite3.connect(self.running.place.url.removeprefix("sqlite:///"))) as connection:
                connection.execute("VACUUM INTO ?", (str(to / "rows.db"),))
        else:
            server = self._postgres()
            family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
            [program, *_] = [
                Path(one.exe()).parent / "pg_basebackup" for one in family if Path(one.exe()).name == "postgres"
            ]
            subprocess.run(
                [program, "-d", server.admin_url, "-D", to, "-c", "fast", "-X", "fetch", "--no-sync"],
                check=True, capture_output=True, env={**os.environ, "LC_ALL": "C"},
            )  # fmt: skip
            [[oid]] = self.intruder.run(("SELECT oid FROM pg_database WHERE datname = current_database()",))
            assert (to / "base" / str(oid)).is_dir()
            return self._of_this_database(to, oid)
        return list(to.iterdir())

    def _of_this_database(self, home, oid):
        whole = (home / "base" / str(oid), home / "pg_wal", home / "global", home / "pg_xact")
        return [path for folder in whole for path in folder.rglob("*")]


@pytest.fixture
async def deployed(database_kind, templates, tmp_path):
    made = Deployment(database_kind, templates, tmp_path)
    made.start()
    yield made
    await made.running.close()
    made.running.stop()
    made.running.place.discard()


async def exported(machines, tenant):
    lines = []
    await sealing.seal_round(machines)
    await exporting.export(machines.work(tenant=tenant), lines.append, with_payloads=True)
    return b"".join(lines).removesuffix(b"\n").split(b"\n")


def verdict(machines, lines):
    report = verify(lines, keys=[sealing.verifier(machines)])
    return report.verdict, report.payloads.missing, report.payloads.erased


async def lived_here(deployed, caplog):
    """Let somebody sign in and use a tool, be named in what others are asked about, and a customer in both; return their guard."""
    running, caplog_at = deployed.running, caplog.at_level(logging.DEBUG, logger="resource_lib")
    async with running.machines() as machines:
        work = machines.work(tenant=running.world.tenants["t1"])
        hashed = await machines.passwords.hash(PASSWORD)
        person_id = user.add_person(work, email=EMAIL, name=NAME, password_hash=hashed)
        sub = user.add_member(work, person_id=person_id)
        assert await work.commit()
    someone = Someone(email=EMAIL, name=NAME, password=PASSWORD, person_id=person_id, subs={"t1": sub})
    running.world.people["canary"] = someone
    try:
        with caplog_at:
            token = await running.client("P").sign_in("canary", scope=READ)
            guard = Guarding(running, behind=Behind(), record=Record(spool=deployed.folder / "spool"))
            await guard.listed(token.access_token)
            headers = [("authorization", f"Bearer {token.access_token}"), MODERN]
            for _ in range(3):
                message = {"name": "search_orders", "arguments": {"customer": CUSTOMER}}
                said = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": message}
                answer = await call(guard.app, "POST", "/mcp", headers=headers, body=json.dumps(said).encode())
                assert answer.status == 200
            await settled(guard)
            await guard.guard._record.sending.tell()
            assert 0 == guard.guard.doctor().record["waiting"]
            other = await running.client("N").sign_in(
                "u2", scope="orders:read orders:write tool:refund_order", tools=["refund_order"]
            )
            for named in (EMAIL, CUSTOMER):
                await tool_server(running).asked(other, {"order_id": f"of {named}", "amount_cents": 1})
    finally:
        del running.world.people["canary"]
    return guard, person_id, sub


@pytest.mark.requirement("forget:files:clean")
async def test_no_byte_of_somebody_who_was_erased_is_left_anywhere(deployed, caplog):
    """C50, AU-04: a user, and a customer who never was one; every proof from before and after verifies."""
    guard, person_id, sub = await lived_here(deployed, caplog)
    intruder, running = deployed.intruder, deployed.running
    deployed.allow_cleaning()
    t1 = running.world.tenants["t1"]
    async with running.machines() as machines:
        refs = erasing.references(machines.work(tenant=t1), [EMAIL, CUSTOMER], [sub, person_id, EMAIL])
        older = await exported(machines, t1)
    marks = ", ".join("?" * len(refs))
    text = f"""
        SELECT DISTINCT g.keys FROM audit_subjects s
        JOIN audit_payloads p ON p.tenant_id = s.tenant_id AND p.event_id = s.event_id
        JOIN audit_key_pages g ON g.tenant_id = p.tenant_id AND g.page_id = p.key_id WHERE s.subject_ref IN ({marks})
    """
    pages = intruder.run((text, *refs))
    [person] = intruder.run(
        ("SELECT email_index, email_sealed, name_sealed, data_key FROM persons WHERE person_id = ?", person_id)
    )
    shown = intruder.run(("SELECT payload_key FROM approvals WHERE payload_key IS NOT NULL",))
    keys = [("a page of keys", bytes(one)) for [one] in pages] + [
        ("a key of an approval", bytes(one)) for [one] in shown
    ]
    keys += [(f"of the account ({number})", bytes(one)) for number, one in enumerate(person)]
    clear = {(text, needle) for text in (EMAIL, NAME, CUSTOMER) for needle in written(text) if len(needle) > 8}
    assert len(pages) and len(shown) == 2
    assert {name for name, _ in keys} == {name for name, _ in found_in(deployed.files(), keys)}, "the search finds them"
    (deployed.folder / "control").write_bytes(
        json.dumps({"x": NAME}).encode() + base64.b64encode(b"x" + EMAIL.encode())
    )
    assert {NAME, EMAIL} == {name for name, _ in found_in([deployed.folder / "control"], clear)}
    (deployed.folder / "control").unlink()

    erased, told, wrong = deployed.command("user", "erase", EMAIL, "--yes", "--json")
    assert (0, []) == (erased, json.loads(told)["left"]), wrong
    erased, told, wrong = deployed.command("audit", "erase", "--subject", CUSTOMER.upper(), "--yes", "--json")
    assert (0, []) == (erased, json.loads(told)["left"]), wrong
    await guard.guard.aclose()

    left = found_in(deployed.files(), [*keys, *clear]) | found_in(deployed.backup(), [*keys, *clear])
    assert set() == left
    assert not any(needle.decode("utf-8", "replace") in caplog.text for _, needle in clear)
    [[alive]] = intruder.run(("SELECT data_key FROM persons ORDER BY person_id LIMIT 1",))
    assert found_in(deployed.files(), [("another", bytes(alive))]), "the search would have found them"
    async with running.machines() as machines:
        assert (await cleaning.state(machines)).is_clean
        newer = await exported(machines, t1)
        assert ("verified", 0) == verdict(machines, older)[:2]
        kind, missing, gone = verdict(machines, newer)
        assert ("verified", 0) == (kind, missing) and gone >= 3
    shutil.rmtree(deployed.folder / "backup")


@pytest.mark.requirement("forget:files:by-whom")
async def test_a_role_that_may_not_clean_is_told_who_may_and_the_state_says_that_it_waits(server):
    """C50: the role that serves owns no table; one that owns them may not touch the write-ahead log by itself."""
    machines, work = server.operator.machines, server.operator.work()
    erasing.erased(work)
    await work.commit()
    if server.place.kind == "sqlite":
        reader = sqlite3.connect(server.place.url.removeprefix("sqlite:///"), isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM persons").fetchone()
    before = await cleaning.state(machines)

    if server.place.kind == "sqlite":
        import authserver.runtime.cleaning as cleaner

        patience, cleaner._PATIENCE_S = cleaner._PATIENCE_S, 0.2
        try:
            cleaned = await cleaning.clean(machines)
        finally:
            cleaner._PATIENCE_S = patience
            reader.close()
    else:
        cleaned = await cleaning.clean(machines)
        owner = server.place.url.replace("_app:", "_owner:").replace("_app@", "_owner@")
        [said] = (await clean(owner, ["persons"])).left or ["GRANT pg_checkpoint"]
        assert "GRANT pg_checkpoint" in said

    assert len(cleaned.left) == 1
    assert not before.is_clean and not (await cleaning.state(machines)).is_clean
    if server.place.kind == "sqlite":
        assert [] == (await cleaning.clean(machines)).left
        assert (await cleaning.state(machines)).is_clean
    else:
        assert "AUTHSERVER_DATABASE_OWNER_URL" in cleaned.left[0]
