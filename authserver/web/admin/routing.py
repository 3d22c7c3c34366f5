"""
Registers a handler under its line of `demands.py`, and tells OpenAPI the truth about it.

A handler's own parameters are its path, query and body; what all routes share (`tenant`, `If-Match`, `Idempotency-Key`, the
problems) is added here, so that no noun can forget it.
"""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, TypeVar

from fastapi import APIRouter, Header, Path, Query
from fastapi import Request as FrameworkRequest
from fastapi import Response as FrameworkResponse
from pydantic import BaseModel, ConfigDict

from authserver.web.admin.ask import Ask, Handler
from authserver.web.admin.demands import DEMANDS, Demand
from authserver.web.admin.problems import MEDIA_TYPE, Problem

router = APIRouter()
registered: set[tuple[str, str]] = set()

Given = TypeVar("Given", bound=Handler)


class Strict(BaseModel):
    """What a caller sends: nothing but these fields, of exactly these types."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Shown(BaseModel):
    """What a caller is shown."""


class Thing(Shown):
    """What can be changed: it has an entity tag, and whoever changes it says which they saw."""

    has_etag: ClassVar[bool] = True


Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[
    str | None, Query(min_length=1, max_length=2000, description="`next` of the page before; nothing else is one.")
]
Days = Annotated[
    int | None,
    Query(ge=1, le=365, description="For how many whole days nobody used it; left out: as the server is set."),
]
Id = Annotated[str, Path(min_length=1, max_length=1200, description="Its id, as the list shows it.")]

_Tenant = Annotated[
    str | None,
    Query(min_length=1, max_length=60, description="Id or slug of a tenant; your own where it is left out. "
          "Only those who run the deployment may name another."),
]  # fmt: skip
_IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="The ETag that you saw, or `*`. Without it: 428.")
]
_Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key with the same request within a day: the same answer, done once.",
    ),
]

_WHY = {
    400: "It cannot be read: no JSON, or a cursor that is none.",
    401: "No good access token; or a fresh login is needed (`max_age` in `WWW-Authenticate`).",
    403: "The token does not permit this, or its holder no longer may.",
    404: "There is nothing here, or it is somebody else's.",
    409: "Something stands in the way; `detail` says what.",
    412: "It is no longer as it was seen.",
    413: "The body is too large.",
    415: "The body is not `application/json`.",
    422: "A field cannot be as it is; `errors` says which.",
    428: "`If-Match` is missing.",
    429: "Too many requests; `Retry-After` says when.",
    500: "Something went wrong; it is noted.",
    503: "Too busy, or the database is away; `Retry-After` says when.",
}


def route(
    method: str,
    path: str,
    *,
    gives: type[BaseModel] | None,
    status: int = 200,
    says: str,
    also: dict[int, type[BaseModel]] | None = None,
    streams: str = "",
) -> Callable[[Given], Given]:
    """Register a handler for a line of `demands.py`. `gives` is what it answers with, None: nothing (204); `says` in words.

    `also` names other successes, `streams` the type of what goes on while it is read (`Ask.stream`).
    """
    demand = DEMANDS[method, path]
    assert (method, path) not in registered, f"{method} {path} stands twice"
    registered.add((method, path))

    def register(handler: Given) -> Given:
        async def endpoint(request: FrameworkRequest, **given: Any) -> FrameworkResponse:
            ask: Ask = request.state.ask
            answer = await ask.answer(handler, {name: given[name] for name in own})
            made = FrameworkResponse(content=answer.body, status_code=answer.status, media_type="application/json")
            for name, value in answer.headers:
                made.headers[name.decode()] = value.decode("ascii")
            return made

        given = list(inspect.signature(handler, eval_str=True).parameters.values())
        own = [parameter.name for parameter in given[1:]]
        endpoint.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [
                inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=FrameworkRequest),
                *[one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in given[1:]],
                *_shared(method, demand),
            ]
        )
        endpoint.__name__ = f"{handler.__module__.rpartition('.')[2]}_{handler.__name__}"
        endpoint.__doc__ = inspect.cleandoc(handler.__doc__ or "")
        router.add_api_route(
            path,
            endpoint,
            methods=[method],
            response_model=gives,
            status_code=status if gives is not None or streams else 204,
            summary=says,
            description=endpoint.__doc__,
            tags=[path.split("/")[1]],
            operation_id=endpoint.__name__,
            responses=_responses(method, also or {}) | _streamed(streams),
            openapi_extra=_security(demand),
        )
        return handler

    return register


def _shared(method: str, demand: Demand) -> list[inspect.Parameter]:
    added: dict[str, Any] = {}
    if demand.is_within:
        added["tenant"] = _Tenant
    if method == "POST":
        added["idempotency_key"] = _Key
    if method in {"PATCH", "PUT", "DELETE"}:
        added["if_match"] = _IfMatch
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=None)
        for name, annotation in added.items()
    ]


def _security(demand: Demand) -> dict[str, Any]:
    said: dict[str, Any] = {"security": [{"oauth2": [demand.scope] if demand.scope else []}]}
    if demand.is_platform:
        said["x-platform"] = True
    if demand.is_dangerous:
        said["x-fresh-login"] = True
    return said


def _streamed(media_type: str) -> dict[int | str, dict[str, Any]]:
    if not media_type:
        return {}
    return {200: {"description": "Line by line.", "content": {media_type: {"schema": {"type": "string"}}}}}


def _responses(method: str, also: dict[int, type[BaseModel]]) -> dict[int | str, dict[str, Any]]:
    statuses = {400, 401, 403, 404, 422, 429, 500, 503}
    if method != "GET":
        statuses |= {409, 413}
    if method in {"POST", "PATCH", "PUT"}:
        statuses |= {415}
    if method in {"PATCH", "PUT", "DELETE"}:
        statuses |= {412, 428}
    told: dict[int | str, dict[str, Any]] = {
        status: {
            "description": _WHY[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}},
        }
        for status in sorted(statuses)
    }
    for status, model in also.items():
        told[status] = {"model": model, "description": "As well."}
    return told
