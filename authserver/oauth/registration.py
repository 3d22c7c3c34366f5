"""
A client registers itself: what it may say, what it gets, and what it is told.

RFC 7591 §2, §3; MCP A21, A22. Unknown and missing members are no error, and the answer holds what is in force, without nulls.
A client nobody vouches for gets what a public interactive client may have and no more: grants in which a person says yes,
a secret only where it can be kept. Nothing it names is fetched, and a software statement is not believed.
"""

from typing import Any
from unicodedata import category
from urllib.parse import urlsplit

import orjson
from authlib.oauth2.rfc7591 import ClientMetadataClaims
from joserfc.errors import JoseError

from authserver.domain.audit import event
from authserver.domain.clients import client as clients
from authserver.domain.clients import key_set, registration
from authserver.domain.clients.client import DangerousRedirectError, InvalidClientDataError
from authserver.domain.clients.registration import Judged, Wanted
from authserver.domain.clients.registry import NewClient
from authserver.domain.issuers.issuer import Issuer
from authserver.domain.keys.signing_key import key_ring
from authserver.domain.resources.resource import OPENID
from authserver.oauth import scopes, stopped
from authserver.oauth.client_authentication import METHODS
from authserver.oauth.errors import InvalidClientMetadata, InvalidRedirectUri, InvalidScope, OAuthError, SlowDown
from authserver.oauth.grants import GRANTS
from authserver.runtime.buckets import Limited
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.settings import Settings
from resource_lib.wire import strict_json

_MOST_REDIRECTS = 50
_ADDRESSES = ("client_uri", "logo_uri", "tos_uri", "policy_uri")
_WORDS = ("software_id", "software_version")
_NAMELESS = "Application without a name"


async def register(work: UnitOfWork, issuer: Issuer, body: bytes) -> dict[str, Any]:
    """Return the members of the answer. Raises InvalidRedirectUri, InvalidClientMetadata, SlowDown.

    A client belongs to whom its issuer belongs: to a tenant with an issuer of its own, otherwise to nobody, and then the
    person chooses the tenant at consent.
    """
    _within(registration.admit(work))
    await stopped.refuse_strangers(work)
    try:
        sent = _members(body)
        judged = _redirects(work.machines.settings, sent)
        wanted = _wanted(work.machines.settings, sent, judged)
        asked_scope = _scope(sent)
        _as_authlib_reads_it(sent, wanted)
    except OAuthError as error:
        event.record_stranger(work, event.Kind.REGISTRATION_REFUSED, reason=error.reason)
        raise
    work.bind(issuer.tenant)
    made = await registration.register(work, wanted)
    if isinstance(made, Limited):
        raise _too_often(made)
    return {**_answer(made, judged, asked_scope), **await _id_tokens(work, issuer, sent, asked_scope)}


async def _id_tokens(work: UnitOfWork, issuer: Issuer, sent: dict[str, Any], scope: str) -> dict[str, str]:
    """Return how ID tokens are signed here, for whoever will read one: the default would be RS256 (OpenID Connect Registration §2)."""
    if "id_token_signed_response_alg" not in sent and OPENID not in scope.split():
        return {}
    key = (await key_ring(work, issuer.path)).signing(work.now)
    return {"id_token_signed_response_alg": key.algorithm} if key is not None else {}


def _within(limited: Limited | None) -> None:
    if limited is not None:
        raise _too_often(limited)


def _too_often(limited: Limited) -> SlowDown:
    return SlowDown(
        "Too many registrations from your network.", reason="registration_flood", retry_after_s=limited.retry_after_s
    )


def _members(body: bytes) -> dict[str, Any]:
    """Return what was said. A null or an empty text says nothing (some clients send them for what they leave out)."""
    try:
        sent = strict_json.loads_object(body)
    except ValueError:
        raise InvalidClientMetadata(
            "The body must be one JSON object in UTF-8, no member twice.", reason="unreadable_metadata"
        ) from None
    return {name: value for name, value in sent.items() if value is not None and value != ""}


def _text(sent: dict[str, Any], name: str, most: int) -> str:
    value = sent.get(name, "")
    if not isinstance(value, str) or len(value) > most or any(category(char) in {"Cc", "Cs"} for char in value):
        raise InvalidClientMetadata(
            f"{name}: text of at most {most} characters, none of them a control character.",
            reason="malformed_metadata",
        )
    return value


def _flag(sent: dict[str, Any], name: str) -> bool:
    value = sent.get(name, False)
    if not isinstance(value, bool):
        # Guessing would lift, unsaid, what the client wanted to be strict.
        raise InvalidClientMetadata(f"{name}: true or false.", reason="malformed_metadata")
    return value


def _list(sent: dict[str, Any], name: str) -> tuple[str, ...] | None:
    value = sent.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > 50 or not all(isinstance(item, str) for item in value):
        raise InvalidClientMetadata(f"{name}: a list of at most 50 texts.", reason="malformed_metadata")
    return tuple(value)


def _redirects(settings: Settings, sent: dict[str, Any]) -> Judged:
    """Judge the redirect URIs (§5, OAuth 2.1 §2.3.1): bad ones are left out and named; an attack ends it."""
    uris = sent.get("redirect_uris", [])
    if not isinstance(uris, list) or not all(isinstance(uri, str) for uri in uris) or len(uris) > _MOST_REDIRECTS:
        raise InvalidRedirectUri(
            f"redirect_uris: a list of at most {_MOST_REDIRECTS} texts.", reason="malformed_redirect_uris"
        )
    try:
        judged = registration.judge_redirect_uris(
            uris, application_type=_asked_type(sent), private_use=settings.private_use
        )
    except DangerousRedirectError as error:
        raise InvalidRedirectUri(
            str(error).replace("redirect_uri:", "redirect_uris:"), reason="dangerous_redirect_uri"
        ) from None
    if judged.refused and not judged.kept:
        raise InvalidRedirectUri(f"redirect_uris: {judged.refused[0][1]}", reason="no_usable_redirect_uri")
    return judged


def _wanted(settings: Settings, sent: dict[str, Any], judged: Judged) -> Wanted:
    grants = _grants(sent)
    if "authorization_code" in grants and not judged.kept:
        raise InvalidRedirectUri("redirect_uris: authorization_code needs at least one.", reason="no_redirect_uri")
    if "authorization_code" in grants and "code" not in (_list(sent, "response_types") or ("code",)):
        raise InvalidClientMetadata("response_types: only code.", reason="unsupported_response_type")
    method = _auth_method(settings, sent, judged.kept)
    # A harmful one is refused where it would not be used, too: it is what its sender is after.
    _address(sent, "jwks_uri")
    jwks, jwks_uri = _keys(sent) if method == "private_key_jwt" else ("", "")
    about: dict[str, str | bool] = {name: _address(sent, name) for name in _ADDRESSES}
    about |= {name: _text(sent, name, 200) for name in _WORDS}
    about[clients.PUSHED_ONLY] = _flag(sent, clients.PUSHED_ONLY)
    native = all(registration.is_native(uri) for uri in judged.kept)
    return Wanted(
        name=_name(sent),
        auth_method=method,
        grant_types=grants,
        redirect_uris=judged.kept,
        application_type=_asked_type(sent) or ("native" if native else "web"),
        about={name: value for name, value in about.items() if value},
        jwks=jwks,
        jwks_uri=jwks_uri,
    )


def _name(sent: dict[str, Any]) -> str:
    name = _text(sent, "client_name", 200).strip() or _NAMELESS
    try:
        return clients.check_name(name)
    except InvalidClientDataError as error:
        raise InvalidClientMetadata(f"client_{error}", reason="malformed_metadata") from None


def _asked_type(sent: dict[str, Any]) -> str:
    asked = sent.get("application_type")
    return asked if asked in {"native", "web"} else ""


def _grants(sent: dict[str, Any]) -> tuple[str, ...]:
    """Return those asked for that a client of strangers may have; who names none gets what every MCP client needs."""
    served = tuple(grant for grant in clients.INTERACTIVE_GRANTS if grant in GRANTS)
    asked = _list(sent, "grant_types")
    if not asked:
        return ("authorization_code", "refresh_token")
    kept = tuple(grant for grant in served if grant in asked)
    if not set(kept) - {"refresh_token"}:
        raise InvalidClientMetadata(f"grant_types: of {', '.join(served)}.", reason="unsupported_grant_types")
    return kept


def _auth_method(settings: Settings, sent: dict[str, Any], kept: tuple[str, ...]) -> str:
    """Return how it will say who it is (§2: a secret in the header where nothing is said).

    A program on somebody's computer cannot keep a secret, so it gets none whatever it asks (OAuth 2.1 §2.1).
    """
    asked = sent.get("token_endpoint_auth_method", "client_secret_basic")
    if asked not in METHODS:
        raise InvalidClientMetadata(
            f"token_endpoint_auth_method: one of {', '.join(METHODS)}.", reason="unsupported_auth_method"
        )
    if asked == "none" and set(kept) & set(settings.confidential_redirects.split()):
        asked = "client_secret_post"
    if asked.startswith("client_secret_") and (not kept or any(registration.is_native(uri) for uri in kept)):
        return "none"
    return str(asked)


def _keys(sent: dict[str, Any]) -> tuple[str, str]:
    """Return the client's public keys, or where they are; they are fetched when it first proves who it is."""
    keys, uri = sent.get("jwks"), _address(sent, "jwks_uri")
    if (keys is None) == (not uri):
        raise InvalidClientMetadata("jwks, jwks_uri: private_key_jwt needs exactly one.", reason="malformed_keys")
    if keys is None:
        return "", uri
    try:
        return key_set.given(orjson.dumps(keys)).text(), ""
    except InvalidClientDataError as error:
        raise InvalidClientMetadata(str(error), reason="malformed_keys") from None


def _address(sent: dict[str, Any], name: str) -> str:
    """Return an address that a person may one day click on. Nothing is fetched here."""
    uri = _text(sent, name, 1000)
    if not uri:
        return ""
    try:
        parts = urlsplit(uri)
        is_plain = bool(parts.scheme == "https" and parts.hostname and "@" not in parts.netloc and parts.port != 0)
    except ValueError:
        is_plain = False
    if not is_plain or not uri.isascii() or any(char in ' \\<>"{}|^`' for char in uri):
        raise InvalidClientMetadata(f"{name}: an https URL.", reason="malformed_metadata")
    return uri


def _scope(sent: dict[str, Any]) -> str:
    """Return the scope it names. It is no limit: its person may allow more later, and decides each time."""
    asked = _text(sent, "scope", 4000)
    try:
        return " ".join(scopes.parse(asked)) if asked else ""
    except InvalidScope as error:
        raise InvalidClientMetadata(error.description, reason=error.reason) from None


def _as_authlib_reads_it(sent: dict[str, Any], wanted: Wanted) -> None:
    """Have an independent model of RFC 7591 §2 judge what is in force (it knows no private-use URI without a host)."""
    said: dict[str, Any] = {
        "redirect_uris": [uri for uri in wanted.redirect_uris if urlsplit(uri).netloc],
        "token_endpoint_auth_method": wanted.auth_method,
        "grant_types": list(wanted.grant_types),
        "response_types": ["code"],
        "client_name": wanted.name,
        **wanted.about,
        **{name: sent[name] for name in ("contacts", "scope") if name in sent},
    }
    if wanted.jwks:
        said["jwks"] = orjson.loads(wanted.jwks)
    if wanted.jwks_uri:
        said["jwks_uri"] = wanted.jwks_uri
    served = {
        "response_types_supported": ["code"],
        "grant_types_supported": list(GRANTS),
        "token_endpoint_auth_methods_supported": list(METHODS),
    }
    try:
        ClientMetadataClaims(said, {}, ClientMetadataClaims.get_claims_options(served)).validate()
    except JoseError as error:
        named = str(getattr(error, "claim", "") or "metadata")
        raise InvalidClientMetadata(f"{named}: is not of its form.", reason="malformed_metadata") from None


def _answer(made: NewClient, judged: Judged, scope: str) -> dict[str, Any]:
    """Return what is in force (§3.2.1). A member that says nothing is left out: some clients break on null."""
    client = made.client
    answer: dict[str, Any] = {"client_id": client.id, "client_id_issued_at": client.created_at}
    if made.secret is not None:
        answer |= {"client_secret": made.secret, "client_secret_expires_at": client.secret_expires_at or 0}
    answer |= {
        "client_name": client.name,
        "redirect_uris": list(client.redirect_uris),
        "grant_types": list(client.grant_types),
        "response_types": ["code"] if "authorization_code" in client.grant_types else [],
        "token_endpoint_auth_method": client.auth_method,
        "application_type": client.application_type,
        **client.about,
    }
    if scope:
        answer["scope"] = scope
    if client.jwks:
        answer["jwks"] = orjson.loads(client.jwks)
    if client.jwks_uri:
        answer["jwks_uri"] = client.jwks_uri
    if judged.refused:
        answer["redirect_uris_refused"] = [
            {"redirect_uri": uri[:200], "reason": reason} for uri, reason in judged.refused
        ]
    return answer
