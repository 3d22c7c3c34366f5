"""
Every refusal of the admin API is one kind of body: RFC 9457 problem details.

They name the field and the cure, and nothing of the inside; `instance` is the request id to ask about. What was sent is never
sent back.
"""

from collections.abc import Sequence
from typing import Any, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field

from authserver.domain.clients.client import InvalidClientDataError
from authserver.domain.idempotency.kept import OtherRequestError
from authserver.domain.resources.resource import InvalidResourceError
from authserver.domain.stopping.stopping import NotAllowedError, StopRefusedError, UnknownTargetError
from authserver.domain.tenants.tenant import InvalidTenantError
from authserver.domain.tool_policies.tool_policy import InvalidToolPolicyError
from authserver.domain.users.user import InvalidUserError
from authserver.oauth.errors import InvalidToken, OAuthError, StaleLogin
from authserver.runtime.passwords import PasswordLineFullError, UnusablePasswordError
from authserver.web.http import Header, Response

MEDIA_TYPE: Final = "application/problem+json"

_TITLES: Final = {
    400: ("malformed", "The request cannot be read"),
    401: ("invalid-token", "A good access token is needed"),
    403: ("forbidden", "The access token does not permit this"),
    404: ("not-found", "There is nothing here"),
    405: ("method-not-allowed", "This cannot be done here"),
    409: ("conflict", "Something stands in the way"),
    412: ("changed-meanwhile", "It was changed meanwhile"),
    413: ("too-large", "The request is too large"),
    415: ("media-type", "The body must be JSON"),
    422: ("invalid", "The request cannot be carried out as it is"),
    428: ("precondition-required", "Say which state you saw"),
    429: ("slow-down", "Too many requests"),
    500: ("accident", "Something went wrong here"),
    503: ("unavailable", "Try again in a moment"),
}


class FieldProblem(BaseModel):
    """One field of the request that cannot be as it is."""

    field: str
    detail: str


class Problem(BaseModel):
    """Problem details, RFC 9457."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:authserver:problem:not-found",
                    "title": "There is nothing here",
                    "status": 404,
                    "detail": "There is nothing here.",
                    "instance": "req_abcdefghijklmnop",
                }
            ]
        }
    )

    type: str = Field(description="Which kind of problem; stable.")
    title: str
    status: int
    detail: str
    instance: str = Field(description="The id of the request, to ask about it.")
    errors: list[FieldProblem] | None = Field(default=None, description="Which fields, where fields are the cause.")


class ProblemError(Exception):
    """A refusal. Nothing that was gathered so far is written."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        kind: str = "",
        errors: Sequence[tuple[str, str]] = (),
        headers: Sequence[Header] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.kind = kind
        self.errors = tuple(errors)
        self.headers = tuple(headers)

    def response(self, request_id: str) -> Response:
        """Return the answer."""
        kind, title = _TITLES[self.status]
        said: dict[str, Any] = {
            "type": f"urn:authserver:problem:{self.kind or kind}",
            "title": title,
            "status": self.status,
            "detail": self.detail,
            "instance": request_id,
        }
        if self.errors:
            said["errors"] = [{"field": field, "detail": detail} for field, detail in self.errors]
        return Response(
            status=self.status, body=orjson.dumps(said), content_type=MEDIA_TYPE.encode(), headers=self.headers
        )


def not_found() -> ProblemError:
    """Return the one answer for what is not there, and for what is somebody else's."""
    return ProblemError(404, "There is nothing here.")


def invalid(field: str, detail: str) -> ProblemError:
    """Return the refusal of one field, with its cure."""
    return ProblemError(422, f"{field}: {detail}", errors=[(field, detail)])


_OURS = (
    InvalidClientDataError,
    InvalidResourceError,
    InvalidTenantError,
    InvalidToolPolicyError,
    InvalidUserError,
)
"""What the domain says of data that cannot be: each message begins with the field and names the cure."""


def of(error: Exception, *, was_sent: bool = True) -> ProblemError | None:
    """Return the problem that an error of the domain or of `oauth/` is; None: it is an accident.

    `was_sent`: whether a credential came (RFC 6750 §3: no error is named to whoever sent none).
    """
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, OAuthError):
        return _of_oauth(error, was_sent=was_sent)
    if isinstance(error, PasswordLineFullError):
        return ProblemError(503, "Too many passwords at once; try again in a moment.", headers=[(b"retry-after", b"1")])
    if isinstance(error, UnknownTargetError):
        # Whose it is, and whether it is anybody's, is told to nobody.
        return not_found()
    if isinstance(error, NotAllowedError):
        return ProblemError(403, f"{str(error).capitalize()}.")
    if isinstance(error, StopRefusedError):
        field, _, detail = str(error).partition(": ")
        return ProblemError(409, f"{detail.capitalize()}.") if field == "target" else invalid(field, detail)
    if isinstance(error, UnusablePasswordError):
        return invalid("password", str(error))
    if isinstance(error, OtherRequestError):
        return ProblemError(
            422, "Idempotency-Key: was used for another request; use a new one for each.", kind="other-request"
        )
    if isinstance(error, _OURS):
        field, separator, detail = str(error).partition(": ")
        return invalid(field, detail) if separator and " " not in field else ProblemError(422, str(error))
    return None


def _of_oauth(error: OAuthError, *, was_sent: bool) -> ProblemError:
    headers: list[Header] = []
    if error.retry_after_s is not None:
        headers.append((b"retry-after", str(error.retry_after_s).encode()))
    kind = ""
    if isinstance(error, StaleLogin):
        kind = "stale-login"
        headers.append(
            (b"www-authenticate", f'Bearer error="{error.code}", max_age="{error.max_age_s}"'.encode("ascii"))
        )
    elif error.status in {401, 403}:
        is_named = was_sent or not isinstance(error, InvalidToken)
        challenge = f'Bearer error="{error.code}"' if is_named else "Bearer"
        headers.append((b"www-authenticate", challenge.encode("ascii")))
    status = error.status if error.status in _TITLES else 400
    return ProblemError(status, error.description, kind=kind, headers=headers)
