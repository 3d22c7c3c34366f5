"""What `authserver check --probe` does: forbidden calls at each registered MCP server, each of which must be refused."""

from authserver.domain.health import probing
from authserver.opening import close_machines, open_machines
from authserver.settings import Settings


async def probed(settings: Settings) -> tuple[list[dict[str, str]], bool]:
    """Return a row for each forbidden call, and whether all is well; it is not where nothing could be asked."""
    machines = await open_machines(settings)
    try:
        found = await probing.probe_all(machines)
    finally:
        await close_machines(machines)
    if not found:
        row = {
            "server": "",
            "what": "",
            "state": "not asked",
            "detail": "no active MCP server is registered",
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
