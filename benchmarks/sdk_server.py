"""
A server of the official SDK as an author would write it, with one tool whose result its types describe and one that returns prose.
"""

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from mcp.server import MCPServer
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

Id = Annotated[str, Field(max_length=64, description="Of the order.")]
States = Annotated[list[Annotated[str, Field(max_length=20)]], Field(max_length=20, description="Only these.")]
Note = Annotated[str, Field(max_length=200, description="What it is asked for.")]
Most = Annotated[int, Field(ge=1, le=1000, description="So many at most.")]


class Item(BaseModel):
    """One line of an order."""

    sku: Annotated[str, Field(pattern="^[A-Z]{3}-[0-9]{4}$")]
    state: Literal["paid", "sent", "back"]
    at: dt.datetime
    id: UUID
    quantity: Annotated[int, Field(ge=0)]
    cents: Annotated[int, Field(ge=0)]


class Order(BaseModel):
    """What is known of it."""

    items: list[Item]


class Story(BaseModel):
    """What was written about it."""

    text: str


def made(*, typed: dict[str, Any], prose: str) -> MCPServer:
    """Return the server; its tools answer with these."""
    mcp = MCPServer("orders")
    order, story = Order.model_validate(typed), Story(text=prose)
    reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)

    @mcp.tool(annotations=reads)
    async def get_typed(order_id: Id, states: States, since: dt.datetime, note: Note, limit: Most) -> Order:  # noqa: ARG001
        """Return an order. Use it when somebody asks where an order is; do not use it to change one."""
        return order

    @mcp.tool(annotations=reads)
    async def get_prose(order_id: Id, states: States, since: dt.datetime, note: Note, limit: Most) -> Story:  # noqa: ARG001
        """Return what was written about an order. Use it when somebody asks what was said; do not use it to find one."""
        return story

    return mcp
