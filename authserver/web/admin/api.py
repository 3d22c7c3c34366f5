"""
Every noun of the admin API, as one FastAPI application; nothing of FastAPI's own is served.

No page of documentation (AD-15), no redirect for slashes, no default body for what it refuses. Whoever asks has passed `door.py`.
"""

from functools import lru_cache
from typing import Any

from fastapi import FastAPI, Request
from fastapi import Response as FrameworkResponse
from fastapi.exceptions import RequestValidationError

from authserver.web.admin import (
    analytics,
    approvals,
    audit,
    audit_export,
    authorizations,
    client_trust,
    clients,
    description,
    issuers,
    kills,
    resources,
    searching,
    servers,
    signals,
    tenants,
    tool_reviews,
    tools,
    unused_tools,
    users,
)
from authserver.web.admin.ask import Ask
from authserver.web.admin.demands import DEMANDS
from authserver.web.admin.problems import MEDIA_TYPE, ProblemError
from authserver.web.admin.routing import registered, route, router


@route("GET", "/openapi.json", gives=description.Description, says="Describe this API")
async def openapi(ask: Ask) -> description.Description:
    """OpenAPI 3.1, made from the routes themselves; for whoever has a good token."""
    return description.Description(description.described(api(), ask.request.issuer.identifier))


NOUNS = (
    analytics,
    approvals,
    audit,
    audit_export,
    authorizations,
    client_trust,
    clients,
    description,
    issuers,
    kills,
    resources,
    searching,
    servers,
    signals,
    tenants,
    tool_reviews,
    tools,
    unused_tools,
    users,
)
"""The modules whose routes there are; importing one registers them."""

assert registered == set(DEMANDS), f"routes and demands differ: {registered ^ set(DEMANDS)}"


@lru_cache(1)
def api() -> FastAPI:
    """Return the application."""
    app = FastAPI(
        title="authserver admin API",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    # A name that stands in a path is meant before any id is.
    router.routes.sort(key=lambda one: str(getattr(one, "path", "")).count("{"))
    app.include_router(router)
    app.add_exception_handler(RequestValidationError, _refused)  # type: ignore[arg-type]
    return app


async def _refused(request: Request, error: RequestValidationError) -> FrameworkResponse:
    ask: Ask = request.state.ask
    found = [(_field(problem["loc"]), str(problem["msg"])) for problem in error.errors()[:20]]
    refused = ProblemError(422, "Some fields cannot be as they are.", errors=found).response(ask.request.request_id)
    return FrameworkResponse(content=refused.body, status_code=refused.status, media_type=MEDIA_TYPE)


def _field(location: tuple[Any, ...]) -> str:
    parts = [str(part)[:40] for part in location[1:]] or [str(location[0])]
    return ".".join("".join(char if char.isascii() and char.isprintable() else "?" for char in part) for part in parts)
