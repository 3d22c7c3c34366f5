"""`/admin/api/v1/openapi.json` and `/me`: what there is, and who you are."""

from copy import deepcopy
from typing import Any

from fastapi import FastAPI
from pydantic import Field, RootModel

from authserver.domain.resources.administration import WORDS
from authserver.domain.tenants import tenant as tenants
from authserver.web.admin.ask import Ask
from authserver.web.admin.examples import BODIES
from authserver.web.admin.problems import Problem
from authserver.web.admin.routing import Shown, route


class Description(RootModel[dict[str, Any]]):
    """An OpenAPI document."""


class Me(Shown):
    """Who asks, and what they may do at this moment."""

    sub: str
    client_id: str
    tenant: str = Field(description="The slug of your organisation.")
    is_platform: bool = Field(description="Whether you act for the whole deployment.")
    is_machine: bool
    roles: list[str]
    scopes: list[str]
    auth_time: int = Field(description="When you proved who you are, in seconds since the epoch.")


@route("GET", "/me", gives=Me, says="Say who you are")
async def me(ask: Ask) -> Me:
    """Who asks, and what they may do as the rows say now."""
    asks = ask.operator
    home = await tenants.by_id(ask.work, asks.home)
    return Me(
        sub=asks.sub,
        client_id=asks.client_id,
        tenant=home.slug if home else "",
        is_platform=asks.is_platform,
        is_machine=asks.is_machine,
        roles=list(asks.roles),
        scopes=sorted(asks.scopes),
        auth_time=asks.auth_time,
    )


def described(app: FastAPI, issuer: str) -> dict[str, Any]:
    """Return the OpenAPI document of the API as it is served under an issuer."""
    document = deepcopy(app.openapi())
    document["servers"] = [{"url": f"{issuer}/admin/api/v1"}]
    scopes = {name: words for name, (words, _) in WORDS.items()}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if (body := BODIES.get((method.upper(), path))) is not None:
                operation["requestBody"]["content"]["application/json"]["example"] = body
    components = dict(document.get("components", {}))
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    nested = problem.pop("$defs", {})
    components["schemas"] = components.get("schemas", {}) | nested | {Problem.__name__: problem}
    document["components"] = components | {
        "securitySchemes": {
            "oauth2": {
                "type": "oauth2",
                "description": f"An access token for `resource={issuer}/admin/api/v1`.",
                "flows": {
                    "authorizationCode": {
                        "authorizationUrl": f"{issuer}/authorize",
                        "tokenUrl": f"{issuer}/token",
                        "scopes": scopes,
                    },
                    "clientCredentials": {"tokenUrl": f"{issuer}/token", "scopes": scopes},
                },
            }
        }
    }
    return document
