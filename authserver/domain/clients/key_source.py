"""
Where a client's keys come from: what it was registered with, or a set that it publishes itself.

RFC 7591 §2 (`jwks`, `jwks_uri`; never both). A header of a token is never a source.
"""

import hashlib
from urllib.parse import urlsplit

from authserver.domain.clients import key_set
from authserver.domain.clients.client import Client, InvalidClientDataError, Origin
from authserver.domain.clients.key_set import ClientKey, KeySet
from authserver.runtime.unit_of_work import UnitOfWork


async def key_for(work: UnitOfWork, client: Client, *, alg: str, kid: str | None) -> ClientKey | None:
    """Return the one key of `client` that a signature means; None when there is none, or nobody can say which."""
    if client.auth_method != "private_key_jwt":
        return None
    if client.jwks:
        return (await _registered(work, client.jwks)).meant_by(alg=alg, kid=kid, now=work.now)
    if not client.jwks_uri:
        return None

    def meant(keys: KeySet) -> ClientKey | None:
        return keys.meant_by(alg=alg, kid=kid, now=work.now)

    published = await work.machines.client_keys.get(
        client.jwks_uri, now=work.now, holds=lambda keys: meant(keys) is not None, is_known=_is_vouched_for(client)
    )
    return meant(published) if published is not None else None


def _is_vouched_for(client: Client) -> bool:
    # By an operator, or by the host itself, whose document names it. Anybody can register, or publish, that their keys are
    # at somebody else's host.
    return client.origin is Origin.OPERATOR or (urlsplit(client.jwks_uri).hostname or "") == client.document_host


async def _registered(work: UnitOfWork, text: str) -> KeySet:
    async def read() -> KeySet:
        try:
            return key_set.stored(text)
        except InvalidClientDataError as error:
            return KeySet(keys=(), refused=(str(error),))

    # By content: what is remembered cannot be another client's, nor what this one had before.
    return await work.machines.memory.get("client_keys", hashlib.sha256(text.encode()).hexdigest(), read)
