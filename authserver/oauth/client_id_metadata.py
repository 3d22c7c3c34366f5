"""
A client_id that is a URL: the document there says who the client is, and nobody here has to register it first.

draft-ietf-oauth-client-id-metadata-document-00 §3 (the URL), §4 (the document), §5 (caching), §6 (what an attacker gains);
RFC 7591 §2 (the members); MCP A8 to A10, A15, A16. What we do not serve is left out rather than refused, as real documents
list grants of other servers. A copy is asked for again when it is no longer fresh; an error is never an answer about a client.
"""

import re
from collections.abc import Collection, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from authserver.domain.audit import event
from authserver.domain.clients import client as clients
from authserver.domain.clients import document, key_set, registration, registry
from authserver.domain.clients.client import Client, DangerousRedirectError, InvalidClientDataError, Origin
from authserver.domain.clients.document import Copy, Document
from authserver.oauth.grants import GRANTS
from authserver.runtime.addresses import address_prefix
from authserver.runtime.outbound import Fetched, OutboundError, OutboundRefusedError, check_url
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire import strict_json

MOST_BYTES: Final = 5 * 1024
"""Of one document (§6.6)."""

_MOST_URL_CHARACTERS: Final = 500
_DEFAULT_FRESH_S: Final = 3600
_PATIENCE_S: Final = 3.0
"""How long a request waits for a document of which there is a good copy."""

_MEDIA_TYPE = re.compile(r"application/(?:json|[a-z0-9.-]+\+json)")
_MAX_AGE = re.compile(r'max-age="?([0-9]{1,15})"?')
_ABOUT: Final = ("client_uri", "logo_uri", "tos_uri", "policy_uri")


class UnusableDocumentError(Exception):
    """The client cannot be known by its document. `description` says what whoever publishes it can mend; it holds no foreign text."""

    def __init__(self, description: str, *, reason: str, is_temporary: bool = False) -> None:
        super().__init__(description)
        self.description = description
        self.reason = reason
        self.is_temporary = is_temporary


def is_url(client_id: str) -> bool:
    """Whether a client_id claims to be a URL; ours never do."""
    return "://" in client_id[:10]


async def find(work: UnitOfWork, client_id: str) -> Client | None:
    """Return the client for an authorization request, reading its document where that is due.

    None: unknown, and no URL. Raises UnusableDocumentError for a URL that describes no client we can serve.
    """
    known = await registry.find(work, client_id)
    if known is not None and known.origin is not Origin.DOCUMENT:
        return known
    if not is_url(client_id):
        return None
    if not work.machines.settings.client_id_metadata_documents:
        raise UnusableDocumentError("This server reads no client metadata documents.", reason="documents_off")
    try:
        return await _current(work, client_id, known)
    except UnusableDocumentError as error:
        event.record_stranger(work, event.Kind.CLIENT_DOCUMENT_REFUSED, reason=error.reason)
        raise


async def known(work: UnitOfWork, client_id: str, *, may_be_new: bool = False) -> Client | None:
    """Return the client for a request that proves something, or None.

    A document that was never read is read only where a flow may begin (`may_be_new`): whoever has something to redeem came
    through an endpoint where it was.
    """
    found = await registry.find(work, client_id)
    if found is not None and found.origin is not Origin.DOCUMENT:
        return found
    if found is None and not may_be_new:
        return None
    try:
        return await find(work, client_id)
    except UnusableDocumentError:
        return None


async def _current(work: UnitOfWork, url: str, client: Client | None) -> Client:
    """Return the client as its document says now, or as the last good copy says while the document cannot be read."""
    copy = await document.copy_of(work, url) if client is not None else None
    if client is not None and copy is not None and copy.is_fresh(work.now):
        return client
    good = copy if copy is not None and copy.is_good(work.now) else None
    try:
        await _read_again(work, url, copy, patience_s=_PATIENCE_S if good else None)
    except (UnusableDocumentError, TimeoutError):
        if client is None or good is None:
            raise
        return client
    found = await registry.find(work, url)
    if found is None:
        raise UnusableDocumentError(
            "It was removed here meanwhile; try again.", reason="document_removed", is_temporary=True
        )
    return found


async def _read_again(work: UnitOfWork, url: str, copy: Copy | None, *, patience_s: float | None) -> None:
    """Read the document and keep what it says; one reading at a time for each URL, whoever asks."""
    check_client_id(url, allow_loopback=work.machines.settings.cimd_allow_loopback)
    flights = work.machines.documents
    if flights.would_set_out(url, work.at_us):
        limited = work.machines.document_readings.take(address_prefix(work.address), work.at_us)
        if limited is not None:
            raise UnusableDocumentError(
                "Too many new applications were named from your network; try again in a minute.",
                reason="document_flood",
                is_temporary=True,
            )
    await flights.join(url, lambda: _read(work, url, copy), now_us=work.at_us, patience_s=patience_s)


async def _read(work: UnitOfWork, url: str, copy: Copy | None) -> None:
    etag = copy.etag if copy is not None else ""
    try:
        fetched = await work.machines.outbound.get(
            url, most_bytes=MOST_BYTES, if_none_match=etag, is_known=copy is not None
        )
    except OutboundRefusedError as error:
        raise UnusableDocumentError(error.description, reason=error.reason) from error
    except OutboundError as error:
        raise UnusableDocumentError(error.description, reason=error.reason, is_temporary=True) from error
    fresh_s = freshness(fetched.headers, work.now)
    if fetched.status == 304:
        await document.confirm(work, url, etag=_entity_tag(fetched) or etag, fresh_s=fresh_s)
        return
    said = describe(url, fetched, private_use=work.machines.settings.private_use)
    try:
        await document.keep(work, url, said, etag=_entity_tag(fetched), fresh_s=fresh_s)
    except InvalidClientDataError as error:
        raise _unusable(str(error), "invalid_client_data") from None


def check_client_id(url: str, *, allow_loopback: bool = False) -> None:
    """Raise UnusableDocumentError for a URL that cannot be a client_id (§3); what a fetcher could read otherwise too."""
    try:
        check_url(url)
        parts = urlsplit(url)
    except (OutboundRefusedError, ValueError) as error:
        said = error.description if isinstance(error, OutboundRefusedError) else "It must be a plain https URL."
        raise UnusableDocumentError(f"client_id: {said}", reason="client_id_form") from None
    host = parts.hostname or ""
    if parts.scheme != "https" and not allow_loopback:
        raise UnusableDocumentError("client_id: It must be https.", reason="client_id_form")
    if len(url) > _MOST_URL_CHARACTERS or parts.netloc != parts.netloc.lower():
        raise UnusableDocumentError(
            f"client_id: at most {_MOST_URL_CHARACTERS} characters, its host in lower case.", reason="client_id_form"
        )
    if "?" in url or "#" in url or "@" in parts.netloc or not host:
        raise UnusableDocumentError("client_id: no query, fragment or user.", reason="client_id_form")
    segments = parts.path.lower().replace("%2e", ".").split("/")
    if parts.path in {"", "/"} or {".", ".."} & set(segments) or "%2f" in parts.path.lower() or "%5c" in url.lower():
        raise UnusableDocumentError("client_id: needs a path without dot segments.", reason="client_id_form")


def describe(url: str, fetched: Fetched, *, private_use: Collection[str] = ()) -> Document:
    """Return what a document says, after every rule of §4. Raises UnusableDocumentError naming the member and the cure."""
    if not _MEDIA_TYPE.fullmatch(fetched.media_type):
        raise _unusable("Content-Type: must be application/json", "document_media_type")
    try:
        said = strict_json.loads_object(fetched.body)
    except ValueError:
        raise _unusable(
            "must be one JSON object in UTF-8, no member twice, not deeply nested", "document_json"
        ) from None
    if said.get("client_id") != url:
        raise _unusable("client_id: must be the URL it is published at, byte for byte", "document_client_id")
    if "client_secret" in said or "client_secret_expires_at" in said:
        raise _unusable("client_secret: a public document holds no secret", "document_secret")
    redirects = _redirects(said, private_use)
    method = _auth_method(said)
    jwks, jwks_uri, algorithm = _keys(said) if method == "private_key_jwt" else ("", "", "")
    native = all(registration.is_native(uri) for uri in redirects)
    return Document(
        name=_name(said),
        auth_method=method,
        redirect_uris=redirects,
        grant_types=_grants(said),
        application_type="native" if native else "web",
        about=_about(said),
        jwks=jwks,
        jwks_uri=jwks_uri,
        assertion_alg=algorithm,
    )


def freshness(headers: Mapping[str, str], now: int) -> int:
    """Return for how many seconds a document need not be asked for again (RFC 9111 §4.2.1, §4.2.3), within our bounds."""
    control = headers.get("cache-control", "").lower()
    if re.search(r"\bno-(?:store|cache)\b", control):
        return document.SHORTEST_S
    life: float = _DEFAULT_FRESH_S
    if "max-age" in control:
        ages = _MAX_AGE.findall(control)
        # Named twice, or no number: stale (§4.2.1).
        life = int(ages[0]) if len(ages) == 1 and control.count("max-age") == 1 else 0
    elif "expires" in headers:
        try:
            date = parsedate_to_datetime(headers["date"]).timestamp() if "date" in headers else now
            life = parsedate_to_datetime(headers["expires"]).timestamp() - date
        except (ValueError, OverflowError):
            life = 0
    age = headers.get("age", "0")
    if life > 0 and age.isascii() and age.isdigit():
        life -= int(age[:12])
    return document.fresh_for(int(life))


def _entity_tag(fetched: Fetched) -> str:
    tag = fetched.headers.get("etag", "")
    return tag if re.fullmatch(r'(?:W/)?"[!#-~]{0,200}"', tag) else ""


def _name(said: dict[str, Any]) -> str:
    name = said.get("client_name")
    try:
        return clients.check_name(name.strip() if isinstance(name, str) else "")
    except InvalidClientDataError as error:
        raise _unusable(f"client_{error}", "document_name") from None


def _redirects(said: dict[str, Any], private_use: Collection[str]) -> tuple[str, ...]:
    """Return the redirect URIs that may be used; bad ones are left out, an attack or nothing left ends it."""
    uris = said.get("redirect_uris")
    if not isinstance(uris, list) or not 1 <= len(uris) <= 50 or not all(isinstance(uri, str) for uri in uris):
        raise _unusable("redirect_uris: a list of 1 to 50 texts", "document_redirect_uris")
    try:
        judged = registration.judge_redirect_uris(uris, application_type="", private_use=private_use)
    except DangerousRedirectError as error:
        raise _unusable(str(error).replace("redirect_uri:", "redirect_uris:"), "dangerous_redirect_uri") from None
    if not judged.kept:
        raise _unusable(f"redirect_uris: {judged.refused[0][1]}", "document_redirect_uris")
    return judged.kept


def _grants(said: dict[str, Any]) -> tuple[str, ...]:
    """Return the grants it lists that a client of strangers may have; others are for other servers (claude.ai's jwt-bearer)."""
    listed = _texts(said, "grant_types")
    if "code" not in (_texts(said, "response_types") or ("code",)):
        raise _unusable("response_types: must list code", "document_response_types")
    if not listed:
        return ("authorization_code", "refresh_token")
    kept = tuple(grant for grant in clients.INTERACTIVE_GRANTS if grant in GRANTS and grant in listed)
    if not set(kept) - {"refresh_token"}:
        raise _unusable("grant_types: must list authorization_code", "document_grant_types")
    return kept


def _auth_method(said: dict[str, Any]) -> str:
    """
    Return how the client will prove who it is: what it names if we serve that, else the strongest we both can.

    §4.1: nothing that rests on a shared secret. ChatGPT names `private_key_jwt` and lists `none` too, and does not fall back to
    `none` where `private_key_jwt` is served; some documents hold the list alone, some a text instead of a list.
    """
    named = said.get("token_endpoint_auth_method")
    if named is not None and (not isinstance(named, str) or named.startswith("client_secret_")):
        raise _unusable(
            "token_endpoint_auth_method: none or private_key_jwt, nothing with a shared secret", "document_auth_method"
        )
    listed = _texts(said, "token_endpoint_auth_methods_supported")
    if named is None and not listed:
        return "none"
    has_keys = said.get("jwks") is not None or said.get("jwks_uri") is not None
    served = [
        method
        for method in ("private_key_jwt", "none")
        if method in clients.AUTH_METHODS and (method == "none" or has_keys)
    ]
    if named in served:
        return str(named)
    for method in served:
        if method in listed:
            return method
    raise _unusable(
        "token_endpoint_auth_method: none, or private_key_jwt with jwks or jwks_uri", "document_auth_method"
    )


def _keys(said: dict[str, Any]) -> tuple[str, str, str]:
    """Return its public keys or where they are, and the one algorithm it names; a strict set, because it proves who it is."""
    keys, uri, algorithm = (said.get(name) for name in ("jwks", "jwks_uri", "token_endpoint_auth_signing_alg"))
    try:
        jwks = "" if keys is None else key_set.given(orjson.dumps(keys)).text()
        if not isinstance(uri or "", str) or not isinstance(algorithm or "", str):
            raise InvalidClientDataError("jwks_uri, token_endpoint_auth_signing_alg: texts")
        clients.check_keys(auth_method="private_key_jwt", jwks=jwks, jwks_uri=uri or "", assertion_alg=algorithm or "")
    except InvalidClientDataError as error:
        raise _unusable(str(error), "document_keys") from None
    return jwks, uri or "", algorithm or ""


def _about(said: dict[str, Any]) -> dict[str, str | bool]:
    """Return the pages it names, those that a person could click on one day, and whether it always pushes. Nothing is fetched."""
    about: dict[str, str | bool] = {name: said[name] for name in _ABOUT if _is_page(said.get(name))}
    pushed_only = said.get(clients.PUSHED_ONLY)
    if not isinstance(pushed_only, bool | None):
        raise _unusable(f"{clients.PUSHED_ONLY}: true or false", "document_member")
    return about | {clients.PUSHED_ONLY: True} if pushed_only else about


def _is_page(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > 1000:
        return False
    try:
        check_url(value)
    except OutboundRefusedError:
        return False
    return value.startswith("https://")


def _texts(said: dict[str, Any], name: str) -> tuple[str, ...]:
    """Return a list of texts; one text is a list of one."""
    value = said.get(name)
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list) or len(value) > 50 or not all(isinstance(item, str) for item in value):
        raise _unusable(f"{name}: a list of texts", "document_member")
    return tuple(value)


def _unusable(cure: str, reason: str) -> UnusableDocumentError:
    return UnusableDocumentError(f"Its metadata document cannot be used. {cure}.", reason=reason)
