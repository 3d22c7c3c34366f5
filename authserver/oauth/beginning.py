"""
What a person allowed becomes an authorization and its first tokens.

OAuth 2.1 §4.1.3, §4.1.4; RFC 8628 §3.5. Whoever fetches it, a client with a code or a device: everything that was true when the
person said yes is read again, the promise is claimed, and what it begins is written in the same commit.
"""

from collections.abc import Callable
from typing import Any, Protocol

from authserver.domain.call_grants import grant
from authserver.domain.call_grants.grant import CallGrant
from authserver.domain.clients.client import Client
from authserver.domain.consent import consent
from authserver.domain.issuers.issuer import Issuer
from authserver.domain.tokens import authorization, refresh_token
from authserver.oauth import authorization_details, openid, stopped
from authserver.oauth.errors import InvalidGrant
from authserver.oauth.issuing import issue_access_token, live_member, served_resource, still_held
from authserver.oauth.parameters import Parameters
from authserver.oauth.token_response import TokenResponse
from authserver.runtime.unit_of_work import UnitOfWork


class Promised(Protocol):
    """What a person allowed, in the bound tenant."""

    @property
    def authorization_id(self) -> str:
        """The authorization that it begins."""

    @property
    def sub(self) -> str:
        """Who said yes."""

    @property
    def resource(self) -> str:
        """At which MCP server."""

    @property
    def scope(self) -> tuple[str, ...]:
        """To what."""

    @property
    def acr(self) -> str:
        """How they had proven who they are."""

    @property
    def amr(self) -> tuple[str, ...]:
        """By what."""

    @property
    def auth_time(self) -> int:
        """When."""

    @property
    def purpose(self) -> str:
        """What for, where they were asked."""

    @property
    def details(self) -> tuple[dict[str, Any], ...]:
        """Which calls beforehand (RFC 9396)."""


async def first_tokens(
    work: UnitOfWork,
    issuer: Issuer,
    client: Client,
    promised: Promised,
    *,
    claim: Callable[[], None],
    nonce: str = "",
    form: Parameters | None = None,
) -> TokenResponse:
    """Return the tokens; `claim` asks for the one use, once nothing is in the way. Raises InvalidGrant, InvalidTarget.

    `form` may name fewer details than were allowed (RFC 9396 §6). Raises InvalidAuthorizationDetails for any other.
    """
    standing, allowed = await consent.of_sub(work, sub=promised.sub, client_id=client.id, resource=promised.resource)
    member = await live_member(work, issuer, standing, proven_at=promised.auth_time)
    if allowed is None:
        raise InvalidGrant("The person allows this no longer.", reason="consent_withdrawn")
    resource = await served_resource(work, client, promised.resource)
    await stopped.refuse_at(work, work.tenant or "", resource.uri)
    scope = still_held(promised.scope, allowed=allowed.scope, resource=resource, client=client, member=member)
    given = authorization_details.within(_planned(work, client, promised), scope, resource)
    chosen = authorization_details.narrowed(form, given) if form is not None else None

    claim()
    begun = authorization.start(
        work,
        authorization_id=promised.authorization_id,
        issuer_path=issuer.path,
        sub=promised.sub,
        client_id=client.id,
        resource=promised.resource,
        scope=scope,
        profile=authorization.Profile.INTERACTIVE,
        acr=promised.acr,
        amr=promised.amr,
        auth_time=promised.auth_time,
        client_snapshot=client.snapshot,
        purpose=promised.purpose,
    )
    refresh = refresh_token.first(work, begun) if "refresh_token" in client.grant_types else None
    for each in given:
        grant.give(work, each)
    access = await issue_access_token(
        work,
        issuer,
        begun,
        scope=scope,
        roles=member.roles,
        details=given if chosen is None else chosen,
        details_are_narrowed=chosen is not None,
    )
    identity = await openid.id_token(
        work, issuer, begun, access, person_id=member.person_id, told=allowed.scope, nonce=nonce
    )
    return TokenResponse(access_token=access, refresh_token=refresh, id_token=identity)


def _planned(work: UnitOfWork, client: Client, promised: Promised) -> list[CallGrant]:
    """Return what the person allowed beforehand and is not over yet, as their own grants."""
    return [
        grant.plan(
            work,
            authorization_id=promised.authorization_id,
            sub=promised.sub,
            client_id=client.id,
            resource=promised.resource,
            given_by=promised.sub,
            acr=promised.acr,
            auth_time=promised.auth_time,
            **detail,
        )
        for detail in promised.details
        if work.now < detail["expires_at"]
    ]
