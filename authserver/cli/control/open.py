"""Here or there: the deployment that a command was pointed at."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from authserver.cli.control.port import Control, RefusedError
from authserver.cli.operator import fail, with_machines

Result = TypeVar("Result")

Server = Annotated[
    str | None,
    typer.Option(
        "--server",
        help="Act at this server, over its admin API, after `authserver login --server URL`. Default: the deployment here.",
        metavar="URL",
    ),
]


def with_control(data_dir: Path | None, server: str | None, job: Callable[[Control], Awaitable[Result]]) -> Result:
    """Do the job at the deployment here, or at a remote one; what is refused ends the command with one sentence."""
    try:
        if server is not None:
            from authserver.cli.control.remote import remote_control

            async def there() -> Result:
                async with remote_control(server) as control:
                    return await job(control)

            return asyncio.run(there())

        async def here(machines: object) -> Result:
            from authserver.cli.control.local import LocalControl

            return await job(LocalControl(machines))

        return with_machines(data_dir, here)
    except RefusedError as error:
        fail(str(error))
