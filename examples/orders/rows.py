"""
What is kept: customers, their orders, and the tickets they write.

Every table begins its key with `tenant_id`, so that a reference can never point into another shop's rows, whatever the code
above does. On PostgreSQL each table also has row-level security that compares the column with `app.tenant`.
"""

from datetime import date

from sqlalchemy import ForeignKeyConstraint, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """All tables of this server."""


class Customer(Base):
    """Somebody who bought something."""

    __tablename__ = "customers"

    tenant_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str]
    email: Mapped[str]
    phone: Mapped[str]
    address: Mapped[str]


class Order(Base):
    """One thing bought. Money is in cents, because floats lose them."""

    __tablename__ = "orders"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "customer_id"], ["customers.tenant_id", "customers.id"]),)

    tenant_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(16))
    item: Mapped[str]
    quantity: Mapped[int]
    total_cents: Mapped[int]
    refunded_cents: Mapped[int] = mapped_column(default=0)
    status: Mapped[str] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(default="")
    placed_on: Mapped[date]


class Ticket(Base):
    """What a customer wrote to us: text from outside, which may say anything."""

    __tablename__ = "tickets"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "customer_id"], ["customers.tenant_id", "customers.id"]),)

    tenant_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(16))
    order_id: Mapped[str | None] = mapped_column(String(16))
    subject: Mapped[str]
    body: Mapped[str]
    received_on: Mapped[date]
