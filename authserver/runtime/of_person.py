"""
Which rows are one person's: each capability says so beside its table, and who is erased is erased from all of them.

A column that names a person by their `sub` or id, and is declared nowhere here, is one that a test asks about.
"""

from authserver.runtime.schema import Statement, statement

OF_MEMBER: list[tuple[str, Statement]] = []
"""By table: what takes the rows of a member of the bound tenant away (`:sub`)."""
OF_PERSON: list[tuple[str, Statement]] = []
"""By table: what takes the rows of a person away that are no tenant's (`:person_id`), in the order in which it has to be done."""


def rows_of_member(table: str, *columns: str) -> None:
    """Declare a table of tenants whose rows are those of the member that one of `columns` names."""
    which = " OR ".join(f"{column} = :sub" for column in columns)
    OF_MEMBER.append((table, statement(f"DELETE FROM {table} WHERE tenant_id = :tenant AND ({which})")))


def rows_of_person(table: str, which: str = "person_id = :person_id") -> None:
    """Declare a table that belongs to no tenant."""
    OF_PERSON.append((table, statement(f"DELETE FROM {table} WHERE {which}")))
