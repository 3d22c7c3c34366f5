"""
`python -m examples.orders --issuer http://127.0.0.1:9000 --port 9001 --database sqlite:///orders.db --shop acme=ten_…`

Makes the tables and the first rows where they are missing, then serves.
"""

import argparse
import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn

from examples.orders.server import guarded_app
from examples.orders.shelf import open_engine, stock


def main() -> None:
    """Read the arguments, fill the database, serve."""
    words = argparse.ArgumentParser(prog="python -m examples.orders", description="A guarded MCP server with orders.")
    words.add_argument("--issuer", required=True, help="the authorization server whose tokens count")
    words.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    words.add_argument("--port", type=int, default=9001, help="the port to listen on (default: %(default)s)")
    words.add_argument("--resource", help="this server's public URL (default: http://HOST:PORT/mcp)")
    database = words.add_mutually_exclusive_group()
    database.add_argument("--database", default="sqlite:///orders.db", help="sqlite:///FILE (default: %(default)s)")
    database.add_argument(
        "--database-file",
        type=Path,
        metavar="FILE",
        help="holds the URL, postgresql://…, of a role that does not own the tables: a password belongs in no argument",
    )
    words.add_argument(
        "--owner-database-file", type=Path, metavar="FILE", help="the same for the role that owns the tables"
    )
    words.add_argument(
        "--shop", action="append", default=[], metavar="SLUG=TENANT_ID", help="a tenant that gets a few rows; repeat"
    )
    words.add_argument("--stock-only", action="store_true", help="make the tables and rows, and end")
    given = words.parse_args()
    shops = dict(shop.split("=", 1) for shop in given.shop if "=" in shop)
    if len(shops) != len(given.shop):
        words.error("--shop: expected SLUG=TENANT_ID, as in --shop acme=ten_abc")

    serving = _url(given.database_file) or given.database
    asyncio.run(_set_up(_url(given.owner_database_file) or serving, shops, app_role=urlsplit(serving).username))
    if given.stock_only:
        return
    app = guarded_app(
        open_engine(serving), issuer=given.issuer, resource=given.resource or f"http://{given.host}:{given.port}/mcp"
    )
    uvicorn.run(app, host=given.host, port=given.port, log_level="warning", server_header=False)


def _url(file: Path | None) -> str | None:
    return file.read_text(encoding="utf-8").strip() if file is not None else None


async def _set_up(url: str, shops: dict[str, str], *, app_role: str | None) -> None:
    engine = open_engine(url)
    await stock(engine, shops, app_role=app_role)
    disposed = engine.dispose()
    if disposed is not None:
        await disposed


if __name__ == "__main__":
    main()
