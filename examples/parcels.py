"""
A tool that asks an API and one that asks a model, with the building blocks that hold them. Run: uvicorn examples.parcels:app.

`TRACK` is a fixed request into which one value goes encoded, `HOSTS` the only two places that are asked, `SUMMARY` a prompt in which a
stranger's words stay data. Neither an argument nor a redirect leads anywhere else.
"""

import os
from typing import Annotated

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from resource_lib import ResourceGuard, read, safe
from resource_lib.guard import GuardedApp
from resource_lib.integrations.mcp_sdk import guarded

HOSTS = safe.Hosts("api.carrier.example", "models.example.com")
TRACK = safe.Endpoint("GET", "https://api.carrier.example/parcels/{number}/events", query=("language",))
MODEL = "https://models.example.com/v1/complete"
SUMMARY = safe.Prompt("Say in one sentence what the customer wants.\n\n{complaint}", most=5000)
READS = ToolAnnotations(read_only_hint=True, open_world_hint=True)


class Parcel(BaseModel):
    """Where a parcel is. What the carrier says further is not passed on."""

    place: str
    is_delivered: bool


def make_app(*, hosts: safe.Hosts = HOSTS, **options: object) -> GuardedApp:
    """Return the guarded server; `options` go to its guard, `hosts` replaces the way out."""
    mcp = MCPServer("parcels")

    @mcp.tool(annotations=READS)
    async def track_parcel(
        number: Annotated[str, Field(description="The parcel's number, such as P-1001.", max_length=40)],
    ) -> Parcel:
        """Say where a parcel is. Use it when its number is known; not for when it will arrive, which nobody knows."""
        try:
            request = TRACK(number=number, language="en")
        except safe.UnsafeError as refused:
            raise ToolError(str(refused)) from None
        async with hosts.client() as carrier:
            answer = await carrier.request(request.method, request.url)
        answer.raise_for_status()
        said = answer.json()
        return Parcel(place=str(said["place"])[:100], is_delivered=said["state"] == "delivered")

    @mcp.tool(annotations=READS)
    async def summarise_complaint(
        complaint: Annotated[str, Field(description="What the customer wrote.", max_length=5000)],
    ) -> str:
        """Say in one sentence what a customer wants. Use it for a long complaint; not for a short one, which says it itself."""
        async with hosts.client() as model:
            answer = await model.post(MODEL, json={"prompt": SUMMARY(complaint=complaint)})
        answer.raise_for_status()
        return str(answer.json()["text"])[:500]

    given: dict[str, object] = {
        "issuer": os.environ.get("ISSUER", "http://127.0.0.1:9000"),
        "resource": os.environ.get("RESOURCE", "http://127.0.0.1:8000/mcp"),
        # What strangers wrote, a carrier or a customer, is labelled so, and writes after it wait for a person.
        "tools": {
            "track_parcel": read("parcels:read", returns=["outside"]),
            "summarise_complaint": read("parcels:read", returns=["outside"]),
        },
    }
    return guarded(mcp, ResourceGuard(**{**given, **options}))  # type: ignore[arg-type]


app = make_app()
