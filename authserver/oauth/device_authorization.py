"""
A device without a browser asks; a person decides in a browser of their own.

RFC 8628 §3.1, §3.2, §3.3, §5.1, §5.4. What the person sees and allows goes through the same rules as at the consent page
(`authorization_decision.py`); the checks of the request run when it is made, when it is shown and when it is decided.
"""

from dataclasses import dataclass

from authserver.domain.audit import event
from authserver.domain.clients.client import DEVICE_CODE, Client
from authserver.domain.codes import device_code
from authserver.domain.codes.device_code import DeviceCode
from authserver.domain.issuers.issuer import Issuer
from authserver.domain.login.session import Session
from authserver.oauth import authorization_decision as decision
from authserver.oauth import authorization_details, authorization_request, client_id_metadata, stopped
from authserver.oauth.authorization_decision import Offer
from authserver.oauth.authorization_request import Asked
from authserver.oauth.client_authentication import authenticate, is_served, read, record_refusal, within_limit
from authserver.oauth.errors import OAuthError, SlowDown, UnauthorizedClient
from authserver.oauth.parameters import Parameters
from authserver.runtime.addresses import address_prefix
from authserver.runtime.unit_of_work import UnitOfWork


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A device that waits: its code, what was typed, and what it asks for, checked as things are now."""

    code: DeviceCode
    typed: str
    asked: Asked

    @property
    def user_code(self) -> str:
        """The code as people read it."""
        return device_code.shown(self.typed)


async def start(
    work: UnitOfWork, issuer: Issuer, form: Parameters, authorization: bytes | None
) -> dict[str, str | int]:
    """Return the answer of RFC 8628 §3.2. Raises an OAuthError, which is an answer."""
    client: Client | None = None
    try:
        form.refuse_repeated()
        client = await authenticate(work, issuer, read(authorization, form), may_be_new=True)
        within_limit(work, client)
        await stopped.refuse_client(work, client)
        if DEVICE_CODE not in client.grant_types:
            raise UnauthorizedClient("This client is not registered for device authorization.")
        if client.is_public:
            _within_strangers_limit(work)
        if not client.is_shared:
            work.bind(client.tenant)
        authorization_details.refuse_any(form)
        asked = await authorization_request.check_without_redirect(work, issuer, client, form)
        await authorization_request.max_age_is_a_number(work, asked)
        await stopped.refuse_at(work, work.tenant or "", asked.resource.uri)
        code, typed = device_code.start(
            work,
            issuer_path=issuer.path,
            client_id=client.id,
            resource=asked.resource.uri,
            is_defaulted=asked.resource_is_defaulted,
            scope=asked.scope,
            max_age=asked.max_age,
        )
        if not client.is_public:
            event.record(work, event.Kind.DEVICE_STARTED, client_id=client.id, resource=asked.resource.uri)
    except SlowDown:
        # Nothing is recorded: a flood must not become a flood of writes.
        raise
    except OAuthError as error:
        record_refusal(work, event.Kind.AUTHORIZATION_REFUSED, client, error)
        raise
    page = issuer.url("/device")
    return {
        "device_code": code,
        "user_code": typed,
        "verification_uri": page,
        "verification_uri_complete": f"{page}?user_code={typed}",
        "expires_in": work.machines.settings.device_code_seconds,
        "interval": device_code.INTERVAL_S,
    }


def _within_strangers_limit(work: UnitOfWork) -> None:
    limited = work.machines.device_requests.take(address_prefix(work.address), work.at_us)
    if limited is not None:
        raise SlowDown("Too many requests from here.", reason="device_flood", retry_after_s=limited.retry_after_s)


async def waiting(work: UnitOfWork, issuer: Issuer, typed: str) -> Waiting | None:
    """Return the device that shows a normalised user code; None when nothing can come of it."""
    code = await device_code.find_typed(work, typed)
    if code is None or code.issuer_path != issuer.path:
        return None
    client = await client_id_metadata.known(work, code.client_id)
    if client is None or DEVICE_CODE not in client.grant_types or not await is_served(work, issuer, client):
        return None
    parameters = Parameters([("resource", code.resource), ("scope", " ".join(code.scope))])
    try:
        asked = await authorization_request.check_without_redirect(work, issuer, client, parameters)
    except OAuthError:
        return None
    asked.resource_is_defaulted = code.resource_is_defaulted
    return Waiting(code=code, typed=typed, asked=asked)


def allow(
    work: UnitOfWork,
    device: Waiting,
    session: Session,
    offered: Offer,
    *,
    tools: frozenset[str],
    personal: frozenset[str],
    shown: str,
    purpose: str | None = None,
) -> None:
    """Record the person's yes: a consent as at the consent page, and what the device may fetch.

    Raises InvalidRequest, InvalidScope as `authorization_decision.record_yes` does.
    """
    asked = device.asked
    said = decision.purpose_of(asked, purpose)
    choice, scope = decision.record_yes(work, asked, offered, tools=tools, personal=personal, shown=shown)
    device_code.approve(
        work,
        device.code,
        session_hash=session.hash,
        sub=choice.member.sub,
        scope=scope,
        acr=session.acr,
        amr=session.amr,
        auth_time=session.auth_time,
        client_snapshot=asked.client.snapshot,
        purpose=said,
    )
    event.record(
        work,
        event.Kind.DEVICE_ALLOWED,
        client_id=asked.client.id,
        sub=choice.member.sub,
        resource=asked.resource.uri,
        scope=list(scope),
        purpose=said,
        resource_defaulted=asked.resource_is_defaulted,
    )


def deny(work: UnitOfWork, device: Waiting, session: Session) -> None:
    """Record the person's no; the code is dead."""
    decision.deny(work, device.asked, session)
    device_code.deny(work, device.code, session_hash=session.hash)
