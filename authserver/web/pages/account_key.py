"""
GET and POST /account/end-key: a person ends one of their own API keys, after one look.

It acts with the commit: the key is exchanged for nothing more, and introspection says inactive of what it got (RFC 7662 §2.2).
"""

from authserver.domain.api_keys import api_key
from authserver.domain.api_keys.api_key import OwnKey
from authserver.oauth import parameters
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.http import Request, Response
from authserver.web.pages import account
from authserver.web.pages.account import Visitor
from authserver.web.pages.answers import page


async def show_end_key(request: Request) -> Response:
    """Ask whether this is meant."""

    async def show(work: UnitOfWork, visitor: Visitor) -> Response:
        own = await _chosen(work, visitor, parameters.parse(request.query))
        if own is None:
            return account.back(request, visitor.session, "gone")
        return page(
            "account_key.html",
            here=request.issuer.path + "/account",
            csrf=account.csrf(request, visitor.session),
            key=account.key_in_words(own, work.now),
        )

    return await account.shown_to(request, show)


async def end_key(request: Request) -> Response:
    """End it."""

    async def act(work: UnitOfWork, visitor: Visitor, _: Parameters) -> Response:
        own = await _chosen(work, visitor, parameters.parse(request.query))
        if own is None:
            return account.back(request, visitor.session, "gone")
        work.bind(own.tenant.id)
        await api_key.remove(work, own.key, by_owner=True)
        return account.back(request, visitor.session, "key-ended")

    return await account.decided_by(request, act)


async def _chosen(work: UnitOfWork, visitor: Visitor, query: Parameters) -> OwnKey | None:
    """Return the visitor's own key that a query names, or None: another person's is simply not there."""
    named = (query.one("tenant"), query.one("key"))
    keys = await api_key.of_person(work, visitor.person.id, visitor.member_of)
    return next((own for own in keys if (own.tenant.slug, own.key.id) == named), None)
