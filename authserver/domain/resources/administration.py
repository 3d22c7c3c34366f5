"""
The admin API as a resource: its identifier, its scopes in words, and who may grant each.

Design §4, RFC 8707 §2. It is part of the directory by construction and no row: nobody can remove, unlink, change or imitate it,
and a tenant that is made later has it at once. It belongs to every tenant, and a tenant's people act in their tenant alone;
who acts for the platform are the members and clients of one tenant (`domain/tenants/tenant.py`).
"""

from typing import Final

from authserver.settings import Settings

PATH: Final = "/admin/api/v1"
NAME: Final = "Administration"

ADMIN, OPERATOR, AUDITOR = "admin", "operator", "auditor"

_EVERY = (ADMIN, OPERATOR, AUDITOR)
_OPERATING = (ADMIN, OPERATOR)
_ADMIN = (ADMIN,)

WORDS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "tenants:read": ("See the organisation's settings", _EVERY),
    "tenants:write": ("Change the organisation's settings", _ADMIN),
    "users:read": ("See people, their e-mail addresses and roles", _EVERY),
    "users:write": ("Add, change and remove people, their roles and passwords", _ADMIN),
    "clients:read": ("See applications and which of them are let in", _EVERY),
    "clients:write": ("Add, change and remove applications, and decide which are let in", _ADMIN),
    "resources:read": ("See servers that are connected here", _EVERY),
    "resources:write": ("Change servers that are connected here", _ADMIN),
    "tools:read": ("See the tools of servers, and the rules for each", _EVERY),
    "tools:write": ("Change the rules for tools", _ADMIN),
    "issuers:read": ("See under which names tokens are signed", _EVERY),
    "issuers:write": ("Change under which names tokens are signed", _ADMIN),
    "keys:read": ("See which keys sign, never the keys themselves", _EVERY),
    "keys:write": ("Rotate and remove signing keys", _ADMIN),
    "authorizations:read": ("See who has allowed what to which application", _EVERY),
    "authorizations:write": ("End what people have allowed to applications", _OPERATING),
    "approvals:read": ("See which calls wait for somebody's yes", _EVERY),
    "approvals:write": ("Say yes or no to calls that wait", _OPERATING),
    "kills:read": ("See what is stopped and who has obeyed", _EVERY),
    "kills:write": ("Stop people, applications, tools and servers, and let them begin again", _OPERATING),
    "audit:read": ("Search the record of what happened", _EVERY),
    "servers:read": ("See how each connected server is", _EVERY),
    "servers:write": ("Check connected servers, and switch them off and on", _OPERATING),
}
"""Each scope with the words that stand on the consent page and the roles that may grant it."""

SCOPES: Final = tuple(WORDS)


def uri_of(settings: Settings) -> str:
    """Return the identifier of the admin API: the audience of its tokens, whichever issuer signed them."""
    return settings.issuer + PATH
