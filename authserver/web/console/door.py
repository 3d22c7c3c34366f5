"""
Who may come in, where they act, and whether they may only look; asked anew with each request, from the rows.

Decision 22: a member with the role `admin`, `operator` or `auditor` acts in that tenant alone; a member of the tenant with the
reserved slug `platform` acts everywhere. For anybody else who is signed in the console is an address that does not exist.
Whoever is stopped themselves is nobody here. AD-08: a form counts from this browser, for exactly what its address names.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from authserver.domain.audit import event
from authserver.domain.login import session as sessions
from authserver.domain.login.session import Session
from authserver.domain.resources import administration
from authserver.domain.revocation import kill_switch
from authserver.domain.revocation.kill_switch import Stops, Target
from authserver.domain.stopping import stopping
from authserver.domain.stopping.stopping import By, Kill, NotAllowedError, StopRefusedError, UnknownTargetError
from authserver.domain.tenants import tenant as tenants
from authserver.domain.tenants.tenant import Tenant
from authserver.domain.users import user
from authserver.oauth import parameters
from authserver.oauth.admin_access import FRESH_S
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.authorize import answer
from authserver.web.console import way_back
from authserver.web.http import NothingThereError, Request, Response, redirect
from authserver.web.pages import forms
from authserver.web.pages.account import Visitor
from authserver.web.pages.answers import error_page, page
from authserver.web.token import read_form
from resource_lib.wire.control import EVERY_TENANT, Kind

_ACT = frozenset({administration.ADMIN, administration.OPERATOR})
_LOOK = _ACT | {administration.AUDITOR}
_OPEN = frozenset({administration.ADMIN, administration.AUDITOR})

_BY_THE_PLATFORM = "The people who run this server have stopped it. You can look; only they can let it go on."
_AUDITOR = "You can look at everything here. Your role lets you change nothing."


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Somewhere they are an operator. `home`: the tenant whose member they are there."""

    home: Tenant
    sub: str
    may_act: bool
    look_only: str
    may_open: bool = False
    """Whether they may read what people said and got, in the record of where they are."""

    @property
    def is_platform(self) -> bool:
        """Whether it reaches everywhere."""
        return self.home.is_platform


@dataclass(frozen=True, slots=True)
class _Inside:
    """Where somebody is an operator, and where they would be with a newer login, by slug."""

    places: tuple[Place, ...]
    again: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Operator:
    """Whoever is at the console, and where they act now. `tenant` None: everywhere."""

    visitor: Visitor
    place: Place
    places: tuple[Place, ...]
    tenant: Tenant | None
    url: str
    kills: list[Kill] = field(repr=False)
    """Everything that is stopped now, as the rows say."""

    @property
    def session(self) -> Session:
        """Their browser's session."""
        return self.visitor.session

    @property
    def may_act(self) -> bool:
        """Whether they may change anything."""
        return self.place.may_act

    @property
    def may_open(self) -> bool:
        """Whether what people said and got may be opened for them; that is recorded each time."""
        return self.place.may_open

    @property
    def by(self) -> By:
        """Who acts, for the record."""
        person = self.visitor.person
        where = EVERY_TENANT if self.place.is_platform else self.place.home.id
        return By(tenant=where, sub=self.place.sub, label=f"{person.name} ({person.email})")

    @property
    def where(self) -> str:
        """The tenant they act in, `*` for everywhere."""
        return self.tenant.id if self.tenant is not None else EVERY_TENANT

    @property
    def stops(self) -> Stops:
        """What is stopped, to be asked."""
        return Stops({one.target.key: one for one in self.kills})

    def is_fresh(self, now: int) -> bool:
        """Whether they proved who they are a moment ago. A login of the future proves nothing: the clock was set back."""
        return 0 <= now - self.session.auth_time <= FRESH_S

    def link(self, name: str = "", *, slug: str | None = None, **words: str) -> str:
        """Return the address of a page of the console, in the tenant they act in or in the one named."""
        chosen = slug if slug is not None else self.tenant.slug if self.tenant is not None else ""
        query = urlencode({**({"tenant": chosen} if chosen else {}), **{k: v for k, v in words.items() if v}})
        return self.url + (f"/{name}" if name else "") + (f"?{query}" if query else "")


Show = Callable[[UnitOfWork, Operator, Parameters], Awaitable[Response]]
Act = Callable[[UnitOfWork, Operator, Parameters, Parameters], Awaitable[Response]]


class NothingHereError(Exception):
    """What an address of the console names is not there for whoever asks: it never was, or it is another tenant's."""


async def shown(request: Request, show: Show) -> Response:
    """Answer with a page of the console."""

    async def flow(work: UnitOfWork) -> Response:
        query = parameters.parse(request.query)
        operator = await enter(work, request, query)
        return operator if isinstance(operator, Response) else await show(work, operator, query)

    return await _answered(request, flow)


async def acted(request: Request, act: Act) -> Response:
    """Do what a form asks for, once it is seen to be from this page, in this browser, by somebody who may."""

    async def flow(work: UnitOfWork) -> Response:
        query, form = parameters.parse(request.query), read_form(request)
        operator = await enter(work, request, query)
        if isinstance(operator, Response):
            return operator
        forms.check(request, form, *_bound_to(request, operator.session))
        if not operator.may_act:
            await refuse(work, operator, "role")
            return _may_only_look(request, operator)
        return await act(work, operator, query, form)

    return await _answered(request, flow)


async def asked(request: Request, act: Act) -> Response:
    """Do what a form asks for that changes nothing but the record of who looked, once it is seen to be from this page."""

    async def flow(work: UnitOfWork) -> Response:
        query, form = parameters.parse(request.query), read_form(request)
        operator = await enter(work, request, query)
        if isinstance(operator, Response):
            return operator
        forms.check(request, form, *_bound_to(request, operator.session))
        return await act(work, operator, query, form)

    return await _answered(request, flow)


async def enter(work: UnitOfWork, request: Request, query: Parameters) -> Operator | Response:
    """Return who is at the console; whoever is not signed in is sent to sign in.

    Raises NothingThereError for somebody who is no operator anywhere, NothingHereError for a tenant that is not theirs.
    """
    kills = await stopping.kills(work, only_stopped=True)
    found = await _inside(work, request, kills)
    if found is None:
        return redirect(login_url(request))
    visitor, inside = found
    places = inside.places
    url = request.issuer.path + "/console"
    slug = query.one("tenant")
    if not places or (slug is not None and slug in inside.again):
        return redirect(login_url(request))
    platform = next((one for one in places if one.is_platform), None)
    chosen = await _chosen(work, places, platform, slug)
    if chosen is None:
        return redirect(url + "/places")
    place, tenant = chosen
    return Operator(visitor=visitor, place=place, places=places, tenant=tenant, url=url, kills=kills)


async def operator_places(work: UnitOfWork, request: Request) -> tuple[Visitor, tuple[Place, ...]] | None:
    """Return who is signed in and where they are an operator; None: nobody is signed in. Raises NothingThereError."""
    found = await _inside(work, request, await stopping.kills(work, only_stopped=True))
    return (found[0], found[1].places) if found is not None and found[1].places else None


def login_url(request: Request) -> str:
    """Return where to sign in and come back to this very page."""
    name = request.path.removeprefix(request.issuer.path + "/console")
    word = way_back.word(name, request.query)
    return f"{request.issuer.path}/login?to=console" + (f"&at={word}" if word else "")


def csrf(request: Request, operator: Operator) -> str:
    """Return the token of a form on this page: for this browser, and exactly what the address names."""
    return request.machines.keys.form_token(*_bound_to(request, operator.session))


async def refuse(work: UnitOfWork, operator: Operator, reason: str) -> None:
    """Note in their own tenant's record, in a commit of its own, that somebody tried what they may not."""
    apart = work.beside(operator.place.home.id)
    event.record(apart, event.Kind.ADMIN_REFUSED, event.Outcome.REFUSED, reason=reason, sub=operator.place.sub)
    await apart.commit()


def frame(operator: Operator, *, section: str = "", q: str = "") -> dict[str, object]:
    """Return what stands around every page."""
    person, tenant = operator.visitor.person, operator.tenant
    return {
        "url": operator.url,
        "slug": tenant.slug if tenant is not None else "",
        "query": f"?tenant={tenant.slug}" if tenant is not None else "",
        "name": tenant.name if tenant is not None else "",
        "is_everywhere": tenant is None,
        "has_choice": len(operator.places) > 1 or operator.place.is_platform,
        "may_act": operator.may_act,
        "look_only": operator.place.look_only,
        "section": section,
        "q": q,
        "account_url": operator.url.removesuffix("/console") + "/account",
        "person_name": person.name,
        "person_email": person.email,
    }


async def _inside(work: UnitOfWork, request: Request, kills: list[Kill]) -> tuple[Visitor, _Inside] | None:
    """Return who is signed in, and where they are an operator; None: nobody, or a login that something has outlived."""
    session = await sessions.find(work, request.cookie(forms.session_cookie_name(work.machines.settings)))
    known = await user.with_tenants(work, session.person_id) if session else None
    if session is None or known is None or not known[0].is_active:
        return None
    visitor = Visitor(session=session, person=known[0], member_of=known[1])
    opened = await sessions.doors(work, session, visitor.member_of)
    stops = Stops({one.target.key: one for one in kills})
    places, again = [], set()
    for tenant_id in visitor.member_of:
        home = await tenants.by_id(work, tenant_id)
        member = await user.member_by_person(work.beside(tenant_id), visitor.person.id)
        if home is None or not home.is_active or member is None or not member.is_active:
            continue
        if not _LOOK & set(member.roles) or _is_stopped_themselves(kills, member.sub):
            continue
        if tenant_id in opened.again or (
            tenant_id in opened.stopped and await _is_outlived(work, session, kills, home.id, member.sub)
        ):
            again.add(home.slug)
        else:
            places.append(_place(home, member, stops.on(tenant=home.id, sub=member.sub)))
    if not places and not again:
        raise NothingThereError
    return visitor, _Inside(tuple(sorted(places, key=lambda one: one.home.name.casefold())), frozenset(again))


def _is_stopped_themselves(kills: list[Kill], sub: str) -> bool:
    return any(one.target.kind is Kind.USER and one.target.sub == sub for one in kills)


async def _is_outlived(work: UnitOfWork, session: Session, kills: list[Kill], tenant: str, sub: str) -> bool:
    """Whether something was stopped since the login. It stays stopped; whoever may still look or revive proves it anew."""
    keys = {Target(kind=Kind.EVERYTHING).key, Target(kind=Kind.TENANT, tenant=tenant).key}
    own = await kill_switch.find(work, Target(kind=Kind.USER, tenant=tenant, sub=sub))
    floors = [one.floor for one in kills if one.target.key in keys]
    return session.ctl < max([*floors, own.floor if own is not None else 0])


def _place(home: Tenant, member: user.Member, stop: Kill | None) -> Place:
    look_only = "" if _ACT & set(member.roles) else _AUDITOR
    # What stops everything leaves its platform's operators, who alone can let it go on; each with a login from after it.
    if stop is not None and not home.is_platform and stop.stopped_by != home.id:
        look_only = _BY_THE_PLATFORM
    may_open = bool(_OPEN & set(member.roles))
    return Place(home=home, sub=member.sub, may_act=not look_only, look_only=look_only, may_open=may_open)


async def _chosen(
    work: UnitOfWork, places: tuple[Place, ...], platform: Place | None, slug: str | None
) -> tuple[Place, Tenant | None] | None:
    if slug is None:
        if platform is not None:
            return platform, None
        return (places[0], places[0].home) if len(places) == 1 else None
    own = next((one for one in places if one.home.slug == slug), None)
    if platform is not None and (own is None or platform.may_act or not own.may_act):
        named = await tenants.by_slug(work, slug)
        if named is None:
            raise NothingHereError
        return platform, named
    if own is None:
        raise NothingHereError
    return own, own.home


async def _answered(request: Request, flow: Callable[[UnitOfWork], Awaitable[Response]]) -> Response:
    try:
        return await answer(request, flow)
    except forms.FormRefusedError:
        return error_page(
            request,
            status=403,
            title="Nothing was changed",
            message="This page was made for another sign-in, or it was sent by another site.",
            cure="Open the console again and look at what it shows now.",
        )
    except (NothingHereError, UnknownTargetError, NotAllowedError):
        # Whoever may not, and whoever asks for what never was, read the same bytes.
        return page(
            "console_nothing.html",
            status=404,
            code=404,
            title="There is nothing here",
            message="What this address names does not exist where you act, or no longer does.",
            cure="Search for it by its name, or look at the overview.",
            console_url=request.issuer.path + "/console",
            request_id="",
        )
    except StopRefusedError as refused:
        return error_page(
            request,
            status=400,
            title="Nothing was changed",
            message=str(refused),
            cure="Go back, correct it, and send it again.",
        )


def _may_only_look(request: Request, operator: Operator) -> Response:
    return error_page(
        request,
        status=403,
        title="Nothing was changed",
        message=operator.place.look_only,
        cure="Ask somebody who is an administrator or an operator of your organisation.",
    )


def _bound_to(request: Request, session: Session) -> tuple[str, ...]:
    return ("console", request.path, session.reference, hashlib.sha256(request.query).hexdigest())
