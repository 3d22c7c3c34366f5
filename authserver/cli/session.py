"""`authserver login` and `authserver logout`: an operator at a remote server."""

import asyncio
import json
from typing import Annotated, Any

import typer

from authserver.cli.operator import AsJson, examples, fail, show

LOGIN_EXAMPLES = examples(
    "authserver login --server https://auth.example.com",
    "authserver login --server https://auth.example.com --read-only",
    "",
    "A program: AUTHSERVER_ADMIN_CLIENT_ID=cli_… AUTHSERVER_ADMIN_CLIENT_SECRET_FILE=/run/secrets/admin",
    "authserver kill list --server https://auth.example.com",
)
LOGOUT_EXAMPLES = examples("authserver logout --server https://auth.example.com")

Server = Annotated[str, typer.Option("--server", help="The server's own address, its issuer.", metavar="URL")]


def login(
    server: Server,
    read_only: Annotated[bool, typer.Option("--read-only", help="Look, and change nothing.")] = False,
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh", help="Type the password again, for what cannot be taken back: counts for five minutes."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Log in at a remote server: open the page it names in any browser, type the code, allow it there.

    The tokens stand in a file of yours alone, under $XDG_STATE_HOME or ~/.local/state.
    """
    from authserver.cli.control import device_login, logins
    from authserver.cli.control.port import RefusedError
    from authserver.cli.control.wire import server_url, wire

    async def job() -> dict[str, Any]:
        async with wire(server_url(server)) as way:
            places = await device_login.endpoints(way)
            scope = " ".join(("offline_access", *device_login.READS, *(() if read_only else device_login.WRITES)))
            client_id = device_login.CLIENT_ID
            started = await device_login.start(
                way, places, client_id=client_id, scope=scope, max_age=0 if fresh else None
            )
            if as_json:
                print(json.dumps({"open": started.verification_uri, "type": started.user_code}), flush=True)
            else:
                print(f"Open   {started.verification_uri}\nType   {started.user_code}\n")
                print(f"Waiting, at most {started.expires_in // 60} minutes; Ctrl-C ends it.", flush=True)
            held = await device_login.finish(way, places, started, client_id=client_id)
            return {"server": way.server, "kept_in": str(logins.keep(held)), "logged_in": True}

    try:
        said = asyncio.run(job())
    except RefusedError as error:
        fail(str(error))
    if as_json:
        print(json.dumps(said))
    else:
        print(f"Logged in at {said['server']}. The login stands in {said['kept_in']}.")


def logout(server: Server, as_json: AsJson = False) -> None:
    """End your login at a remote server, there and here."""
    from authserver.cli.control import device_login, logins
    from authserver.cli.control.port import RefusedError
    from authserver.cli.control.wire import server_url, wire

    async def job() -> dict[str, Any]:
        where = server_url(server)
        note = None
        try:
            held = logins.load(where)
            if held is not None:
                async with wire(where) as way:
                    await device_login.revoked(way, held)
        except RefusedError as error:
            note = f"it could not be ended there: {error} On /account it can be."
        finally:
            was_in = logins.forget(where)
        return {"server": where, "logged_out": was_in, "note": note if was_in else "nobody was logged in there"}

    try:
        said = asyncio.run(job())
    except RefusedError as error:
        fail(str(error))
    show(said, as_json=as_json)
    if said["logged_out"] and said["note"]:
        raise SystemExit(1)
