"""
What it costs to look whether something was ended by a number: the same with no kill and with ten thousand.

Counted in steps of SQLite's machine, which no busy neighbour changes. How long it takes is in `docs/performance.md`.
"""

import sqlite3
from contextlib import closing

import pytest
import sqlalchemy as sa

from authserver.domain.revocation.store import floor_of
from authserver.domain.tokens import store
from authserver.runtime.migration import every_table
from authserver.runtime.schema import statement

TENANT = "ten_aaaaaaaaaaaaaaaa"
CLIENTS = {"registered": "cli_abcdefghijklmnop", "by a document": "https://client.example.net/oauth/client.json"}


def tables(connection):
    engine = sa.create_engine("sqlite://", creator=lambda: connection, poolclass=sa.pool.StaticPool)
    every_table().create_all(engine)


def begin(connection, client_id, ctl):
    connection.execute(
        "INSERT INTO authorizations (tenant_id, authorization_id, issuer_path, sub, client_id, resource, scope, profile, acr,"
        " amr, auth_time, ctl, created_at, expires_at) VALUES (?, 'az', '', 'usr_x', ?, 'https://mcp1.example/mcp', 's',"
        " 'interactive', '', '', 0, ?, 0, 4102444800)",
        (TENANT, client_id, ctl),
    )


def kill(connection, rows):
    connection.executemany(
        "INSERT INTO kills (target, scope_tenant, kind, subject, resource, floor, seq, stopped, retry_after_s, changed_at_us)"
        " VALUES (?, ?, 'user', '{}', '', ?, ?, '', 0, 0)",
        [(f"user/{TENANT}/usr_{row}", TENANT, row + 10, row + 10) for row in range(rows)],
    )
    connection.execute("ANALYZE")


def steps(connection, sql, values):
    """Return how many steps a reading takes."""
    counted = 0

    def count():
        nonlocal counted
        counted += 1
        return 0

    connection.set_progress_handler(count, 1)
    connection.execute(sql, values).fetchall()
    connection.set_progress_handler(None, 0)
    return counted


@pytest.mark.requirement("kill:cost:does-not-grow-with-what-was-killed")
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(("ctl", "most"), [(1_000_000, 100), (1, 260)], ids=["newer than every kill", "older"])
def test_looking_costs_the_same_with_no_kill_and_with_ten_thousand(client, ctl, most):
    """Decision 14, ours: a refresh waits for this look each time; ten thousand kills may not make it slower."""
    sql = store.FIND.sqlite
    floor = statement(f"SELECT {floor_of('a')} AS floor FROM authorizations a WHERE a.tenant_id = :tenant").sqlite
    look = floor.removeprefix("SELECT ").partition(" AS floor FROM authorizations a")[0]
    assert look in sql
    values = {"tenant": TENANT, "authorization_id": "az"}
    cost = {}
    for rows in (0, 10, 10_000):
        with closing(sqlite3.connect(":memory:")) as connection:
            tables(connection)
            begin(connection, CLIENTS[client], ctl)
            kill(connection, rows)
            cost[rows] = steps(connection, sql, values) - steps(connection, sql.replace(look, "0"), values)

    assert cost[10_000] <= cost[10] + 10
    assert max(cost.values()) <= most, cost
