"""`authserver audit search|export|key|erase|clean`: what happened, newest first; the whole of it, for whoever verifies it; whoever is to be forgotten."""

import gzip
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, BinaryIO, cast

import typer

from authserver.cli import audit_prove, audit_prune, audit_verify
from authserver.cli.cleaned import cleaned_now, tell_cleaned
from authserver.cli.control.open import Server, with_control
from authserver.cli.control.port import Control, WhatHappened
from authserver.cli.operator import (
    AsJson,
    DataDir,
    Yes,
    confirm,
    confirm_by_name,
    date,
    demand_writable,
    examples,
    fail,
    progress_of,
    show,
    tenant_named,
    with_machines,
)

app = typer.Typer(no_args_is_help=True)
app.command(epilog=audit_verify.EXAMPLES)(audit_verify.verify)
app.command(epilog=audit_prove.EXAMPLES)(audit_prove.prove)
app.command(epilog=audit_prune.EXAMPLES)(audit_prune.prune)

_SPAN = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@app.callback()
def audit() -> None:
    """What happened, and who did it."""


@app.command(
    epilog=examples(
        "authserver audit search --since 1h",
        "authserver audit search --tenant acme --user alice@acme.example --calls --since 1h --opened",
        "authserver audit search --tenant acme --subject customer-8812 --calls --since 7d",
        "authserver audit search --tenant acme --decision refused --tool refund_order --since 2026-11-21",
        "authserver audit search --tenant acme --kind operator: --all --ndjson > operators.ndjson",
    )
)
def search(
    tenant: Annotated[
        str, typer.Option("--tenant", help="Of one tenant. Default: of all, and of the platform.", metavar="SLUG")
    ] = "",
    kind: Annotated[
        str, typer.Option(help="A kind, or how it begins: `operator:` is all that operators did.", metavar="KIND")
    ] = "",
    calls: Annotated[bool, typer.Option("--calls", help="Calls of tools alone, a line for each call.")] = False,
    outcome: Annotated[str, typer.Option(help="done or refused.", metavar="OUTCOME")] = "",
    decision: Annotated[
        str, typer.Option(help="What was decided about a call: allowed, refused, held or observed.", metavar="DECISION")
    ] = "",
    user: Annotated[
        str, typer.Option("--user", help="About this person: an e-mail address, or a `sub`.", metavar="PERSON")
    ] = "",
    subject: Annotated[
        str,
        typer.Option(
            "--subject",
            help="Who is named in calls, by whatever they are called there: a customer's number, an e-mail address.",
            metavar="IDENTIFIER",
        ),
    ] = "",
    client: Annotated[
        str, typer.Option("--client", help="About this application, by its id or its name.", metavar="CLIENT")
    ] = "",
    authorization: Annotated[str, typer.Option(help="About this login of an application.", metavar="ID")] = "",
    resource: Annotated[str, typer.Option("--at", "--resource", help="At this MCP server.", metavar="URI")] = "",
    request: Annotated[str, typer.Option("--request", help="Of this request id.", metavar="ID")] = "",
    tool: Annotated[str, typer.Option(help="Calls of this tool.", metavar="NAME")] = "",
    call: Annotated[str, typer.Option(help="This one call, by the id of its first event.", metavar="ID")] = "",
    approval: Annotated[str, typer.Option(help="What this approval was about.", metavar="ID")] = "",
    trace: Annotated[str, typer.Option(help="Of this trace (W3C Trace Context).", metavar="ID")] = "",
    since: Annotated[
        str, typer.Option(help="From then on: 15m, 2h, 7d, or 2026-11-21T09:00:00Z.", metavar="WHEN")
    ] = "",
    until: Annotated[str, typer.Option(help="Before then, likewise.", metavar="WHEN")] = "",
    opened: Annotated[
        bool,
        typer.Option("--opened", help="Open what is sealed too: who and why, arguments and results. That is recorded."),
    ] = False,
    most: Annotated[int, typer.Option(help="How many at most.", min=1, max=1000)] = 50,
    everything: Annotated[bool, typer.Option("--all", help="All there is in one tenant, page by page.")] = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    ndjson: Annotated[bool, typer.Option("--ndjson", help="Print a line of JSON for each event.")] = False,
) -> None:
    """Search the record, newest first. Names of people are sealed in it; `--opened` shows them.

    That somebody looked is in the record too. For machines: `audit export` is what can be verified.
    """
    if outcome not in {"", "done", "refused"}:
        fail("--outcome: done or refused.", code=2)
    if decision not in {"", "allowed", "refused", "held", "observed"}:
        fail("--decision: allowed, refused, held or observed.", code=2)
    if calls and kind and not kind.startswith("call:"):
        fail(f"--calls: {kind} is no kind of a call; leave out one of them.", code=2)
    if everything and (not tenant or (as_json and not ndjson)):
        fail("--all: goes through one tenant: say --tenant SLUG, and --ndjson where a program reads it.", code=2)
    wanted = WhatHappened(
        kind=kind or ("call:" if calls else ""),
        outcome=outcome,
        decision=decision,
        email=user,
        subject=subject,
        client_id=client,
        authorization_id=authorization,
        resource=resource,
        request_id=request,
        tool=tool,
        call=call,
        approval_id=approval,
        trace_id=trace,
        since=moment(since, "--since"),
        until=moment(until, "--until"),
        opened=opened,
    )
    print_rows = partial(_print, calls=calls, opened=opened, as_json=as_json, ndjson=ndjson)

    async def some(control: Control) -> list[dict[str, Any]]:
        return await control.events(tenant, wanted, most=most)

    async def all_of_them(control: Control) -> int:
        count = 0
        async for rows in control.every_event(tenant, wanted):
            count += len(rows)
            if rows:
                print_rows(rows)
            if sys.stderr.isatty():
                oldest = f", back to {date(rows[-1]['at'])}" if rows else ""
                print(f"\r{count:,} events{oldest}", end="", file=sys.stderr, flush=True)
        if sys.stderr.isatty():
            print(file=sys.stderr)
        return count

    if everything:
        if not with_control(data_dir, server, all_of_them) and not ndjson:
            print(_nothing(tenant, wanted))
        return
    rows = with_control(data_dir, server, some)
    if not rows and not as_json and not ndjson:
        print(_nothing(tenant, wanted))
        return
    print_rows(rows)
    if len(rows) >= most and not as_json and not ndjson:
        print(f"The newest {most}. --most N or --all for more; --since and --until for other times.", file=sys.stderr)


@app.command(
    epilog=examples(
        "authserver audit export --tenant acme --out acme.ndjson.gz",
        "authserver audit export --platform --out platform.ndjson",
    )
)
def export(
    out: Annotated[
        Path, typer.Option("--out", help="The file to write; packed if its name ends with .gz.", metavar="FILE")
    ],
    tenant: Annotated[str, typer.Option("--tenant", help="Whose log.", metavar="SLUG")] = "",
    platform: Annotated[
        bool, typer.Option("--platform", help="The platform's own log, which pins all others.")
    ] = False,
    first: Annotated[int, typer.Option("--from", help="The first row.", min=0, metavar="ROW")] = 0,
    payloads: Annotated[
        bool, typer.Option("--payloads", help="With what is said in them: names, arguments, results, in the clear.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Write a log to a file that `python -m resource_lib.verify` verifies with neither this server nor its database. The platform's first."""
    if bool(tenant) == platform:
        fail("Say --tenant SLUG or --platform.", code=2)
    demand_writable(out)

    async def job(machines: Any) -> Any:
        from authserver.domain.audit import exporting, sealing
        from authserver.runtime.schema import SHARED

        home = SHARED if platform else (await tenant_named(machines, tenant)).id
        await sealing.seal_round(machines)  # where no server runs, nobody else has
        with _private(out) as file:
            try:
                return await exporting.export(
                    machines.work(tenant=home), file.write, first=first, with_payloads=payloads
                )
            except exporting.NothingSealedError:
                fail(f"--from: no row {first} is sealed yet.", code=2)

    done = with_machines(data_dir, job)
    told = {"file": str(out), "origin": done.origin, "first": done.first, "size": done.size, "missing": done.missing}
    show(told, as_json=as_json)


@app.command(
    epilog=examples("authserver audit checkpoint > saved.note", "authserver audit checkpoint --tenant acme --json")
)
def checkpoint(
    tenant: Annotated[
        str,
        typer.Option("--tenant", help="Of this tenant's log. Default: the platform's, which pins all.", metavar="SLUG"),
    ] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Print the newest checkpoint, to be kept where nobody who writes this database writes: `audit verify --checkpoint FILE` takes it."""

    async def job(machines: Any) -> str | None:
        from authserver.domain.audit import copies, sealing
        from authserver.runtime.schema import SHARED

        home = (await tenant_named(machines, tenant)).id if tenant else SHARED
        await sealing.seal_round(machines)  # where no server runs, nobody else has
        return await copies.newest(machines, home)

    note = with_machines(data_dir, job)
    if note is None:
        fail("nothing was sealed yet.")
    sys.stdout.write(json.dumps({"checkpoint": note}) + "\n" if as_json else note)


@app.command(epilog=examples("authserver audit key"))
def key(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Print the key that checkpoints are verified with. Hand it out by another way than exports."""

    async def job(machines: Any) -> Any:
        from authserver.domain.audit import sealing

        return str(sealing.verifier(machines))

    said = with_machines(data_dir, job)
    print(json.dumps({"key": said}) if as_json else said)


@contextmanager
def _private(path: Path) -> Iterator[BinaryIO]:
    """Write a file that only its owner can read, and that is there when it is whole."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            if path.suffix == ".gz":
                with gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed:
                    yield cast("BinaryIO", packed)
            else:
                yield file
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@app.command(
    epilog=examples(
        "authserver audit erase --subject alice@acme.example --dry-run",
        "authserver audit erase --subject alice@acme.example --by 'request 4711'",
        "authserver audit erase --subject customer-8812 --tenant acme --yes --json",
        "authserver audit erase --tenant-whole acme",
    )
)
def erase(
    subject: Annotated[
        str,
        typer.Option(
            "--subject",
            help="Who: an e-mail address, a `sub`, or whatever somebody is called in calls.",
            metavar="IDENTIFIER",
        ),
    ] = "",
    tenant: Annotated[str, typer.Option("--tenant", help="In one tenant. Default: in all.", metavar="SLUG")] = "",
    tenant_whole: Annotated[
        str, typer.Option("--tenant-whole", help="All that is said of anybody in this tenant's record.", metavar="SLUG")
    ] = "",
    by: Annotated[str, typer.Option("--by", help="Who asked for it, as the receipt keeps it.", metavar="WORDS")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how much that would be, and erase nothing.")] = False,
    yes: Yes = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Destroy the keys of all that the record says of somebody, and clean the database's files of them. What is proved stays.

    Run it on the server's machine. Their account is another matter: `user erase`. Exit code 3: erased, and the files are not clean yet.
    """
    from authserver.domain.forgetting import forgetting
    from authserver.domain.tenants.tenant import all_tenants

    if bool(subject) == bool(tenant_whole) or (tenant and tenant_whole):
        fail("Say --subject IDENTIFIER, with or without --tenant; or --tenant-whole SLUG.", code=2)

    async def erased(machines: Any, *, told: Any = None, is_rehearsal: bool = False) -> Any:
        if tenant_whole:
            home = (await tenant_named(machines, tenant_whole)).id
            return [
                one
                for one in [await forgetting.forget_tenant(machines, home, by=by, is_rehearsal=is_rehearsal, told=told)]
                if one.count or not is_rehearsal
            ]
        only = (await tenant_named(machines, tenant)).id if tenant else ""
        return await forgetting.forget(machines, subject, only=only, by=by, is_rehearsal=is_rehearsal, told=told)

    async def would(machines: Any) -> Any:
        slugs = {one.id: one.slug for one in await all_tenants(machines.work())}
        return slugs, await erased(machines, is_rehearsal=True)

    slugs, meant = with_machines(data_dir, would)
    count = sum(one.count for one in meant)
    if not dry_run:
        if tenant_whole:
            confirm_by_name(
                f"Erase what all {count} events of {tenant_whole} say, of everybody? It cannot be undone.",
                tenant_whole,
                yes=yes,
            )
        else:
            said = (
                f"Erase what {count} events say of {subject}?"
                if count
                else f"The record says nothing of {subject} yet: look at the spelling. Erase also what is told late?"
            )
            confirm(f"{said} It cannot be undone.", yes=yes)
        with progress_of(count) as told:
            meant = with_machines(data_dir, lambda machines: erased(machines, told=told))
    rows = [
        {
            "tenant": slugs.get(one.tenant, "(platform)"),
            "events": one.count,
            "approvals": one.shown,
            "receipts": list(one.receipts),
        }
        for one in meant
    ]
    if dry_run:
        show(rows, as_json=as_json, empty="The record says nothing of them.")
        return
    cleaned = cleaned_now(data_dir)
    if as_json:
        show({"erased": rows, **cleaned}, as_json=True)
    else:
        show(rows, as_json=False, empty="The record says nothing of them.")
        tell_cleaned(cleaned)
    if cleaned["left"]:
        raise SystemExit(3)


@app.command(epilog=examples("authserver audit clean", "authserver audit clean --whole --json"))
def clean(
    whole: Annotated[
        bool, typer.Option("--whole", help="Write every table anew, not only those that hold keys. It may take long.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Clean the database's files of what was erased: freed pages, dead rows, the write-ahead log.

    `audit erase` and `user erase` do so themselves. On PostgreSQL it takes a role that owns the tables
    (AUTHSERVER_DATABASE_OWNER_URL) and may switch the write-ahead log. Exit code 3: not everything could be done.
    """
    cleaned = cleaned_now(data_dir, whole=whole)
    if as_json:
        show(cleaned, as_json=True)
    else:
        tell_cleaned(cleaned)
    if cleaned["left"]:
        raise SystemExit(3)


def _print(rows: list[dict[str, Any]], *, calls: bool, opened: bool, as_json: bool, ndjson: bool) -> None:
    if ndjson:
        for row in rows:
            print(json.dumps({**row, "at": date(row["at"])}, ensure_ascii=True, default=str))
    elif as_json:
        show([{**row, "at": date(row["at"])} for row in rows], as_json=True)
    elif calls:
        show([_call(events, opened=opened) for events in _grouped(rows)], as_json=False)
    else:
        show([_line(row, opened=opened) for row in rows], as_json=False)


def _grouped(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the events of each call together, the newest call first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(str(row["header"].get("call") or row["id"]), []).append(row)
    return list(found.values())


def _call(events: list[dict[str, Any]], *, opened: bool) -> dict[str, Any]:
    header: dict[str, Any] = {}
    sealed: dict[str, Any] = {}
    for one in reversed(events):
        header |= {name: value for name, value in one["header"].items() if value not in ("", None)}
        sealed |= one.get("sealed") or {}
    line = {
        "at": date(events[-1]["at"]),
        "tool": header.get("tool") or header.get("method", ""),
        "decision": header.get("decision", ""),
        "ended": header.get("status") or header.get("error") or ("nobody saw the end" if _is_open(events) else ""),
        "client": events[0]["client_id"],
        "server": events[0]["resource"],
        "call": header.get("call", ""),
    }
    if opened:
        erased = "(erased)" if sealed.get("erased") else ""
        line |= {
            "who": sealed.get("sub", erased),
            "arguments": json.dumps(sealed["arguments"], ensure_ascii=False) if "arguments" in sealed else erased,
        }
    return line


def _is_open(events: list[dict[str, Any]]) -> bool:
    return all(one["kind"] == "call:tool:intent" for one in events)


def _nothing(tenant: str, wanted: WhatHappened) -> str:
    """Return that nothing was found, and among what."""
    asked = asdict(wanted)
    names = {"email": "user", "client_id": "client", "authorization_id": "authorization", "request_id": "request"}
    names |= {"approval_id": "approval", "trace_id": "trace", "resource": "at"}
    times = {name: date(asked.pop(name)) for name in ("since", "until")}
    asked.pop("opened")
    filters = [f"--{names.get(name, name)} {value}" for name, value in asked.items() if value]
    where = f"In {tenant}" if tenant else "In every tenant, and at the platform,"
    span = " ".join(f"{name} {at}" for name, at in times.items() if at) or "ever"
    return f"{where} nothing of the kind happened {span}" + (f"; looked for {', '.join(filters)}." if filters else ".")


def _line(row: dict[str, Any], *, opened: bool) -> dict[str, Any]:
    more = {name: value for name, value in row["header"].items() if value not in ("", None)}
    if opened:
        more |= row.get("sealed") or {}
    return {
        "at": date(row["at"]),
        "tenant": row["tenant"],
        "kind": row["kind"],
        "outcome": row["outcome"],
        "reason": row["reason"],
        "about": " ".join(filter(None, (row["client_id"], row["authorization_id"], row["resource"]))),
        "more": json.dumps(more, ensure_ascii=False) if more else "",
    }


def moment(said: str, option: str) -> int | None:
    """Return a moment as seconds since the epoch; empty: None."""
    if not said:
        return None
    span = _SPAN.fullmatch(said)
    if span:
        return int(time.time()) - int(span[1]) * _SECONDS[span[2]]
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        fail(f"{option}: 15m, 2h, 7d, or a moment such as 2026-11-21T09:00:00Z.", code=2)
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
