"""The rows of `analytics/`: counts by time, MCP server, tool and client. They name nobody, and nothing is erased from them."""

import sqlalchemy as sa

from authserver.domain.analytics.numbers import COUNTS
from authserver.runtime.schema import platform_statement, statement, table

# `grain`: how many seconds a row counts from `begin` on. The same calls are counted once in each grain.
table(
    "call_counts",
    sa.Column("grain", sa.BigInteger, nullable=False),
    sa.Column("begin", sa.BigInteger, nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("tool", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    *(sa.Column(name, sa.BigInteger, nullable=False) for name in COUNTS),
    # JSON: how often by which word, and how many in which bucket.
    sa.Column("refusals", sa.Text, nullable=False),
    sa.Column("latencies", sa.Text, nullable=False),
    sa.Column("decisions", sa.Text, nullable=False),
    # A sketch of how many different people: it names none of them.
    sa.Column("people", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "grain", "begin", "resource", "tool", "client_id"),
    sa.Index("ix_call_counts_grain_begin", "grain", "begin"),
    tenanted=True,
)

_VALUES = (*COUNTS, "refusals", "latencies", "decisions", "people")
_KEY = "grain, begin, resource, tool, client_id"
_ALL = ", ".join(_VALUES)

NAMES = statement(
    """
    SELECT tool, client_id FROM call_counts
    WHERE tenant_id = :tenant AND grain = :grain AND begin = :begin AND resource = :resource LIMIT :most
    """
)
OF_TOOLS = statement(
    f"""
    SELECT tool, client_id, {_ALL} FROM call_counts
    WHERE tenant_id = :tenant AND grain = :grain AND begin = :begin AND resource = :resource AND tool IN EACH_OF(:tools)
    """
)
KEEP = statement(
    f"""
    INSERT INTO call_counts (tenant_id, {_KEY}, {_ALL})
    VALUES (:tenant, {", ".join(f":{name}" for name in (*_KEY.split(", "), *_VALUES))})
    ON CONFLICT (tenant_id, {_KEY}) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _VALUES)}
    """
)
TAKE_AWAY = statement("DELETE FROM call_counts WHERE tenant_id = :tenant")
EXPIRE = platform_statement("DELETE FROM call_counts WHERE grain = :grain AND begin < :before")

# What is left empty is not asked about. In the order of the key, so that a page begins behind the last row of the one before.
_WANTED = """
    grain = :grain AND begin >= :since AND begin < :until
    AND CAST(:resource AS TEXT) IN ('', resource) AND CAST(:tool AS TEXT) IN ('', tool) AND CAST(:client_id AS TEXT) IN ('', client_id)
"""
_PLACE = "begin, resource, tool, client_id"
_BEHIND = f"({_PLACE}) > (:after_begin, :after_resource, :after_tool, :after_client)"
OF_TENANT = statement(
    f"""
    SELECT tenant_id, {_PLACE}, {_ALL} FROM call_counts WHERE tenant_id = :tenant AND {_WANTED} AND {_BEHIND}
    ORDER BY {_PLACE} LIMIT :most
    """
)
OF_ALL = platform_statement(
    f"""
    SELECT tenant_id, {_PLACE}, {_ALL} FROM call_counts WHERE {_WANTED}
        AND ({_PLACE}, tenant_id) > (:after_begin, :after_resource, :after_tool, :after_client, :after_tenant)
    ORDER BY {_PLACE}, tenant_id LIMIT :most
    """
)
