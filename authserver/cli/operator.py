"""What every command needs: the machines of the deployment it speaks to, one way to print, one way to fail."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from authserver.settings import Settings, load_settings

Result = TypeVar("Result")

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Read the settings from DIR/env, as `authserver demo` writes it.", metavar="DIR"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def examples(*lines: str) -> str:
    """Return the end of a command's help: what to type, one command per line, as it stands."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def fail(message: str, *, code: int = 1) -> NoReturn:
    """Say what is wrong and how to mend it, and end."""
    for line in message.splitlines():
        print(f"error: {_visible(line)}", file=sys.stderr)
    raise SystemExit(code)


def settings_of(data_dir: Path | None, **overrides: object) -> Settings:
    """Return the settings a command was pointed at. Raises SettingsError."""
    return load_settings(data_dir, **{name: value for name, value in overrides.items() if value is not None})


def with_machines(data_dir: Path | None, job: Callable[[Any], Awaitable[Result]]) -> Result:
    """Open the deployment's machines, do the job, close them."""
    from authserver.domain.clients.client import InvalidClientDataError
    from authserver.domain.resources.resource import InvalidResourceError
    from authserver.domain.tenants.tenant import InvalidTenantError
    from authserver.domain.tool_policies.tool_policy import InvalidToolPolicyError
    from authserver.domain.users.user import InvalidUserError
    from authserver.opening import close_machines, open_machines
    from authserver.runtime import logs
    from authserver.runtime.migration import pending
    from authserver.runtime.passwords import UnusablePasswordError

    settings = settings_of(data_dir)
    # Whatever is logged goes to standard error: standard output is for what was asked.
    logs.configure(level="warning", console=True)

    async def run() -> Result:
        if await pending(settings.database_url):
            fail("the database is behind this version. Run `authserver migrate`.")
        machines = await open_machines(settings)
        try:
            return await job(machines)
        finally:
            await close_machines(machines)

    try:
        return asyncio.run(run())
    except (
        InvalidClientDataError,
        InvalidResourceError,
        InvalidTenantError,
        InvalidToolPolicyError,
        InvalidUserError,
    ) as error:
        fail(str(error), code=2)
    except UnusablePasswordError as error:
        fail(f"password: {error}", code=2)


def show(rows: Sequence[Mapping[str, Any]] | Mapping[str, Any], *, as_json: bool, empty: str = "Nothing yet.") -> None:
    """Print one thing or a list of things, as a table a person reads or as JSON."""
    if as_json:
        print(json.dumps(rows, indent=2, default=str))
        return
    if isinstance(rows, Mapping):
        width = max(len(name) for name in rows)
        for name, value in rows.items():
            print(f"{name:<{width}}  {_words(value)}")
        return
    if not rows:
        print(empty)
        return
    names = list(rows[0])
    table = [
        [name.upper().replace("_", " ") for name in names],
        *[[_words(row[name]) for name in names] for row in rows],
    ]
    widths = [max(len(line[column]) for line in table) for column in range(len(names))]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return " ".join(str(item) for item in value) or "-"
    return "-" if value is None or value == "" else _visible(str(value))


def _visible(text: str) -> str:
    # A name may hold what moves the cursor or turns the text; a terminal obeys it, so it never gets it.
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def date(seconds: int | None) -> str | None:
    """Return a moment as a person reads it; None stays None."""
    return None if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%SZ}"


def day(seconds: int | None) -> str | None:
    """Return a day as a person reads it; None stays None."""
    return None if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


def demand_writable(path: Path, option: str = "--out") -> None:
    """End before anything is done where a file cannot be made."""
    if path.is_dir():
        fail(f"{option}: {path} is a folder; name a file.", code=2)
    if not path.absolute().parent.is_dir():
        fail(f"{option}: there is no folder {path.parent}.", code=2)
    if not os.access(path.absolute().parent, os.W_OK):
        fail(f"{option}: you may not write in {path.absolute().parent}.", code=2)


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something that cannot be taken back; without a terminal, `--yes` is demanded."""
    if yes:
        return
    if not sys.stdin.isatty():
        fail(f"{question} Say --yes to go on.", code=2)
    if not typer.confirm(question):
        raise SystemExit(1)


def confirm_by_name(question: str, name: str, *, yes: bool) -> None:
    """Ask before something that ends much at once: the name has to be typed."""
    if yes:
        return
    if not sys.stdin.isatty():
        fail(f"{question} Say --yes to go on.", code=2)
    if typer.prompt(f"{question} Type {name} to go on", default="", show_default=False) != name:
        raise SystemExit(1)


@contextlib.contextmanager
def progress_of(length: int) -> Iterator[Callable[[int], None]]:
    """Show on standard error how far something long is; yields what is told of each step how much it was."""
    if not sys.stderr.isatty():
        yield lambda _: None  # where nobody watches the bar, all that would be left of it is an empty line
        return
    with typer.progressbar(length=length, file=sys.stderr) as bar:
        yield bar.update


async def committed(work: Any, *, otherwise: str) -> None:
    """Commit, or say why it could not be."""
    if not await work.commit():
        fail(otherwise)


async def tenant_named(machines: Any, slug: str) -> Any:
    """Return the tenant, or end with the ones there are."""
    from authserver.domain.tenants import tenant as tenants

    found = await tenants.by_slug(machines.work(), slug)
    if found is None:
        known = ", ".join(tenant.slug for tenant in await tenants.all_tenants(machines.work())) or "none yet"
        fail(f"tenant: there is no {slug!r}. There are: {known}. `authserver tenant add SLUG` makes one.")
    return found
