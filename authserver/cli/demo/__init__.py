"""
`authserver demo`: both servers on this machine, with two tenants, their people, and applications to log in with.

Everything lives in one folder: `env` (settings), `kek` (the wrapping key), `orders.secret` (the MCP server's own), the
databases, and `demo.json` with what a script needs to know. What holds secrets can be read by its owner alone. A second
start finds the folder and goes on.
"""

import asyncio
import json
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from authserver.cli.demo.making import prepared
from authserver.cli.demo.place import (
    FOLDER,
    HOST,
    PORTS,
    Place,
    claim,
    forget,
    free_port,
    is_free,
    is_running,
    known_facts,
)
from authserver.cli.demo.servers import Servers
from authserver.cli.operator import AsJson, examples, fail

EXAMPLES = examples(
    "authserver demo",
    "authserver demo --tour",
    "authserver demo --fresh --port 9100 --mcp-port 9101 --data-dir /tmp/demo",
)


def demo(
    port: Annotated[
        int, typer.Option(help="The authorization server's port; 0 takes a free one.", min=0, max=65535)
    ] = (PORTS[0]),
    mcp_port: Annotated[
        int, typer.Option(help="The example MCP server's port; 0 takes a free one.", min=0, max=65535)
    ] = (PORTS[1]),
    data_dir: Annotated[Path, typer.Option(help="Where everything is kept.", metavar="DIR")] = FOLDER,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what an earlier demo left in DIR.")] = False,
    tour: Annotated[bool, typer.Option("--tour", help="Let a scripted client walk through it, then end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start an authorization server and a guarded example MCP server on this machine, ready to log in to.

    It makes the tenants acme and globex with people, applications and orders in DIR, writes DIR/demo.json, says what to
    try, and runs until Ctrl-C. A second start with the same DIR keeps the data.
    """
    missing = [name for name in ("examples.orders", "mcp") if _is_missing(name)]
    if missing:
        fail(
            f"the demo needs {' and '.join(missing)}: run it from a checkout, with the extras server and mcp installed."
        )
    place = Place(folder=data_dir.resolve(), port=port or free_port(), mcp_port=mcp_port or free_port())
    if tour and not fresh and is_running(place):
        raise SystemExit(_walk(known_facts(place), place, as_json=as_json))
    claim(place)
    for number, option in ((place.port, "--port"), (place.mcp_port, "--mcp-port")):
        if not is_free(number):
            fail(f"port {number} of {HOST} is taken: end what runs there, or choose another with {option}.")
    if place.port == place.mcp_port:
        fail("--port and --mcp-port must differ.")
    if fresh:
        forget(place.folder)
    facts = asyncio.run(prepared(place))
    log = place.folder / "servers.log" if tour else None
    with Servers(place, facts, log=log) as servers:
        servers.start()
        if tour:
            code = _walk(facts, place, as_json=as_json)
            if code:
                print(f"What the servers said meanwhile stands in {log}.", file=sys.stderr)
            raise SystemExit(code)
        if as_json:
            print(json.dumps({"issuer": place.issuer, "resource": place.resource, "facts": str(place.facts)}))
        else:
            print(_what_to_try(place, facts))
        print("ready", flush=True)
        servers.watch()


def _walk(facts: dict[str, Any], place: Place, *, as_json: bool) -> int:
    from authserver.cli.tour import walk_through

    return asyncio.run(walk_through(facts, place.folder, as_json=as_json))


def _is_missing(module: str) -> bool:
    try:
        return find_spec(module) is None
    except ModuleNotFoundError:
        return True


def _command() -> str:
    """Return how this shell can call us: the script on PATH, the one in the virtual environment, or the module."""
    if shutil.which("authserver"):
        return "authserver"
    script = Path(sys.executable).with_name("authserver")
    if not script.exists():
        return f"{sys.executable} -m authserver"
    here = Path.cwd()
    return str(script.relative_to(here)) if script.is_relative_to(here) else str(script)


def _what_to_try(place: Place, facts: dict[str, Any]) -> str:
    app = facts["clients"][0]
    shown = "\n".join(
        f"    {user['email']:<22} {user['password']:<18} {', '.join(user['roles'])}" for user in facts["users"]
    )
    operators = "\n".join(
        f"    {user['email']:<22} {user['password']:<18} {'everything' if user['tenant'] == 'platform' else user['tenant']}"
        for user in facts["operators"]
    )
    folder = place.folder
    command = _command()
    tour = f"{command} demo --tour --data-dir {folder} --port {place.port} --mcp-port {place.mcp_port}"
    if (place.port, place.mcp_port, folder) == (*PORTS, FOLDER.resolve()):
        tour = "make tour"
    return f"""
Authorization server   {place.issuer}
Example MCP server     {place.resource}   (orders, customers and tickets of two tenants)
Upstream API           {facts["upstream"]["resource"]}   (known here, served by nobody: where that server may act for its callers)
Everything is in       {folder}   (demo.json has it all for scripts)

People you can log in as
{shown}

Operators, for the console and the admin API
{operators}

Connect a real client: it needs the URL and makes itself known
  Claude Code   claude mcp add --transport http orders {place.resource}
  VS Code       "MCP: Add Server", HTTP, {place.resource}
  Python SDK    OAuthClientProvider; examples/orders/README.md has it
  One that wants a client id: {app["client_id"]}   (public; any loopback port, path /callback)

Connect a program that has no browser: open the address it prints, type its code
  curl -d client_id={app["client_id"]} -d resource={place.resource} {place.issuer}/device_authorization

See it by hand
  {place.issuer}/approvals    what waits for somebody's yes: let an agent refund or delete an order
  {place.issuer}/account      what somebody has connected, and how they end it
  curl -i -X POST {place.resource}      a 401 that says where to log in
  {command} tenant list --data-dir {folder}
  {command} user list --tenant acme --data-dir {folder}
  {command} exchange list --data-dir {folder}
  {command} approvals list --data-dir {folder}
  {command} audit search --tenant acme --calls --since 1h --data-dir {folder}         what agents did, call by call

Stop something, and see who obeys
  {command} kill tool refund_order --resource {place.resource} --reason "wrong amounts" --wait --data-dir {folder}
  {command} kill list --data-dir {folder}         and what each line says revives it
  {place.issuer}/console      the same on a page
  {command} login --server {place.issuer}         the same from another machine

Let a script walk through it, from another terminal
  {tour}

Ctrl-C ends both servers and keeps the data.
"""
