"""
The authorization request: every check, in the order that decides whether an answer may be sent anywhere.

OAuth 2.1 §4.1.1, §4.1.2.1. Until client and redirect URI are known to belong together, an error is a page; after that it
goes to the redirect URI. `CHECKS` is the whole list. The login and consent pages carry the same query, or the reference of a
pushed request (RFC 9126 §4), and every step runs the same checks again: what a browser holds cannot differ from what was checked.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from authserver.domain.clients.client import Client
from authserver.domain.issuers.issuer import Issuer
from authserver.domain.login.login import PASSWORD_ACR
from authserver.domain.pushed_requests import pushed_request
from authserver.domain.pushed_requests.pushed_request import PushedRequest
from authserver.domain.resources.resource import INERT, Resource
from authserver.domain.tool_policies import tool_policy
from authserver.oauth import authorization_details, client_id_metadata, pkce, redirect_uris, resource_indicators, scopes
from authserver.oauth.authorization_details import Detail
from authserver.oauth.client_authentication import is_served
from authserver.oauth.client_id_metadata import UnusableDocumentError
from authserver.oauth.errors import (
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    OAuthError,
    RequestNotSupported,
    RequestUriNotSupported,
    UnauthorizedClient,
    UnmetAuthenticationRequirements,
    UnregisteredRedirect,
    UnsupportedResponseType,
)
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire.claims import TOOL_SCOPE_PREFIX

RESPONSE_TYPES = ("code",)
ACR_VALUES = (PASSWORD_ACR,)
"""Every strength that a login here can have, each of which a session may prove."""

PROMPTS = ("none", "login", "consent", "select_account")

REQUEST_URI_PREFIX = "urn:ietf:params:oauth:request_uri:"
"""How every reference of a pushed request begins (RFC 9126 §2.2)."""

_MOST_STATE = 4096
_START_AGAIN = "Go back to the application and start again: it will make a new request."
_MOST_NONCE = 512
_MOST_ACR = 1000


@dataclass(kw_only=True, slots=True)
class Asked:
    """What is known so far. Each check fills in what the next may rely on."""

    parameters: Parameters
    issuer: Issuer
    client: Client = field(init=False)
    redirect_uri: str = field(init=False)
    state: str | None = field(init=False, default=None)
    code_challenge: str = field(init=False)
    resource: Resource = field(init=False)
    resource_is_defaulted: bool = field(init=False)
    resource_is_mapped: bool = field(init=False, default=False)
    member_of: tuple[str, ...] | None = None
    is_undecided: bool = field(init=False, default=False)
    scope: tuple[str, ...] = field(init=False)
    prompt: frozenset[str] = field(init=False, default=frozenset())
    max_age: int | None = field(init=False, default=None)
    pushed: PushedRequest | None = field(init=False, default=None)
    was_pushed: bool = field(init=False, default=False)
    may_be_spent: bool = field(init=False, default=False)
    nonce: str = field(init=False, default="")
    details: tuple[Detail, ...] = field(init=False, default=())


class RefusedAuthorization(Exception):
    """An error that is told to the client, at its own redirect URI."""

    def __init__(self, asked: Asked, error: OAuthError) -> None:
        super().__init__(error.description)
        self.asked = asked
        self.error = error


_TRY_LATER = "Try again in a minute. If it stays like that, tell the application's maker."
_TELL_ITS_MAKER = "Tell the application's maker: this is to be mended where its client_id points."

Check = Callable[[UnitOfWork, Asked], Awaitable[None]]


async def client_is_known(work: UnitOfWork, asked: Asked) -> None:
    """OAuth 2.1 §4.1.1: `client_id` names a client of this issuer."""
    if {"client_id", "redirect_uri"} & asked.parameters.repeated:
        raise UnregisteredRedirect("The application sent its name or address twice.", reason="repeated_parameter")
    try:
        client = await client_id_metadata.find(work, asked.parameters.one("client_id") or "")
    except UnusableDocumentError as error:
        raise UnregisteredRedirect(
            f"The application that sent you here says who it is at an address of its own. {error.description}",
            reason=error.reason,
            cure=_TRY_LATER if error.is_temporary else _TELL_ITS_MAKER,
        ) from None
    if client is None or not await is_served(work, asked.issuer, client):
        raise UnregisteredRedirect(
            "This server does not know the application that sent you here.",
            reason="unknown_client",
            client_is_unknown=True,
        )
    asked.client = client


async def pushed_request_is_at_hand(work: UnitOfWork, asked: Asked) -> None:
    """RFC 9126 §4: of this client, at this issuer, fresh and not answered; nothing beside it counts."""
    sent = asked.parameters.one("request_uri") if "request_uri" not in asked.parameters.repeated else None
    if sent is None or not sent.startswith(REQUEST_URI_PREFIX):
        return
    reference = sent.removeprefix(REQUEST_URI_PREFIX)
    found = await pushed_request.find(work, reference, issuer_path=asked.issuer.path, client_id=asked.client.id)
    if found is None:
        raise UnregisteredRedirect(
            "This request is too old, or it is not one of this application's.",
            reason="unknown_request",
            cure=_START_AGAIN,
        )
    if found.is_spent and not asked.may_be_spent:
        raise UnregisteredRedirect("This request has been answered already.", reason="spent_request", cure=_START_AGAIN)
    asked.pushed, asked.was_pushed = found, True
    asked.parameters = Parameters(list(found.parameters))


async def redirect_uri_is_registered(_work: UnitOfWork, asked: Asked) -> None:
    """OAuth 2.1 §2.3.1, §2.3.2: exactly one of those registered; it may be left out when there is only one."""
    sent = asked.parameters.one("redirect_uri")
    known = asked.client.redirect_uris
    if sent is None and len(known) == 1:
        sent = known[0]
    if sent is None or len(sent) > 2000 or not redirect_uris.is_registered(sent, known):
        raise UnregisteredRedirect(
            "The application asked to send you to an address that is not registered for it.",
            reason="unregistered_redirect_uri",
        )
    asked.redirect_uri = sent


async def was_pushed_where_demanded(work: UnitOfWork, asked: Asked) -> None:
    """RFC 9126 §5, §6: a deployment, or a client's registration, may refuse what comes through the browser."""
    if not asked.was_pushed and (
        asked.client.must_push or work.machines.settings.require_pushed_authorization_requests
    ):
        raise InvalidRequest("request_uri: is missing; push the request first (RFC 9126).", reason="not_pushed")


async def nothing_is_repeated(_work: UnitOfWork, asked: Asked) -> None:
    """OAuth 2.1 §3.1: no parameter twice."""
    if "state" not in asked.parameters.repeated:
        asked.state = asked.parameters.one("state")
    asked.parameters.refuse_repeated()
    if asked.state is not None and len(asked.state) > _MOST_STATE:
        asked.state = None
        raise InvalidRequest(f"state: at most {_MOST_STATE} characters.", reason="long_state")


async def response_type_is_code(_work: UnitOfWork, asked: Asked) -> None:
    """OAuth 2.1 §4.1.1, §10.1: no implicit flow, no hybrid."""
    if asked.parameters.required("response_type") not in RESPONSE_TYPES:
        raise UnsupportedResponseType("response_type: only code.")


async def response_mode_is_query(_work: UnitOfWork, asked: Asked) -> None:
    """A code travels in the query; other modes are refused rather than ignored."""
    if asked.parameters.one("response_mode") not in {None, "query"}:
        raise InvalidRequest("response_mode: only query.", reason="unsupported_response_mode")


async def no_request_object(_work: UnitOfWork, asked: Asked) -> None:
    """OpenID Connect Core §6.1, §6.2: RFC 9101 is not supported, and silence would drop what the client signed."""
    if asked.parameters.one("request") is not None:
        raise RequestNotSupported("request: is not supported; push the request (RFC 9126).", reason="request_object")
    if asked.parameters.one("request_uri") is not None:
        raise RequestUriNotSupported(
            "request_uri: is not one that this server gave (RFC 9126).", reason="request_object"
        )


async def client_may_use_codes(_work: UnitOfWork, asked: Asked) -> None:
    """RFC 6749 §4.1.2.1: the client is registered for this grant."""
    if "authorization_code" not in asked.client.grant_types:
        raise UnauthorizedClient("This client is not registered for authorization_code.")


async def pkce_is_s256(_work: UnitOfWork, asked: Asked) -> None:
    """RFC 7636 §4.3, OAuth 2.1 §7.5.1: every client, S256 alone; an absent method would mean plain."""
    challenge = asked.parameters.one("code_challenge")
    if challenge is None:
        raise InvalidRequest("code_challenge: is missing; PKCE is required.", reason="missing_pkce")
    if asked.parameters.one("code_challenge_method") not in pkce.METHODS:
        raise InvalidRequest("code_challenge_method: must be S256.", reason="unsupported_pkce_method")
    if not pkce.is_challenge(challenge):
        raise InvalidRequest("code_challenge: must be base64url of a SHA-256, 43 characters.", reason="malformed_pkce")
    asked.code_challenge = challenge


async def resource_is_reachable(work: UnitOfWork, asked: Asked) -> None:
    """RFC 8707 §2.1: one resource that this client may have tokens for."""
    of = asked.member_of if asked.member_of is not None or asked.issuer.is_shared else (asked.issuer.tenant,)
    target = await resource_indicators.target(work, asked.client, asked.parameters, of=of)
    if target is None:
        # It depends on whose organisation it is for: the same checks run again once the person has said so.
        asked.is_undecided = True
        return
    asked.resource = target.resource
    if not asked.client.is_shared:
        asked.resource = await tool_policy.seen(work, asked.client.tenant, target.resource, asked.client.id)
    asked.resource_is_defaulted, asked.resource_is_mapped = target.is_defaulted, target.is_mapped


async def scope_is_grantable(work: UnitOfWork, asked: Asked) -> None:
    """OAuth 2.1 §1.4.1: by policy what is unknown here is left out, and who asks for nothing else gets the default.

    Clients ask for every scope of some list of theirs; the answer says what was granted. Asking for what its registration
    does not permit is an error.
    """
    sent = asked.parameters.one("scope")
    if asked.is_undecided:
        return
    allowed = asked.resource.grantable
    if asked.client.is_shared:
        # Whether a tool has a scope of its own can differ by tenant, and which one it is for is decided later.
        allowed |= {TOOL_SCOPE_PREFIX + tool.name for tool in asked.resource.tools}
    wanted = asked.resource.default_scope if sent is None else scopes.parse(sent)
    asked.scope = tuple(
        scope for scope in wanted if scope in allowed and (scope in INERT or asked.client.may_ask(scope))
    )
    if work.machines.settings.unknown_scopes == "refuse" and not set(wanted) <= allowed:
        raise InvalidScope("scope: some of these are not known at this resource.", reason="unknown_scope")
    if not set(asked.scope) - INERT:
        default = tuple(scope for scope in asked.resource.default_scope if asked.client.may_ask(scope))
        if not default or set(wanted) & allowed - INERT:
            raise InvalidScope("scope: none of these is for this client.", reason="unregistered_scope")
        asked.scope = (*default, *asked.scope)


async def details_are_understood(work: UnitOfWork, asked: Asked) -> None:
    """RFC 9396 §5: each detail is for this resource, of a tool that this client may ask for, and small enough to read."""
    sent = asked.parameters.one("authorization_details")
    if sent is None or asked.is_undecided:
        return
    asked.details = authorization_details.understood(work, sent, client=asked.client, resource=asked.resource)
    # Without its scopes a detail is worth nothing: they are asked along, and the page says so.
    along = [name for detail in asked.details for name in detail.scope]
    if asked.client.is_shared:
        # Whether a tool has a scope of its own can differ by tenant.
        along += [TOOL_SCOPE_PREFIX + detail.tool.name for detail in asked.details]
    asked.scope = tuple(dict.fromkeys((*asked.scope, *along)))


async def prompt_is_understood(_work: UnitOfWork, asked: Asked) -> None:
    """OpenID Connect Core §3.1.2.1: `none` stands alone."""
    prompt = frozenset((asked.parameters.one("prompt") or "").split())
    if prompt - set(PROMPTS) or ("none" in prompt and len(prompt) > 1):
        raise InvalidRequest(f"prompt: of {', '.join(PROMPTS)}; none stands alone.", reason="malformed_prompt")
    asked.prompt = prompt


async def max_age_is_a_number(_work: UnitOfWork, asked: Asked) -> None:
    """OpenID Connect Core §3.1.2.1, RFC 9470 §4: seconds since the person last proved who they are."""
    value = asked.parameters.one("max_age")
    if value is None:
        return
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise InvalidRequest("max_age: a number of seconds.", reason="malformed_max_age")
    asked.max_age = int(value)


async def acr_is_within_reach(_work: UnitOfWork, asked: Asked) -> None:
    """RFC 9470 §4, §5: a wish for strengths of login; one that no login here can meet is said at once, nobody logs in for it.

    Each listed is as good as the other: OpenID Connect Core §3.1.2.1 lists them by preference. What the token says was, was.
    """
    value = asked.parameters.one("acr_values")
    if value is None:
        return
    if len(value) > _MOST_ACR:
        raise InvalidRequest(f"acr_values: at most {_MOST_ACR} characters.", reason="long_acr_values")
    if not set(value.split()) & set(ACR_VALUES):
        raise UnmetAuthenticationRequirements(
            f"acr_values: none of these can be met; a login here is {' or '.join(ACR_VALUES)}.", reason="unmet_acr"
        )


async def nonce_is_bounded(_work: UnitOfWork, asked: Asked) -> None:
    """OpenID Connect Core §3.1.2.1: what the client wants to find again in the ID token, unmodified."""
    asked.nonce = asked.parameters.one("nonce") or ""
    if len(asked.nonce) > _MOST_NONCE:
        raise InvalidRequest(f"nonce: at most {_MOST_NONCE} characters.", reason="long_nonce")


BEFORE_A_REDIRECT_IS_SAFE: tuple[Check, ...] = (
    client_is_known,
    pushed_request_is_at_hand,
    redirect_uri_is_registered,
)

CHECKS: tuple[Check, ...] = (
    nothing_is_repeated,
    was_pushed_where_demanded,
    response_type_is_code,
    response_mode_is_query,
    no_request_object,
    client_may_use_codes,
    pkce_is_s256,
    resource_is_reachable,
    scope_is_grantable,
    details_are_understood,
    prompt_is_understood,
    max_age_is_a_number,
    acr_is_within_reach,
    nonce_is_bounded,
)


async def check(
    work: UnitOfWork,
    issuer: Issuer,
    parameters: Parameters,
    *,
    may_be_spent: bool = False,
    member_of: tuple[str, ...] | None = None,
) -> Asked:
    """Return the request once it has passed every check; `may_be_spent` lets a pushed one pass that was answered.

    `member_of` are the tenants of whoever is signed in: a request that names no resource can be undecided without them.

    Raises UnregisteredRedirect (show a page, send nothing anywhere) or RefusedAuthorization (tell the client).
    """
    asked = Asked(parameters=parameters, issuer=issuer, member_of=member_of)
    asked.may_be_spent = may_be_spent
    for each in BEFORE_A_REDIRECT_IS_SAFE:
        await each(work, asked)
    return await _checked(work, asked)


async def check_pushed(work: UnitOfWork, issuer: Issuer, client: Client, parameters: Parameters) -> Asked:
    """Return the request that an authenticated client pushes, once it has passed every check (RFC 9126 §2.1).

    Raises UnregisteredRedirect or RefusedAuthorization; both are told to whoever pushed.
    """
    asked = Asked(parameters=parameters, issuer=issuer)
    asked.client, asked.was_pushed = client, True
    await redirect_uri_is_registered(work, asked)
    return await _checked(work, asked)


async def check_without_redirect(work: UnitOfWork, issuer: Issuer, client: Client, parameters: Parameters) -> Asked:
    """Return what a client asks for that nobody is redirected to: its resource and scope (RFC 8628 §3.1).

    Raises InvalidTarget, InvalidScope.
    """
    asked = Asked(parameters=parameters, issuer=issuer)
    asked.client = client
    for each in (resource_is_reachable, scope_is_grantable):
        await each(work, asked)
    if asked.is_undecided:
        # There is no page on which to ask before a code is given out.
        raise InvalidTarget("resource: is missing, and the default depends on who will sign in.", reason="undecided")
    return asked


async def _checked(work: UnitOfWork, asked: Asked) -> Asked:
    try:
        for each in CHECKS:
            await each(work, asked)
    except OAuthError as error:
        raise RefusedAuthorization(asked, error) from None
    return asked
