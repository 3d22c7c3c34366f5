"""Orders and customers of two tenants, as a server's author would map them, on a database of the author's own."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from resource_lib import Principal

A, B = "ten_aaaaaaaaaaaaaaaa", "ten_bbbbbbbbbbbbbbbb"


class Base(DeclarativeBase):
    pass


class Country(Base):
    __tablename__ = "countries"
    code: Mapped[str] = mapped_column(primary_key=True)


class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    name: Mapped[str]


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    note: Mapped[str]
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    customer: Mapped[Customer | None] = relationship()


def fill(session: Session) -> None:
    """Write A's orders 1 and 3, B's order 2; order 3 of A points at B's customer, as corrupt data would."""
    session.add_all(
        [Country(code="DE"), Customer(id=1, tenant_id=A, name="Ann"), Customer(id=2, tenant_id=B, name="Bob")]
    )
    session.flush()
    session.add_all(
        [
            Order(id=1, tenant_id=A, note="a", customer_id=1),
            Order(id=2, tenant_id=B, note="b", customer_id=2),
            Order(id=3, tenant_id=A, note="a", customer_id=2),
        ]
    )
    session.commit()


def somebody(tenant: str) -> Principal:
    """Return a caller of `tenant`."""
    return Principal(
        tenant=tenant,
        subject="usr_1",
        client_id="app",
        scopes=frozenset(),
        authorization_id="aut_1",
        token_id="tok_1",
        issued_at=0,
        expires_at=1,
    )
