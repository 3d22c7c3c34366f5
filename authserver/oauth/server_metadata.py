"""
What this server supports, derived from the tables that make it so.

RFC 8414 §2, RFC 9207 §3, RFC 8707, OpenID Connect Discovery §3; MCP authorization A3 to A6, A28, A34. What is not built is not advertised.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from authserver.domain.issuers.issuer import Issuer
from authserver.domain.resources.resource import OFFLINE_ACCESS, OPENID, PERSONAL
from authserver.oauth import (
    authorization_details,
    authorization_request,
    client_assertion,
    client_authentication,
    openid,
    pkce,
)
from authserver.oauth.grants import GRANTS
from authserver.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class MetadataDocument:
    """The document as bytes, and its entity tag."""

    body: bytes
    etag: bytes


def document(issuer: Issuer, settings: Settings, *, algorithms: Sequence[str]) -> MetadataDocument:
    """Return the metadata of one issuer, the same bytes at every discovery location. It signs with `algorithms`."""
    registration = {"registration_endpoint": issuer.url("/register")} if settings.dynamic_registration else {}
    body = orjson.dumps(
        {
            "issuer": issuer.identifier,
            "authorization_endpoint": issuer.url("/authorize"),
            "token_endpoint": issuer.url("/token"),
            "device_authorization_endpoint": issuer.url("/device_authorization"),
            "pushed_authorization_request_endpoint": issuer.url("/par"),
            "require_pushed_authorization_requests": settings.require_pushed_authorization_requests,
            "jwks_uri": issuer.url("/jwks.json"),
            **registration,
            "client_id_metadata_document_supported": settings.client_id_metadata_documents,
            "userinfo_endpoint": issuer.url("/userinfo"),
            "response_types_supported": authorization_request.RESPONSE_TYPES,
            "response_modes_supported": ["query"],
            "grant_types_supported": list(GRANTS),
            "token_endpoint_auth_methods_supported": client_authentication.METHODS,
            "token_endpoint_auth_signing_alg_values_supported": client_assertion.ALGORITHMS,
            "introspection_endpoint": issuer.url("/introspect"),
            "introspection_endpoint_auth_methods_supported": [
                method for method in client_authentication.METHODS if method != "none"
            ],
            "introspection_endpoint_auth_signing_alg_values_supported": client_assertion.ALGORITHMS,
            "revocation_endpoint": issuer.url("/revoke"),
            "revocation_endpoint_auth_methods_supported": client_authentication.METHODS,
            "revocation_endpoint_auth_signing_alg_values_supported": client_assertion.ALGORITHMS,
            "code_challenge_methods_supported": pkce.METHODS,
            "authorization_details_types_supported": authorization_details.TYPES,
            "scopes_supported": [OPENID, *PERSONAL, OFFLINE_ACCESS],
            "claims_supported": openid.CLAIMS,
            "claim_types_supported": ["normal"],
            "claims_parameter_supported": False,
            "request_parameter_supported": False,
            # Its default is true (OpenID Connect Discovery §3).
            "request_uri_parameter_supported": False,
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": algorithms,
            "acr_values_supported": authorization_request.ACR_VALUES,
            "prompt_values_supported": authorization_request.PROMPTS,
            "authorization_response_iss_parameter_supported": True,
        }
    )
    return MetadataDocument(body=body, etag=b'"' + hashlib.sha256(body).hexdigest()[:32].encode() + b'"')
