"""
One request to the admin API, from the door to its commit.

A handler gets an `Ask` first. It reads through `ask.work`, which is bound to the tenant that the request acts in, and gathers its
writes there; the frame commits them, runs the handler again where a claim was lost, and makes problems of what is refused.
Whoever asks is asked for again at each run: what was taken from them a moment ago is gone.
"""

import base64
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import BaseModel

from authserver.domain.audit import event
from authserver.domain.idempotency import kept
from authserver.domain.resources.administration import PATH
from authserver.domain.revocation import tail
from authserver.domain.tenants import tenant as tenants
from authserver.oauth import admin_access
from authserver.oauth.admin_access import Operator
from authserver.oauth.errors import OAuthError, SlowDown, TemporarilyUnavailable
from authserver.runtime.identifiers import new_id
from authserver.runtime.schema import SHARED
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.admin import cursors
from authserver.web.admin.demands import Demand
from authserver.web.admin.problems import ProblemError, not_found
from authserver.web.http import Header, Request, Response, Stream

_TRIES = 5
_MOST_KEY = 200


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a handler answers: a model, or nothing; and where what it made is found."""

    body: BaseModel | None = None
    status: int = 200
    location: str = ""


Handler = Callable[..., Awaitable[BaseModel | Said | None]]


class Ask:
    """Who asks for what, in which tenant, within which unit of work."""

    def __init__(self, request: Request, path: str) -> None:
        self.request = request
        self.path = path
        self.template = path
        """The path as `demands.py` writes it."""
        self.demand: Demand
        self.work: UnitOfWork
        self.operator: Operator
        self.query: dict[str, str] = {}
        """Each name stands once, as the door has seen."""
        self.tenant = ""
        """The id of the tenant it acts in; `*`: everywhere, for the platform's operators alone."""
        self.made_id = ""
        """The id of the tenant that is about to be made."""
        self.stream: Callable[[], Stream] | None = None
        """What is answered instead, once what was asked for is committed: it goes on while it is read."""
        self._is_first = True
        self._otherwise = ""
        self._seen: str | None = None
        self._was_asked = False
        self._filters = ""

    # -- the door ---------------------------------------------------------------------------------------------------------

    async def enter(self) -> None:
        """Find out who asks. Raises InvalidToken, SlowDown; what is to be recorded of a refusal is committed."""
        request = self.request
        self.work = request.machines.work(request_id=request.request_id, address=request.address)
        header = None
        if b"authorization" not in request.repeated_headers:
            header = request.headers.get(b"authorization")
        try:
            self.operator = await admin_access.operator(self.work, request.issuer, header)
        except SlowDown:
            raise
        except OAuthError:
            await self.work.commit()
            raise
        event.acting(self.work, sub=self.operator.sub, client_id=self.operator.client_id)

    async def permit(self, demand: Demand) -> None:
        """Raise InsufficientScope unless they may do this at all."""
        self.demand = demand
        if demand.scope:
            await admin_access.demand_scope(self.work, self.operator, demand.scope)
        if demand.is_platform:
            await admin_access.demand_platform(self.work, self.operator)

    # -- for handlers -----------------------------------------------------------------------------------------------------

    def otherwise(self, detail: str) -> None:
        """Say what a lost claim means, where running again would not mend it: 409 with this text."""
        self._otherwise = detail

    async def dangerous(self, what: str, **of: str) -> None:
        """Demand a fresh login and record what is about to be done, durably, before it is. Raises StaleLogin.

        `what` is a code, `of` may name people.
        """
        await admin_access.demand_fresh(self.work, self.operator)
        if not self._was_asked:
            await admin_access.record_asked(self.work, self.operator, what, **of)
            self._was_asked = True

    async def fresh(self) -> None:
        """Demand a fresh login. Raises StaleLogin."""
        await admin_access.demand_fresh(self.work, self.operator)

    async def platform(self, what: str) -> None:
        """Raise InsufficientScope unless they act for the platform; `what` names the field that only these may set."""
        try:
            await admin_access.demand_platform(self.work, self.operator)
        except OAuthError:
            raise ProblemError(
                403, f"{what}: only those who run this deployment may say this.", errors=[(what, "is not yours to say")]
            ) from None

    def unchanged(self, now: BaseModel) -> None:
        """Raise ProblemError unless the caller saw this state: 428 where they do not say, 412 where it is another."""
        wanted = self.request.headers.get(b"if-match")
        if wanted is None:
            raise ProblemError(428, "If-Match: send the ETag that you saw, or * for any.")
        self._seen = etag(now)
        if wanted.strip() != b"*" and self._seen.encode() not in {one.strip() for one in wanted.split(b",")}:
            raise ProblemError(412, "If-Match: it is no longer as you saw it; read it again.")

    def after(self, cursor: str | None) -> cursors.Position | None:
        """Return the position that a cursor stands for, None at the beginning. Raises ProblemError (400)."""
        return None if cursor is None else cursors.opened(self.work, cursor, bound_to=self._list)

    def next_cursor(self, rows: Sequence[Any], limit: int, position: Callable[[Any], cursors.Position]) -> str | None:
        """Return the cursor after the page; `rows` has one more than `limit` where there is more. None: it was the last."""
        return self.cursor_after(position(rows[limit - 1]) if len(rows) > limit else None)

    def cursor_after(self, place: Sequence[str | int] | None) -> str | None:
        """Return the cursor that goes on after a place of the list; None: it ends there."""
        return None if place is None else cursors.sealed(self.work, list(place), bound_to=self._list)

    @property
    def _list(self) -> str:
        whose = self.tenant or (self.operator.tenant or SHARED)
        return f"{whose}\0{self.path}\0{self._filters}"

    @property
    def base(self) -> str:
        """The URL under which every path of this API stands."""
        return self.request.issuer.url(PATH)

    # -- the frame --------------------------------------------------------------------------------------------------------

    async def answer(self, handler: Handler, given: dict[str, Any]) -> Response:
        """Run a handler and commit what it gathered. Raises what it refuses with."""
        filters = {name: value for name, value in given.items() if name not in {"limit", "cursor"}}
        self._filters = repr(sorted(filters.items())) if self.request.method == "GET" else ""
        for _ in range(_TRIES):
            if not self._is_first:
                await self.enter()
                await self.permit(self.demand)
            self._is_first = False
            await self._bind()
            if self.demand.is_dangerous:
                await self.dangerous(f"{self.request.method} {self.path}"[:200])
            sent = self._sent()
            if sent is not None and (known := await kept.answered(self._where_kept(), sent)):
                return _response(known.status, known.body, ((b"idempotency-replayed", b"true"),))
            self._otherwise = ""
            changes = self.request.method in {"PATCH", "PUT", "DELETE"}
            if changes:
                # What is compared with If-Match is what the database holds now, whoever changed it in whichever process.
                await tail.look(self.work)
            version = self.request.machines.memory.version
            response = _encoded(await handler(self, **given))
            if changes:
                assert self._seen is not None, "a change must say of which state: ask.unchanged()"
                if self.work.changes_directory:
                    self.work.hold_directory(version)
            if sent is not None:
                kept.keep(self.work, sent, kept.Answer(status=response.status, body=response.body))
            if await self.work.commit():
                return response
            if sent is not None and (known := await kept.answered(self._where_kept(), sent)):
                return _response(known.status, known.body, ((b"idempotency-replayed", b"true"),))
            if self._otherwise and not changes:
                raise ProblemError(409, self._otherwise)
        if self._otherwise:
            raise ProblemError(409, self._otherwise)
        raise TemporarilyUnavailable(
            "Too many requests for the same thing at once.", reason="contention", retry_after_s=1
        )

    async def _bind(self) -> None:
        if self.demand.makes_tenant:
            self.made_id = self.made_id or self._id_for_a_tenant()
            return
        self.tenant = await self._wanted_tenant()
        if self.demand.is_within:
            self.work.bind(self.tenant)

    async def _wanted_tenant(self) -> str:
        asks, wanted = self.operator, self.query.get("tenant") if self.demand.is_within else None
        if wanted is None:
            return SHARED if asks.is_platform and self.demand.is_everywhere_unless_named else asks.home
        if not asks.is_platform:
            home = await tenants.by_id(self.work, asks.home)
            # Nothing is looked up for what is not theirs: what is there and what is not takes the same time.
            if home is None or wanted not in {home.id, home.slug}:
                raise not_found()
            return home.id
        if wanted == SHARED:
            if not self.demand.may_be_everywhere:
                raise not_found()
            return SHARED
        found = await tenants.by_id(self.work, wanted) or await tenants.by_slug(self.work, wanted)
        if found is None:
            raise not_found()
        return found.id

    def _sent(self) -> kept.Sent | None:
        key = self.request.headers.get(b"idempotency-key")
        if self.request.method != "POST" or key is None:
            return None
        text = key.decode("latin-1")
        if not 1 <= len(text) <= _MOST_KEY or not text.isascii() or not text.isprintable():
            raise ProblemError(400, f"Idempotency-Key: 1 to {_MOST_KEY} visible characters of ASCII.")
        asks = self.operator
        asked = b"\0".join([self.request.method.encode(), self.path.encode(), self.request.query, self.request.body])
        return kept.Sent(who=f"{asks.home}\0{asks.sub}\0{asks.client_id}", key=text, request=asked)

    def _where_kept(self) -> UnitOfWork:
        where = self.made_id or self.tenant
        if not self.made_id:
            self.work.bind(where)
        return self.work.beside(where)

    def _id_for_a_tenant(self) -> str:
        sent = self._sent()
        if sent is None:
            return new_id("ten")
        # The answer is kept in the tenant that is made, so whoever sends the same again must find the same tenant.
        digest = self.request.machines.keys.index("idempotent tenant", f"{sent.who}\0{sent.key}")
        return f"ten_{base64.b32encode(digest[:10]).decode().lower()}"


def etag(model: BaseModel) -> str:
    """Return the entity tag of what is shown: strong, and the same in every process (RFC 9110 §8.8.3)."""
    return f'"{hashlib.sha256(_json(model)).hexdigest()[:32]}"'


def _json(model: BaseModel) -> bytes:
    return orjson.dumps(model.model_dump(mode="json"))


def _encoded(said: BaseModel | Said | None) -> Response:
    if said is None:
        return Response(status=204)
    if not isinstance(said, Said):
        said = Said(body=said)
    headers: list[Header] = []
    if said.location:
        headers.append((b"location", said.location.encode("ascii")))
    if said.body is None:
        return Response(status=said.status, headers=tuple(headers))
    if getattr(said.body, "has_etag", False):
        headers.append((b"etag", etag(said.body).encode("ascii")))
    return _response(said.status, _json(said.body), tuple(headers))


def _response(status: int, body: bytes, headers: tuple[Header, ...] = ()) -> Response:
    return Response(status=status, body=body, headers=headers)
