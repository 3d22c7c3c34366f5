"""
The names under which we sign: one per deployment, and one of its own for a tenant that wants it.

Decisions 6 and 22. An issuer identifier is opaque and byte-identical everywhere (RFC 8414 §3.3, RFC 9207 §2.4). A tenant
with an issuer of its own is served only there, so that its resource servers can trust that issuer and no other.
"""

from dataclasses import dataclass

from authserver.domain.audit import event
from authserver.domain.issuers import store
from authserver.runtime.schema import SHARED
from authserver.runtime.unit_of_work import Row, UnitOfWork


@dataclass(frozen=True, kw_only=True, slots=True)
class Issuer:
    """Who signs: `identifier` is the `iss` of everything, `path` its prefix on this server, `tenant` whose it is."""

    identifier: str
    path: str
    tenant: str

    @property
    def is_shared(self) -> bool:
        """Whether it speaks for every tenant that has none of its own."""
        return self.tenant == SHARED

    def url(self, endpoint: str) -> str:
        """Return the URL of an endpoint under this issuer; `endpoint` starts with a slash."""
        return self.identifier + endpoint


@dataclass(frozen=True, kw_only=True, slots=True)
class Issuers:
    """All issuers of the deployment."""

    by_path: dict[str, Issuer]

    def of_tenant(self, tenant: str) -> Issuer:
        """Return the issuer that speaks for `tenant`."""
        for issuer in self.by_path.values():
            if issuer.tenant == tenant:
                return issuer
        return self.by_path[""]

    def serves(self, issuer: Issuer, tenant: str) -> bool:
        """Whether `issuer` is the one that speaks for `tenant`."""
        return self.of_tenant(tenant).path == issuer.path


async def all_issuers(work: UnitOfWork) -> Issuers:
    """Return the deployment's issuers, from memory."""

    async def load() -> Issuers:
        base = work.machines.settings.issuer
        by_path = {"": Issuer(identifier=base, path="", tenant=SHARED)}
        for row in await work.all(store.ALL):
            by_path[row["path"]] = Issuer(identifier=base + row["path"], path=row["path"], tenant=row["owner"])
        return Issuers(by_path=by_path)

    return await work.machines.memory.get("issuers", "", load)


def add(work: UnitOfWork, *, slug: str, tenant: str) -> Issuer:
    """Give a tenant an issuer of its own. A commit that is lost means that it has one."""
    path = f"/t/{slug}"
    work.claim(store.ADD, path=path, owner=tenant, now=work.now)
    work.changes_directory = True
    event.record(work, event.Kind.ISSUER_CHANGED, action="added", path=path)
    return Issuer(identifier=work.machines.settings.issuer + path, path=path, tenant=tenant)


def remove(work: UnitOfWork, *, path: str) -> None:
    """Take a tenant's own issuer away: every token under that name ends to be accepted when its keys are gone."""
    work.claim(store.REMOVE, path=path)
    work.changes_directory = True
    event.record(work, event.Kind.ISSUER_CHANGED, action="removed", path=path)


async def rows(work: UnitOfWork) -> list[Row]:
    """Return the issuers that are not the deployment's own."""
    return list(await work.all(store.ALL))
