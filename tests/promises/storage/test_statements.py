"""Every statement of every store is understood by both databases, and on PostgreSQL as the role that runs it."""

import importlib
import pkgutil
import sqlite3

import asyncpg
import pytest

import authserver.domain
from authserver.runtime import memory
from authserver.runtime.schema import Statement
from authserver.runtime.tenancy import platform_role


def statements():
    found = {}
    modules = pkgutil.walk_packages(authserver.domain.__path__, "authserver.domain.")
    stores = [memory, *(importlib.import_module(module.name) for module in modules if module.name.endswith(".store"))]
    for store in stores:
        for name, value in vars(store).items():
            several = value if isinstance(value, dict) else {"": value}
            found |= {
                f"{store.__name__}.{name}{key}": one for key, one in several.items() if isinstance(one, Statement)
            }
    return found


@pytest.mark.requirement("storage:statements:both-databases-understand-them")
def test_sqlite_understands_every_statement(migrated_file):
    """Compiled, not run: each names tables, columns and conflicts that exist."""
    connection = sqlite3.connect(migrated_file)
    refused = {}
    for name, statement in statements().items():
        try:
            nothing = dict.fromkeys(statement.parameters)
            connection.execute(f"EXPLAIN {statement.sqlite}", [*nothing] if statement.is_for_many else nothing)
        except sqlite3.Error as error:
            refused[name] = str(error)
    connection.close()

    assert {} == refused
    assert len(statements()) > 60


@pytest.mark.requirement("storage:statements:both-databases-understand-them")
async def test_postgresql_understands_every_statement(postgres_urls):
    """Prepared, not run: each parameter's type can be found out, as the role that serves or that crosses tenants."""
    connection = await asyncpg.connect(postgres_urls.app)
    platform = platform_role(await connection.fetchval("SELECT current_user"))
    refused = {}
    for name, statement in statements().items():
        async with connection.transaction():
            if statement.crosses_tenants:
                await connection.execute(f'SET LOCAL ROLE "{platform}"')
            try:
                async with connection.transaction():
                    await connection.prepare(statement.postgres)
            except asyncpg.PostgresError as error:
                refused[name] = str(error)
    await connection.close()

    assert {} == refused


@pytest.mark.requirement("storage:statements:both-databases-understand-them")
async def test_postgresql_grants_what_every_statement_needs(postgres_urls):
    """EXPLAIN checks the rights: what is append-only is asked for nothing else, and nothing else is missing."""
    connection = await asyncpg.connect(postgres_urls.app)
    platform = platform_role(await connection.fetchval("SELECT current_user"))
    refused = {}
    for name, statement in statements().items():
        nulls = ", ".join(["NULL"] * len(statement.parameters))
        async with connection.transaction():
            if statement.crosses_tenants:
                await connection.execute(f'SET LOCAL ROLE "{platform}"')
            try:
                async with connection.transaction():
                    await connection.execute(f"PREPARE tried AS {statement.postgres}")
                    await connection.execute(f"EXPLAIN EXECUTE tried{f'({nulls})' if nulls else ''}")
            except asyncpg.PostgresError as error:
                refused[name] = str(error)
            await connection.execute("DEALLOCATE ALL")
    await connection.close()

    assert {} == refused
