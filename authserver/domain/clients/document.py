"""
A client that is described by a document at its own URL: the last good copy, how long it is fresh, and how long it is good.

draft-ietf-oauth-client-id-metadata-document-00 §5; RFC 9111 §4.2. The copy is a shared client like any other and stands in the
database, so that it survives a restart and every worker has it. It is confirmed again once it is no longer fresh; while that
fails it stays in force for a week. A copy that nobody's consent rests on is forgotten after a day.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from authserver.domain.audit import event
from authserver.domain.clients import registry, store
from authserver.domain.clients.client import Client, Origin
from authserver.runtime.schema import SHARED
from authserver.runtime.unit_of_work import UnitOfWork

SHORTEST_S: Final = 5 * 60
LONGEST_S: Final = 24 * 3600
"""However long a document says that it is fresh, it is asked for no more often and no less often than this."""

GOOD_S: Final = 7 * 24 * 3600
"""How long a copy that cannot be confirmed stays in force."""

_UNUSED_S: Final = 24 * 3600
_BEYOND_S: Final = 10 * 24 * 3600
_AT_ONCE: Final = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """What a metadata document says, after every rule about it."""

    name: str
    auth_method: str
    redirect_uris: tuple[str, ...]
    grant_types: tuple[str, ...]
    application_type: str
    about: Mapping[str, str | bool] = field(default_factory=dict)
    jwks: str = ""
    jwks_uri: str = ""
    assertion_alg: str = ""

    def differs_from(self, client: Client) -> tuple[str, ...]:
        """Return the names of what it says otherwise than the stored client."""
        return tuple(name for name in self.__slots__ if getattr(self, name) != getattr(client, name))


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """When the stored copy was last confirmed, and until when it need not be asked for again."""

    etag: str
    read_at: int
    fresh_until: int

    def is_fresh(self, now: int) -> bool:
        """Whether it may be used without asking."""
        # A clock that was set back must not keep a copy for ever.
        return self.read_at <= now < self.fresh_until

    def is_good(self, now: int) -> bool:
        """Whether it may be used when asking fails."""
        return now < self.read_at + GOOD_S


async def copy_of(work: UnitOfWork, client_id: str) -> Copy | None:
    """Return what is known of the stored copy; never from memory, because another worker may just have confirmed it."""
    row = await work.one(store.DOCUMENT, client_id=client_id)
    return Copy(etag=row["etag"], read_at=row["read_at"], fresh_until=row["fresh_until"]) if row else None


def fresh_for(seconds: int) -> int:
    """Return how long a copy is fresh whose document asks for `seconds`."""
    return max(SHORTEST_S, min(LONGEST_S, seconds))


async def confirm(work: UnitOfWork, client_id: str, *, etag: str, fresh_s: int) -> None:
    """Note, in a unit of its own, that the document still says the same."""
    noting = work.machines.work(tenant=SHARED, request_id=work.request_id)
    noting.write(store.CONFIRM_DOCUMENT, client_id=client_id, etag=etag, now=work.now, fresh_until=work.now + fresh_s)
    await noting.commit()


async def keep(work: UnitOfWork, client_id: str, said: Document, *, etag: str, fresh_s: int) -> None:
    """
    Make what the document says the client, in a unit of its own. Raises InvalidClientDataError.

    Whether the client is disabled is not the document's to say. A lost commit means that another worker was first; its copy
    is as good.
    """
    writing = work.machines.work(tenant=SHARED, request_id=work.request_id)
    known = await registry.find(writing, client_id)
    fresh_until = work.now + fresh_s
    if known is None:
        registry.add(
            writing,
            client_id=client_id,
            name=said.name,
            auth_method=said.auth_method,
            grant_types=said.grant_types,
            redirect_uris=said.redirect_uris,
            is_verified=False,
            origin=Origin.DOCUMENT,
            application_type=said.application_type,
            about=said.about,
            jwks=said.jwks,
            jwks_uri=said.jwks_uri,
            assertion_alg=said.assertion_alg,
        )
    elif changed := said.differs_from(known):
        registry.follow_document(writing, known, **{name: getattr(said, name) for name in changed})
        event.record(writing, event.Kind.CLIENT_DOCUMENT_READ, client_id=client_id, changed=list(changed))
    writing.write(
        store.KEEP_DOCUMENT,
        client_id=client_id,
        etag=etag,
        now=work.now,
        fresh_until=fresh_until,
        kept_until=work.now + _UNUSED_S,
    )
    await writing.commit()


def rely_on(work: UnitOfWork, client: Client) -> None:
    """Note that somebody's consent rests on this client: its copy outlives every authorization made under it."""
    if client.origin is Origin.DOCUMENT:
        until = work.now + work.machines.settings.interactive_absolute_seconds + _BEYOND_S
        work.write(store.RELY_ON_DOCUMENT, client_id=client.id, until=until)


async def expire(work: UnitOfWork) -> None:
    """Forget copies that nothing rests on; one that an operator disabled stays, so that it cannot come back."""
    lapsed = await work.all(store.LAPSED_DOCUMENTS, now=work.now, most=_AT_ONCE)
    for row in lapsed:
        work.write(store.REMOVE_LAPSED_CLIENT, client_id=row["client_id"], now=work.now)
        work.write(store.LEAVE_IF_GONE, client_id=row["client_id"])
        work.write(store.REMOVE_DOCUMENT_IF_GONE, client_id=row["client_id"])
    if lapsed:
        work.changes_directory = True
