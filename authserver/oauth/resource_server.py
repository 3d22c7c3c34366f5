"""
Who of the MCP servers is asking, in its own name: the one door of everything under `/rs/`.

RFC 6749 §2.3.1, RFC 7523 §2.2. What they send is JSON or nothing, so the credential stands in the header alone: `Basic` with its
client_id and secret, or `Bearer` with a client assertion of RFC 7523. It is that of a client that speaks for one resource, and
what it may hear is of that resource, and of the tenants that let it in.
"""

from authserver.domain.audit import event
from authserver.domain.clients.client import Client
from authserver.domain.issuers.issuer import Issuer, all_issuers
from authserver.domain.resources import resource as resources
from authserver.domain.resources.resource import Resource
from authserver.domain.tokens import presented
from authserver.oauth import client_assertion
from authserver.oauth.client_authentication import authenticate, read, record_refusal, within_limit
from authserver.oauth.errors import InvalidClient, OAuthError, SlowDown
from authserver.oauth.parameters import Parameters
from authserver.runtime.buckets import Bucket
from authserver.runtime.unit_of_work import UnitOfWork

_BEARER = b"bearer "
_DOOR = "rs"


async def authenticated(
    work: UnitOfWork, issuer: Issuer, authorization: bytes | None, *, budget: Bucket | None = None
) -> Client:
    """Return the client that speaks for a resource and proved it. Raises InvalidClient, InvalidRequest, SlowDown.

    `budget` is how often it may ask, where that is another than for the rest.
    """
    try:
        client = await authenticate(work, issuer, read(*_presented(authorization)))
        if not client.is_resource_server:
            raise InvalidClient("This is for MCP servers with a credential.", reason="no_resource_server")
    except SlowDown:
        raise
    except OAuthError as error:
        record_refusal(work, event.Kind.RESOURCE_SERVER_REFUSED, None, error)
        raise
    if budget is None:
        within_limit(work, client, door=_DOOR)
    elif limited := budget.take(client.id, work.at_us):
        raise SlowDown("This server asks too often.", reason="server_flood", retry_after_s=limited.retry_after_s)
    return client


async def heard_for(work: UnitOfWork, issuer: Issuer, client: Client) -> tuple[Resource | None, tuple[str, ...]]:
    """Return the resource that a server speaks for, and for which tenants it is heard at this issuer; None: it is gone."""
    found = await resources.by_uri(work, client.speaks_for)
    if found is None or not found.is_active:
        return None, ()
    # By a few readings, not by some for each tenant: while the database is busy, hundreds in a row outlast a guard's lease.
    issuers = await all_issuers(work)
    active = await resources.active_tenants_of(work, found.uri)
    heard = await presented.hearing(work, client, [id_ for id_ in active if issuers.serves(issuer, id_)])
    return found, tuple(sorted(heard))


def _presented(authorization: bytes | None) -> tuple[bytes | None, Parameters]:
    if authorization is None or authorization[: len(_BEARER)].lower() != _BEARER:
        return authorization, Parameters([])
    asserted = authorization[len(_BEARER) :].strip().decode("latin-1")
    return None, Parameters([("client_assertion", asserted), ("client_assertion_type", client_assertion.TYPE)])
