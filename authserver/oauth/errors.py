"""
One class per OAuth error code; the description is for the client, the reason is for us.

OAuth 2.1 §3.2.4 (token endpoint), §4.1.2.1 (authorization endpoint), RFC 8707 §2, RFC 6750 §3.1, OpenID Connect Core
§3.1.2.6. An OAuthError is an answer: what was recorded before it was raised is committed (decision 3).
"""

from typing import ClassVar


class OAuthError(Exception):
    """An answer that refuses. `code` and `description` go out; `reason` stays in the record."""

    code: ClassVar[str]
    status: ClassVar[int] = 400

    def __init__(self, description: str, *, reason: str = "", retry_after_s: int | None = None) -> None:
        super().__init__(description)
        self.description = description
        self.reason = reason or self.code
        self.retry_after_s = retry_after_s


class InvalidRequest(OAuthError):
    """OAuth 2.1 §3.2.4: a parameter is missing, repeated, or not of its form."""

    code = "invalid_request"


class InvalidClient(OAuthError):
    """OAuth 2.1 §3.2.4: the client is unknown or did not prove who it is."""

    code, status = "invalid_client", 401


class InvalidGrant(OAuthError):
    """OAuth 2.1 §3.2.4: the code or refresh token is invalid, expired, revoked, or not yours."""

    code = "invalid_grant"


class UnauthorizedClient(OAuthError):
    """OAuth 2.1 §3.2.4: this client may not use this grant."""

    code = "unauthorized_client"


class UnsupportedGrantType(OAuthError):
    """OAuth 2.1 §3.2.4: this server does not know the grant."""

    code = "unsupported_grant_type"


class InvalidScope(OAuthError):
    """OAuth 2.1 §3.2.4: the scope is unknown, malformed, or beyond what was granted."""

    code = "invalid_scope"


class InvalidTarget(OAuthError):
    """RFC 8707 §2: the resource is unknown, malformed, or not for this client."""

    code = "invalid_target"


class InvalidAuthorizationDetails(OAuthError):
    """RFC 9396 §5: a detail is of an unknown type, not of its form, or not for this client or resource."""

    code = "invalid_authorization_details"


class UnmetAuthenticationRequirements(OAuthError):
    """OpenID Connect Core Unmet Authentication Requirements 1.0, RFC 9470 §5: no login here is of the asked strength."""

    code = "unmet_authentication_requirements"


class UnsupportedResponseType(OAuthError):
    """OAuth 2.1 §4.1.2.1: only `code`."""

    code = "unsupported_response_type"


class AuthorizationPending(OAuthError):
    """RFC 8628 §3.5: nobody has decided yet; ask again after the interval."""

    code = "authorization_pending"


class PolledTooSoon(OAuthError):
    """RFC 8628 §3.5: the interval grows by five seconds, for this and every later poll."""

    code = "slow_down"


class ExpiredToken(OAuthError):
    """RFC 8628 §3.5: the device code is over; the device begins anew."""

    code = "expired_token"


class AccessDenied(OAuthError):
    """OAuth 2.1 §4.1.2.1: the person, or this server, said no."""

    code = "access_denied"


class Stopped(AccessDenied):
    """An operator has stopped the person, the application, the organisation, or everything. Nobody is told why."""


class StoppedGrant(InvalidGrant):
    """The same at the token endpoint (OAuth 2.1 §3.2.4: the grant is revoked)."""


class LoginRequired(OAuthError):
    """OpenID Connect Core §3.1.2.6: `prompt=none` and nobody is signed in."""

    code = "login_required"


class ConsentRequired(OAuthError):
    """OpenID Connect Core §3.1.2.6: `prompt=none` and the person has not allowed this."""

    code = "consent_required"


class RequestNotSupported(OAuthError):
    """OpenID Connect Core §3.1.2.6: a request object by value."""

    code = "request_not_supported"


class RequestUriNotSupported(OAuthError):
    """OpenID Connect Core §3.1.2.6: a request object by reference, where ours is a pushed request's alone."""

    code = "request_uri_not_supported"


class InvalidRedirectUri(OAuthError):
    """RFC 7591 §3.2.2: none of the redirect URIs can be registered, or one is an attack."""

    code = "invalid_redirect_uri"


class InvalidClientMetadata(OAuthError):
    """RFC 7591 §3.2.2: a member of the client's metadata is not of its form."""

    code = "invalid_client_metadata"


class InvalidToken(OAuthError):
    """RFC 6750 §3.1: the access token is missing, malformed, expired, ended, or not for this."""

    code, status = "invalid_token", 401


class InsufficientScope(OAuthError):
    """RFC 6750 §3.1: the access token is good and does not permit this."""

    code, status = "insufficient_scope", 403


class StaleLogin(OAuthError):
    """RFC 9470 §3: the access token is good, but what was asked needs a login at most `max_age_s` old."""

    code, status = "insufficient_user_authentication", 401

    def __init__(self, description: str, *, reason: str, max_age_s: int) -> None:
        super().__init__(description, reason=reason)
        self.max_age_s = max_age_s


class TemporarilyUnavailable(OAuthError):
    """OAuth 2.1 §4.1.2.1: too busy, or limited; come back."""

    code, status = "temporarily_unavailable", 503


class SlowDown(OAuthError):
    """RFC 6585 §4: this credential asks too often. The code is the one clients already retry on."""

    code, status = "temporarily_unavailable", 429


class NotForThisServer(OAuthError):
    """An MCP server asked in the name of somebody whose token does not stand, or is not for it."""

    code, status = "access_denied", 403


class UnknownApproval(OAuthError):
    """No such approval, or another server's, or another tenant's: the same bytes."""

    code, status = "not_found", 404


class TooManyApprovals(SlowDown):
    """One authorization asks people for too much."""

    code = "slow_down"


class UnregisteredRedirect(Exception):
    """The redirect URI or the client cannot be trusted, so nothing may be sent there: the person gets a page (§4.1.2.1)."""

    def __init__(self, description: str, *, reason: str, client_is_unknown: bool = False, cure: str = "") -> None:
        super().__init__(description)
        self.description = description
        self.reason = reason
        self.cure = cure
        self.client_is_unknown = client_is_unknown
