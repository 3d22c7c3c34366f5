"""Who acts, in the words in which stopping and the record know them, and the targets that a request names."""

from authserver.domain.clients import registry
from authserver.domain.revocation.kill_switch import By
from authserver.domain.users import user
from authserver.runtime.schema import SHARED
from authserver.web.admin.ask import Ask

REASON_WORDS = "Why; it stays in the record, sealed."


async def label(ask: Ask) -> str:
    """Return how whoever asks is recognised; it may name a person, so it is kept sealed alone."""
    asks = ask.operator
    if asks.is_machine:
        client = await registry.find(ask.work, asks.client_id)
        return f"{client.name if client else ''} ({asks.client_id})".strip()
    known = await user.listed(ask.work.beside(asks.home), asks.sub)
    return f"{known.name} <{known.email}>" if known else asks.sub


async def by(ask: Ask, *, within: str = "") -> By:
    """Return who acts: the platform's operators anywhere, everybody else in their own tenant; `within`: there alone."""
    asks = ask.operator
    return By(
        tenant=within or (SHARED if asks.is_platform else asks.home),
        sub="" if asks.is_machine else asks.sub,
        client_id=asks.client_id,
        label=await label(ask),
    )


def scope_of(ask: Ask) -> str | None:
    """Return the tenant in which a request looks; None: everywhere."""
    return None if ask.tenant == SHARED else ask.tenant
