"""
Which applications that nobody of ours registered a tenant lets in: its policy, and what it said of each.

MCP A20, decision 22. A verdict on a client goes before a verdict on the host that publishes its document, and both before the
policy. The policy is for clients that registered themselves, at a tenant's own issuer too, or are described by a document; a
block is for any client that no operator made for the tenant. It is asked at consent, at every token, and wherever a token comes back.
The servers that ask about tokens, or trade them, are clients too.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from authserver.domain.audit import event
from authserver.domain.clients import store
from authserver.domain.clients.client import Client, InvalidClientDataError
from authserver.domain.revocation import ends
from authserver.domain.revocation.ends import Cause
from authserver.runtime.unit_of_work import Row, UnitOfWork

_HOST: Final = "host:"
_A_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}|localhost|127\.0\.0\.1")
_MOST_QUESTIONS: Final = 500


class Policy(StrEnum):
    """What happens to an application of which nothing was said."""

    ANY = "any"
    """It is let in; the person decides at consent."""
    APPROVE = "approve"
    """It waits until an administrator lets it in; that it was asked for is noted."""
    LISTED = "listed"
    """It is refused."""


class Verdict(StrEnum):
    """What a tenant said of an application, or that it has been asked."""

    ALLOWED = "allowed"
    BLOCKED = "blocked"
    PENDING = "pending"


class Answer(StrEnum):
    """Whether a tenant lets an application in."""

    YES = "yes"
    WAITS = "waits"
    NO = "no"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trust:
    """A tenant's policy and its verdicts by subject."""

    policy: Policy
    verdicts: Mapping[str, Verdict]

    def count(self, verdict: str) -> int:
        """Return of how many subjects this was said."""
        return sum(said == verdict for said in self.verdicts.values())

    def answer(self, client: Client) -> Answer:
        """Return whether this client is let in."""
        if not is_asked_about(client):
            return Answer.YES
        said = self.verdicts.get(client.id) or self.verdicts.get(_HOST + client.document_host)
        if said is not None:
            return Answer.YES if said is Verdict.ALLOWED else Answer.NO
        if not client.is_self_made or self.policy is Policy.ANY:
            return Answer.YES
        return Answer.WAITS if self.policy is Policy.APPROVE else Answer.NO


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One line of a tenant's list. `note` is an operator's, or the name an application gave itself when it was asked for."""

    subject: str
    verdict: Verdict
    note: str
    at: int


def subject(text: str) -> str:
    """Return what a verdict is about: a client_id as it is, or `host:NAME` for a bare host. Raises InvalidClientDataError."""
    named = text.strip()
    if _A_HOST.fullmatch(named.removeprefix(_HOST).lower()):
        return _HOST + named.removeprefix(_HOST).lower()
    if (
        not 1 <= len(named) <= 500
        or not named.isascii()
        or not named.isprintable()
        or " " in named
        or named.startswith(_HOST)
        or named.isalpha()  # A host cut short, or a name: to block it would end nothing and say that it did.
    ):
        raise InvalidClientDataError(
            "subject: a client_id such as cli_abc or a document's URL, or the host that publishes documents such as claude.ai"
        )
    return named


def host_of(subject: str) -> str:
    """Return the host a verdict is about; empty where it is about one client."""
    return subject.removeprefix(_HOST) if subject.startswith(_HOST) else ""


def is_asked_about(client: Client) -> bool:
    """Whether a tenant has a say: over what belongs to nobody, and over what strangers registered at its own issuer."""
    return client.is_shared or client.is_self_made


async def of_tenant(work: UnitOfWork, tenant_id: str) -> Trust:
    """Return a tenant's policy and verdicts, from memory."""

    async def load() -> Trust:
        inside = work.beside(tenant_id)
        row = await inside.one(store.POLICY)
        said = {row["subject"]: Verdict(row["verdict"]) for row in await inside.all(store.DECIDED)}
        return Trust(policy=Policy(row["policy"]) if row else Policy.ANY, verdicts=said)

    return await work.machines.memory.get("client_trust", tenant_id, load)


async def answer(work: UnitOfWork, tenant_id: str, client: Client) -> Answer:
    """Return whether a tenant lets a client in."""
    return (await of_tenant(work, tenant_id)).answer(client) if is_asked_about(client) else Answer.YES


async def letting_in(work: UnitOfWork, client: Client, tenants: Collection[str]) -> frozenset[str]:
    """Return which of these tenants let a client in: what `answer` says of each, by two readings however many they are."""
    if not is_asked_about(client):
        return frozenset(tenants)
    across = event.platform_work(work.machines, "look for the tenants that let an application in")
    host = _HOST + client.document_host
    said: dict[str, dict[str, Verdict]] = {}
    for row in await across.all(store.SAID_OF, client_id=client.id, host=host):
        said.setdefault(row["tenant_id"], {})[row["subject"]] = Verdict(row["verdict"])
    policies = {row["tenant_id"]: Policy(row["policy"]) for row in await across.all(store.EVERY_POLICY)}

    def trusted(tenant: str) -> Trust:
        return Trust(policy=policies.get(tenant, Policy.ANY), verdicts=said.get(tenant, {}))

    return frozenset(tenant for tenant in tenants if trusted(tenant).answer(client) is Answer.YES)


async def ask(work: UnitOfWork, tenant_id: str, client: Client) -> None:
    """Note, in a unit of its own, that a member of a tenant wants an application that waits; the second time says nothing new."""
    asking = work.machines.work(tenant=tenant_id, request_id=work.request_id, address=work.address)
    asking.claim(store.ASK, subject=client.id, note=client.name, now=work.now)
    asking.write(store.FORGET_OLD_QUESTIONS, most=_MOST_QUESTIONS)
    event.record(asking, event.Kind.CLIENT_ASKED_FOR, client_id=client.id)
    await asking.commit()


def set_policy(work: UnitOfWork, policy: Policy) -> None:
    """Set the bound tenant's policy."""
    work.write(store.SET_POLICY, policy=policy.value)
    work.changes_directory = True
    event.record(work, event.Kind.CLIENT_TRUST_CHANGED, policy=policy.value)


def let_in(work: UnitOfWork, subject: str, *, note: str = "") -> None:
    """Let an application, or all that are described at a host, into the bound tenant; `subject` is one of `subject()`."""
    _decide(work, subject, Verdict.ALLOWED, note)


def block(work: UnitOfWork, subject: str, *, note: str = "") -> None:
    """Let it in no more, and end what it holds in the bound tenant. Nothing of that comes back."""
    _decide(work, subject, Verdict.BLOCKED, note)
    if host := host_of(subject):
        ends.end(work, Cause.CLIENT_HOST, reason="client_blocked", host=host)
    else:
        ends.end(work, Cause.CLIENT, reason="client_blocked", client_id=subject)


def _decide(work: UnitOfWork, subject: str, verdict: Verdict, note: str) -> None:
    work.write(store.DECIDE, subject=subject, verdict=verdict.value, note=note[:200], now=work.now)
    work.changes_directory = True
    event.record(work, event.Kind.CLIENT_TRUST_CHANGED, verdict=verdict.value, payload={"subject": subject})


def forget(work: UnitOfWork, subject: str) -> None:
    """Take back what was said of a subject; the policy decides again. A lost commit: nothing was said."""
    work.claim(store.FORGET_VERDICT, subject=subject)
    work.changes_directory = True
    event.record(work, event.Kind.CLIENT_TRUST_CHANGED, verdict="forgotten", payload={"subject": subject})


async def entries(work: UnitOfWork) -> list[Entry]:
    """Return everything said and asked in the bound tenant, newest first."""
    return [_entry(row) for row in await work.all(store.VERDICTS)]


async def some(work: UnitOfWork, *, before: tuple[int, str] | None, most: int, verdict: str = "") -> list[Entry]:
    """Return what was said and asked in the bound tenant, newest first, `most` at most, from behind (at, subject)."""
    at, subject = before or (2**62, "")
    return [
        _entry(row) for row in await work.all(store.SOME_VERDICTS, at=at, subject=subject, most=most, verdict=verdict)
    ]


async def entry(work: UnitOfWork, subject: str) -> Entry | None:
    """Return what was said of a subject in the bound tenant, never from memory, or None."""
    row = await work.one(store.VERDICT, subject=subject)
    return _entry(row) if row else None


def _entry(row: Row) -> Entry:
    return Entry(subject=row["subject"], verdict=Verdict(row["verdict"]), note=row["note"], at=row["at"])
