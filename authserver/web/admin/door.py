"""
The one door of the admin API: who asks comes before everything, then whether they may, then what they said.

Nobody learns anything without a good token: not which paths there are, not what a body should look like. FastAPI sees only what has
passed here, and its own words never leave.
"""

from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI

from authserver.runtime.unit_of_work import RowRefusedError
from authserver.web.admin.api import api
from authserver.web.admin.ask import Ask
from authserver.web.admin.demands import methods_of
from authserver.web.admin.problems import ProblemError, of
from authserver.web.http import MOST_QUERY_BYTES, Header, Request, Response, Stream
from resource_lib.wire.strict_json import loads_object

_BODIES = frozenset({"POST", "PUT", "PATCH"})


async def answer(request: Request, path: str) -> Response | Stream:
    """Answer one request; `path` is what stands behind the prefix.

    Raises what is an accident, for `web/application.py` to hide.
    """
    ask = Ask(request, path)
    try:
        await ask.enter()
        ask.template, demands = methods_of(path)
        if not demands:
            raise ProblemError(404, "There is nothing here.")
        demand = demands.get(request.method)
        if demand is None:
            allow = ", ".join(sorted(demands)).encode("ascii")
            raise ProblemError(405, f"Use {allow.decode()}.", headers=[(b"allow", allow)])
        await ask.permit(demand)
        ask.query = _query(request)
        _refuse_unknown_query(ask)
        _read_body(request)
        response = await _through(api(), ask)
        return ask.stream() if ask.stream is not None and response.status < 300 else response
    except RowRefusedError:
        refused: ProblemError | None = ProblemError(409, "This cannot be stored as it is.")
    except Exception as error:
        refused = of(error, was_sent=b"authorization" in request.headers)
        if refused is None:
            raise
    assert refused is not None
    return refused.response(request.request_id)


def _query(request: Request) -> dict[str, str]:
    """Return the query. Raises ProblemError for what two readers could take differently."""
    if len(request.query) > MOST_QUERY_BYTES:
        raise ProblemError(422, "The query is too long.")
    try:
        pairs = parse_qsl(request.query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50)
    except ValueError:
        raise ProblemError(422, "The query cannot be read.") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise ProblemError(422, "The query names something twice.")
        if any(char < " " or char == "\x7f" for char in name + value):
            raise ProblemError(422, "The query holds control characters.")
        found[name] = value
    return found


def _read_body(request: Request) -> None:
    """Raise ProblemError unless the body is none, or one JSON object that means one thing, said to be JSON (AD-08)."""
    if request.method not in _BODIES or not request.body:
        return
    content_type, _, options = request.headers.get(b"content-type", b"").partition(b";")
    if (
        content_type.strip().lower() != b"application/json"
        or options.strip().lower() not in {b"", b"charset=utf-8", b'charset="utf-8"'}
        or b"content-type" in request.repeated_headers
        or b"content-encoding" in request.headers
    ):
        raise ProblemError(415, "Content-Type: must be application/json, and nothing may encode the body.")
    try:
        loads_object(request.body)
    except ValueError:
        raise ProblemError(400, "The body must be one JSON object, no member twice.") from None


async def _through(app: FastAPI, ask: Ask) -> Response:
    request = ask.request
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": ask.path,
        "raw_path": ask.path.encode("ascii"),
        "root_path": "",
        "query_string": request.query,
        "headers": [(name, value) for name, value in request.headers.items() if name not in {b"host", b"cookie"}],
        "client": None,
        "server": None,
        "state": {"ask": ask},
    }
    started: dict[str, Any] = {}
    chunks: list[bytes] = []
    was_read = False

    async def receive() -> dict[str, Any]:
        nonlocal was_read
        if was_read:
            return {"type": "http.disconnect"}
        was_read = True
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            started.update(message)
        else:
            chunks.append(message.get("body", b""))

    await app(scope, receive, send)  # type: ignore[arg-type]
    headers: list[Header] = []
    content_type = b""
    for name, value in started["headers"]:
        if name == b"content-type":
            content_type = value
        elif name != b"content-length":
            headers.append((name, value))
    return Response(status=started["status"], body=b"".join(chunks), content_type=content_type, headers=tuple(headers))


def _refuse_unknown_query(ask: Ask) -> None:
    """Raise ProblemError for a parameter that is none: whoever filters by what is not a filter must not think they did."""
    if unknown := sorted(set(ask.query) - _parameters()[ask.request.method, ask.template]):
        raise ProblemError(
            422,
            "The query names what is no parameter here.",
            errors=[(_shown(name), "is no parameter here") for name in unknown],
        )


@lru_cache(1)
def _parameters() -> dict[tuple[str, str], frozenset[str]]:
    return {
        (method.upper(), path): frozenset(
            parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"
        )
        for path, operations in api().openapi()["paths"].items()
        for method, operation in operations.items()
    }


def _shown(name: str) -> str:
    # A name that a stranger chose is cut, and kept to what every reader shows alike.
    return "".join(char if char.isascii() and char.isprintable() else "?" for char in name[:40])
