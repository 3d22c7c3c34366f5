"""
A machine client gets a token for itself.

OAuth 2.1 §4.2: confidential clients alone, no refresh token, and never a scope that only a person may grant.
"""

from authserver.domain.clients.client import Client
from authserver.domain.issuers.issuer import Issuer
from authserver.domain.resources.resource import INERT
from authserver.domain.tenants import tenant as tenants
from authserver.domain.tokens import authorization
from authserver.domain.tool_policies import tool_policy
from authserver.oauth import scopes, stopped
from authserver.oauth.errors import InvalidClient, InvalidGrant, InvalidScope, UnauthorizedClient
from authserver.oauth.issuing import issue_access_token
from authserver.oauth.parameters import Parameters
from authserver.oauth.resource_indicators import target
from authserver.oauth.token_response import TokenResponse
from authserver.runtime.unit_of_work import UnitOfWork


async def exchange(work: UnitOfWork, issuer: Issuer, client: Client, form: Parameters) -> TokenResponse:
    """Return an access token of the client's standing authorization. Raises InvalidTarget, InvalidScope, InvalidGrant."""
    if client.is_public or client.is_shared:
        raise UnauthorizedClient("client_credentials is for confidential clients of a tenant.")
    tenant = await tenants.by_id(work, client.tenant)
    if tenant is None or not tenant.is_active:
        raise InvalidClient("The client is unknown or its credential is wrong.", reason="tenant_inactive")
    await stopped.refuse_grant(work, client=client, sub=authorization.MACHINE + client.id)
    asked_for = await target(work, client, form)
    assert asked_for is not None, "a client of a tenant means one resource or none"
    sent = form.one("scope")
    # Registration is what a machine client was given; without a list it gets what the resource's read tools need, as far
    # as nobody needs a role to grant it.
    resource = await tool_policy.seen(work, client.tenant, asked_for.resource, client.id)
    withheld = resource.withheld_from(())
    default = tuple(name for name in resource.default_scope if name not in withheld)
    held = tuple(name for name in client.scope or default if name in resource.grantable - INERT)
    scope = held if sent is None else scopes.parse(sent)
    if not scope or not set(scope) <= set(held):
        raise InvalidScope("scope: is beyond this client's registration at this resource.", reason="unregistered_scope")
    await stopped.refuse_at(work, client.tenant, resource.uri)
    owner = await authorization.standing(work, client, issuer_path=issuer.path, resource=resource.uri)
    if not owner.is_live(work.now):
        raise InvalidGrant(
            "This client's standing authorization has ended; an operator renews it by rotating its secret.",
            reason="standing_authorization_ended",
        )
    access = await issue_access_token(work, issuer, owner, scope=scope, roles=None)
    return TokenResponse(access_token=access)
