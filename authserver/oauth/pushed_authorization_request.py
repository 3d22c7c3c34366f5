"""
A client leaves its authorization request here before it sends anybody to a browser.

RFC 9126 §2, §2.1, §2.2, §2.3. Whoever pushes authenticates as at the token endpoint, and the request passes every check before
it is kept; the same checks run again whenever it is opened, shown or decided. An error goes to the client alone.
"""

from authserver.domain.audit import event
from authserver.domain.clients.client import Client
from authserver.domain.issuers.issuer import Issuer
from authserver.domain.pushed_requests import pushed_request
from authserver.oauth import authorization_request, stopped
from authserver.oauth.authorization_request import REQUEST_URI_PREFIX, RefusedAuthorization
from authserver.oauth.client_authentication import authenticate, read, record_refusal, within_limit
from authserver.oauth.errors import InvalidRequest, OAuthError, SlowDown, UnauthorizedClient, UnregisteredRedirect
from authserver.oauth.parameters import Parameters
from authserver.runtime.addresses import address_prefix
from authserver.runtime.unit_of_work import UnitOfWork

MOST_CHARACTERS = 16 * 1024
"""Of one request: as much as a query may hold."""

_OF_THE_CLIENT = frozenset({"client_id", "client_secret", "client_assertion", "client_assertion_type"})


async def push(work: UnitOfWork, issuer: Issuer, form: Parameters, authorization: bytes | None) -> dict[str, str | int]:
    """Return `request_uri` and `expires_in`. Raises an OAuthError, which is an answer."""
    client: Client | None = None
    try:
        form.refuse_repeated()
        client = await authenticate(work, issuer, read(authorization, form), may_be_new=True)
        _within_limits(work, client)
        await stopped.refuse_client(work, client)
        if not client.is_shared:
            work.bind(client.tenant)
        if form.one("request_uri") is not None:
            raise InvalidRequest("request_uri: is what this endpoint gives; push the request itself.")
        # Its credential is not part of what a person is asked.
        pairs = [(name, value) for name, value in form.pairs() if name not in _OF_THE_CLIENT]
        if sum(len(name) + len(value) for name, value in pairs) > MOST_CHARACTERS:
            raise InvalidRequest(f"The request is longer than {MOST_CHARACTERS} characters.", reason="long_request")
        pairs.append(("client_id", client.id))
        await authorization_request.check_pushed(work, issuer, client, Parameters(pairs))
        reference, expires_in = pushed_request.push(
            work, issuer_path=issuer.path, client_id=client.id, parameters=pairs
        )
    except SlowDown:
        # Nothing is recorded: a flood must not become a flood of writes.
        raise
    except UnregisteredRedirect as refused:
        error = InvalidRequest("redirect_uri: is not registered for this client.", reason=refused.reason)
        record_refusal(work, event.Kind.AUTHORIZATION_REFUSED, client, error)
        raise error from None
    except RefusedAuthorization as refused:
        record_refusal(work, event.Kind.AUTHORIZATION_REFUSED, client, refused.error)
        raise refused.error from None
    except OAuthError as error:
        record_refusal(work, event.Kind.AUTHORIZATION_REFUSED, client, error)
        raise
    return {"request_uri": REQUEST_URI_PREFIX + reference, "expires_in": expires_in}


def _within_limits(work: UnitOfWork, client: Client) -> None:
    within_limit(work, client)
    if "authorization_code" not in client.grant_types:
        raise UnauthorizedClient("This client is not registered for authorization_code.")
    if client.is_public:
        limited = work.machines.pushed_requests.take(address_prefix(work.address), work.at_us)
        if limited is not None:
            raise SlowDown("Too many requests from here.", reason="push_flood", retry_after_s=limited.retry_after_s)
