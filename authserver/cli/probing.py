"""What `authserver check --probe` does: forbidden calls at each registered MCP server, each of which must be refused."""

from authserver.domain.health import probing
from authserver.opening import close_machines, open_machines
from authserver.settings import Settings


async def probed(settings: Settings, server: str = "") -> tuple[list[dict[str, str]], bool]:
    """Return a row for each forbidden call, and whether all is well; it is not where nothing could be asked.

    `server` is the one to ask; empty: each that is active.
    """
    machines = await open_machines(settings)
    try:
        if server:
            alone = await probing.probe(machines, server)
            found = [] if alone is None else [alone]
        else:
            found = await probing.probe_all(machines)
    finally:
        await close_machines(machines)
    if not found:
        row = {
            "server": server,
            "what": "",
            "state": "not asked",
            "detail": "no such MCP server is registered" if server else "no active MCP server is registered",
            "ok": "no",
        }
        return [row], False
    rows = [
        {
            "server": one.uri,
            "what": tried.what,
            "state": tried.state,
            "detail": tried.detail,
            "ok": "no" if tried.is_fault else "yes",
        }
        for one in found
        for tried in one.tried
    ]
    return rows, all(one.is_good for one in found)
