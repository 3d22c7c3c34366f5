"""Here or there: the deployment that a command was pointed at."""

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
        hidden=True,
    ),
]


def with_control(data_dir: Path | None, server: str | None, job: Callable[[Control], Awaitable[Result]]) -> Result:
    """Do the job at the deployment here, or at a remote one; what is refused ends the command with one sentence."""
    assert server is None
    try:

        async def here(machines: object) -> Result:
            from authserver.cli.control.local import LocalControl

            return await job(LocalControl(machines))

        return with_machines(data_dir, here)
    except RefusedError as error:
        fail(str(error))
