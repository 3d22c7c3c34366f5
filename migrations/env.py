"""
Alembic's entry: one set of migrations for both databases.

`authserver migrate` hands over a connection that already holds the lock. From the `alembic` command line (`check`,
`revision`) the database is named by `-x url=…`.
"""

import asyncio

from alembic import context
from sqlalchemy import Connection, create_engine

from authserver.runtime.migration import every_table, postgres_engine, sync_url


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=every_table(),
        compare_type=True,
        compare_server_default=True,
        render_as_batch=connection.dialect.name == "sqlite",
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


async def run_async(url: str) -> None:
    engine = postgres_engine(url)
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    url = sync_url(context.get_x_argument(as_dictionary=True)["url"])
    if url.startswith("sqlite"):
        with create_engine(url).connect() as opened:
            run(opened)
            opened.commit()
    else:
        asyncio.run(run_async(url))
