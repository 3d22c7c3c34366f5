"""
What is dead, by everything that was ever heard: a few look-ups, whatever the number of things that ended.

Decision 14. What an event ends is counted: whatever carries a smaller number. Events may come twice, late, or in any order: each key
remembers the highest number below which things have ended, which only rises, and the latest event that stopped or revived it, so
that an older one changes nothing.

One ended token is remembered until it has expired by the issuer's own clock, one ended authorization for the longest life of a token
(and an hour more, should that clock be set back); killed keys for ever, because whoever stole one can sign with it for ever.
No I/O, no clock.
"""

import heapq
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeVar
from urllib.parse import urlsplit

from resource_lib.identity.principal import SERVICE_PREFIX, Principal
from resource_lib.wire import claims
from resource_lib.wire.control import COUNTED, EVERY_TENANT, Act, Event, Kind

_LEEWAY_S: Final = 60
_MARGIN_S: Final = 3600
_RETRY_AFTER_S: Final = 60
_NO_NUMBER: Final = -1
_NONE: Final = frozenset[str]()
_TOOLS: Final = frozenset({Kind.TOOL, Kind.TOOL_VERSION})

_K = TypeVar("_K")


@dataclass(slots=True)
class _Mark:
    """What was done to one thing."""

    floor: int = _NO_NUMBER
    """Whatever carries a smaller number has ended."""
    told_by: int = _NO_NUMBER
    """The number of the latest event that stopped or revived it."""
    stopped: Act | None = None
    retry_after_s: int = _RETRY_AFTER_S

    def ends(self, number: int) -> bool:
        """Tell whether it ends what carries `number`. While it is killed it ends everything: nothing new may have begun."""
        return number < self.floor or self.stopped is Act.KILL


@dataclass(frozen=True, slots=True)
class Stop:
    """Why no call is served now."""

    retry_after_s: int
    is_pause: bool = False
    """Whether it is switched off for a while, and callers may still look around."""


class State:
    """What was heard, for one resource. `max_life` (seconds) is the longest life of a token that is accepted here."""

    def __init__(self, *, resource: str, max_life: float) -> None:
        self._resource = resource
        self._max_life = max_life
        self._lock = threading.Lock()
        self.tenants: frozenset[str] | None = None
        """For whom this server is heard, as the issuer last answered; None: it never did."""
        self._everything = _Mark()
        self._tenants: dict[str, _Mark] = {}
        self._users: dict[tuple[str, str], _Mark] = {}
        self._clients: dict[tuple[str, str], _Mark] = {}
        self._hosts: dict[tuple[str, str], _Mark] = {}
        self._resources: dict[tuple[str, str], _Mark] = {}
        self._tools: dict[tuple[str, str], _Mark] = {}
        self._versions: dict[tuple[str, str], dict[str, _Mark]] = {}
        self._tokens: set[str] = set()
        self._authorizations: dict[str, float] = {}
        self._keys: set[str] = set()
        self._later: list[tuple[float, bool, str]] = []
        """When each token (True) and authorization (False) may be forgotten, soonest first, by the issuer's clock."""
        self.issuer_time = 0.0
        """The latest that the issuer's clock was ever heard to show, in seconds since the epoch."""
        self.is_empty = True
        """Whether nothing was ever ended or stopped: then there is nothing to look up."""

    def __len__(self) -> int:
        """How many things are remembered."""
        return sum(1 for _ in self._every_mark()) - 1 + len(self._tokens) + len(self._authorizations) + len(self._keys)

    # -- what was heard

    def take(self, events: Iterable[Event], *, at_s: float = 0) -> list[Event]:
        """Take in what was heard when the issuer's clock showed `at_s`; return the events that were news."""
        with self._lock:
            self.issuer_time = max(self.issuer_time, at_s)
            news = [event for event in events if self._take(event)]
            self._forget()
            if news:
                self.is_empty = False
        return news

    def begin_anew(self, kills: Iterable[Event], *, up_to: int, at_s: float = 0) -> list[Event]:
        """
        Take in the state of everything that is stopped, as of event `up_to`; return what of it was news.

        What was stopped before and is not in it has been revived. What has ended stays so, whatever it says.
        """
        kills = tuple(kills)
        stopping = [event for event in kills if event.act in (Act.KILL, Act.PAUSE) and not self._is_elsewhere(event)]
        with self._lock:
            told = {id(self._mark(event, make=False)) for event in stopping}
            for mark in self._every_mark():
                if id(mark) not in told and mark.told_by <= up_to:
                    mark.stopped = None
        return self.take(kills, at_s=at_s)

    def _take(self, event: Event) -> bool:
        match event.kind:
            case Kind.TOKEN:
                return self._take_token(event)
            case Kind.AUTHORIZATION:
                return self._take_authorization(str(event.subject["authorization_id"]))
            case Kind.KEY:
                kid = str(event.subject["kid"])
                is_new = kid not in self._keys
                self._keys.add(kid)
                return is_new
            case Kind.POLICY:
                return True
        if self._is_elsewhere(event):
            return False  # another server's tools are held up there
        mark = self._mark(event, make=True)
        assert mark is not None
        is_news = False
        if event.act in (Act.END, Act.KILL) and (event.kind in COUNTED or _ends_resource(event)):
            is_news = event.n > mark.floor
            mark.floor = max(mark.floor, event.n)
        if event.act in (Act.KILL, Act.PAUSE, Act.REVIVE) and event.n > mark.told_by:
            mark.told_by = event.n
            mark.stopped = None if event.act is Act.REVIVE else event.act
            mark.retry_after_s = event.retry_after_s or _RETRY_AFTER_S
            is_news = True
        return is_news

    def _is_elsewhere(self, event: Event) -> bool:
        """Whether an event is about another server's tools: those are known here by their names alone."""
        return event.kind in _TOOLS and event.subject["resource"] != self._resource

    def _take_token(self, event: Event) -> bool:
        token_id, until = str(event.subject["jti"]), int(event.subject["exp"]) + _LEEWAY_S
        if token_id in self._tokens or until < self.issuer_time:
            return False
        self._tokens.add(token_id)
        heapq.heappush(self._later, (until, True, token_id))
        return True

    def _take_authorization(self, authorization_id: str) -> bool:
        until = self.issuer_time + self._max_life + _LEEWAY_S + _MARGIN_S
        is_new = authorization_id not in self._authorizations
        self._authorizations[authorization_id] = until
        if is_new:
            heapq.heappush(self._later, (until, False, authorization_id))
        return is_new

    def _forget(self) -> None:
        """Forget what cannot be presented any more: by the clock that made its end, which no one here can set back."""
        while self._later and self._later[0][0] < self.issuer_time:
            _, is_token, name = heapq.heappop(self._later)
            if is_token:
                self._tokens.discard(name)
            elif (until := self._authorizations.get(name, 0)) >= self.issuer_time:
                heapq.heappush(self._later, (until, False, name))  # heard of again since
            else:
                self._authorizations.pop(name, None)

    def _mark(self, event: Event, *, make: bool) -> _Mark | None:
        """Return what is known of the thing that an event is about; `make` makes it known. None: it is not, or is no such thing."""
        of = event.subject
        match event.kind:
            case Kind.EVERYTHING:
                return self._everything
            case Kind.TENANT:
                return _found(self._tenants, event.tenant, make=make)
            case Kind.USER:
                return _found(self._users, (event.tenant, str(of["sub"])), make=make)
            case Kind.CLIENT:
                return _found(self._clients, (event.tenant, str(of["client_id"])), make=make)
            case Kind.CLIENT_HOST:
                return _found(self._hosts, (event.tenant, str(of["host"]).lower()), make=make)
            case Kind.RESOURCE:
                return _found(self._resources, (event.tenant, str(of["resource"])), make=make)
            case Kind.TOOL:
                return _found(self._tools, (event.tenant, str(of["tool"])), make=make)
            case Kind.TOOL_VERSION:
                by_hash = self._versions.setdefault((event.tenant, str(of["tool"])), {})
                return _found(by_hash, str(of["definition_hash"]), make=make)
            case _:
                return None

    def _every_mark(self) -> Iterable[_Mark]:
        yield self._everything
        yield from self._tenants.values()
        for marks in (self._users, self._clients, self._hosts, self._resources, self._tools):
            yield from marks.values()
        for by_hash in self._versions.values():
            yield from by_hash.values()

    # -- what is asked

    def dead(self, principal: Principal) -> bool:
        """Tell whether what `principal` carries has ended. A token without a number has a smaller one than any."""
        tenants = self.tenants
        if tenants is not None and principal.tenant not in tenants:
            return True  # not linked, or no longer: of what ended there nothing is told here
        if self.is_empty:
            return False
        if principal.token_id in self._tokens or principal.authorization_id in self._authorizations:
            return True
        if self._keys and principal.key_id in self._keys:
            return True
        number = principal.control_number
        if number is None:
            number = _NO_NUMBER
        tenant = principal.tenant
        if self._everything.ends(number):
            return True
        if self._tenants and (mark := self._tenants.get(tenant)) is not None and mark.ends(number):
            return True
        if self._users and (mark := self._users.get((tenant, principal.subject))) is not None and mark.ends(number):
            return True
        if (self._clients or self._hosts) and self._client_ended(tenant, principal.client_id, number):
            return True
        if self._resources and self._resource_ended(tenant, self._resource, number):
            return True
        if principal.actor is not None and self._actor_ended(principal, number):
            return True
        return principal.authorized is not None and self._origin_ended(tenant, principal.authorized, number)

    def knows(self, tenant: str) -> bool:
        """Tell whether this server is heard for `tenant`."""
        return self.tenants is not None and tenant in self.tenants

    def is_killed_key(self, kid: str) -> bool:
        """Tell whether what the key `kid` has signed counts no more."""
        return kid in self._keys

    def stop(self, tenant: str, authorized: tuple[str, str] | None = None) -> Stop | None:
        """
        Return why no call of `tenant` is served here now; None: none is held up.

        `authorized` is what an exchanged token comes from: while the server that had it is stopped, it is worth nothing here either.
        """
        if not self._resources:
            return None
        found = self._stop_of(tenant, self._resource)
        if authorized is None or (found is not None and not found.is_pause):
            return found
        origin = self._stop_of(tenant, authorized[1])
        return found if origin is None or (origin.is_pause and found is not None) else origin

    def _stop_of(self, tenant: str, resource: str) -> Stop | None:
        here = self._resources.get((tenant, resource))
        everywhere = self._resources.get((EVERY_TENANT, resource))
        found: Stop | None = None
        for mark in (everywhere, here):
            if mark is not None and mark.stopped is not None:
                is_pause = mark.stopped is Act.PAUSE and (found is None or found.is_pause)
                found = Stop(mark.retry_after_s, is_pause=is_pause)
        return found

    def is_killed(self, tenant: str, tool: str) -> bool:
        """Tell whether a tool is stopped in `tenant`, whatever its version."""
        tools = self._tools
        if not tools:
            return False
        mark = tools.get((tenant, tool))
        if mark is not None and mark.stopped is not None:
            return True
        mark = tools.get((EVERY_TENANT, tool))
        return mark is not None and mark.stopped is not None

    def killed_versions(self, tenant: str, tool: str) -> frozenset[str]:
        """Return the hashes of the definitions of a tool that are stopped in `tenant`."""
        if not self._versions:
            return _NONE
        here, everywhere = self._versions.get((tenant, tool)), self._versions.get((EVERY_TENANT, tool))
        if here is None and everywhere is None:
            return _NONE
        return frozenset(
            definition_hash
            for marks in (here or {}, everywhere or {})
            for definition_hash, mark in marks.items()
            if mark.stopped is not None
        )

    @property
    def has_killed_versions(self) -> bool:
        """Whether some version of some tool was ever stopped."""
        return bool(self._versions)

    @property
    def hides_tools(self) -> bool:
        """Whether some tool, or some version of one, was ever stopped."""
        return bool(self._tools or self._versions)

    def _client_ended(self, tenant: str, client_id: str, number: int) -> bool:
        clients, hosts = self._clients, self._hosts
        if clients:
            if (mark := clients.get((tenant, client_id))) is not None and mark.ends(number):
                return True
            if (mark := clients.get((EVERY_TENANT, client_id))) is not None and mark.ends(number):
                return True
        if hosts and (host := host_of(client_id)):
            if (mark := hosts.get((tenant, host))) is not None and mark.ends(number):
                return True
            if (mark := hosts.get((EVERY_TENANT, host))) is not None and mark.ends(number):
                return True
        return False

    def _resource_ended(self, tenant: str, resource: str, number: int) -> bool:
        here = self._resources.get((tenant, resource))
        if here is not None and number < here.floor:
            return True
        everywhere = self._resources.get((EVERY_TENANT, resource))
        return everywhere is not None and number < everywhere.floor

    def _actor_ended(self, principal: Principal, number: int) -> bool:
        """Whether somebody who acts for the subject has ended (RFC 8693 §4.1), however long the chain."""
        actor = principal.actor
        while actor is not None:
            subject = str(actor[claims.SUB])
            if subject.startswith(SERVICE_PREFIX):
                if self._client_ended(principal.tenant, subject.removeprefix(SERVICE_PREFIX), number):
                    return True
            elif (mark := self._users.get((principal.tenant, subject))) is not None and mark.ends(number):
                return True
            further = actor.get(claims.ACT)
            if further is not None and not (hasattr(further, "get") and type(further.get(claims.SUB)) is str):
                return True  # nobody can say who that is
            actor = further
        return False

    def _origin_ended(self, tenant: str, authorized: tuple[str, str], number: int) -> bool:
        """Whether that has ended from which an exchanged token comes."""
        client_id, resource = authorized
        return self._client_ended(tenant, client_id, number) or self._resource_ended(tenant, resource, number)


def _ends_resource(event: Event) -> bool:
    return event.kind is Kind.RESOURCE and event.act is Act.END


def _found(marks: dict[_K, _Mark], key: _K, *, make: bool) -> _Mark | None:
    return marks.setdefault(key, _Mark()) if make else marks.get(key)


@lru_cache(maxsize=4096)
def host_of(client_id: str) -> str:
    """Return the host of a client_id that is a URL, without its port; empty for any other."""
    if not client_id.startswith(("https://", "http://")):
        return ""
    try:
        return urlsplit(client_id).hostname or ""
    except ValueError:
        return ""


def who_ended(events: Iterable[Event]) -> Callable[[str, str, str], bool] | None:
    """
    Return what tells of a tenant, subject and client whether everything they have begun before these events has ended with them.

    None: nobody's. However many events there are, each answer is a few look-ups.
    """
    tenants: set[str] = set()
    users: set[tuple[str, str]] = set()
    clients: set[tuple[str, str]] = set()
    hosts: set[tuple[str, str]] = set()
    for event in events:
        if event.act not in (Act.END, Act.KILL):
            continue
        match event.kind:
            case Kind.EVERYTHING | Kind.TENANT:
                tenants.add(event.tenant)
            case Kind.USER:
                users.add((event.tenant, str(event.subject["sub"])))
            case Kind.CLIENT:
                clients.add((event.tenant, str(event.subject["client_id"])))
            case Kind.CLIENT_HOST:
                hosts.add((event.tenant, str(event.subject["host"]).lower()))
    if not (tenants or users or clients or hosts):
        return None

    def has_ended(tenant: str, subject: str, client_id: str) -> bool:
        for where in (tenant, EVERY_TENANT):
            if where in tenants or (where, subject) in users or (where, client_id) in clients:
                return True
            if hosts and (where, host_of(client_id)) in hosts:
                return True
        return False

    return has_ended
