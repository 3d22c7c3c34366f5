"""
The claim names of our access tokens, which the server writes and the library reads.

RFC 9068 §2.2, RFC 7519 §4.1, RFC 8693 §4.1 (`act`), RFC 7800 §3.1 (`cnf`). Frozen: another spelling is another token.
"""

from typing import Final

TYP: Final = "at+jwt"

ISS: Final = "iss"
SUB: Final = "sub"
AUD: Final = "aud"
CLIENT_ID: Final = "client_id"
SCOPE: Final = "scope"
IAT: Final = "iat"
EXP: Final = "exp"
NBF: Final = "nbf"
JTI: Final = "jti"
TENANT_ID: Final = "tenant_id"
AUTHORIZATION_ID: Final = "authorization_id"
CTL: Final = "ctl"
ROLES: Final = "roles"
ACR: Final = "acr"
AUTH_TIME: Final = "auth_time"
AMR: Final = "amr"
ACT: Final = "act"
AUTHORIZATION_DETAILS: Final = "authorization_details"
DETAILS_NARROWED: Final = "authorization_details_narrowed"
"""Ours: true where its client asked for fewer details than it has (RFC 9396 §6): the token stands for those it names alone."""
PURPOSE: Final = "purpose"
CNF: Final = "cnf"
AUTHORIZED: Final = "authorized"
"""Ours, in a token that was exchanged: `client_id` and `resource` of the authorization it comes from, with which it ends."""

TOOL_SCOPE_PREFIX: Final = "tool:"
"""A write or destructive tool is opted into by the scope `tool:<name>`."""
