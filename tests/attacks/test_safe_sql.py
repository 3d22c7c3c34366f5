"""Plan: a tool looks rows up by what I say. I want every row, another table, or none to be left."""

import sqlite3
from datetime import date

import pytest
from sqlalchemy import create_engine

from resource_lib.safe import Identifiers, Sql, UnsafeError, begins, contains

INJECTIONS = [
    "' OR '1'='1", "'; DROP TABLE orders; --", "1 OR 1=1", "lamp' UNION SELECT secret FROM vault --", "%", "_", "\\", ":item",
    "$1", "{column}", "/* */", "lamp\u2019 OR 1=1", "\u02bc OR 1=1", "a\nb", "?", "%s", "''", '"',
]  # fmt: skip


@pytest.fixture
def rows():
    connection = sqlite3.connect(":memory:")
    connection.executescript(
        "CREATE TABLE orders (id TEXT, item TEXT, cents INTEGER); CREATE TABLE vault (secret TEXT);"
        "INSERT INTO orders VALUES ('A-1', 'lamp', 5), ('A-2', 'desk', 9), ('A-3', '100%', 1); INSERT INTO vault VALUES ('SECRET');"
    )
    yield connection
    connection.close()


BY_ITEM = Sql(
    "SELECT id FROM orders WHERE item = :item AND cents >= :least ORDER BY {column}",
    column=Identifiers("id", "cents", "orders.item"),
)
LIKE = Sql("SELECT id FROM orders WHERE item LIKE :pattern ESCAPE '!'")


@pytest.mark.requirement("safe:sql:values-are-bound")
@pytest.mark.parametrize("value", INJECTIONS)
def test_a_value_is_a_value_whatever_is_in_it(rows, value):
    """CWE-89, C29: in sqlite3 and in SQLAlchemy."""
    bound = BY_ITEM(item=value, least=0, column="cents")

    assert [] == rows.execute(*bound.sqlite3()).fetchall()
    assert 3 == rows.execute("SELECT count(*) FROM orders").fetchone()[0]
    with create_engine("sqlite://", creator=lambda: rows).connect() as connection:
        assert [] == connection.execute(*bound.sqlalchemy()).all()
        connection.detach()


@pytest.mark.requirement("safe:sql:values-are-bound")
def test_for_asyncpg_each_value_gets_its_number_once():
    """C29: what asyncpg takes; a value that is used twice is one parameter, and a cast is none."""
    twice = Sql("SELECT :a::text, :b, :a FROM {t}", t=Identifiers("orders"))

    assert ('SELECT $1::text, $2, $1 FROM "orders"', ["x", 2]) == twice(a="x", b=2, t="orders").asyncpg()


@pytest.mark.requirement("safe:sql:names-are-chosen")
@pytest.mark.parametrize(
    "name",
    [
        "secret",
        "id; DROP TABLE orders",
        "id DESC",
        "ID",
        " id",
        "id--",
        "(SELECT secret FROM vault)",
        '"id"',
        None,
        3,
        ["id"],
    ],
)
def test_a_name_is_one_of_the_list_letter_by_letter(rows, name):
    """C26: table and column names by allow-list; what comes out is our text, quoted."""
    with pytest.raises(UnsafeError, match=r"Choose one of id, cents, orders\.item"):
        BY_ITEM(item="lamp", least=0, column=name)

    assert [("A-1",)] == rows.execute(*BY_ITEM(item="lamp", least=0, column="orders.item").sqlite3()).fetchall()
    assert '"orders"."item"' in BY_ITEM(item="lamp", least=0, column="orders.item").text


@pytest.mark.requirement("safe:sql:formatting-is-refused")
@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM orders WHERE item = 'lamp'", "SELECT 1; DROP TABLE orders", "SELECT 1 -- all", "SELECT /* x */ 1",
        "SELECT * FROM orders WHERE id = %s", "SELECT * FROM orders WHERE id = ?", "SELECT * FROM orders WHERE id = $1",
        "SELECT * FROM {}", "SELECT * FROM {0}", "SELECT * FROM {table}", "SELECT $$x$$", "SELECT $a$x$a$", "SELECT `a`",
        'SELECT "a;b"', "SELECT E'\\n'", "SELECT '!'", "SELECT 1 #x", "SELECT {Table}",
    ],
)  # fmt: skip
def test_a_statement_with_a_literal_or_a_comment_in_it_is_not_made(text):
    """C29: whoever formats a value into a statement makes a literal; a constant can be a parameter too."""
    with pytest.raises(ValueError):
        Sql(text)


@pytest.mark.requirement("safe:sql:values-are-bound")
def test_wildcards_of_the_caller_are_characters(rows):
    """CWE-89: `%` finds what holds a percent sign, not everything."""
    found = {
        value: rows.execute(*LIKE(pattern=contains(value)).sqlite3()).fetchall() for value in ("%", "am", "_", "!")
    }

    assert {"%": [("A-3",)], "am": [("A-1",)], "_": [], "!": []} == found
    assert [("A-2",)] == rows.execute(*LIKE(pattern=begins("de")).sqlite3()).fetchall()


@pytest.mark.requirement("safe:sql:values-are-bound")
@pytest.mark.parametrize(
    "value", [["a"], {"a": 1}, object(), ("a",), {"a"}, "a\0b"], ids=lambda value: type(value).__name__
)
def test_a_value_is_one_plain_value(value):
    """CWE-943: a list or an object may mean an operator to a driver."""
    with pytest.raises(UnsafeError):
        BY_ITEM(item=value, least=0, column="id")


@pytest.mark.requirement("safe:sql:values-are-bound")
def test_values_are_complete_or_nothing_is_made():
    """Ours: a forgotten value is an author's mistake, said at once."""
    with pytest.raises(TypeError):
        BY_ITEM(item="lamp", column="id")
    with pytest.raises(TypeError):
        BY_ITEM(item="lamp", least=0, column="id", more=1)
    assert date(2026, 1, 2) in BY_ITEM(item=date(2026, 1, 2), least=None, column="id").asyncpg()[1]
