"""
The command line of this software, as an application that every deployment knows: `authserver login --server URL`.

RFC 8628, OAuth 2.1 §2.1: a public client that devices' codes are for, and that reaches the admin API and nothing else. It is part
of the directory by construction and no row, as the admin API is: nobody registers, changes or imitates it in another shape, and
`authserver kill client authserver-command-line` keeps it out.
"""

from typing import Final

from authserver.domain.clients.client import DEVICE_CODE, Client, Origin
from authserver.runtime.schema import SHARED
from authserver.settings import Settings

CLIENT_ID: Final = "authserver-command-line"

_ADMIN_API: Final = "/admin/api/v1"


def client(settings: Settings) -> Client | None:
    """Return it; None where there is no admin API that it could reach."""
    if not settings.admin_api:
        return None
    return Client(
        id=CLIENT_ID,
        tenant=SHARED,
        name="authserver command line",
        auth_method="none",
        secret_hash=None,
        redirect_uris=(),
        grant_types=(DEVICE_CODE, "refresh_token"),
        scope=(),
        resources=(settings.issuer + _ADMIN_API,),
        default_resource="",
        speaks_for="",
        is_verified=True,
        refresh_replay_seconds=None,
        epoch=1,
        is_active=True,
        origin=Origin.OPERATOR,
        application_type="native",
    )
