"""
A device asks until somebody has decided, and then gets its tokens, once.

RFC 8628 §3.4, §3.5. A waiting device learns nothing but to wait; one that asks too often waits longer. What was allowed is read
again at the moment of issue, so a person, client, tenant or resource that ended meanwhile gets no tokens.
"""

from authserver.domain.clients.client import Client
from authserver.domain.codes import device_code as codes
from authserver.domain.codes.device_code import Approval, DeviceCode
from authserver.domain.issuers.issuer import Issuer
from authserver.oauth.beginning import first_tokens
from authserver.oauth.errors import AccessDenied, AuthorizationPending, ExpiredToken, InvalidGrant, PolledTooSoon
from authserver.oauth.parameters import Parameters
from authserver.oauth.resource_indicators import same_resource
from authserver.oauth.token_response import TokenResponse
from authserver.runtime.unit_of_work import UnitOfWork


async def exchange(work: UnitOfWork, issuer: Issuer, client: Client, form: Parameters) -> TokenResponse:
    """Return the tokens that a person allowed. Raises AuthorizationPending, PolledTooSoon, ExpiredToken, AccessDenied,
    InvalidGrant, InvalidTarget, InvalidRequest.
    """
    code = await codes.find(work, form.required("device_code"))
    if code is None or code.client_id != client.id or code.issuer_path != issuer.path:
        raise _refused("unknown_device_code")
    same_resource(work, form, code.resource)
    allowed_by = await _approval(work, code)
    if allowed_by.client_snapshot and allowed_by.client_snapshot != client.snapshot:
        # Whoever changed how the client proves itself since then need not be whom the person allowed.
        raise _refused("client_changed")
    return await first_tokens(work, issuer, client, allowed_by, claim=lambda: codes.redeem(work, code))


async def _approval(work: UnitOfWork, code: DeviceCode) -> Approval:
    if code.decided_in is not None:
        work.bind(code.decided_in)
        found = await codes.approval(work, code)
        if found is None or found.is_used:
            # Unlike a code's, a second fetch ends nothing: a device that lost its answer asks again, and only it can ask.
            raise ExpiredToken(_OVER) if work.now >= code.expires_at else _refused("device_code_used")
        return found
    if work.now >= code.expires_at:
        raise ExpiredToken(_OVER)
    if code.is_denied:
        raise AccessDenied("The person said no.", reason="denied_on_page")
    if codes.polled_in_time(work, code):
        raise AuthorizationPending("Nobody has decided yet.")
    raise PolledTooSoon(f"Ask every {code.interval_s + codes.INTERVAL_S} seconds.")


_OVER = "The device code is over. Begin anew."


def _refused(reason: str) -> InvalidGrant:
    return InvalidGrant("The device code is unknown, used, or not for this client.", reason=reason)
